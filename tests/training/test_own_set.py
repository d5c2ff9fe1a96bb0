"""A user's own folder of pictures: what the look finds, what is refused, and a card that is trained on it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

import models
from models.cards.bundle import make_bundle
from models.cli import main
from models.errors import DamagedFile, Unreachable
from models.tasks import ood_set
from models.tasks.classification import final, metrics, own, training
from models.tasks.classification.own import LabelledLook
from models.tasks.classification.own_curve import bootstrap_gain, draw_even_orders
from models.tasks.own import say_growth
from models.training.own_files import Source
from models.training.own_set import NEAR_BITS, compute_difference_hash, find_near_copies, join_groups

RNG = np.random.default_rng(0)


def quiet(step: str, share: float) -> None:
    assert step


def look(source: Source) -> LabelledLook:
    return own.look(source.files(), quiet, 64).regrouped(source.group)


def picture(label: str, seed: int, side: int = 96) -> np.ndarray:
    """A cloud of a seed, with a bright bar at the left (a) or the right (b)."""
    rng = np.random.default_rng(seed)
    small = Pillow.fromarray(rng.integers(0, 120, (9, 9), np.uint8))
    pixels = np.asarray(small.resize((side, side), Pillow.Resampling.BICUBIC)).copy()
    pixels[:, slice(0, side // 4) if label == "a" else slice(-side // 4, None)] = 220
    return pixels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of each of two labels, of five patients with two films each, and what lies beside pictures."""
    home = tmp_path / "mine"
    for label in "ab":
        (home / label).mkdir(parents=True)
        for i in range(10):
            Pillow.fromarray(picture(label, ord(label) * 100 + i)).save(home / label / f"{label}{i // 2}_{i}.png")
    (home / "a" / "notes.txt").write_text("not a picture")
    (home / "a" / ".hidden.png").write_text("not a picture")
    return home


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_a_look_finds_labels_groups_copies_and_what_cannot_be_read(folder: Path) -> None:
    Pillow.fromarray(picture("a", 9700)).resize((60, 60)).save(folder / "b" / "copy_90.jpg", quality=60)
    (folder / "b" / "broken_91.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    seen = look(Source(folder=folder, group=r"(\w+)_"))
    assert seen.pixels.shape == (21, 64, 64)
    assert (seen.labels.count("a"), seen.labels.count("b")) == (10, 11)
    names = seen.pictures.names
    assert len(seen.pictures.broken) == 1
    assert seen.pictures.broken[0].startswith("b/broken_91.png: ")
    assert [(names[i], names[j]) for i, j in seen.pictures.copies] == [("a/a0_0.png", "b/copy_90.jpg")]
    groups = dict(zip(names, seen.pictures.groups, strict=True))
    assert groups["a/a0_0.png"] == groups["a/a0_1.png"] == groups["b/copy_90.jpg"] != groups["a/a1_2.png"]
    assert len(set(seen.pictures.groups)) == 10
    told = "\n".join(seen.sentences())
    assert "21 pictures of 2 labels in 10 groups" in told
    assert "a/a0_0.png and b/copy_90.jpg, which are labelled a and b" in told
    assert "No groups are given" not in told
    assert seen.too_little() == ()


def test_a_name_that_is_burned_into_a_picture_is_told(folder: Path) -> None:
    assert not any("burned in" in sentence for sentence in look(Source(folder=folder)).sentences())
    font = ImageFont.truetype(str(files("models") / "drawing" / "fonts" / "DejaVuSans.ttf"), 18)
    for ink, ground in ((255, 30), (0, 200)):
        film = Pillow.fromarray(np.full((300, 400), ground, np.uint8))
        ImageDraw.Draw(film).text((20, 12), "DOE JANE 1961", ink, font=font)
        film.save(folder / "a" / f"named_{ink}.png")
        ImageDraw.Draw(marked := Pillow.new("L", (400, 300), ground)).text((20, 12), "L", ink, font=font)
        marked.save(folder / "b" / f"side_{ink}.png")
    seen = look(Source(folder=folder))
    assert seen.pictures.texted == ("a/named_0.png", "a/named_255.png")
    assert any("2 pictures seem to have text burned in, a/named_0.png for one" in told for told in seen.sentences())


def test_a_table_says_labels_and_groups(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,label,group\na/a0_0.png,worn,p1\nb/b0_0.png,healthy,p1\nb/missing.png,healthy,\n")
    seen = look(Source(folder=folder, table=table))
    assert (seen.labels, seen.pictures.groups) == (("worn", "healthy"), ("p1", "p1"))
    assert seen.pictures.broken == ("b/missing.png: cannot be opened",)
    table.write_text(table.read_text().replace(",", ";"))  # as a German Excel writes it
    assert look(Source(folder=folder, table=table)).labels == seen.labels
    missing = seen.too_little()
    assert missing == ("healthy needs 9 more pictures (1 of 10)", "worn needs 9 more pictures (1 of 10)")
    for text, words in (
        ("name\nx\n", "no columns file and label"),
        ("file,label\na,\n", "line 2 has no file or no label"),
        ("", "no columns"),
    ):
        table.write_text(text)
        with pytest.raises(DamagedFile, match=words):
            look(Source(folder=folder, table=table))
    with pytest.raises(Unreachable, match="cannot be read"):
        look(Source(folder=folder, table=tmp_path / "none.csv"))


@pytest.mark.parametrize(("pattern", "words"), [("(", "is none"), ("a", "no bracket"), ("(a)(b)", "or several")])
def test_a_pattern_that_is_none_is_refused(pattern: str, words: str, folder: Path) -> None:
    with pytest.raises(DamagedFile, match=words):
        look(Source(folder=folder, group=pattern))


def test_near_copies_and_groups_by_hand() -> None:
    assert compute_difference_hash(np.tile(np.linspace(0, 1, 34, dtype=np.float32), (32, 1))).all()
    hashes = np.zeros((3, 256), np.uint8)
    hashes[1, :NEAR_BITS] = 1
    hashes[2, : 2 * NEAR_BITS + 1] = 1
    assert find_near_copies(hashes) == ((0, 1),)
    assert join_groups(("p", "q", "r", "q", "s"), ((0, 1), (2, 3))) == ("p", "p", "p", "p", "s")


def test_orders_keep_groups_whole_and_labels_even_and_a_gain_is_counted() -> None:
    groups, y = np.repeat([f"g{i}" for i in range(12)], 2), np.repeat([0, 0, 0, 1] * 3, 2)
    for order in draw_even_orders(groups, y, 4):
        assert sorted(order) == list(range(24))
        assert all(groups[order[i]] == groups[order[i + 1]] for i in range(0, 24, 2))
        assert 1 <= y[order[:8]].sum() / 2 <= 2  # of nine groups of one label and three of the other
    half, whole = np.zeros((2, 24), bool), np.zeros((2, 24), bool)
    whole[:, :12] = True
    found = bootstrap_gain({10: half, 20: whole}, groups)
    assert (found["from"], found["to"], found["value"]) == (10, 20, 0.5)
    assert 0 < found["low"] < 0.5 < found["high"] < 1


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


def shorten_training(monkeypatch: pytest.MonkeyPatch, epochs: int, views: int) -> None:
    """Let a training take seconds: small pictures, few epochs, and as good as no resamples."""
    recipe = {"epochs": epochs, "batch": 8, "views": views, "view_size": [64, 64]}
    monkeypatch.setattr(own, "SIDE", 64)
    monkeypatch.setattr(own, "write_recipe", lambda n: recipe)
    monkeypatch.setattr(metrics, "RESAMPLES", 20)
    monkeypatch.setattr(final, "PERTURBED", 1)
    monkeypatch.setattr(ood_set, "EACH", 4)


def test_a_folder_becomes_a_card_that_answers(
    folder: Path, user: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_training(monkeypatch, epochs=3, views=2)
    asked = ("train", str(folder), "--task", "pathology", "--name", "Bars of mine", "--group", r"(\w+)_")
    assert run("train", str(folder), "--look", "--group", r"(\w+)_") == 0
    assert "20 pictures of 2 labels in 10 groups" in capsys.readouterr().out
    assert not user.exists()
    assert run(*asked[:2]) == 2
    assert run(*asked[:3], "tissue", "--name", "x") == 1  # it has no masks
    assert run(*asked[:3], "kinematics", "--name", "x") == 2
    assert run(*asked, "--start", "fracture") == 2
    monkeypatch.setattr(final, "fit_classifier", stopped)
    assert run(*asked, "--start", "knee-kl") != 0
    assert not models.card("bars-of-mine").members  # begun, and without an answer
    monkeypatch.setattr(final, "fit_classifier", training.fit_classifier)
    assert run(*asked) == 0
    told = capsys.readouterr().out
    assert "bars-of-mine: Accuracy" in told
    made = models.card("bars-of-mine")
    assert (made.title, made.keys, made.folder) == ("Bars of mine", ("a", "b"), user / "bars-of-mine")
    assert made.training["start"] == "knee-kl"  # the nearest, which needs no network
    assert made.ood is not None
    assert made.calibration is not None
    assert (made.figures["n"], made.figures["groups"]) == (20, 10)
    assert [point["n"] for point in made.figures["learning"]["points"]] == [8, 16]
    assert str(say_growth(made)).startswith("From 8 to 16 pictures")
    assert made.id in [one.id for one in models.cards_of("pathology")]
    assert not (user / "bars-of-mine" / "runs").exists()
    answer = models.predict(models.read(folder / "a" / "a0_0.png"), made.id)
    assert answer.labels == ("a", "b")
    assert run(*asked) == 1
    assert "there is a model 'bars-of-mine' already" in capsys.readouterr().err
    assert b"cards-of-mine" not in make_bundle(made)[0]
    assert str(folder).encode() not in make_bundle(made)[0]  # where the pictures lie is nobody's business


def test_a_clinics_own_stifles_take_the_place_of_the_simulated_ones(
    tmp_path: Path, user: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documented route, with the second simulation for another clinic."""
    shorten_training(monkeypatch, epochs=1, views=1)
    clinic, shipped = str(tmp_path / "clinic"), models.card("equine-stifle")
    assert run("simulate", "equine-stifle", "40", clinic, "--seed", "500000", "--size", "64", "--elsewhere") == 0
    assert run("train", clinic, "--task", "pathology", "--name", "Our stifles", "--start", shipped.id) == 0
    told = capsys.readouterr().out
    assert "40 pictures of 4 labels in " in told
    assert "our-stifles: Accuracy" in told
    made = models.card("our-stifles")
    assert set(made.keys) == set(shipped.keys)
    assert (made.training["start"], made.figures["n"]) == (shipped.id, 40)
    assert {shipped.id, made.id} <= {one.id for one in models.cards_of("pathology")}
    elsewhere = shipped.figures["elsewhere"]["metrics"]["accuracy"]  # why a clinic would take this road
    assert elsewhere["high"] < shipped.figures["metrics"]["accuracy"]["value"]


def test_too_little_is_said_by_how_much(folder: Path, user: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (folder / "b").glob("b[1-4]_*"):
        path.unlink()
    assert run("train", str(folder), "--task", "pathology", "--name", "Bars") == 1
    assert "too little to learn and measure: b needs 8 more pictures (2 of 10)" in capsys.readouterr().err
    assert not user.exists()
