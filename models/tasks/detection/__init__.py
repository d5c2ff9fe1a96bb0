"""Boxes round what matters: predictor, explanation, training, reference standards, corrections, metrics."""
