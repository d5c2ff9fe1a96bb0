"""The page of tasks that draw boxes: what was found, at which threshold, why, and against a reference standard."""
