"""Train: bring pictures, see what was found, name the model, and let it learn beside everything else.

Pictures come through the browser, a folder or a ZIP file, under the limits of every upload: the page reads no path of
the server's. What trains is a process of its own (`models.tasks.own_process`), which a change of page or a closed
browser does not end.
"""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.case import states
from dashboard.i18n import t
from dashboard.views.train import bring, found, made, under_way
from models import OrthoLensError
from models.settings import settings
from models.tasks import own


def show_train_page() -> None:
    """Draw the page."""
    session.settle_arrival()  # a file chosen here is looked at on its own page
    st.header(t("Train"), anchor=False)
    if not settings().training:
        st.markdown(t("Whoever runs this program has switched training off (`ORTHOLENS_TRAINING`)."))
        return
    try:
        own.check_libraries()
    except OrthoLensError as problem:
        states.show_error(problem)
        return
    st.markdown(
        t(
            "Bring pictures of your own with their labels. A network learns from them, is measured on pictures of "
            "patients that it has not seen, and then answers on its page like every other model here."
        )
    )
    under_way.show_trainings()
    task = bring.choose_task()
    bring.take_pictures(task)
    job = bring.find_look(task)
    if job and job.running:
        bring.follow_look(bring.name_look(task))
    elif job and job.result:
        found.show_found(task, job.result)
    else:
        bring.show_uploader(task, job)
    made.show_own_models()
