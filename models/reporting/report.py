"""One answer as a chapter of a report: picture, answer, reason, measurements, model, versions; the same for every task.

What each kind of answer says is in `models.reporting.report_answers`; how it looks is left to the two writers. No name
of a file gets in, and no identifier but the label that the user types.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from models.cards import Card, cards
from models.reporting.report_answers import Case, answered, summary
from models.reporting.report_model import image_facts, model_facts, provenance
from models.reporting.report_motion import motion_facts
from models.reporting.report_parts import Chapter, Paragraph, Report, Section
from models.types import Motion

__all__ = ["Case", "bound", "chapter"]

HASH_PX = 12
"""Characters of a hash that name an image in a line."""


def chapter(case: Case) -> Chapter:
    """Write up one answer.

    Raises
    ------
    TypeError
        For a kind of prediction that no report is known of.
    """
    prediction = case.prediction
    card = cards().get(prediction.card)  # a motion of given masks has none
    about = (
        motion_facts(case) if isinstance(prediction, Motion) else image_facts(case.image, prediction.frame, case.origin)
    )
    answer, sure = summary(prediction)
    model = [model_facts(card)] if card else [_no_model(prediction.card)]
    return Chapter(
        title=_title(card, prediction.task),
        image=prediction.sha256[:HASH_PX],
        answer=answer,
        sure=sure,
        sections=(*answered(prediction, case), about, *model, provenance(prediction, card)),
        simulated=_simulated(case, card),
    )


def bound(chapters: Sequence[Chapter], label: str = "", made: datetime | None = None) -> Report:
    """Bind chapters into one report.

    Parameters
    ----------
    label
        What the user typed to know the report by; empty by default, and never taken from a file.
    made
        When; now by default.
    """
    label = " ".join(label.split())
    title = chapters[0].title if len(chapters) == 1 else f"{len(chapters)} images"
    return Report(title, tuple(chapters), made or datetime.now(UTC), label)


def _title(card: Card | None, task: str) -> str:
    if task == "kinematics":
        return "Knee implant motion from fluoroscopy"
    return card.title if card else task.capitalize()


def _no_model(outlined: str) -> Section:
    return Section("The model", (Paragraph(f"No network outlined the components: {outlined}."),))


def _simulated(case: Case, card: Card | None) -> str:
    """Say what is simulated of an answer, so that no reader takes it for a patient's."""
    said = []
    if case.simulated:
        said.append("simulated image")
    if card and card.data.simulated:
        said.append("trained on simulated images")
    return ", ".join(said)
