"""Who is shown: identifiers taken out of DICOM files and pictures, by the standard's own profile."""
