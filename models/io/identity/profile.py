"""The Basic Application Level Confidentiality Profile of DICOM PS3.15, table E.1-1 (edition 2026c), and its options.

`profile.csv` holds the table: a tag, its action, its keyword. It was taken from dicom-anonymizer 2.1.0 (BSD-3-Clause,
which follows the standard's editions); what that program does with it was not, since it leaves nested items as they
are. Repeating groups (curves, overlays) and private elements are rules in `clean`.

Reference: https://dicom.nema.org/medical/dicom/current/output/html/part15.html#table_E.1-1
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

EDITION = "PS3.15 2026c"
CODES = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "pixels": ("113101", "Clean Pixel Data Option"),
    "keep": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "shift": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "uids": ("113110", "Retain UIDs Option"),
}
"""CID 7050, scheme DCM."""
OF_A_PERSON = frozenset(
    {
        "PatientBirthDate", "PatientBirthTime", "PatientBirthDateInAlternativeCalendar",
        "PatientDeathDateInAlternativeCalendar", "PatientAlternativeCalendar",
    }
)  # fmt: skip
"""Dates that no option keeps."""
WORDS = frozenset(
    {
        "Manufacturer", "ManufacturerModelName", "SoftwareVersions", "CodeValue", "LongCodeValue", "CodeMeaning",
        "CodingSchemeDesignator", "CodingSchemeVersion", "SegmentLabel", "SegmentAlgorithmName", "AlgorithmName",
        "AlgorithmVersion", "AlgorithmSource", "RescaleType", "ModalityLUTType", "LUTExplanation",
        "ConvolutionKernel", "PulseSequenceName", "SequenceName", "GridAbsorbingMaterial", "ReceiveCoilName",
        "CalibrationNotes", "DimensionDescriptionLabel", "MappingResourceName", "DeidentificationMethod",
        "WindowCenterWidthExplanation", "SpatialLocationsPreserved", "PixelSpacingCalibrationDescription",
    }
)  # fmt: skip
"""Free texts that are kept: of machines, of codes and of models. Every other is taken for one that may name someone."""
OCTETS = frozenset(
    {
        "PixelData", "FloatPixelData", "DoubleFloatPixelData", "LUTData", "ICCProfile", "ExtendedOffsetTable",
        "ExtendedOffsetTableLengths", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
        "BluePaletteColorLookupTableData", "AlphaPaletteColorLookupTableData",
        "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
        "SegmentedBluePaletteColorLookupTableData", "PointCoordinatesData", "DoublePointCoordinatesData",
        "LongPrimitivePointIndexList", "VectorGridData",
    }
)  # fmt: skip
"""Octets that are kept, since no picture is seen without them."""


@dataclass(frozen=True)
class Options:
    """How identifiers are taken out.

    Attributes
    ----------
    dates
        "remove"; "shift", all of one patient by the same number of days, so that intervals stay; or "keep".
    keep_uids
        Whether identifiers of studies, series and instances stay as they are.
    text
        What is done where text is burned into the picture: "refuse" the file, or "mask" the lines that are found.
    """

    dates: Literal["remove", "shift", "keep"] = "remove"
    keep_uids: bool = False
    text: Literal["refuse", "mask"] = "refuse"

    def list_codes(self, masked: bool = False) -> tuple[tuple[str, str], ...]:
        """Return value and meaning of the codes of what was applied."""
        chosen = ["basic", *["pixels"] * masked, *[self.dates] * (self.dates != "remove"), *["uids"] * self.keep_uids]
        return tuple(CODES[name] for name in chosen)


BASIC = Options()


@cache
def read_profile() -> dict[int, str]:
    """Return the action of each tag: X remove, Z empty, D dummy, U map; Z/D and the like where it hangs on the type."""
    with (Path(__file__).with_name("profile.csv")).open(encoding="utf-8", newline="") as file:
        return {int(row["tag"], 16): row["action"] for row in csv.DictReader(file)}
