"""Garbage is looked for a moment after the last page was drawn."""

from __future__ import annotations

import time
import weakref

import pytest

from dashboard.session import sweep


class Node:
    """What holds itself, and so is garbage that no count of references finds."""

    def __init__(self) -> None:
        self.me = self


def test_what_holds_itself_is_gone_once_no_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "QUIET_S", 0.05)
    gone = weakref.ref(Node())
    sweep.sweep_soon()
    for _ in range(400):
        if gone() is None:
            return
        time.sleep(0.05)
    raise AssertionError("nobody swept")
