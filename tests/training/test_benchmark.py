"""The benchmark: what it times, and how it reports."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from rich.console import Console

import models
from models.cards import card, cards
from models.commands import benchmark as timing
from models.errors import BadCard
from models.nets.stages import list_stages
from models.predictors.engine import engine
from models.tasks.classification.predictor import Classifier


def test_paths_take_turns() -> None:
    calls: list[str] = []
    times = timing.time_interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=3)
    assert calls == ["a", "b"] * (timing.WARM_UP + 3)
    assert {path: len(values) for path, values in times.items()} == {"a": 3, "b": 3}


def test_quartiles() -> None:
    assert timing.compute_quartiles([4, 1, 2, 3, 5]) == {"median": 3, "lower_quartile": 2, "upper_quartile": 4, "n": 5}


def test_bare_paths_leave_the_networks_as_they_were(product: Callable[..., str], picture: Callable[..., bytes]) -> None:
    model = engine().load(card(product(members=2)), Classifier)
    x = model.input(models.read(picture()))
    before = model.members[0](x)
    passes = model.passes(models.read(picture()))
    assert list(passes) == [timing.BARE, timing.BARE_GRADIENT]
    for run in passes.values():
        run()
    assert torch.equal(model.members[0](x), before)
    assert not any(p.requires_grad or p.grad is not None for net in model.members for p in net.parameters())


def test_a_detector_is_timed_beside_its_bare_network(
    detecting_card: str, picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "time_cold_starts", lambda card, data: [1.0])  # another process has other cards
    monkeypatch.setattr(timing, "WARM_UP", 0)
    report = json.loads(json.dumps(timing.run_benchmark(card(detecting_card), picture(), repeats=3)))
    assert set(report["ratios"]) == {f"{path} / {timing.BARE}" for path in (timing.ANSWER, timing.EXPLAINED)}
    for path in (timing.ANSWER, timing.EXPLAINED):
        times = report["milliseconds"]
        assert report["ratios"][f"{path} / {timing.BARE}"] == pytest.approx(
            times[path]["median"] / times[timing.BARE]["median"], rel=0.02, abs=0.02
        )
    with (console := Console(width=200)).capture() as shown:
        console.print(timing.format_benchmark(report))
    assert timing.ANSWER in shown.get()


def test_a_segmenter_is_not_timed(segmenting_card: str, picture: Callable[..., bytes]) -> None:
    with pytest.raises(BadCard, match="segments every pixel"):
        timing.run_benchmark(card(segmenting_card), picture(), repeats=3)


def test_a_whole_benchmark(picture: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = next((c for c in cards().values() if c.members and list_stages(c)), None)
    if chosen is None:
        pytest.skip("no card has weights yet")
    monkeypatch.setattr(timing, "COLD_STARTS", 1)
    report = json.loads(json.dumps(timing.run_benchmark(chosen, picture(), repeats=3)))
    assert set(report["ratios"]) == {
        f"{timing.ANSWER} / {timing.BARE}",
        f"{timing.EXPLAINED} / {timing.BARE}",
        f"{timing.EXPLAINED} / {timing.BARE_GRADIENT}",
    }
    assert all(ms["median"] > 0 for ms in report["milliseconds"].values())
    with (console := Console(width=200)).capture() as shown:
        console.print(timing.format_benchmark(report))
    assert all(path in shown.get() for path in report["milliseconds"])
    assert report["machine"]["torch"] in shown.get()
