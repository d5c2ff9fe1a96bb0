"""The page of tasks that name every pixel: classes, corrections, slides, and a reference standard."""
