"""Which design is it? An implant named by its shape, from CAD alone: no labelled film is needed.

A network outlines the components, each design of the library is laid over the outline from every side, and the fit
says which it is, or that it is none of them.
"""
