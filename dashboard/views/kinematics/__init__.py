"""The page of a fluoroscopy sequence: the study, the motion found, its curves, and corrections by hand."""
