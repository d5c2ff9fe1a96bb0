"""Trust: why a model answered so, how sure it may be, and when it should not answer at all."""
