"""What reports are made of and how they are written; it knows no kind of task, each of which says what its own tell."""
