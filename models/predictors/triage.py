"""Which cards know an image: the shared look says what kind it is, and only the cards of likely kinds are asked.

A card is asked as on its page, so what fits here is not refused there. A card that the look knows nothing of, such as a
user's own, is always asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from models.cards import Card, cards
from models.errors import ModelError
from models.predictors.engine import engine
from models.tasks import kind_of_card
from models.trust.colours import misses_colours
from models.trust.image_kinds import NARROW, Kinds, find_image_kind, look_at_image_kind
from models.trust.second import FARTHEST, SURE
from models.types import Box, Fit, Image, Judged, Triage

RESEMBLES, RESEMBLES_NARROW = 1.3, 0.5
"""OOD score up to which a frame that no card knows resembles its likeliest kind (of 102 images of other kinds 6 do),
and up to which one of a kind known from one or two patients does, whose scores are small for want of others."""


def triage(image: Image, frame: int = 0, page: str | None = None, begun: Triage | None = None) -> Triage:
    """Rank the cards that know a frame; of a large image the middle is looked at, where tiles would slide over it.

    Parameters
    ----------
    page
        Task whose cards come first, "" for none: cards are then asked by descending share of their kind, only until
        those of a kind are found that know the frame. None asks all.
    begun
        What was found so far: only the cards that it left are asked.
    """
    seen, known = look_at_image_kind(image, frame), cards()
    waiting = [
        card
        for card in known.values()
        if not (card.ood is None or not card.members or card.id != card.base_id or misses_colours(image, card))
        and (begun is None or card.id in begun.left)
    ]  # an alternative model knows the same images
    waiting.sort(key=lambda card: _turn(card, seen, page))
    found = list(begun.ranked) if begun else []
    while waiting:
        turn = _turn(waiting[0], seen, page)
        while waiting and _turn(waiting[0], seen, page) == turn:
            found += _fits(image, waiting.pop(0), frame)
        if page is not None and found:
            break
    ranked = sorted(found, key=lambda fit: _rank(fit, known[fit.card], seen))
    shows = known[ranked[0].card].data.shows if ranked else _resembles(seen)
    return Triage(tuple(ranked), shows, tuple(card.id for card in waiting))


def _turn(card: Card, seen: Kinds, page: str | None) -> tuple[bool, float, str, bool]:
    """Return when a card is asked: the page's own first, then by the share of its kind, then those that only add."""
    return card.task != (page or card.task), -_share(card, seen), find_image_kind(card) or "", kind_of_card(card).adds


def _rank(fit: Fit, card: Card, seen: Kinds) -> tuple[float, bool, float, bool, str]:
    """Return where a fit stands: of equals, such as a card and one made of it elsewhere, the program's own is first."""
    return -_share(card, seen), kind_of_card(card).adds, fit.ood_score, card.folder is not None, fit.card


def _share(card: Card, seen: Kinds) -> float:
    kind = find_image_kind(card)
    return seen.shares[kind] if kind else 0


def _fits(image: Image, card: Card, frame: int) -> Iterator[Fit]:
    """Yield how well a card knows a frame, where it does."""
    kind = find_image_kind(card)
    views = [view for view in _views(image, card) if kind is None or _likely(look_at_image_kind(view, frame), kind)]
    said = [(view, *answer) for view in views if (answer := _asked(view, card, frame)) is not None]
    if said:
        whole = next((answer for view, _, answer in said if view is image), None)
        yield Fit(card.id, card.task, min(score for _, score, _ in said), whole)


def _views(image: Image, card: Card) -> Iterator[Image]:
    """Yield what a card is asked about: the image, or the middle of one over which tiles slide, or a film's halves."""
    rows, columns = image.shape
    if card.input.tiled:
        yield cut_middle_for_triage(image, card.input.size)
        return
    yield image
    if card.input.crop and columns > 1.3 * rows:  # both knees beside each other
        yield image.crop(Box(0, 0, rows, columns // 2))
        yield image.crop(Box(0, columns // 2, rows, columns - columns // 2))


def cut_middle_for_triage(image: Image, size: tuple[int, int]) -> Image:
    """Return the middle of an image, at most so large; all of an image that is no larger."""
    if all(side <= part for part, side in zip(size, image.shape, strict=True)):
        return image
    sides = [min(part, side) for part, side in zip(size, image.shape, strict=True)]
    row, column = ((side - part) // 2 for part, side in zip(sides, image.shape, strict=True))
    return image.crop(Box(row, column, *sides))


def _likely(seen: Kinds, kind: str) -> bool:
    return seen.shares[kind] >= 1 - SURE and seen.ood_scores[kind] <= FARTHEST


def _asked(image: Image, card: Card, frame: int) -> tuple[float, Judged] | None:
    """Return the OOD score of a card's own answer, and the answer; None where it abstains."""
    try:
        answer = engine().predict(image, card, frame)
    except ModelError:
        return None  # the page that needs this model says what is wrong with it
    return None if answer.abstained or answer.ood_score is None else (answer.ood_score, answer)


def _resembles(seen: Kinds) -> str | None:
    kind = seen.likeliest
    if seen.ood_scores[kind] > (RESEMBLES_NARROW if kind in NARROW else RESEMBLES):
        return None
    return next((card.data.shows for card in cards().values() if find_image_kind(card) == kind), None)
