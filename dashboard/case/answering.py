"""Answer every file of a worklist, one after the other, in a thread: the card that knows it best says what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import models
from dashboard.case import pages
from dashboard.i18n import later
from dashboard.session import Found, Item, Surveyed
from models import Card, Image, OrthoLensError, Triage
from models.answers.worklist import NO_CARD, describe_outcome
from models.errors import Cancelled
from models.io import slide as slides
from models.jobs import Job
from models.reporting.outcome import Outcome

TOO_LARGE = later("too large to be answered here; open it and choose a region")


def answer_files(
    job: Job[Found], found: Found, items: Sequence[Item], known: Mapping[str, Surveyed], preferred: Mapping[str, str]
) -> Found:
    """Answer files and add what is said of each to `found`, under the file's sha256.

    Parameters
    ----------
    known
        What is known of files already.
    preferred
        Task → id of the card that its page has chosen, the page that is open first: a card that knows a file and is
        preferred is asked before those that know it better.

    Raises
    ------
    Cancelled
        Where the reader stopped it; what was found stays.
    """
    for number, item in enumerate(items):
        if job.stopped():
            raise Cancelled(later("it was stopped"), fix=later("Start it again for the rest."))
        job.report(number, len(items), later("File {number} of {n}", number=number + 1, n=len(items)))
        try:
            said = _answered(item, known.get(item.sha256), preferred)
        except OrthoLensError as problem:
            said = [Outcome(item.sha256, 0, "", "", abstained=True, reason=problem.problem)]
        found.extend((item.sha256, one) for one in said)
    return found


def choose_fitting_card(known: Triage, preferred: Mapping[str, str], task: str | None = None) -> str | None:
    """Return the id of the card to ask: a preferred one among those that know the image, else the best; or None."""
    ranked = [fit for fit in known.ranked if task in (None, fit.task)]
    best = next((fit for wanted in preferred for fit in ranked if fit.task == wanted), ranked[0] if ranked else None)
    if best is None:
        return None
    chosen = preferred.get(best.task, best.card)
    return chosen if models.card(chosen).base_id == models.card(best.card).base_id else best.card


def _answered(item: Item, known: Surveyed | None, preferred: Mapping[str, str]) -> list[Outcome]:
    if not item.members and slides.open_slide(item.data, item.name):
        return [Outcome(item.sha256, 0, "", pages.find_task_of_slides(), abstained=True, reason=TOO_LARGE)]
    image = item.read()
    triage = known.triage if known and known.triage else models.triage(image, image.first_frame)
    chosen = choose_fitting_card(triage, preferred, item.task)
    if chosen is None:
        return _parts(image) or [Outcome(item.sha256, 0, "", item.task or "", abstained=True, reason=NO_CARD)]
    card = models.card(chosen)
    if pages.find_page_of_card(card).is_slow(image, card):
        return [Outcome(item.sha256, 0, card.id, card.task, abstained=True, reason=TOO_LARGE)]
    return [describe_outcome(models.predict(image, card.id, frame=image.first_frame))]


def _parts(image: Image) -> list[Outcome]:
    """Answer each part of a film that shows what a model of tight crops was made for; often there is none."""
    searched: Sequence[Card] = [card for card in models.cards().values() if card.input.crop and card.members]
    return [
        replace(describe_outcome(models.predict(image.crop(box), card.id)), box=box)
        for card in searched
        for box in models.crops(image, card.id)
    ]
