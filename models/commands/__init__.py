"""The commands of `ortholens`, one module for each kind of work; torch is imported only by those that run a network."""
