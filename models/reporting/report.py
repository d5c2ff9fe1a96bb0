"""One answer as a chapter of a report: picture, answer, reason, measurements, model, versions; the same for every task.

What each kind of answer says is in `models.reporting.answers`; how it looks is left to the two writers. No name
of a file gets in, and no identifier but the label that the user types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from models.cards import Card, cards
from models.i18n import IN_ENGLISH, Language
from models.reporting.answers import Case, answered, summary
from models.reporting.model import image_facts, model_facts, provenance
from models.reporting.motion import motion_facts
from models.reporting.parts import Chapter, Paragraph, Report, Section
from models.types import Motion
from models.words import later

__all__ = ["Case", "bound", "chapter"]

HASH_PX = 12
"""Characters of a hash that name an image in a line."""


def chapter(case: Case, say: Language | None = None) -> Chapter:
    """Write up one answer.

    Parameters
    ----------
    say
        The reader's language; by default that of the case.

    Raises
    ------
    TypeError
        For a kind of prediction that no report is known of.
    """
    case = replace(case, say=say or case.say)
    prediction, say = case.prediction, case.say
    card = cards().get(prediction.card)  # a motion of given masks has none
    about = motion_facts(case) if isinstance(prediction, Motion) else image_facts(case)
    answer, sure = summary(prediction, say)
    model = [model_facts(card, say)] if card else [_no_model(prediction.card, say)]
    return Chapter(
        title=_title(card, prediction.task, say),
        image=prediction.sha256[:HASH_PX],
        answer=answer,
        sure=sure,
        sections=(*answered(prediction, case), about, *model, provenance(prediction, card, say)),
        simulated=_simulated(case, card),
    )


def bound(
    chapters: Sequence[Chapter], label: str = "", made: datetime | None = None, say: Language = IN_ENGLISH
) -> Report:
    """Bind chapters into one report.

    Parameters
    ----------
    label
        What the user typed to know the report by; empty by default, and never taken from a file.
    made
        When; now by default.
    say
        The language of the words that are not of a chapter.
    """
    label = " ".join(label.split())
    title = chapters[0].title if len(chapters) == 1 else say(later("{n} images"), n=len(chapters))
    return Report(title, tuple(chapters), made or datetime.now(UTC), label, say)


def _title(card: Card | None, task: str, say: Language) -> str:
    if task == "kinematics":
        return say(later("Knee implant motion from fluoroscopy"))
    return say(card.title) if card else task.capitalize()


def _no_model(outlined: str, say: Language) -> Section:
    said = say(later("No network outlined the components: {outlined}."), outlined=say(outlined))
    return Section(say(later("The model")), (Paragraph(said),))


def _simulated(case: Case, card: Card | None) -> str:
    """Say what is simulated of an answer, so that no reader takes it for a patient's."""
    said = []
    if case.simulated:
        said.append(case.say(later("simulated image")))
    if card and card.data.simulated:
        said.append(case.say(later("trained on simulated images")))
    return ", ".join(said)
