"""What leaves as a file that other programs read: DICOM SEG and SR, label maps, and what is derived from a source."""
