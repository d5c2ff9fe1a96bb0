"""What a reader committed to before the answer was shown, and which answers have been on the screen."""

from __future__ import annotations

import streamlit as st

from models import Prediction
from models.trust.agreement import Reading


def commit(reading: Reading) -> None:
    """Keep what a reader committed to; its answer may be shown from now on."""
    _readings()[reading.sha256, reading.frame, reading.card] = reading


def reading(prediction: Prediction) -> Reading | None:
    """Return what the reader committed to before this answer was shown."""
    return _readings().get(_identity(prediction))


def readings() -> tuple[Reading, ...]:
    """Return every reading of this session, the oldest first."""
    return tuple(_readings().values())


def reveal(prediction: Prediction) -> None:
    """Remember that an answer is on the screen."""
    _seen().add(_identity(prediction))


def revealed(prediction: Prediction) -> bool:
    """Whether an answer was on the screen, or was committed to and may be."""
    return _identity(prediction) in _seen() or reading(prediction) is not None


def _identity(prediction: Prediction) -> tuple[str, int, str]:
    return prediction.sha256, prediction.frame, prediction.card


def _readings() -> dict[tuple[str, int, str], Reading]:
    return st.session_state.setdefault("readings", {})


def _seen() -> set[tuple[str, int, str]]:
    return st.session_state.setdefault("seen", set())
