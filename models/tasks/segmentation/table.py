"""Measurements of a segmentation as CSV: one row for each class of each version, the network's and the corrected one.

A cell without a value is empty: a length or an area in mm where the image is not calibrated, agreement without a
reference standard.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.cards import Card
from models.tasks.segmentation.areas import PERCENTILES, ClassArea
from models.tasks.segmentation.reference import Agreement
from models.tasks.segmentation.thickness import Thickness
from models.words import DISCLAIMER


@dataclass(frozen=True)
class Measured:
    """What was measured on one version of a mask.

    Attributes
    ----------
    version
        Such as "network", or "corrected by hand in 2 places".
    agreements
        Empty without a reference standard.
    thickness
        By the key of the class.
    """

    version: str
    areas: Sequence[ClassArea]
    agreements: Sequence[Agreement] = ()
    thickness: tuple[str, Thickness] | None = None


def export_tissue_csv(versions: Sequence[Measured], card: Card, sha256: str, frame: int = 0) -> bytes:
    """Write the measurements of every version.

    Parameters
    ----------
    sha256, frame
        Of the image; a file's name may identify a patient and is not written.
    """
    rows = [
        {"sha256": sha256, "frame": frame, "model": card.id, "version": measured.version, **_row(measured, area)}
        for measured in versions
        for area in measured.areas
    ]
    note = ("Trained on simulated images. " if card.data.simulated else "") + DISCLAIMER
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, [*names, "note"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "note": note} for row in rows)
    return out.getvalue().encode()


def _row(measured: Measured, area: ClassArea) -> dict[str, object]:
    row: dict[str, object] = {
        "class": area.key,
        "pixels": area.pixels,
        "share": f"{area.share:.6f}",
        "area_mm2": _number(area.area_mm2),
        "pieces": area.components,
    }
    if area.objects:
        row |= {"count": area.objects.count, "density_per_mm2": _number(area.objects.density_per_mm2)}
        row |= {f"size_p{at}": _number(size) for at, size in zip(PERCENTILES, area.objects.sizes, strict=True)}
        row["size_unit"] = area.objects.unit
    agreement = next((one for one in measured.agreements if one.key == area.key), None)
    if agreement:
        row |= {name: _number(getattr(agreement, name)) for name in ("jaccard", "dice", "precision", "recall")}
        row |= {f"hausdorff95_{agreement.unit}": _number(agreement.hausdorff95)}
    if measured.thickness and measured.thickness[0] == area.key:
        found = measured.thickness[1]
        row |= {
            f"{name}_{found.unit}": _number(getattr(found, part))
            for name, part in (("thickness_mean", "mean"), ("thickness_min", "minimum"), ("roughness", "roughness"))
        }
    return row


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"
