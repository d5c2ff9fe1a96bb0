"""What is noted of a spacing whose millimetres are not those of the patient; a user's own ruler ends that."""

from __future__ import annotations

from models.words import later

AT_DETECTOR = later("Lengths are those on the detector: the patient is magnified there by an unknown factor.")
UNCALIBRATED = later(
    "The file does not say whether its pixel spacing is calibrated: lengths may be those on the detector, where the "
    "patient is magnified."
)
BAD_SPACING = later("The file's pixel spacing is not usable, so nothing can be measured in millimetres.")
SPACINGS_DIFFER = later("The frames have different pixel spacings, so nothing can be measured in millimetres.")
SPACING_NOTES = (AT_DETECTOR, UNCALIBRATED, BAD_SPACING, SPACINGS_DIFFER)
