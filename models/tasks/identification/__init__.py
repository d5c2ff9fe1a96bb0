"""Which design is it? The library of CAD by which an implant is to be named by its shape, without a labelled film.

No card compares films with it yet: the library stands on its own, for `ortholens library`.
"""
