"""What is simulated for the screen: made by code, of no patient."""
