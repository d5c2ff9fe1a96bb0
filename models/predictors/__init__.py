"""What the kinds of task share when they answer."""
