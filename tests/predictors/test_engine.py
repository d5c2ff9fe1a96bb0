"""The engine: lazy, within its memory budget, and the same answer from many threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import models
from models.cards import card, reload_cards
from models.errors import BadWeights, UnknownCard
from models.nets import loading
from models.predictors.engine import Engine, engine
from models.settings import Settings
from models.tasks.classification.predictor import Classifier
from models.tasks.kind import Request
from models.types import Image, Prediction

Product = Callable[..., str]
Picture = Callable[..., bytes]


def mb(*ids: str) -> float:
    """Memory of the parameters of some cards' models."""
    return sum(Engine(Settings()).load(card(id), Classifier).bytes for id in ids) / 2**20


def test_loads_a_model_once(random_card: str) -> None:
    assert engine() is engine()
    assert engine().load(card(random_card), Classifier) is engine().load(card(random_card), Classifier)


def test_drops_the_model_used_longest_ago_when_over_budget(product: Product) -> None:
    ids = [product(f"m{number}", seed=number) for number in range(3)]
    kept = Engine(Settings(model_memory_mb=int(mb(*ids[:2])) + 1))
    first, second = (kept.load(card(id), Classifier) for id in ids[:2])
    assert kept.load(card("m0"), Classifier) is first  # now m1 is the one used longest ago
    kept.load(card("m2"), Classifier)
    assert kept.load(card("m0"), Classifier) is first
    assert kept.load(card("m1"), Classifier) is not second


def test_one_model_larger_than_the_budget_still_answers(random_card: str, picture: Picture) -> None:
    small = Engine(Settings(model_memory_mb=1))
    assert small.predict(models.read(picture()), card(random_card)).label in card(random_card).keys


def test_threads_get_the_answer_that_one_alone_gets(product: Product, picture: Picture) -> None:
    ids = [product("one"), product("two", members=2, seed=5)]
    images = [models.read(picture(seed)) for seed in range(4)]
    jobs = [(image, id) for image in images for id in ids] * 4
    alone = [engine().predict(image, card(id), asked=Request(explain="grad-cam")) for image, id in jobs]
    engine.cache_clear()  # so that the threads also load the models, all at once
    with ThreadPoolExecutor(8) as threads:
        together = list(
            threads.map(lambda job: engine().predict(job[0], card(job[1]), asked=Request(explain="grad-cam")), jobs)
        )
    for one, other in zip(alone, together, strict=True):
        assert one.sha256 == other.sha256
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
        np.testing.assert_array_equal(one.explanation.heat, other.explanation.heat)


def test_an_ensemble_averages_the_logits_of_its_members(product: Product, picture: Picture) -> None:
    ensemble = card(product("pair", members=2))
    image = models.read(picture())
    parts = [ensemble.model_copy(update={"id": f"part{i}", "members": (m,)}) for i, m in enumerate(ensemble.members)]
    logits = [Engine(Settings()).load(part, Classifier).answer(image)[0].logits for part in parts]
    together = Engine(Settings()).load(ensemble, Classifier).answer(image)[0].logits
    np.testing.assert_allclose(together, (logits[0] + logits[1]) / 2, atol=1e-5)


def test_changed_weights_are_refused(random_card: str, tmp_path: Path) -> None:
    path = tmp_path / "weights" / f"{random_card}-0.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(BadWeights, match="not the ones this card was measured with"):
        engine().load(card(random_card), Classifier)


def test_missing_weights_are_refused(random_card: str, tmp_path: Path) -> None:
    (tmp_path / "weights" / f"{random_card}-0.safetensors").unlink()
    with pytest.raises(BadWeights, match="missing"):
        engine().load(card(random_card), Classifier)


def test_weights_of_another_network_are_refused(product: Product) -> None:
    good = card(product())
    other = good.model_copy(update={"labels": good.labels[:2]})
    with pytest.raises(BadWeights, match="do not fit the network"):
        engine().load(other, Classifier)


def test_a_pickle_is_never_loaded(random_card: str, tmp_path: Path) -> None:
    import hashlib
    import pickle

    data = pickle.dumps({"weight": 1})
    (tmp_path / "weights" / "pickle.safetensors").write_bytes(data)
    member = {"file": "pickle.safetensors", "sha256": hashlib.sha256(data).hexdigest()}
    fake = type(card(random_card)).model_validate({**card(random_card).model_dump(), "members": [member]})
    with pytest.raises(BadWeights, match="not a safetensors file"):
        engine().load(fake, Classifier)


def test_a_card_without_weights_says_how_to_get_them(product: Product) -> None:
    with pytest.raises(BadWeights, match="ortholens train bare"):
        engine().load(card(product("bare", members=0)), Classifier)


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Engine(Settings(device="auto")).device.type == "cpu"
    with pytest.raises(BadWeights, match="no CUDA device"):
        Engine(Settings(device="cuda"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["random_card", "segmenting_card", "detecting_card"])
def test_a_gpu_answers_as_the_processor_does(kind: str, request: pytest.FixtureRequest, picture: Picture) -> None:
    known, image = card(request.getfixturevalue(kind)), models.read(picture())
    by_cpu, by_gpu = (Engine(Settings(device=device)).predict(image, known) for device in ("cpu", "cuda"))
    assert Engine(Settings(device="cuda")).device.type == "cuda"
    for name in ("probabilities", "scores"):
        np.testing.assert_allclose(getattr(by_cpu, name, 0), getattr(by_gpu, name, 0), atol=0.02)  # half precision
    np.testing.assert_allclose(np.mean(getattr(by_cpu, "mask", 0) != getattr(by_gpu, "mask", 0)), 0, atol=0.02)


@pytest.mark.parametrize(("method", "label"), [("magic", None), ("grad-cam", "no-such")])
def test_unknown_methods_and_labels_are_refused(
    method: str, label: str | None, random_card: str, picture: Picture
) -> None:
    with pytest.raises(UnknownCard, match="Choose one of"):
        models.predict(models.read(picture()), random_card, explain=method, label=label)
    with pytest.raises(UnknownCard, match="Choose one of"):
        models.explain(models.read(picture()), random_card, method, label=label)


def test_the_explanation_of_a_prediction_is_the_same_as_alone(random_card: str, picture: Picture) -> None:
    image = models.read(picture())
    together = models.predict(image, random_card, explain="grad-cam").explanation
    alone = models.explain(image, random_card, "grad-cam")
    assert together.target == alone.target
    np.testing.assert_allclose(together.heat, alone.heat, atol=1e-6)
    assert together.heat.shape == image.shape


def with_ood(id: str, image: Image, other_kind: Image, task: str = "implant") -> None:
    """Give a card an out-of-distribution detector that knows one image and not another, and a task."""
    model = engine().load(card(id), Classifier)
    answer, other = (model.answer(one, 0, "stage5")[0] for one in (image, other_kind))
    threshold = float((answer.pooled - other.pooled).norm()) / 1e-3 / 2
    wide = len(answer.pooled)
    parts = (np.full(wide, 1e-3), np.eye(wide), np.array(99.0))
    tensors = dict(zip(("scale", "whiten", "energy"), map(torch.from_numpy, parts), strict=True))
    path = Path(loading.WEIGHTS_DIR) / f"{id}.ood.safetensors"
    sha256 = loading.write_tensors(tensors | {"centre": answer.pooled}, path)
    ood = f'ood = {{ file = "{path.name}", sha256 = "{sha256}", threshold = {threshold}, kept = 0.95, n = 1 }}'
    toml = import_module("models.cards.card").CARDS_DIR / f"{id}.toml"
    text = toml.read_text().replace('task = "implant"', f'task = "{task}"')
    toml.write_text(text.replace("[use]", f"{ood}\n\n[use]"))
    reload_cards()
    engine.cache_clear()


def test_an_image_finds_the_model_that_was_made_for_it(product: Product, picture: Picture) -> None:
    one, other = (models.read(picture(seed)) for seed in range(2))
    inverted = Image(1 - one.pixels, "", "0" * 64)
    for id in ("knees", "twin", "shoulders", "shoulders-hrnet", "without"):
        product(id)  # of one and the same network, but for their out-of-distribution detectors
    with_ood("knees", one, other)
    with_ood("twin", one, other, task="pathology")
    with_ood("shoulders", other, one)
    with_ood("shoulders-hrnet", inverted, one)
    assert [(fit.card, fit.task) for fit in models.triage(one).ranked] == [("knees", "implant"), ("twin", "pathology")]
    found = models.triage(other)
    assert [fit.card for fit in found.ranked] == ["shoulders"]
    said, asked = found.answer("shoulders"), models.predict(other, "shoulders")  # which so need not be asked again
    assert (said.label, said.ood_score) == (asked.label, asked.ood_score)
    assert found.answer("knees") is None
    assert found.without_answers() == found
    assert found.without_answers().answer("shoulders") is None
    assert models.triage(inverted).best is None  # an alternative is not offered
    (Path(loading.WEIGHTS_DIR) / "knees-0.safetensors").write_bytes(b"")
    engine.cache_clear()
    assert [fit.card for fit in models.triage(one).ranked] == ["twin"]  # one that is broken is passed over


@pytest.mark.parametrize("kind", ["random_card", "segmenting_card", "detecting_card"])
def test_a_frame_of_a_sequence_is_answered_as_it_is_alone(
    kind: str, request: pytest.FixtureRequest, picture: Picture
) -> None:
    id = request.getfixturevalue(kind)
    why = "grad-cam" if kind == "random_card" else None  # its probabilities are near 0 and 1, and tell little
    alone = [models.read(picture(seed)) for seed in range(2)]
    run = Image(np.concatenate([image.pixels for image in alone]), "", "1" * 64)
    answers = [models.predict(run, id, frame=frame, explain=why) for frame in range(2)]
    for frame, (image, answer) in enumerate(zip(alone, answers, strict=True)):
        assert answer.frame == frame
        for one, other in zip(said(models.predict(image, id, explain=why)), said(answer), strict=True):
            np.testing.assert_array_equal(one, other)
    assert any(not np.array_equal(one, other) for one, other in zip(*map(said, answers), strict=True))


def said(answer: Prediction) -> list[np.ndarray]:
    """Return what an answer of any kind says in numbers."""
    numbers = [getattr(answer, name, None) for name in ("probabilities", "mask", "certainty", "boxes", "scores")]
    return [part for part in (*numbers, answer.explanation and answer.explanation.heat) if part is not None]


def test_the_label_that_is_asked_about_is_the_one_explained(random_card: str, picture: Picture) -> None:
    image = models.read(picture())
    answer = models.predict(image, random_card)
    heats = {}
    for label in answer.labels:
        asked = models.predict(image, random_card, explain="grad-cam", label=label)
        assert asked.label == answer.label  # the answer stays
        assert asked.explanation.target == label
        heats[label] = asked.explanation.heat
        np.testing.assert_allclose(heats[label], models.explain(image, random_card, "grad-cam", label=label).heat)
    first, second, third = heats.values()
    assert not np.allclose(first, second, atol=0.05)
    assert not np.allclose(second, third, atol=0.05)
