"""A class for every pixel: predictor, explanation, training, reference standards, corrections, measures."""
