"""What passes through the door between `models/` and `dashboard/`: frozen records of numpy arrays and plain values.

Conventions, everywhere: pixel centres are whole numbers, (row, column), origin top left; lengths in mm and angles in
degrees, said in the name; heat, boxes and masks are in the pixels of the source image.
"""

from models.types.answers import (
    Classification,
    Detections,
    Explanation,
    Fit,
    Judged,
    Prediction,
    Segmentation,
    Triage,
)
from models.types.image import NARROWEST, Box, Curve, Geometry, Image, Pixels, Window
from models.types.landmarks import Landmarks
from models.types.motion import AcceptanceLimits, Motion, Solution, Track

__all__ = [
    "NARROWEST",
    "AcceptanceLimits",
    "Box",
    "Classification",
    "Curve",
    "Detections",
    "Explanation",
    "Fit",
    "Geometry",
    "Image",
    "Judged",
    "Landmarks",
    "Motion",
    "Pixels",
    "Prediction",
    "Segmentation",
    "Solution",
    "Track",
    "Triage",
    "Window",
]
