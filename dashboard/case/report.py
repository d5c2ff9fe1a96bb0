"""Hand an answer to a colleague: a report as PDF or HTML, of this answer or of all that were answered on the page.

Reports are written when they are asked for. They name no file; an identifier gets in only where the user types one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import streamlit as st

from dashboard import session
from dashboard.case import progress
from dashboard.case.offer import offer_file
from dashboard.case.polling import poll_every
from dashboard.case.states import escape_markdown, write_as_sentence
from dashboard.i18n import Language, later, spoken, t
from dashboard.session import Answered, Item
from models import Image, Judged
from models.errors import Cancelled
from models.jobs import Job

if TYPE_CHECKING:
    from models.reporting.case import Case

Format = Literal["pdf", "html"]
LABEL_LENGTH = 80
LEFT = later("Left of the map when all weights are random (near 0 is good)")
SETTLE_S = 0.4
"""A click on a download makes the field send its text, and the download asks for the file at the same moment."""


@dataclass(frozen=True)
class Written:
    """One report in both formats, and the label that stands on it."""

    label: str
    pdf: bytes
    html: bytes


def show_reports(task: str, name: str, make: Callable[[], Case], answered: Answered | None = None) -> None:
    """Offer the report of the answer on the page, and of all answers of the page where there are several.

    Parameters
    ----------
    name
        Of the files, without an ending: it carries no identifier.
    make
        Returns what the report is written from; called when the report is asked for, outside the session.
    answered
        How to make the answer again for the report of the queue; None leaves it out of that.
    """
    make = _with_ruler(make)
    if answered:
        session.note_answer_for_report(task, replace(answered, again=_with_ruler(answered.again)))
    with st.expander(t("Report"), icon=":material/description:", key=f"report-{task}", on_change="ignore"):
        label, say = _label(t("Label on the report"), name), spoken()
        with st.container(horizontal=True, gap="small"):
            offer_file(
                t("PDF"), lambda: write_report_of_one(make, label, "pdf", say), f"{name}-report.pdf",
                icon="picture_as_pdf",
                key=f"{name}-pdf", help=t("A4, to print or to send."),
            )  # fmt: skip
            offer_file(
                t("HTML"), lambda: write_report_of_one(make, label, "html", say), f"{name}-report.html", icon="html",
                key=f"{name}-html", help=t("One page for any browser, with its pictures inside."),
            )  # fmt: skip
        st.caption(
            t("Picture, answer, reason, measurements, model and hashes. No file name, and no one's unless typed.")
        )
        every = session.list_answers_for_report(task)
        if len(every) > 1:
            offer_report_of_all(task, every)


def _with_ruler(make: Callable[[], Case]) -> Callable[[], Case]:
    """Return what makes the same with what was measured by hand on its image, as it stands when it is made."""
    sheets = session.list_ruler_sheets()

    def ruled() -> Case:
        case = make()
        sheet = sheets.get(case.image.sha256)
        return replace(case, image=session.calibrate_by_sheet(case.image, sheets), ruler=sheet.now if sheet else None)

    return ruled


def write_report_of_one(make: Callable[[], Case], label: Mapping[str, str], form: Format, say: Language) -> bytes:
    """Write the report of one answer; a label that was being typed at the click arrives meanwhile."""
    case = make()
    time.sleep(SETTLE_S)
    return write_report([case], label.get("text", ""), form, say)


def write_report(cases: Sequence[Case], label: str, form: Format, say: Language) -> bytes:
    """Write a report of some answers in one format and in a reader's language."""
    from models.answers.report import bind_chapters, write_chapter
    from models.reporting.html import write_html
    from models.reporting.pdf import write_pdf

    return {"pdf": write_pdf, "html": write_html}[form](
        bind_chapters([write_chapter(case, say) for case in cases], label, say=say)
    )


def is_simulated(item: Item | None) -> bool:
    """Whether a file of the queue is a simulated case of the gallery."""
    return item is not None and item.origin.startswith("Simulated")


def keep_audited_faithfulness(prediction: Judged) -> Judged:
    """Return an answer whose explanation has the figures that the audit measured of that very map, where it ran."""
    why = prediction.explanation
    if why is None:
        return prediction
    audits = session.list_finished_work(f"audit-{prediction.sha256}-{prediction.frame}-{prediction.card}-{why.target}-")
    for audit in audits:
        for finding in audit.findings:
            if (finding.explanation.method, finding.explanation.layer) == (why.method, why.layer):
                figures: dict[str, float] = {
                    later("Deletion area (low is good)"): finding.curves.deletion_area,
                    later("Deletion area of a random map"): audit.random.deletion_area,
                    later("Insertion area (high is good)"): finding.curves.insertion_area,
                    later("Insertion area of a random map"): audit.random.insertion_area,
                    LEFT: finding.cascade.steps[-1].agreement,
                }
                return replace(prediction, explanation=replace(why, faithfulness=figures))
    return prediction


def cut_out_part(item: Item, image: Image) -> Image | None:
    """Return the image itself where it is a part that was cut out of the file, so that it can be answered again."""
    return None if image.sha256 == item.sha256 else replace(image, pixels=image.pixels.copy())


def _label(title: str, name: str) -> dict[str, str]:
    """Draw the field for a label, and return where its text stands when the report is written."""
    key = f"label-{name}"
    kept = session.find_typed_text(key)
    kept["text"] = st.text_input(
        title, key=key, max_chars=LABEL_LENGTH, placeholder=t("Empty: names no one"), on_change=_typed, args=(key,),
        help=t("Stands at the top of the report. Left empty, nothing in the report names a patient or a file."),
    )  # fmt: skip
    return kept


def _typed(key: str) -> None:
    """Keep a label at once: a click on a download may come before the page is drawn anew."""
    session.find_typed_text(key)["text"] = session.get(key, "")


def offer_report_of_all(task: str, every: Sequence[Answered]) -> None:
    """Offer one report of several answers; it is written beside the page, with progress."""
    named = hashlib.sha256("|".join(f"{one.file} {one.key}" for one in every).encode()).hexdigest()[:12]
    st.markdown(t("**All {n} images that were answered here**", n=len(every)))
    label = _label(t("Label on the report of all"), f"{task}-queue")
    say = spoken()
    name = f"report-{task}-{named}-{say.code}"
    job: Job[Written] | None = session.find_job(name)
    if job and job.running:
        _progress(name)
    elif job and job.result and job.result.label == label["text"]:
        file = f"ortholens-{task}-{named}-report"
        with st.container(horizontal=True, gap="small"):
            offer_file(t("PDF of all"), job.result.pdf, f"{file}.pdf", icon="picture_as_pdf", key="report-queue-pdf")
            offer_file(t("HTML of all"), job.result.html, f"{file}.html", icon="html", key="report-queue-html")
    else:
        st.button(
            t("Write one report of {n} images", n=len(every)),
            icon=":material/library_books:",
            key="report-queue-start",
            width="stretch",
            on_click=session.start_work,
            args=(name, lambda job: bind_report(job, every, label["text"], say)),
        )
        if job and job.error:
            st.caption(escape_markdown(f"{write_as_sentence(t(job.error.problem))}. {t(job.error.fix)}"))


def bind_report(job: Job[Written], every: Sequence[Answered], label: str, say: Language) -> Written:
    """Answer every image again and write one report of them.

    Raises
    ------
    OrthoLensError
        The first that an answer raised, and `Cancelled` when the reader stopped it.
    """
    from models.answers.report import bind_chapters, write_chapter
    from models.reporting.html import write_html
    from models.reporting.pdf import write_pdf

    chapters = []
    for number, one in enumerate(every):
        if job.stopped():
            raise Cancelled(later("the report was stopped"), fix=later("Start it again to get it."))
        job.report(number, len(every) + 1, later("Image {number} of {n}", number=number + 1, n=len(every)))
        chapters.append(write_chapter(one.again(), say))
    job.report(len(every), len(every) + 1, later("Writing the pages"))
    report = bind_chapters(chapters, label, say=say)
    return Written(label, write_pdf(report), write_html(report))


@poll_every(0.5)
def _progress(name: str) -> None:
    progress.draw_progress(name, "report-queue-cancel", t("Writing"))
