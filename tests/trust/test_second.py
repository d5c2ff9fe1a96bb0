"""The second opinion: both scores count, a sure look overrules, and metal is named as the reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models import card
from models.trust import second
from models.trust.image_kinds import KINDS, Kinds
from models.trust.second import ROOM, combine_ood_scores, give_second_opinion
from models.types import Classification, Image

IMAGE = Image(np.zeros((1, 8, 8), np.float32), "", "")


def seen(kind: str, score: float = 0.8, share: float = 0.999, metal: float = 0.0) -> Kinds:
    others = (1 - share) / (len(KINDS) - 1)
    return Kinds(dict.fromkeys(KINDS, others) | {kind: share}, dict.fromkeys(KINDS, 3.0) | {kind: score}, metal)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Classification]:
    """Return what judges an answer of the knee card, or of another, under a look that says so."""

    def judge(ood_score: float | None, what: Kinds, id: str = "knee-kl") -> Classification:
        monkeypatch.setattr(second, "look_at_image_kind", lambda image, frame: what)
        answer = Classification(
            task="pathology", card=id, sha256="", seconds=0, labels=card(id).keys,
            probabilities=np.full(len(card(id).keys), 1 / len(card(id).keys)), prediction_set=(), coverage=None,
            ood_score=ood_score, abstained=bool(ood_score and ood_score > 1),
            reason="this does not look like a knee" if ood_score and ood_score > 1 else None,
        )  # fmt: skip
        return give_second_opinion(answer, IMAGE, card(id))

    return judge


def test_the_score_is_the_mean_of_both(asked) -> None:
    found = asked(1.1, seen("knee", 0.7))
    assert (found.abstained, found.reason) == (False, None)
    assert found.ood_score == pytest.approx(0.9 / ROOM)
    found = asked(1.4, seen("knee", 1.0))
    assert (found.abstained, found.reason) == (True, "this does not look like a knee")


def test_one_opinion_is_enough_where_it_is_far_from_all(asked) -> None:
    assert combine_ood_scores(2.5, seen("knee", 0.1), "knee") > 1
    assert combine_ood_scores(0.1, seen("knee", 2.5), "knee") > 1


def test_a_look_that_is_sure_of_another_kind_overrules(asked) -> None:
    found = asked(0.5, seen("limb"))
    assert found.abstained
    assert found.ood_score > 1
    assert "one knee" in str(found.reason)


def test_metal_is_the_reason_where_the_card_never_saw_any(asked) -> None:
    found = asked(0.5, seen("knee", metal=0.95))
    assert found.abstained
    assert found.ood_score > 1
    assert "it shows metal" in str(found.reason)
    assert not asked(0.5, seen("shoulder", metal=0.95), "shoulder-implants").abstained
    assert "metal" not in str(asked(0.5, seen("mri", metal=0.95)).reason)  # of what is no film, metal says nothing


def test_an_answer_without_a_detector_stays_as_it_is(asked) -> None:
    assert asked(None, seen("limb")).ood_score is None


@pytest.mark.parametrize(
    ("own", "what", "kind", "score"),
    [
        (0.9, seen("knee", 1.4), "knee", 1.0),  # (0.9 + 1.4) / 2 / 1.15
        (2.0, seen("knee", 0.1), "knee", 2.1 / 2.3),  # at the farthest both still count
        (3.0, seen("knee", 0.1), "knee", 1.5),  # one opinion: 3 / 2
        (0.1, seen("knee", 2.3), "knee", 1.15),
        (2.5, seen("knee", 2.5), "knee", 5 / 2.3),  # the mean of both is the higher here
        (0.4, seen("mri", 1.9), "mri", 0.4),  # of a narrow kind the detector's alone
        (0.4, seen("fluoroscopy", 2.4), "fluoroscopy", 1.2),
        (0.5, seen("knee", 0.5, share=0.021), "knee", 1.0 / 2.3),
        (0.5, seen("knee", 0.5, share=0.01), "knee", 1.97),  # 1 + 0.98 − 0.01: the others together have more
        (0.4, seen("mri", 1.0, share=0.0), "mri", 1.98),
    ],
)
def test_both_scores_by_hand(own: float, what: Kinds, kind: str, score: float) -> None:
    assert combine_ood_scores(own, what, kind) == pytest.approx(score)


@pytest.mark.parametrize(
    ("share", "metal", "score"),
    [
        (0.999, 0.61, 1.01),  # 1 + 0.61 − 0.6
        (0.999, 0.6, 1.3 / 2.3),
        (0.03, 0.9, 1.3),
        (0.021, 0.9, 1.3),
        (0.019, 0.9, 1.961),  # another kind: then metal says nothing
    ],
)
def test_metal_by_hand(asked, share: float, metal: float, score: float) -> None:
    found = asked(0.5, seen("knee", 0.8, share, metal))
    assert found.ood_score == pytest.approx(score)
    assert found.abstained == (score > 1)
    assert ("metal" in str(found.reason)) == (score > 1 and share > 0.02)


def test_a_score_of_one_is_inside(asked) -> None:
    found = asked(1.0, seen("knee", 2 * ROOM - 1.0))
    assert found.ood_score == pytest.approx(1)
    assert not asked(0.999, seen("knee", 2 * ROOM - 1.0)).abstained
    assert asked(1.001, seen("knee", 2 * ROOM - 1.0)).abstained
