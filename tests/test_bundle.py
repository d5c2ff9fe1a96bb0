"""A model handed on in one signed file answers as it did, and what is wrong with a bundle is said before it is used."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

import models
from models.cards import Card, card, reload_cards
from models.cards.bundle import install_bundle, make_bundle, read_bundle
from models.cards.signing import sign
from models.cli import main
from models.errors import BadBundle, BadCard, CannotWrite, OrthoLensError, TooLarge
from models.nets import loading
from models.settings import settings
from models.tasks.classification.predictor import Classification

Move = Callable[[str], None]


@pytest.fixture
def move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Move:
    """Become another user: one without models and keys, or with those of an earlier time under that name."""

    def become(name: str) -> None:
        monkeypatch.setenv("ORTHOLENS_CARDS_DIR", str(tmp_path / name / "cards"))
        monkeypatch.setenv("ORTHOLENS_KEYS_DIR", str(tmp_path / name / "keys"))
        settings.cache_clear()
        reload_cards()

    yield become
    monkeypatch.undo()
    settings.cache_clear()
    reload_cards()


@pytest.fixture
def bundle(random_card: str, move: Move, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The random model of the tests, handed on by one user to another, who has just come."""
    monkeypatch.setattr(import_module("models.cards.bundle"), "WEIGHTS_DIR", loading.WEIGHTS_DIR)
    move("maker")
    (tmp_path / "sent.ortholens").write_bytes(make_bundle(card(random_card))[0])
    move("taker")
    return tmp_path / "sent.ortholens"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_a_model_that_was_handed_on_answers_bit_for_bit_as_it_did(
    bundle: Path, picture: Callable[..., Path], move: Move, capsys: pytest.CaptureFixture[str]
) -> None:
    image = models.read(picture())
    before = models.predict(image, "random-implants", explain="grad-cam")
    assert run("bundle", "verify", str(bundle)) == 0
    told = capsys.readouterr().out
    assert "random-implants: A model for tests (task implant)" in told
    assert "whom you do not trust yet" in told
    signer = told.split("Signed by ")[1].split(",")[0]
    assert run("bundle", "import", str(bundle), "--as", "mine") == 1
    assert signer in capsys.readouterr().err
    assert "mine" not in models.cards()
    assert run("bundle", "import", str(bundle), "--as", "mine", "--signer", signer) == 0
    after = models.predict(image, "mine", explain="grad-cam")
    assert isinstance(before, Classification)
    assert isinstance(after, Classification)
    np.testing.assert_array_equal(before.probabilities, after.probabilities)
    np.testing.assert_array_equal(before.explanation.heat, after.explanation.heat)
    assert [one.id for one in models.cards_of("implant")] == ["random-implants", "mine"]  # the program's own first
    assert run("bundle", "import", str(bundle), "--as", "again") == 0  # its signer is known from now on
    assert run("cards") == 0
    listed = capsys.readouterr().out
    assert str(settings().cards_dir / "again") in listed
    move("maker")
    assert "mine" not in models.cards()
    assert not [*settings().keys_dir.parent.glob("**/.*")]
    assert (settings().keys_dir / "signing.key").stat().st_mode & 0o077 == 0


def test_a_model_of_a_package_and_one_put_there_by_hand_are_found_and_a_wrong_one_breaks_nothing(
    bundle: Path, move: Move, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = read_bundle(bundle).signer
    folder = install_bundle(read_bundle(bundle), accept, "mine", signer)
    (folder.parent / "broken").mkdir()
    (folder.parent / "broken" / "broken.toml").write_text('id = "broken"\ntask = 5\n')
    text = (folder / "mine.toml").read_text()
    (folder.parent / "random-implants.toml").write_text(text.replace('"mine"', '"random-implants"'))
    climbing = text.replace('"mine"', '"climbing"').replace("random-implants-0", "../mine/x")
    (folder.parent / "climbing.toml").write_text(climbing)
    for id, task in (("asks", "no-such-task"), ("study", "kinematics")):
        other = text.replace('"mine"', f'"{id}"').replace('task = "implant"', f'task = "{task}"')
        (folder / f"{id}.toml").write_text(other)
    (folder.parent / "bare.toml").write_text(text.replace('"mine"', '"bare"'))  # without its weights
    package = tmp_path / "site" / "clinic_models"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('a card is found without being run')")
    (package / "clinic.toml").write_text(text.replace('"mine"', '"clinic"'))
    (package / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes())
    about = tmp_path / "site" / "clinic-1.dist-info"
    about.mkdir()
    (about / "entry_points.txt").write_text("[ortholens.cards]\nclinic = clinic_models\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    reload_cards()
    assert list(models.cards()) == ["random-implants", "clinic", "mine"]
    assert run("cards") == 0
    said = capsys.readouterr().err
    for words in (
        "broken.toml: task",
        "random-implants.toml: there is a model",
        "climbing.toml: members.0.file",
        "asks.toml: there is no task 'no-such-task'",
        "study.toml: no card answers 'kinematics' alone",
        f"bare.toml: {WEIGHTS} is not beside it",
    ):
        assert words in said
    (folder.parent / "later").mkdir()
    shutil.copy(folder / WEIGHTS, folder.parent / "later")
    (folder.parent / "later" / "later.toml").write_text(text.replace('"mine"', '"later"'))
    assert "later" in models.cards()  # at once, without a new start


def repacked(path: Path, change: Callable[[dict[str, bytes]], object], resign: bool = False) -> None:
    """Write a bundle again with other files in it, signed anew by whoever does so, or as it was."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    if resign:
        files["signature.json"] = json.dumps(sign(files["manifest.json"])).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def manifest_with(**changed: object) -> Callable[[dict[str, bytes]], object]:
    def change(files: dict[str, bytes]) -> None:
        files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | changed).encode()

    return change


WEIGHTS = "random-implants-0.safetensors"


def hashed(name: str, data: bytes) -> Callable[[dict[str, bytes]], object]:
    """Put a file in, with its hash."""

    def change(files: dict[str, bytes]) -> None:
        files[name] = data
        told = json.loads(files["manifest.json"])
        told["files"][name] = hashlib.sha256(data).hexdigest()
        files["manifest.json"] = json.dumps(told).encode()

    return change


ATTACKS: dict[str, tuple[Callable[[dict[str, bytes]], object], bool, type[OrthoLensError], str]] = {
    "a pickle": (lambda files: files.update({"w.pkl": pickle.dumps(1)}), False, BadBundle, r"'w\.pkl', which no model"),
    "a pickle in disguise": (hashed(WEIGHTS, pickle.dumps([1.0])), True, BadBundle, "in it is not safetensors"),
    "a path that climbs": (lambda files: files.update({"../x.toml": b""}), False, BadBundle, r"'\.\./x\.toml', which"),
    "an absolute path": (lambda files: files.update({"/etc/x.toml": b""}), False, BadBundle, "which no model needs"),
    "a path of Windows": (lambda files: files.update({"..\\x.toml": b""}), False, BadBundle, "which no model needs"),
    "other weights": (lambda files: files.update({WEIGHTS: b"0" * 9}), False, BadBundle, f"{WEIGHTS} has another hash"),
    "another card": (
        lambda files: files.update({"random-implants.toml": b""}), False, BadBundle, "toml has another hash"
    ),
    "a file more": (lambda files: files.update({"more.json": b"{}"}), False, BadBundle, "'more.json' is there, and"),
    "a file less": (lambda files: files.pop(WEIGHTS), False, BadBundle, f"'{WEIGHTS}' is signed, and is missing"),
    "another manifest": (manifest_with(made="2020-01-01"), False, BadBundle, "changed after it was signed"),
    "a manifest of another form": (manifest_with(files=[1]), True, BadBundle, r"another form \(files\)"),
    "a later format": (manifest_with(format=2), True, BadBundle, "newer OrthoLens: its format is 2, and 1"),
    "figures that are none": (hashed("random-implants.figures.json", b"{"), True, BadBundle, "in it is no JSON"),
    "no signature": (lambda files: files.pop("signature.json"), False, BadBundle, r"it has no signature\.json"),
    "a signature that is none": (
        lambda files: files.update({"signature.json": b'{"algorithm": "none"}'}), False, BadBundle, "changed after"
    ),
    "no JSON": (lambda files: files.update({"signature.json": b"\xff"}), False, BadBundle, "in it is no JSON"),
    "a signature of another form": (
        lambda files: files.update({"signature.json": b"[]"}), False, BadBundle, r"signature\.json in it is of another"
    ),
    "a number of another kind": (manifest_with(format="1"), True, BadBundle, r"another form \(format\)"),
    "no card": (manifest_with(card="another"), True, BadBundle, r"has no another\.toml"),
    "a card that is none": (hashed("random-implants.toml", b"id = 5"), True, BadBundle, "describes no model: id: "),
    "another card beside it": (hashed("other.toml", b"id = 5"), True, BadBundle, r"'other\.toml', which its card does"),
    "weights that its card does not name": (
        hashed("more.safetensors", save({"a": np.zeros(1)})), True, BadBundle, r"'more\.safetensors', which its card"
    ),
    "other weights, signed": (
        hashed(WEIGHTS, save({"a": np.zeros(1)})), True, BadBundle, "other weights than its card names"
    ),
}  # fmt: skip


def test_what_is_not_as_it_was_signed_is_refused_with_its_reason(bundle: Path) -> None:
    whole = bundle.read_bytes()
    for attack, (change, resign, error, words) in ATTACKS.items():
        bundle.write_bytes(whole)
        repacked(bundle, change, resign)
        with pytest.raises(error, match=words) as refused:
            read_bundle(bundle)
        assert refused.value.file == bundle.name, attack
    assert not settings().cards_dir.exists()


def test_a_bundle_that_is_cut_off_missing_or_too_large_is_refused(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bundle.read_bytes()
    monkeypatch.setattr(import_module("models.cards.bundle"), "MOST_BYTES", 1000)
    with pytest.raises(TooLarge, match="more than a model can"):
        read_bundle(bundle)
    monkeypatch.undo()
    with zipfile.ZipFile(bundle, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", b" " * (17 << 20))
    with pytest.raises(BadBundle, match="is packed"):
        read_bundle(bundle)
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("holiday.jpg", b"")
    with pytest.raises(BadBundle, match=r"is no bundle: it has no manifest\.json"):
        read_bundle(bundle)
    for data in (whole[: len(whole) // 2], b"", b"not a bundle"):
        bundle.write_bytes(data)
        with pytest.raises(BadBundle, match="cut off"):
            read_bundle(bundle)
    bundle.unlink()
    with pytest.raises(BadBundle, match="cannot be opened"):
        read_bundle(bundle)


def accept(card: Card) -> None:
    """Find nothing wrong."""


def test_all_of_a_model_is_taken_or_nothing(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = replace(read_bundle(bundle), trusted=True)

    def refuse(card: Card) -> None:
        assert (card.folder / card.parts[0].file).is_file()  # it is asked with all its files there
        raise BadCard("it answers nothing", fix="Mend it.", file=card.id)

    with pytest.raises(BadBundle, match="there is a model 'random-implants' already"):
        install_bundle(found, accept)
    for id in ("Not An Id", "../up", " "):
        with pytest.raises(BadBundle, match="is no id of a model"):
            install_bundle(found, accept, id)
    with pytest.raises(BadCard, match="answers nothing"):
        install_bundle(replace(found, trusted=False), refuse, "mine", found.signer)
    assert not [*settings().cards_dir.iterdir()]
    assert not read_bundle(bundle).trusted  # whose model is refused is no more trusted than before
    with pytest.raises(BadBundle, match="not by 0000"):
        install_bundle(replace(found, trusted=False), accept, "mine", "0000")
    settings().cards_dir.rmdir()
    settings().cards_dir.write_text("a file where the folder should be")
    with pytest.raises(CannotWrite, match="nothing was kept of it: file exists"):
        install_bundle(found, accept, "mine")


def test_a_model_whose_network_cannot_be_built_is_not_taken(
    bundle: Path, move: Move, capsys: pytest.CaptureFixture[str]
) -> None:
    move("maker")
    with zipfile.ZipFile(bundle) as archive:
        toml = archive.read("random-implants.toml").replace(b'"mobilenet_v2"', b'"no_such_net"')
    repacked(bundle, hashed("random-implants.toml", toml), resign=True)
    assert run("bundle", "import", str(bundle), "--as", "odd") == 1
    assert "no network 'no_such_net'" in capsys.readouterr().err
    assert "odd" not in models.cards()


def test_folders_that_may_not_be_used_are_said(
    bundle: Path, random_card: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, keys = read_bundle(bundle), settings().keys_dir
    keys.parent.mkdir(parents=True)
    keys.write_text("a file where the folder should be")
    assert run("bundle", "export", random_card, str(bundle)) == 1
    assert "signing.key: cannot be written: " in capsys.readouterr().err
    keys.unlink()
    keys.mkdir()
    (keys / "signing.key").write_bytes(b"no key")
    assert run("bundle", "export", random_card, str(bundle)) == 1
    assert "signing.key: is no Ed25519 key. Take it out of" in capsys.readouterr().err
    (keys / "signing.key").unlink()
    (keys / "trusted-signers.txt").mkdir()
    with pytest.raises(CannotWrite, match="is a directory"):  # nothing is kept of a model whose signer cannot be noted
        install_bundle(found, accept, "mine", found.signer)
    assert not [*settings().cards_dir.iterdir()]
    settings().cards_dir.rmdir()
    settings().cards_dir.write_text("no folder")
    reload_cards()
    assert run("cards") == 0
    assert "cards: cannot be read: not a directory" in capsys.readouterr().err
