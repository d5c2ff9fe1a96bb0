"""Small reusable pieces of screen."""
