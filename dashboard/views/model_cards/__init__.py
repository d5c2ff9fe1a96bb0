"""What each model is for, and how good it is."""
