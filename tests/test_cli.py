"""The command line on real files: exit codes, one line of JSON a file, and sentences in place of tracebacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from models import DISCLAIMER, Fit, Triage, cards
from models.cli import main

FRAME = ["file", "sha256", "task", "card", "ok", "seconds", "warnings"]
FIELDS = [*FRAME, "label", "probabilities", "prediction_set", "abstained", "reason"]


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    """Two pictures, one of them in a folder below, and hidden files beside them."""
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "b.png").write_bytes(picture(1))
    (folder / "below" / "a.png").write_bytes(picture(2))
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / ".hidden" / "c.png").write_bytes(picture(3))
    return folder


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for command in ("serve", "predict", "triage", "samples", "cards", "simulate", "train", "evaluate", "benchmark"):
        assert command in shown


def test_predict_writes_one_line_a_file(random_card: str, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.jsonl"
    assert run("predict", "implant", folder, "--out", out) == 0
    answers = lines(out)
    assert [answer["file"] for answer in answers] == [str(folder / "b.png"), str(folder / "below" / "a.png")]
    for answer in answers:
        assert list(answer) == FIELDS
        assert (answer["ok"], answer["task"], answer["card"]) == (True, "implant", random_card)
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)


def test_predict_to_the_terminal_keeps_stdout_for_json(
    random_card: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predict", "implant", folder / "b.png", "--out", "-") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["ok"] is True
    assert shown.err == f"1 of 1 files answered. {DISCLAIMER}\n"


def test_what_cannot_be_read_is_a_line_and_exit_code_1(
    random_card: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mesh.stl").write_text("solid femur\nendsolid femur\n")
    (folder / "notes.png").write_text("this is text")
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "b.png").read_bytes()[:200])
    out = tmp_path / "r.jsonl"
    assert run("predict", "implant", folder, "--out", out) == 1
    answers = {Path(str(answer["file"])).name: answer for answer in lines(out)}
    assert [name for name, answer in answers.items() if answer["ok"]] == ["b.png", "a.png"]
    for name in ("mesh.stl", "notes.png", "empty.dcm", "cut.png"):
        assert list(answers[name]) == ["file", "ok", "error"]
        assert str(answers[name]["error"]).startswith(f"{name}: ")
    assert len({answer["error"] for answer in answers.values() if not answer["ok"]}) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_files_are_taken_as_named_once_and_never_the_output(
    random_card: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for _ in range(2):
        assert run("predict", "implant", "b.png", ".", ".hidden/c.png", "b.png", "--out", "r.jsonl") == 0
        assert [answer["file"] for answer in lines(Path("r.jsonl"))] == ["b.png", "below/a.png", ".hidden/c.png"]


def test_overlays_are_named_by_content(random_card: str, folder: Path, tmp_path: Path) -> None:
    out, saved = tmp_path / "r.jsonl", tmp_path / "new" / "overlays"
    assert run("predict", "implant", folder, "--out", out, "--explain", "grad-cam", "--save", saved) == 0
    names = {f"{str(answer['sha256'])[:16]}-{random_card}-grad-cam.png" for answer in lines(out)}
    assert {path.name for path in saved.iterdir()} == names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in saved.iterdir())


def test_of_several_frames_the_first_is_answered_and_the_line_says_so(
    random_card: str, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    from io import BytesIO

    from PIL import Image

    frames = [Image.open(BytesIO(picture(seed))) for seed in (0, 1)]
    frames[0].save(tmp_path / "run.tif", save_all=True, append_images=frames[1:])
    out = tmp_path / "r.jsonl"
    assert run("predict", "implant", tmp_path / "run.tif", "--out", out) == 0
    assert "Only the first of 2 frames was answered." in lines(out)[0]["warnings"]


def test_a_fault_in_one_file_does_not_end_the_batch(
    random_card: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import models

    read = models.read

    def faulty(path: Path) -> models.Image:
        if path.name == "b.png":
            raise ZeroDivisionError("Jane Doe")
        return read(path)

    monkeypatch.setattr(models, "read", faulty)
    out = tmp_path / "r.jsonl"
    assert run("predict", "implant", folder, "--out", out) == 1
    bad, good = lines(out)
    assert good["ok"]
    assert "ZeroDivisionError" in str(bad["error"])
    log = capsys.readouterr().err
    assert "ZeroDivisionError" in log
    assert "Jane Doe" not in str(bad["error"]) + log
    assert "b.png" not in log


def test_a_painted_file_gets_a_label_map_in_its_own_pixels(segmenting_card: str, folder: Path, tmp_path: Path) -> None:
    from PIL import Image

    out, saved = tmp_path / "r.jsonl", tmp_path / "masks"
    assert run("predict", "tissue", folder / "b.png", "--out", out, "--save", saved) == 0
    (line,) = lines(out)
    assert line["classes"] == {"background": 0, "bone": 1, "cartilage": 2}
    assert line["area_mm2"] is None  # a PNG is not calibrated
    assert line["count"] is None  # nothing is told apart
    assert (saved / Path(line["mask"]).name).exists()
    label_map = np.asarray(Image.open(line["mask"]))
    with Image.open(folder / "b.png") as source:
        assert label_map.shape == source.size[::-1]
    assert line["area_px"] == {key: int((label_map == value).sum()) for key, value in line["classes"].items()}


def test_boxes_are_listed_in_source_pixels_at_the_operating_point_that_was_asked(
    detecting_card: str, folder: Path, tmp_path: Path
) -> None:
    out, saved = tmp_path / "r.jsonl", tmp_path / "new" / "boxes"
    asked = ("predict", "detection", folder, "--out", out)
    assert run(*asked, "--point", "specific", "--save", saved) == 0
    first, second = lines(out)
    own = ["boxes", "suspected", "verdict", "score", "operating_point", "threshold", "shown", "abstained", "reason"]
    assert list(first) == [*FRAME, *own]
    assert (first["operating_point"], first["threshold"]) == ("Specificity 0.90", 0.6)
    assert first["boxes"] != second["boxes"]
    for line in (first, second):
        assert line["boxes"]
        for box in line["boxes"]:
            assert list(box) == ["x", "y", "w", "h", "score", "label"]
            assert box["x"] >= 0
            assert box["x"] + box["w"] <= 60.1
            assert box["y"] + box["h"] <= 80.1
            assert box["score"] >= 0.01
            assert box["label"] in ("crack", "screw")
        assert line["shown"] == sum(box["score"] >= 0.6 for box in line["boxes"])
    names = {f"{str(line['sha256'])[:16]}-{detecting_card}-boxes.png" for line in (first, second)}
    assert {path.name for path in saved.iterdir()} == names
    assert run(*asked, "--fused", "--explain", "hirescam", "--save", saved) == 0
    assert lines(out)[0]["operating_point"] == "Sensitivity 0.90"
    assert len(list(saved.iterdir())) == 4


def test_an_operating_point_that_is_not_there_is_named_with_those_that_are(
    detecting_card: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("predict", "detection", folder, "--out", tmp_path / "r.jsonl")
    assert run(*asked, "--point", "no-such") == 2
    assert "sensitive" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "implant", "b.png", "--out", "r", "--point", "sensitive"], "detection"),
        (["predict", "implant", "b.png"], "--out"),
        (["predict", "implant", "no-such.png", "--out", "r"], "no-such.png"),
        (["predict", "no-such-task", "b.png", "--out", "r"], "implant"),
        (["predict", "implant", "b.png", "--out", "r", "--card", "no-such-card"], "random-implants"),
        (["predict", "implant", "b.png", "--out", "r", "--explain", "magic"], "grad-cam"),
        (["predict", "implant", "b.png", "--out", "r", "--save", "overlays"], "--explain"),
        (["predict", "implant", "b.png", "--out", "r", "--device", "tpu"], "tpu"),
        (["train", "shoulder-implants", "--device", "tpu"], "tpu"),
        (["evaluate", "shoulder-implants", "--device", "tpu"], "tpu"),
        (["benchmark", "--device", "tpu"], "tpu"),
        (["predict", "implant", "empty", "--out", "r"], "no file"),
        (["predict", "implant", "b.png", "--out", "no-such-folder/r"], "no-such-folder"),
        (["simulate", "weather", "here"], "weather"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_a_sentence(
    arguments: list[str],
    message: str,
    random_card: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir()
    assert run(*arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


def test_changed_weights_are_a_sentence_and_exit_code_1(
    random_card: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights" / f"{random_card}-0.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert run("predict", "implant", folder, "--out", tmp_path / "r.jsonl") == 1
    assert capsys.readouterr().err.startswith(f"{weights.name}: the weights are not the ones")


def test_triage_names_the_model_that_knows_each_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Triage((Fit("knee-kl", "pathology", 0.4), Fit("fracture", "detection", 0.9)), "a knee")
    found = {"b.png": known, "a.png": Triage()}
    monkeypatch.setattr("models.triage", lambda image: found[image.name])
    (folder / "notes.png").write_text("this is text")
    out = folder / "r.jsonl"  # what is written is not read
    assert run("triage", folder, "--out", out) == 1
    assert "2 of 3 files" in capsys.readouterr().err
    answers = {Path(str(answer.pop("file"))).name: answer for answer in lines(out)}
    ranked = [
        {"card": "knee-kl", "task": "pathology", "ood_score": 0.4},
        {"card": "fracture", "task": "detection", "ood_score": 0.9},
    ]
    assert answers["b.png"] == {
        "ok": True,
        "task": "pathology",
        "card": "knee-kl",
        "ranked": ranked,
        "resembles": "a knee",
    }
    assert answers["a.png"] == {"ok": True, "task": None, "card": None, "ranked": [], "resembles": None}
    assert not answers["notes.png"]["ok"]
    assert "notes.png" in answers["notes.png"]["error"]


@pytest.mark.parametrize("arguments", [["b.png", "--out", "no-such-folder/r"], ["empty", "--out", "r"], ["b.png"]])
def test_triage_looks_at_nothing_before_it_knows_where_the_lines_go(
    arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("models.triage", lambda image: pytest.fail("looked"))
    assert run("triage", *arguments) == 2


def test_cards_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cards") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(cards())
    assert run("cards", "--json") == 0
    assert [record["id"] for record in json.loads(capsys.readouterr().out)] == list(cards())


@pytest.mark.parametrize("id", cards())
def test_a_card_in_full(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cards", id) == 0
    shown = capsys.readouterr().out
    assert cards()[id].use.not_intended in shown
    assert cards()[id].data.citation in shown
    assert run("cards", id, "--json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == id


def test_every_sample_is_answered_and_other_files_are_refused(
    packed: Callable[[str], Path], random_card: str, tmp_path: Path
) -> None:
    samples = packed("samples")
    out = tmp_path / "r.jsonl"
    assert run("predict", "implant", samples, "--out", out) == 1
    refused = {Path(str(answer["file"])).suffix for answer in lines(out) if not answer["ok"]}
    assert refused == {".stl", ".txt", ".jts", ".csv"}
    assert len(lines(out)) == len([path for path in samples.iterdir() if path.is_file()])


def test_a_batch_that_was_stopped_goes_on_where_it_was(
    random_card: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import models

    (folder / "c.png").write_bytes((folder / "b.png").read_bytes())
    (folder / "below" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    out, read, asked = tmp_path / "r.jsonl", models.read, []

    def stopping(path: Path) -> models.Image:
        asked.append(path.name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(models, "read", stopping)
        run("predict", "implant", folder, "--out", out)
    assert [Path(str(line["file"])).name for line in lines(out)] == ["b.png", "a.png"]
    torn = out.read_text() + '{"file": "half a li'
    out.write_text(torn)
    with monkeypatch.context() as patch:
        patch.setattr(models, "read", lambda path: asked.append(f"again {path.name}") or read(path))
        assert run("predict", "implant", folder, "--out", out) == 1
        assert asked[3:] == ["again cut.png", "again c.png"]
        assert "Going on after 2 of 4 files" in capsys.readouterr().err
        assert [Path(str(line["file"])).name for line in lines(out)] == ["b.png", "a.png", "cut.png", "c.png"]
        assert out.read_text().startswith(torn.rpartition("{")[0])
        assert [path.name for path in tmp_path.glob("r.jsonl*")] == ["r.jsonl"]  # it is done
        asked.clear()
        run("predict", "implant", folder, "--out", out)
        assert len(asked) == 4  # one that is done is done anew
        asked.clear()
        out.with_name("r.jsonl.unfinished").write_text("of another question")
        run("predict", "implant", folder, "--out", out)
        assert len(asked) == 4


def test_lines_stay_in_order_where_many_files_are_in_work(tmp_path: Path) -> None:
    from models.audit_log import subject
    from models.commands.batch import Lines, write_lines
    from models.errors import Unreachable

    files, out = [tmp_path / f"{number}.png" for number in range(12)], tmp_path / "r.jsonl"
    gone: set[int] = set()
    first = Event()

    def answer(file: Path) -> dict[str, object]:
        number = int(file.stem)
        if number == 3:
            first.set()
        if number in gone:
            raise Unreachable("Ray does not answer", fix="Start it.")
        assert number or first.wait(20)  # the first is done after others that began later
        return {"ok": True, "who": subject.get()}

    asking = subject.set("anna")
    gone.add(9)
    with pytest.raises(Unreachable), Lines(str(out), "q", files) as kept:
        write_lines(files, kept, answer, at_once=4)
    assert [Path(str(line["file"])) for line in lines(out)] == files[:9]
    gone.clear()
    with Lines(str(out), "q", files) as kept:
        assert write_lines(files, kept, answer, at_once=4) == 0
    assert [Path(str(line["file"])) for line in lines(out)] == files
    assert {line["who"] for line in lines(out)} == {"anna"}
    subject.reset(asking)


@pytest.mark.parametrize("option", ["--out", "--save", "--report"])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_computed(
    option: str, random_card: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("models.read", lambda path: pytest.fail("read"))
    monkeypatch.setattr("models.commands.predict._load", lambda card: pytest.fail("loaded"))
    places = {"--out": tmp_path / "r.jsonl", "--save": tmp_path / "saved", "--report": tmp_path / "r.pdf"}
    (tmp_path / "file").write_text("x")
    places[option] = tmp_path / "file" / "below" / places[option].name
    arguments = [word for name, place in places.items() for word in (name, place)]
    assert run("predict", "implant", folder, "--explain", "grad-cam", *arguments) == 2
    assert option in capsys.readouterr().err
    assert not list(tmp_path.glob("r.*"))  # nothing is begun


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_disk_is_said_as_such(random_card: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predict", "implant", folder, "--out", "/dev/full") == 1
    said = capsys.readouterr().err
    assert "full: cannot be written: no space left on device. Make room" in said
    assert not Path("/dev/full.unfinished").exists()


def test_names_of_files_can_be_left_out(
    random_card: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.triage", lambda image: Triage())
    for name in ("b.png", "below/a.png"):
        (folder / name).rename(folder / name.replace(".png", "-doe.png"))
    (folder / "cut-doe.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for command in (("predict", "implant"), ("triage",)):
        out = tmp_path / "r.jsonl"
        assert run(*command, folder, "--out", out, "--no-names") == 1
        assert "doe" not in out.read_text()
        told = lines(out)
        assert [line["number"] for line in told] == [1, 2, 3]
        assert len({line["sha256"] for line in told}) == 3
        assert [line["ok"] for line in told].count(False) == 1
