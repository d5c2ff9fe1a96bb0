"""Points and measurements as CSV: what a person moved beside what the network said."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

import numpy as np

from models.cards import Card
from models.tasks.landmarks.edit import MovedLandmarks, list_moved
from models.tasks.landmarks.measures import Measurement
from models.types import Landmarks
from models.words import DISCLAIMER

COLUMNS = (
    "sha256", "frame", "model", "kind", "name", "x", "y", "radius_px", "moved_by_hand", "network_x", "network_y",
    "value", "unit", "definition", "source", "note",
)  # fmt: skip


def export_landmarks_csv(answer: Landmarks, measurements: Sequence[Measurement], card: Card) -> bytes:
    """Write a row for each point, in source pixels, and one for each measurement.

    A file's name may identify a patient and is not written. A point that was moved has no radius; where the network had
    placed it stands beside it.
    """
    note = ("Trained on simulated images. " if card.data.simulated else "") + DISCLAIMER
    common = {"sha256": answer.sha256, "frame": answer.frame, "model": answer.card, "note": note}
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**common, **row} for row in [*_points(answer), *map(_measurement, measurements)])
    return out.getvalue().encode()


def _points(answer: Landmarks) -> list[dict[str, object]]:
    own = answer.original if isinstance(answer, MovedLandmarks) else answer
    moved = list_moved(answer)
    return [
        {
            "kind": "point", "name": name, "x": _number(here[0]), "y": _number(here[1]), "radius_px": _number(radius),
            "moved_by_hand": "yes" if name in moved else "no", "network_x": _number(there[0]),
            "network_y": _number(there[1]),
        }
        for name, here, there, radius in zip(answer.names, answer.points, own.points, answer.radius_px, strict=True)
    ]  # fmt: skip


def _measurement(measured: Measurement) -> dict[str, object]:
    return {
        "kind": "measurement", "name": measured.key, "value": f"{measured.value:.3f}", "unit": measured.unit,
        "definition": measured.definition, "source": measured.source,
    }  # fmt: skip


def _number(value: float | np.floating) -> str:
    return "" if math.isnan(value) else f"{float(value):.2f}"
