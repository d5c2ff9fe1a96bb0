"""What waits is kept through a death, done once, tried again ever later, and read by nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.pacs.archive import NoArchive, Query, Storage
from models.pacs.made import StoredObject, derive_uid
from models.pacs.rules import BadRules, Rule, read_rules
from models.pacs.spool import FILE, LONGEST_WAIT, Refused, Spool, find_wait


def made(name: str) -> StoredObject:
    return StoredObject("SR", name, "1.2", "1.3", name.encode())


def test_an_image_leaves_the_inbox_with_its_results_and_does_not_come_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.take_in("1", b"image")
    assert not spool.take_in("1", b"image")
    assert Spool(tmp_path).count().images == 1
    assert spool.answer(lambda data: [made(data.decode())], "there") == 1
    assert (spool.count().images, spool.count().results) == (0, 1)
    assert not spool.take_in("1", b"image")
    assert spool.answer(lambda data: pytest.fail("answered twice"), "there") == 0
    taken = []
    assert spool.deliver(taken.append, "elsewhere") == 0
    assert spool.deliver(taken.append, "there") == 1
    spool.put_out([made("image")], "there")
    assert spool.deliver(taken.append, "there") == 0
    assert [one.data for one in taken] == [b"image"]
    assert b"image" not in (tmp_path / FILE).read_bytes() or spool.count().results == 0
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_what_fails_waits_and_what_is_refused_is_given_up_until_it_is_asked_for(tmp_path: Path) -> None:
    spool, tries = Spool(tmp_path), []

    def fail(one: StoredObject) -> None:
        tries.append(one.instance)
        raise (Refused if one.instance == "no" else NoArchive)("it is out", fix="")

    spool.put_out([made("no"), made("later")], "there")
    assert spool.deliver(fail, "there") == 0
    assert spool.deliver(fail, "there") == 0
    assert tries == ["no", "later"]  # neither is due yet
    assert (spool.count().results, spool.count().given_up) == (1, 1)
    assert spool.list_problems() == ["it is out"]
    spool.retry()
    assert spool.deliver(lambda one: None, "there") == 2


def test_waits_grow_to_five_minutes() -> None:
    assert [1 <= 2 * find_wait(0) / 1 <= 2, find_wait(40) <= LONGEST_WAIT, find_wait(40) >= LONGEST_WAIT / 2] == [
        True
    ] * 3
    assert find_wait(5) > find_wait(2)


def test_identifiers_are_made_of_what_they_name() -> None:
    assert derive_uid("a", "b") == derive_uid("a", "b") != derive_uid("ab")
    assert derive_uid("a").startswith("2.25.")
    assert len(derive_uid("a")) <= 64


def test_filters() -> None:
    from datetime import date

    day = date(2026, 1, 5)
    assert Query(day=day).filters() == {"StudyDate": "20260105"}
    assert Query(day=day, until=date(2026, 2, 1)).filters() == {"StudyDate": "20260105-20260201"}
    assert Query(until=day, modality=" DX ").filters() == {"StudyDate": "-20260105", "Modality": "DX"}


def test_rules(tmp_path: Path) -> None:
    rule = Rule(card="knee-kl", modality=("CR", "DX"), body_part=("KNEE",))
    assert rule.fits("dx", "Knee", "LL")
    assert not rule.fits("DX", "HIP", "")
    file = tmp_path / "rules.toml"
    good = 'send_to = "A@b:104"\n[[rule]]\ncard = "knee-kl"\n'
    file.write_text(good)
    assert read_rules(file).rule[0].fits("MR", "", "")
    for bad, said in ((good.replace("knee-kl", "nobody"), "nobody"), (good.replace("@", ""), "address"),
                      (good + 'colour = "red"\n', "colour"), ('send_to = "A@b:104"', "rule"),
                      ("=", "TOML")):  # fmt: skip
        file.write_text(bad)
        with pytest.raises(BadRules, match=said):
            read_rules(file)


def test_an_archive_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(NoArchive):
        Storage("nowhere")
