"""Keep a part of a page that was left from emptying the page that is shown.

A fragment asks to be drawn anew under the page that the browser shows. Where the server opens another page in the
meantime (`st.switch_page`), it still answers, under the page that was left: the browser then takes every element of
the new page away, and stops with "Bad delta path index" at the next one (seen with Streamlit 1.67 on the wire; a page
that a reader opens by its link is safe, https://github.com/streamlit/streamlit/pull/9617). Here such a request is
answered under the page that is shown: a fragment of both pages is drawn, one that is gone is passed over by Streamlit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

Run = Callable[[ScriptRunner, RerunData], None]
RUN = "_run_script"
"""What Streamlit's runner calls for every request."""


def answer_under_the_shown_page() -> None:
    """See to it once a process that fragments are answered under the page that is shown.

    It reaches into Streamlit; in a version that is built differently inside, nothing is done and pages work as before.
    """
    run: Run | None = getattr(ScriptRunner, RUN, None)
    if run is not None and run.__module__ != __name__:
        setattr(ScriptRunner, RUN, _under_the_shown_page(run))


def _under_the_shown_page(run: Run) -> Run:
    def under_the_shown_page(runner: ScriptRunner, request: RerunData) -> None:
        shown = getattr(getattr(runner, "_pages_manager", None), "current_page_script_hash", "")
        if request.fragment_id_queue and shown:
            request = replace(request, page_script_hash=shown)
        run(runner, request)

    return under_the_shown_page


def forget_left_controls() -> None:
    """Let go of what controls that are no longer drawn would have called; to be called when a page is drawn whole.

    Streamlit keeps it for as long as a session lasts (seen with 1.67), and with it the images and answers that it was
    made of. It reaches into Streamlit, likewise.
    """
    context = get_script_run_ctx(suppress_warning=True)
    state = getattr(getattr(context, "session_state", None), "_state", None)
    known = getattr(getattr(state, "_new_widget_state", None), "widget_metadata", None)
    drawn = getattr(getattr(context, "shared", None), "widget_ids_this_run", None)
    if known is None or drawn is None:
        return
    shown = set(drawn.snapshot())
    for name in set(known) - shown:
        if any(one in name for one in shown):
            continue  # what a component tells of itself: it is called by the component's own name and more
        if known[name].callback or known[name].callbacks:
            known[name] = replace(known[name], callback=None, callbacks=None, callback_args=None, callback_kwargs=None)
