"""Fit and measure the OOD detector of a card whose pictures are looked at one by one: of what segments or detects.

A picture counts as its most familiar part, as when the card answers: a tile of an image that tiles slide over, or all
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import WEIGHTS_DIR, Card, cards
from models.cards.tables import OodStatistics
from models.cards.writing import write_card
from models.nets.loading import write_tensors
from models.progress import Progress
from models.trust import ood
from models.trust.colours import GREY, misses_colours
from models.trust.perturbations import perturb_picture
from models.trust.second import Answer, give_second_opinion
from models.types import Image, Pixels
from models.words import later

KNOWN = 400
"""Pictures that an out-of-distribution detector is fitted on."""
FOLDS = 5

Features = NDArray[np.float32]
Look = Callable[[Pixels], tuple[Features, Features]]
"""From a picture, (H, W) or (H, W, 3) in [0, 1], to what the out-of-distribution detector looks at in each of its
parts: (T, D), and their strongest logits, (T, K)."""


@dataclass(frozen=True, eq=False)
class Known:
    """Features of N pictures of a set, each as it is and perturbed, and the group that each belongs to."""

    plain: Sequence[Features]
    perturbed: Sequence[Features]
    logits: Sequence[Features]
    groups: Sequence[str]

    def fitted(self, some: Iterable[int]) -> ood.OodDetector:
        """Return the statistics of some of the pictures."""
        of = list(some)
        parts = [*(self.plain[i] for i in of), *(self.perturbed[i] for i in of)]
        return ood.fit_ood_statistics(np.concatenate(parts), np.concatenate([self.logits[i] for i in of]))

    def held_out(self) -> Features:
        """Return each picture's distance, (N,), under statistics of the other groups."""
        from sklearn.model_selection import GroupKFold

        distance = np.empty(len(self.plain), np.float32)
        for learned, out in GroupKFold(FOLDS).split(self.plain, groups=self.groups):
            distance[out] = measure_ood_distances(self.fitted(learned), [self.plain[i] for i in out])
        return distance


def choose_ood_pictures(draw: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the indices of pictures that an out-of-distribution detector is fitted on.

    Parameters
    ----------
    draw
        (N,) how often each is drawn in training. All that are drawn come once where they are at most `KNOWN`; of more,
        `KNOWN` are taken evenly by weight, so that what is drawn often may come several times.
    """
    drawn: NDArray[np.intp] = np.flatnonzero(draw)
    if len(drawn) <= KNOWN:
        return drawn
    places = (np.arange(KNOWN) + 0.5) / KNOWN * draw.sum()
    found: NDArray[np.intp] = np.searchsorted(np.cumsum(draw), places, "right").astype(np.intp)
    return found


def look_at_known_pictures(chosen: Card, pictures: Sequence[Pixels], groups: Sequence[str], look: Look) -> Known:
    """Look at the pictures of a card's set."""
    rng = np.random.default_rng(0)
    plain, logits = zip(*(look(picture) for picture in pictures), strict=True)
    copies = (perturb_picture(picture, rng, sized=not chosen.input.tiled) for picture in pictures)
    return Known(plain, [look(copy)[0] for copy in copies], logits, groups)


def measure_ood_distances(fitted: ood.OodDetector, looks: Iterable[Features]) -> Features:
    """Return the distance of each picture's most familiar part, (N,)."""
    return np.array([fitted.distance(parts).min() for parts in looks], np.float32)


def make_ood_image(picture: Pixels) -> Image:
    """Return a picture as the one frame of an image."""
    return Image(picture[None], name="", sha256="")


def make_ood_scorer(chosen: Card, answer: Callable[[Image], Answer]) -> Callable[[Pixels], float]:
    """Return what scores a picture for a card with an OOD detector, as its page does: over 1 it abstains."""

    def told(picture: Pixels) -> float:
        image = make_ood_image(picture)
        if misses_colours(image, chosen):
            return GREY  # whatever the network would make of it
        found = give_second_opinion(answer(image), image, chosen).ood_score
        assert found is not None  # the card has an out-of-distribution detector
        return found

    return told


def renew_ood_detector(card_id: str, seen: Known) -> None:
    """Fit an out-of-distribution detector and inscribe it in the card."""
    write_card(card_id, {"ood": train_final_ood_detector(card_id, seen)})


def train_final_ood_detector(card_id: str, seen: Known) -> OodStatistics:
    """Fit an out-of-distribution detector on all the pictures and write it; its threshold holds across groups."""
    file = f"{card_id}.ood.safetensors"
    folder = (cards()[card_id].folder if card_id in cards() else None) or WEIGHTS_DIR
    sha256 = write_tensors(dict(seen.fitted(range(len(seen.plain))).tensors), folder / file)
    threshold = float(np.quantile(seen.held_out(), ood.KEPT))
    return OodStatistics(file=file, sha256=sha256, threshold=threshold, kept=ood.KEPT, n=len(seen.plain))


def measure_ood_detector(
    chosen: Card,
    seen: Known,
    ood_score: Callable[[Pixels], float],
    ood_sets: Iterable[tuple[str, Sequence[Pixels]]],
    progress: Progress,
) -> dict[str, Any]:
    """Return how well a card tells images of other kinds from pictures of its set that the detector has not seen.

    Parameters
    ----------
    ood_score
        What the card's answer to a picture says of it: over 1 it abstains.
    """
    from sklearn.metrics import roc_auc_score

    own, rows = seen.held_out() / ood.load_ood_detector(chosen).threshold, []
    for name, pictures in ood_sets:
        progress(later("Out-of-distribution set: {name}", name=name), 1.0)
        found = np.array([ood_score(picture) for picture in pictures])
        both = np.concatenate([own, found])
        auroc = float(roc_auc_score(np.arange(len(both)) >= len(own), both))
        rows.append({"set": name, "n": len(found), "auroc": auroc, "refused": float((found > 1).mean())})
    return {"n": len(own), "kept": float((own <= 1).mean()), "sets": rows}
