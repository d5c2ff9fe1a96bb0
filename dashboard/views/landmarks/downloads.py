"""Keep the result: the picture with its points, points and measurements as CSV and JSON, and the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

import models
from dashboard import session
from dashboard.case import report
from dashboard.case.offer import offer_file
from dashboard.case.ruler.files import with_ruler
from dashboard.i18n import Language, spoken, t
from dashboard.session import Answered
from dashboard.views.landmarks.case import LandmarkCase
from models import DISCLAIMER, Card, Explanation, Image
from models.answers.record import write_headline, write_record
from models.drawing import plate
from models.reporting.case import Case
from models.tasks.landmarks.edit import list_moved, move_points
from models.tasks.landmarks.marks import draw_landmarks, export_landmarks_png
from models.tasks.landmarks.measures import Measurement
from models.tasks.landmarks.table import export_landmarks_csv
from models.types import Landmarks, Pixels


@dataclass(frozen=True)
class Kept:
    """What the files are made of; they are made when they are asked for, where the session cannot be asked."""

    image: Image
    card: Card
    seen: Pixels
    found: Landmarks
    measurements: Sequence[Measurement]


def show_landmarks_downloads(case: LandmarkCase, why: Explanation | None) -> None:
    """Offer the files; each is made when it is asked for."""
    kept = Kept(case.image, case.card, case.view.shown(case.image), case.shown, case.measurements)
    by_hand = "-by-hand" if list_moved(kept.found) else ""
    name, say = f"ortholens-{kept.found.task}-{kept.found.sha256[:12]}{by_hand}", spoken()
    with st.container(key="downloads", horizontal=True, gap="small"):
        offer_file(
            t("Picture"), lambda: export_picture(kept, say), f"{name}.png", icon="image",
            help=t("The film with its points and measurements, a scale and a caption."),
        )  # fmt: skip
        offer_file(
            t("Table"), lambda: export_table(kept), f"{name}.csv", icon="table",
            help=t("CSV: every point and every measurement; of a point that was moved, the network's own too."),
        )  # fmt: skip
        offer_file(
            t("Result"), with_ruler(lambda: export_landmarks(kept), kept.image), f"{name}.json", icon="data_object",
            help=t("Points and measurements as JSON, as `ortholens predict` writes them."),
        )  # fmt: skip
    _report(kept, case, why, name)


def export_picture(kept: Kept, say: Language) -> bytes:
    """Return the frame as it is displayed with its points, and what belongs to it in its margins."""
    return export_landmarks_png(
        kept.image, kept.found, kept.seen, write_headline(kept.found, say), say
    )  # fmt: skip


def export_table(kept: Kept) -> bytes:
    """Return points and measurements as CSV."""
    return export_landmarks_csv(kept.found, kept.measurements, kept.card)


def export_landmarks(kept: Kept) -> bytes:
    """Return the answer as `ortholens predict` writes it, and the disclaimer."""
    return json.dumps({**write_record(kept.found), "disclaimer": DISCLAIMER}, indent=2, ensure_ascii=False).encode()


def _report(kept: Kept, case: LandmarkCase, why: Explanation | None, name: str) -> None:
    """Offer the report of the points as they are shown, and remember how to place them again."""
    item, say = session.find_selected_file(), spoken()
    origin, simulated = (item.origin, report.is_simulated(item)) if item else ("", False)

    def make() -> Case:
        shown = plate.square_pixels(kept.seen, kept.image.cell)
        drawn = draw_landmarks(kept.image, kept.found, shown, say)
        return Case(kept.image, replace(kept.found, explanation=why), shown, drawn, simulated, origin)

    answered = None
    if item:
        card, frame, moves = kept.card.id, kept.found.frame, case.moves
        spacing, side = kept.found.spacing_mm, kept.found.side

        def again() -> Case:
            seen = item.read()
            answer = models.predict(seen, card, frame=frame)
            assert isinstance(answer, Landmarks)  # by the card's task
            moved = replace(move_points(answer, moves), spacing_mm=spacing, side=side)
            return Case(seen, moved, simulated=simulated, origin=origin)

        answered = Answered(item.sha256, f"{frame}-{card}", again)
    report.show_reports(kept.found.task, name, make, answered)
