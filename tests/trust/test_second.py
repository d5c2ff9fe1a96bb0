"""The second opinion: both scores count, a sure look overrules, and metal is named as the reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models import card
from models.trust import second
from models.trust.image_kinds import KINDS, Kinds
from models.trust.second import ROOM, joint_score, seconded
from models.types import Classification, Image

IMAGE = Image(np.zeros((1, 8, 8), np.float32), "", "")


def seen(kind: str, score: float = 0.8, share: float = 0.999, metal: float = 0.0) -> Kinds:
    others = (1 - share) / (len(KINDS) - 1)
    return Kinds(dict.fromkeys(KINDS, others) | {kind: share}, dict.fromkeys(KINDS, 3.0) | {kind: score}, metal)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Classification]:
    """Return what judges an answer of the knee card, or of another, under a look that says so."""

    def judge(ood_score: float | None, what: Kinds, id: str = "knee-kl") -> Classification:
        monkeypatch.setattr(second, "look", lambda image, frame: what)
        answer = Classification(
            task="pathology", card=id, sha256="", seconds=0, labels=card(id).keys,
            probabilities=np.full(len(card(id).keys), 1 / len(card(id).keys)), prediction_set=(), coverage=None,
            ood_score=ood_score, abstained=bool(ood_score and ood_score > 1),
            reason="this does not look like a knee" if ood_score and ood_score > 1 else None,
        )  # fmt: skip
        return seconded(answer, IMAGE, card(id))

    return judge


def test_the_score_is_the_mean_of_both(asked) -> None:
    found = asked(1.1, seen("knee", 0.7))
    assert (found.abstained, found.reason) == (False, None)
    assert found.ood_score == pytest.approx(0.9 / ROOM)
    found = asked(1.4, seen("knee", 1.0))
    assert (found.abstained, found.reason) == (True, "this does not look like a knee")


def test_one_opinion_is_enough_where_it_is_far_from_all(asked) -> None:
    assert joint_score(2.5, seen("knee", 0.1), "knee") > 1
    assert joint_score(0.1, seen("knee", 2.5), "knee") > 1


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
