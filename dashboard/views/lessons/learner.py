"""A small network that learns in a thread of its own; the page reads how far it has come.

The thread never touches Streamlit: it appends to `Learner.seen`, and the page draws what is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.jobs import Job

if TYPE_CHECKING:
    from models.lessons.learning import Lesson, Snapshot


class Learner:
    """One run of a lesson.

    Attributes
    ----------
    seen
        What the network was at each look, the first before its first step.
    """

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.seen: list[Snapshot] = []

    def run(self, job: Job[Learner]) -> Learner:
        """Learn until the lesson is over or the reader stops it; what was learned by then stays."""
        from models.lessons.learning import learn

        for snapshot in learn(self.lesson):
            self.seen.append(snapshot)
            job.report(snapshot.step, self.lesson.steps)
            if job.stopped():
                break
        return self
