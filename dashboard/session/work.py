"""Long work of one user: started under a name, stopped when the user leaves or looks at something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import streamlit as st

from dashboard.session.user import name_user_of_thread
from models.jobs import Job

T = TypeVar("T")

JOBS = 8
"""Results of long work kept; the oldest go first."""


def start_work(name: str, work: Callable[[Job[T]], T], *, in_turn: bool = False) -> None:
    """Start long work under a name; work of that name that still runs is left alone.

    Parameters
    ----------
    in_turn
        Whether it waits until no other work in turn, of any user, runs.
    """
    name_user_of_thread()
    running = find_job(name)
    if running is None or not running.running:
        st.session_state[f"job-{name}"] = _leash()[name] = Job(work, in_turn=in_turn)
        names = [old for old in _names() if old != name]
        for old in names[: 1 - JOBS]:
            _let_go(old)
        st.session_state["jobs"] = [*names[1 - JOBS :], name]


def find_job(name: str) -> Job[Any] | None:
    """Return the long work of that name, running or done; None where none was started, or the user left it."""
    found: Job[Any] | None = st.session_state.get(f"job-{name}")
    if found is None or found.result is not None or name in _leash():
        return found
    return None  # the connection broke, and with it the work: it may begin anew


def is_working() -> bool:
    """Whether any long work of the user's goes on."""
    return any(found is not None and found.running for found in map(find_job, _names()))


def list_finished_work(prefix: str) -> Iterator[Any]:
    """Yield the results of the long work whose name begins so, the latest first."""
    for name in reversed(_names()):
        found = find_job(name)
        if name.startswith(prefix) and found and found.result is not None:
            yield found.result


def stop_all_work(unless: Callable[[str], bool] = lambda name: False) -> None:
    """Stop all work and let it go, as if it had never been started, unless its name is to be kept."""
    gone = [name for name in _names() if not unless(name)]
    for name in gone:
        _let_go(name)
    st.session_state["jobs"] = [name for name in _names() if name not in gone]


def forget_work(name: str) -> None:
    """Stop long work and let it go, as if it had never been started."""
    stop_all_work(unless=lambda other: other != name)


def _let_go(name: str) -> None:
    _leash().pop(name, None)
    if found := st.session_state.pop(f"job-{name}", None):
        found.stop()


def _names() -> list[str]:
    return list(st.session_state.get("jobs", ()))


def _stop(jobs: dict[str, Job[Any]]) -> None:
    for one in jobs.values():
        one.stop()


@st.cache_resource(scope="session", show_spinner=False, on_release=_stop)
def _leash() -> dict[str, Job[Any]]:
    """Return the work that Streamlit has stopped when the user's connection ends."""
    return {}
