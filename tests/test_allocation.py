"""A command that trains starts itself once more, with the allocator told to keep what is freed."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from models.commands import allocation

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these tunables")

TWICE = """
import os, sys
from models.commands.allocation import keep_freed_memory
print(len(sys.argv), "GLIBC_TUNABLES" in os.environ, flush=True)
keep_freed_memory()
print("ran")
"""


def output(**environment: str) -> list[str]:
    clean = {key: value for key, value in os.environ.items() if key != "GLIBC_TUNABLES"} | environment
    run = subprocess.run([sys.executable, "-c", TWICE, "x"], env=clean, check=True, capture_output=True, text=True)
    return run.stdout.splitlines()


@glibc
def test_it_starts_once_more_with_the_same_arguments() -> None:
    assert output() == ["2 False", "2 True", "ran"]


def test_a_choice_of_the_user_is_left_alone() -> None:
    assert output(GLIBC_TUNABLES="glibc.malloc.arena_max=2") == ["2 True", "ran"]


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("started again"))
    allocation.keep_freed_memory()
