"""Serving: the engine that holds the models of a process."""
