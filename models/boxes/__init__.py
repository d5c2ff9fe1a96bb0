"""Boxes beside a truth: read from files, matched, counted and drawn by hand."""
