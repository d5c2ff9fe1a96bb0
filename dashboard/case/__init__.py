"""The shell that every page of an image shares."""
