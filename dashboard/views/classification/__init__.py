"""The pages of tasks that name a whole image: its label, why, and how far to trust it."""
