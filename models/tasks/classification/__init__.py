"""One label for a whole image: predictor, explanation, training, metrics."""
