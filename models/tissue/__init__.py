"""What is measured on a segmentation: areas, thickness, agreement with a truth, contours and corrections by hand."""
