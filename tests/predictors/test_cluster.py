"""Answers by Ray: those of this process, whatever dies meanwhile. What needs no Ray is tested without it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import numpy as np
import pytest

import models
from models.cards import card, cards, reload_cards
from models.cli import main
from models.errors import UnknownCard, Unreachable
from models.predictors import cluster
from models.predictors.cluster import ClusterEngine, cut_to_frame
from models.predictors.engine import Engine, engine
from models.settings import Settings, settings
from models.tasks.classification.predictor import Classifier
from models.tasks.kind import Request, Why
from models.types import Image
from tests.outside import write_card

Picture = Callable[..., bytes]
ROOT = Path(__file__).parents[2]


def test_a_batch_is_answered_as_each_image_alone(product: Callable[..., str], picture: Picture) -> None:
    model = Engine(Settings()).load(card(product(members=2)), Classifier)
    frames = [(models.read(picture(seed, size=(50 + 9 * seed, 60))), 0) for seed in range(5)]
    frames.append((Image(np.concatenate([image.pixels[:, :50, :50] for image, _ in frames]), "", "1" * 64), 3))
    for alone, together in zip([model.predict(*one) for one in frames], model.predict_many(frames), strict=True):
        assert (together.sha256, together.frame) == (alone.sha256, alone.frame)
        np.testing.assert_allclose(together.probabilities, alone.probabilities, atol=1e-6)


def test_two_versions_of_a_card_are_held_side_by_side(product: Callable[..., str]) -> None:
    kept = Engine(Settings())
    old = card(product("knee", seed=0))
    first = kept.load(old, Classifier)
    second = kept.load(card(product("knee", seed=1)), Classifier)
    assert second is not first
    assert kept.load(card("knee"), Classifier) is second
    assert kept.load(old, Classifier) is first


@pytest.mark.parametrize("frame", [0, 2])
def test_a_replica_gets_the_frame_alone_and_no_name(random_card: str, picture: Picture, frame: int) -> None:
    stills = [models.read(picture(seed)).pixels.copy() for seed in range(3)]
    stills[0][:, :30] = 0  # the black border that counts is that of the first
    film = Image(np.concatenate(stills), "Jane Doe.dcm", "1" * 64)
    trimming = card(random_card)
    trimming = trimming.model_copy(update={"input": trimming.input.model_copy(update={"trim": True})})
    sent, there = cut_to_frame(film, frame)
    assert (sent.name, sent.frames, sent.sha256 == film.sha256) == ("", 1 + bool(frame), False)
    np.testing.assert_array_equal(
        Engine(Settings()).predict(sent, trimming, there).probabilities,
        Engine(Settings()).predict(film, trimming, frame).probabilities,
    )


def test_without_ray_one_sentence_says_how_to_get_it(
    random_card: str,
    picture: Picture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    monkeypatch.setenv("ORTHOLENS_BACKEND", "local")  # put back, whatever the command sets
    (tmp_path / "knee.png").write_bytes(picture())
    with pytest.raises(SystemExit) as ended:
        main(["predict", "implant", str(tmp_path / "knee.png"), "--out", "-", "--backend", "ray"])
    monkeypatch.undo()
    settings.cache_clear()
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "not installed. Install it by pip install 'ortholens[ray]'" in said.err


needs_ray = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of Ray and of what it is built on
    pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray (pip install 'ortholens[ray]')"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Ray of this machine with two replicas at most, and the folder of the only card from outside."""
    import ray
    from ray import serve

    folder = tmp_path_factory.mktemp("cards")
    write_card(folder, "outside")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"BACKEND": "ray", "CARDS_DIR": str(folder), "RAY_REPLICAS": "2"}.items():
            patch.setenv(f"ORTHOLENS_{name}", value)
        forget()
        yield folder
        serve.shutdown()
        ray.shutdown()
    forget()


def forget() -> None:
    settings.cache_clear()
    reload_cards()
    engine.cache_clear()


def find_replicas() -> set[int]:
    """Return the processes of the replicas."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::ServeReplica:ortholens-"):
                found.add(int(path.parent.name))
        except OSError:  # it has just ended
            continue
    return found


def answer_here(images: list[Image], id: str = "outside") -> list[np.ndarray]:
    here = Engine(Settings())
    return [here.predict(image, card(id)).probabilities for image in images]


class TestRay:
    pytestmark = needs_ray

    def test_answers_are_those_of_this_process(self, served: Path, picture: Picture) -> None:
        images = [models.read(picture(seed)) for seed in range(24)]
        with ThreadPoolExecutor(24) as threads:
            said = list(threads.map(lambda image: models.predict(image, "outside"), images))
        assert [one.sha256 for one in said] == [image.sha256 for image in images]
        for one, here in zip(said, answer_here(images), strict=True):
            np.testing.assert_allclose(one.probabilities, here, atol=1e-6)
        film = Image(np.concatenate([image.pixels for image in images[:3]]), "", "1" * 64)
        shown = models.predict(film, "outside", frame=2, explain="grad-cam")
        assert (shown.sha256, shown.frame) == ("1" * 64, 2)
        np.testing.assert_allclose(shown.probabilities, said[2].probabilities, atol=1e-6)
        heat = Engine(Settings()).explain(images[2], card("outside"), Why("grad-cam")).heat
        np.testing.assert_allclose(shown.explanation.heat, heat, atol=1e-5)
        np.testing.assert_allclose(models.explain(film, "outside", frame=2).heat, heat, atol=1e-5)

    def test_an_error_is_ours_and_a_card_that_cannot_answer_says_so(self, served: Path, picture: Picture) -> None:
        with pytest.raises(UnknownCard, match=r"^[^\n]*Choose one of[^\n]*$"):
            models.predict(models.read(picture()), "outside", explain="magic")
        with pytest.raises(models.OrthoLensError, match="stopped"):
            engine().predict(models.read(picture()), card("outside"), asked=Request(cancelled=lambda: True))

    def test_a_replica_that_is_killed_costs_no_answer(self, served: Path, picture: Picture) -> None:
        images = [models.read(picture(seed)) for seed in range(8)]
        here, enough = answer_here(images), Event()

        def ask(number: int) -> list[np.ndarray]:
            said = []
            while not enough.is_set():
                said.append(models.predict(images[number], "outside").probabilities)
            return said

        models.predict(images[0], "outside")
        before = find_replicas()
        with ThreadPoolExecutor(8) as threads:
            asking = [threads.submit(ask, number) for number in range(8)]
            time.sleep(1)
            for process in before:
                os.kill(process, signal.SIGKILL)
            while not find_replicas() - before:
                time.sleep(0.1)
            models.predict(images[0], "outside")
            enough.set()
            said = [one.result() for one in asking]
        for answers, expected in zip(said, here, strict=True):
            assert answers
            np.testing.assert_allclose(answers, np.tile(expected, (len(answers), 1)), atol=1e-6)

    def test_a_card_that_changes_is_answered_by_its_old_weights_and_then_by_its_new(
        self, served: Path, picture: Picture
    ) -> None:
        write_card(served, "changing", seed=1)
        image, changed, said = models.read(picture()), Event(), []
        (old,) = answer_here([image], "changing")

        def ask() -> None:
            after = 0
            while after < 5:
                after += changed.is_set()
                said.append(models.predict(image, "changing").probabilities)

        with ThreadPoolExecutor(4) as threads:
            asking = [threads.submit(ask) for _ in range(4)]
            while len(said) < 20:
                time.sleep(0.01)
            write_card(served, "changing", seed=2)
            assert cards()["changing"].members[0].file == "changing-2.safetensors"
            changed.set()
            for one in asking:
                one.result()
        (new,) = answer_here([image], "changing")
        assert not np.allclose(old, new, atol=1e-2)
        by_old, by_new = (np.abs(np.array(said) - weights).max(1) < 1e-6 for weights in (old, new))
        assert (by_old ^ by_new).all()
        assert by_old[:20].all()
        assert by_new[-4:].all()

    def test_a_command_that_is_killed_goes_on_with_one_line_for_each_file(
        self, served: Path, picture: Picture, tmp_path: Path
    ) -> None:
        for number in range(300):
            (tmp_path / f"{number:03}.png").write_bytes(picture(number))
        (tmp_path / "150.png").write_bytes(b"no picture")
        out = tmp_path.parent / "answers.jsonl"
        program = [sys.executable, "-c", "from models.cli import main; main()"]
        command = [*program, "predict", "implant", str(tmp_path), "--card", "outside", "--backend", "ray"]
        command += ["--out", str(out)]
        joined = os.environ | {"ORTHOLENS_RAY_ADDRESS": "auto", "PYTHONPATH": str(ROOT)}
        run = subprocess.Popen(command, cwd=ROOT, env=joined)
        while not out.exists() or out.read_bytes().count(b"\n") < 40:
            assert run.poll() is None
            time.sleep(0.02)
        run.kill()
        run.wait()
        left = out.read_bytes().count(b"\n")
        assert 40 <= left < 300
        again = subprocess.run(command, cwd=ROOT, env=joined, capture_output=True, text=True)
        assert f"Going on after {left} of 300 files" in again.stderr
        assert again.returncode == 1  # one is no picture
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert [Path(line["file"]).name for line in lines] == [f"{number:03}.png" for number in range(300)]
        assert [line["file"] for line in lines if not line["ok"]] == [str(tmp_path / "150.png")]

    def test_a_cluster_that_is_not_there_is_said_as_such(
        self, random_card: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import ray

        def fail(*_: object, **__: object) -> None:
            raise ConnectionError("of Ray's own")

        monkeypatch.setattr(ray, "is_initialized", lambda: False)
        monkeypatch.setattr(ray, "init", fail)
        with pytest.raises(Unreachable, match=r"^Ray at pacs:6379 does not answer\. See "):
            ClusterEngine(Settings(ray_address="pacs:6379")).prepare(card(random_card))
