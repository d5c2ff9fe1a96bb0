"""The table of a worklist: what stands of each kind of answer, references from any CSV, and how often both agree."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from models.answers.worklist import (
    Row,
    count_worklist_agreement,
    describe_outcome,
    export_worklist,
    find_meant_label,
    match_references,
    read_references,
)
from models.cards import cards
from models.errors import InputError
from models.reporting.outcome import Outcome
from models.tasks.detection.account import NOTHING
from models.types import Classification, Detections, Segmentation

COMMON = {"sha256": "ab" * 32, "seconds": 0.1}


def said(label: str, abstained: bool = False) -> Outcome:
    return Outcome("ab" * 32, 0, "knee-kl", "pathology", label, 0.71, abstained=abstained, reason=None)


def test_each_kind_of_answer_becomes_a_line() -> None:
    grade = describe_outcome(
        Classification(
            **COMMON,
            task="pathology",
            card="knee-kl",
            labels=("0", "1"),
            probabilities=np.array([0.2, 0.8], np.float32),
        )
    )
    assert grade.label == "1"
    assert grade.confidence == pytest.approx(0.8)
    boxes = {
        "task": "detection", "card": "fracture", "labels": ("fracture",), "boxes": np.zeros((2, 4), np.float32),
        "classes": np.zeros(2, np.intp), "scores": np.array([0.6, 0.2], np.float32), "places": np.zeros(2, np.intp),
        "operating_point": "x",
    }  # fmt: skip
    found = describe_outcome(Detections(**COMMON, **boxes, threshold=0.5))
    assert (found.label, len(found.found.shown), found.confidence) == ("fracture", 1, pytest.approx(0.6))
    assert describe_outcome(Detections(**COMMON, **boxes, threshold=0.9)).label == NOTHING
    mask = np.zeros((10, 10), np.uint8)
    mask[:2], mask[2:7] = 1, 2
    tissue = describe_outcome(
        Segmentation(
            **COMMON, task="tissue", card="x", labels=("background", "bone", "cartilage"), mask=mask, certainty=mask
        )
    )
    assert (tissue.label, tissue.shares) == (None, (("cartilage", 0.5), ("bone", 0.2)))


def test_agreement_counts_what_has_both_and_wilson_bounds_it() -> None:
    rows = [
        Row("a", "a.png", 0, said("2"), "2"),
        Row("b", "b.png", 0, said("2"), "3"),
        Row("c", "c.png", 0, said("2", abstained=True), "2"),
        Row("d", "d.png", 0, None, "2"),
        Row("e", "e.png", 0, said("2"), "no grade"),
        Row("f", "f.png", 0, said("2")),
    ]
    assert [row.agrees for row in rows] == [True, False, None, None, None, None]
    share = count_worklist_agreement(rows)
    assert (share.right, share.n) == (1, 2)
    assert (share.low, share.high) == pytest.approx((0.0945, 0.9055), abs=1e-3)  # Wilson's for 1 of 2
    assert count_worklist_agreement([]).n == 0


@pytest.mark.parametrize(
    "text",
    ["file,label\na.png,2\nb.png,KL 3", "\ufeffa.png;2\r\nb.png;KL 3\r\n", "File\tTruth\na.png\t2\nb.png\tKL 3\n\n"],
)
def test_a_csv_of_any_kind_is_read(text: str) -> None:
    assert read_references(text.encode(), "x.csv") == {"a.png": "2", "b.png": "KL 3"}


@pytest.mark.parametrize("data", [b"", b"one column\nonly", b"\x89PNG\r\n\x1a\n\0,\0", b"a,b\n" * 20_000, b"x" * 2**21])
def test_what_is_no_table_is_a_sentence(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_references(data, "x.csv")
    assert str(caught.value).startswith("x.csv: ")


def test_files_are_found_by_hash_name_folder_or_stem() -> None:
    files = {"1" * 64: "Knee A.PNG", "2" * 64: "b.dcm", "3" * 64: "c.png", "4" * 64: "d.png"}
    given = {"knee a.png": "0", "study/B.dcm": "1", "c": "2", "4" * 64: "3", "missing.png": "4"}
    assert match_references(given, files) == {"1" * 64: "0", "2" * 64: "1", "3" * 64: "2", "4" * 64: "3"}


def test_a_label_is_meant_by_its_key_or_its_name() -> None:
    card = cards()["knee-kl"]
    assert find_meant_label("kl 3, MODERATE", card) == "3"
    assert find_meant_label(" 2 ", card) == "2"
    assert find_meant_label("severe?", card) == "severe?"
    assert find_meant_label("None", cards()["fracture"]) == NOTHING


def test_the_table_names_files_only_when_asked() -> None:
    rows = [Row("ab" * 32, "=Smith.png", 0, said("2"), "3"), Row("cd" * 32, "Jones.png")]
    plain = export_worklist(rows, named=False).decode()
    assert "Smith" not in plain
    assert "Jones" not in plain
    first, second = csv.DictReader(io.StringIO(export_worklist(rows, named=True).decode()))
    assert (first["file"], first["answer"], first["reference"], first["agrees"]) == ("'=Smith.png", "2", "3", "false")
    assert (second["answer"], second["agrees"]) == ("", "")
    assert "not a medical device" in first["note"]
    refused = next(
        csv.DictReader(io.StringIO(export_worklist([Row("a", "a", 0, said("2", True))], named=False).decode()))
    )
    assert (refused["answer"], refused["confidence"], refused["abstained"]) == ("", "", "true")
