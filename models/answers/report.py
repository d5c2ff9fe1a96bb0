"""One answer as a chapter of a report: picture, answer, reason, measurements, model, versions; the same for every task.

What each kind of answer says is in the `account` of its folder; how it looks is left to the two writers. An abstention
is told in the place of the answer, and nothing that gives the withheld answer away stands beside it. No name of a file
gets in, and no identifier but the label that the user types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from models.cards import Card, cards
from models.i18n import IN_ENGLISH, Language
from models.reporting.caption import NO_ANSWER
from models.reporting.case import Case
from models.reporting.model import describe_model, describe_provenance
from models.reporting.parts import Chapter, Paragraph, Report, Section
from models.reporting.ruler import report_ruler
from models.reporting.trust import report_abstention
from models.tasks import account_of, card_account_of
from models.types import Judged
from models.words import later

HASH_PX = 12
"""Characters of a hash that name an image in a line."""


def write_chapter(case: Case, say: Language | None = None) -> Chapter:
    """Write up one answer.

    Parameters
    ----------
    say
        The reader's language; by default that of the case.

    Raises
    ------
    TypeError
        For an answer that is not of the kind of its task.
    """
    case = replace(case, say=say or case.say)
    prediction, say = case.prediction, case.say
    card = cards().get(prediction.card)  # a motion of given masks has none
    account = account_of(prediction)
    if isinstance(prediction, Judged) and prediction.abstained:
        answer, sure = say(NO_ANSWER), ""
        sections = report_abstention(prediction, case, films=card_account_of(prediction).films)
    else:
        answer, sure = account.summary(prediction, say)
        sections = account.sections(prediction, case)
    by_hand = report_ruler(case)
    model = [describe_model(card, say)] if card else [_no_model(prediction.card, say)]
    return Chapter(
        title=account.title(prediction.task, card, say),
        image=prediction.sha256[:HASH_PX],
        answer=answer,
        sure=sure,
        sections=(*sections, *by_hand, account.about(case), *model, describe_provenance(prediction, card, say)),
        simulated=_simulated(case, card),
    )


def bind_chapters(
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
