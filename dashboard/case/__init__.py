"""The shell that all pages share: one image, its answer, and what is done with both."""
