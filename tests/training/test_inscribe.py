import json
from datetime import date
from importlib import import_module

import pytest

from models.cards import card, load_card
from models.cards.tables import Calibration, Member
from models.cards.writing import update_metrics, write_card


@pytest.fixture
def folder(tmp_path, monkeypatch):
    from models.cards import CARDS_DIR

    (tmp_path / "knee-kl.toml").write_text((CARDS_DIR / "knee-kl.toml").read_text())
    monkeypatch.setattr(import_module("models.cards.writing"), "CARDS_DIR", tmp_path)
    return tmp_path


def test_what_is_inscribed_is_read_again_and_the_rest_stands(folder):
    members = [Member(file=f"knee-{i}.safetensors", sha256=f"{i}" * 64) for i in range(2)]
    calibration = Calibration(temperature=1.25, n=826)
    write_card("knee-kl", {"members": members, "calibration": calibration, "ood": None})
    write_card("knee-kl", {"members": members})  # twice is once
    written = load_card(folder / "knee-kl.toml")
    assert written.members == tuple(members)
    assert written.calibration == calibration
    assert written.ood is None
    before = card("knee-kl")
    assert "\n\n\n" not in (folder / "knee-kl.toml").read_text()
    assert (written.labels, written.use, written.training) == (before.labels, before.use, before.training)


def test_what_is_measured_anew_says_when_and_the_rest_keeps_its_date(folder):
    figures = folder / "knee-kl.figures.json"
    figures.write_text(json.dumps({"measured": "2020-02-02", "weights": ["a"], "ood": {"n": 1, "kept": 0.5}}))
    update_metrics("knee-kl", "ood", {"n": 9, "kept": 0.95})
    update_metrics("knee-kl", "weights", ["b"])
    told = json.loads(figures.read_text())
    assert told["measured"] == "2020-02-02"
    assert told["weights"] == ["b"]
    assert (told["ood"]["n"], told["ood"]["kept"], told["ood"]["measured"]) == (9, 0.95, date.today().isoformat())
    assert set(told["ood"]["versions"]) >= {"torch", "ortholens"}
