"""The exception tree: one sentence each, and the trip between processes."""

from __future__ import annotations

import pickle

import pytest

from models import errors
from models.errors import OrthoLensError, UnsupportedFormat


def kinds() -> list[type[OrthoLensError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OrthoLensError)]


@pytest.mark.parametrize("kind", kinds())
def test_reads_as_file_problem_fix(kind: type[OrthoLensError]) -> None:
    error = kind("is empty", fix="Copy it again.", file="a.png")
    assert str(error) == "a.png: is empty. Copy it again."
    assert str(kind("is empty.", fix="Copy it again.")) == "is empty. Copy it again."


@pytest.mark.parametrize("kind", kinds())
def test_survives_pickling(kind: type[OrthoLensError]) -> None:
    error = pickle.loads(pickle.dumps(kind("is empty", fix="Copy it again.", file="a.png")))
    assert type(error) is kind
    assert (error.problem, error.fix, error.file) == ("is empty", "Copy it again.", "a.png")


def test_a_file_named_later_is_in_the_sentence() -> None:
    error = UnsupportedFormat("is no image", fix="Give an image.")
    error.file = "b.txt"
    assert str(error) == "b.txt: is no image. Give an image."
