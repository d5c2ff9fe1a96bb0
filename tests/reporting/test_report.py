"""What a report says: every kind of answer, an abstention told plainly, and nothing that names a patient."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

import models
from models import DISCLAIMER, Prediction, card
from models.answers.report import write_chapter
from models.cases import CASES_DIR
from models.reporting import pictures
from models.reporting.case import Case
from models.reporting.curves import HEIGHT, LEFT, WIDTH, lay_out_curve
from models.reporting.html import write_html
from models.reporting.parts import Curve, Report

Write = Callable[..., Report]
KINDS = ("classification", "abstention", "segmentation", "motion")


def words(report: Report) -> str:
    """Return the visible text of the HTML page, its spaces made one."""
    page = re.sub(r"<style>.*?</style>|<title>.*?</title>", " ", write_html(report).decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("&#x27;", "'").replace("&amp;", "&").split())


def test_a_classification_gives_answer_confidence_set_reason_calibration_model_and_hashes(write: Write) -> None:
    said = words(write("classification"))
    for expected in (
        "KL 3, moderate", "70%", "calibrated confidence",
        "Still possible at 90% coverage: KL 2, minimal; KL 3, moderate",
        "Grad-CAM", "Faithfulness: not measured", "0.2 mm a pixel, from PixelSpacing", "ab12" * 16,
        card("knee-kl").members[0].sha256, card("knee-kl").use.not_intended.split(".")[0], "torch ", "ortholens ",
        "Expected grade 2.7", "0.60 of the limit",
    ):  # fmt: skip
        assert expected in said, expected
    assert said.count(DISCLAIMER) == 2


def test_measured_faithfulness_is_told(write: Write, grade: Callable[..., Prediction], pictured: Callable) -> None:
    answer = grade()
    why = replace(answer.explanation, faithfulness={"Insertion area (high is good)": 0.815})
    said = words(write(Case(pictured(), replace(answer, explanation=why))))
    assert "Insertion area (high is good) 0.815" in said
    assert "not measured" not in said


def test_an_abstention_withholds_answer_and_heat(write: Write) -> None:
    report = write("abstention")
    said = words(report)
    assert "No answer This is no knee, so the model abstains." in said
    assert "3.10 of the limit, over what the model accepts" in said
    assert "70%" not in said
    assert "Probability of each label" not in said
    assert write_html(report).count(b"data:image/jpeg") == 1
    assert (report.chapters[0].answer, report.chapters[0].sure) == ("No answer", "")


def test_a_segmentation_measures_in_mm_only_where_calibrated(
    write: Write, pictured: Callable, section: models.Segmentation
) -> None:
    said = words(write("segmentation"))
    assert " mm² " in said
    assert "Mean thickness (mm) 0.20" in said  # 20 rows of 0.01 mm
    assert "simulated image, trained on simulated images" in said
    bare = words(write(Case(pictured(), section)))
    assert "mm²" not in bare.replace("per mm²", "")
    assert "Mean thickness (px) 20" in bare
    assert "Calibration: none" in bare


def test_boxes_are_listed_with_their_scores(
    write: Write, detecting_card: str, boxes_of: Callable, pictured: Callable
) -> None:
    said = words(write(Case(pictured(), boxes_of(detecting_card))))
    assert "Suspected: 1 crack, 1 screw 81% score of the best box" in said
    assert "1 Crack 81% 10, 20 30 × 40" in said
    assert "2 Screw 55%" in said
    assert "5%, " not in said  # under the threshold
    assert "Sensitivity 0.90, from a score of 0.30" in said


def test_a_box_is_as_wide_and_as_high_as_its_own_spacing_says(
    write: Write, detecting_card: str, boxes_of: Callable, pictured: Callable
) -> None:
    image = pictured(spacing_mm=(0.2, 0.5), spacing_source="PixelSpacing")
    said = words(write(Case(image, boxes_of(detecting_card))))
    assert "10, 20 30 × 40 15.0 × 8.0" in said  # 30 columns of 0.5 mm, 40 rows of 0.2 mm
    assert "50, 60 10 × 12 5.0 × 2.4" in said


def test_a_segmentation_that_is_withheld_tells_nothing_of_itself(
    write: Write, section: models.Segmentation, pictured: Callable
) -> None:
    odd = replace(section, abstained=True, reason="this is no section of a joint", ood_score=2.0)
    report = write(Case(pictured(spacing_mm=(0.01, 0.02), spacing_source="a ruler"), odd))
    said = words(report)
    assert "No answer This is no section of a joint, so the model abstains." in said
    assert (report.chapters[0].answer, report.chapters[0].sure) == ("No answer", "")
    assert write_html(report).count(b"data:image/jpeg") == 1  # the image alone
    for given_away in ("mm²", "Mean thickness", "Articular cartilage", "certainty"):
        assert given_away not in said.replace(card(odd.card).summary, ""), given_away


@pytest.mark.parametrize("shape", [(120, 90), (90, 120)])
def test_heat_lies_in_a_report_where_it_lies_in_the_image(
    shape: tuple[int, int], grade: Callable[..., Prediction], pictured: Callable
) -> None:
    heat = np.zeros(shape, np.float32)
    heat[8:24, 60:80] = 1  # at the top, at the right
    why = models.Explanation(heat, "grad-cam", "stage5", "3", 0.1)
    drawn = pictures.draw_report_heat(pictured(pixels=np.zeros((1, *shape), np.float32)), grade(explanation=why))
    seen = drawn.astype(int).sum(2)
    rows, columns = np.nonzero(seen > seen.max() / 2)
    assert (rows.mean(), columns.mean()) == pytest.approx((15.5, 69.5), abs=1)


@pytest.mark.parametrize("place", [None, models.Box(10, 20, 30, 40)])
def test_what_the_reader_asked_about_is_shown_with_its_place(
    write: Write, pictured: Callable, section: models.Segmentation, place: models.Box | None
) -> None:
    why = models.Explanation(np.full((120, 90), 0.5, np.float32), "grad-cam", "up2", "articular-cartilage", 0.1)
    report = write(Case(pictured(), replace(section, explanation=why), place=place))
    where = "in the white frame of 40 × 30 px" if place else "anywhere in the image"
    said = words(report)
    assert f"Bright: speaks for Articular cartilage {where}" in said
    assert "Faithfulness: not measured" in said
    assert write_html(report).count(b"data:image/jpeg") == 3


def test_a_box_is_explained_by_the_name_of_the_method(
    write: Write, detecting_card: str, boxes_of: Callable, pictured: Callable
) -> None:
    found = boxes_of(detecting_card)
    why = models.Explanation(np.full((120, 90), 0.5, np.float32), "d-rise", "", found.labels[0], 9.0)
    said = words(write(Case(pictured(), replace(found, explanation=why), place=models.Box(20, 10, 40, 30))))
    assert "Bright: speaks for Crack in the white frame of 30 × 40 px" in said
    assert "D-RISE. How much better" in said


def test_a_frame_is_drawn_round_the_place_and_nowhere_else(pictured: Callable, section: models.Segmentation) -> None:
    heat, place = np.zeros((120, 90), np.float32), models.Box(10, 20, 30, 40)
    answer = replace(section, explanation=models.Explanation(heat, "grad-cam", "up2", "articular-cartilage", 0.1))
    bare, framed = (pictures.draw_report_heat(pictured(), answer, at) for at in (None, place))
    rows, columns = np.nonzero((bare != framed).any(2))
    assert (rows.min(), columns.min(), rows.max(), columns.max()) == (10, 20, 40, 60)
    assert (framed[10, 20:60] == 255).all()


def test_a_motion_gives_its_angles_frame_by_frame_and_what_to_doubt(write: Write) -> None:
    said = words(write("motion"))
    for expected in (
        "Flexion from 0° to 60°", "1 of them flagged", "No network outlined the components",
        "Frame 3: No tibial component was found", "Simulated frames and implants.", "simulated image",
        "the simulation's own camera", "3 * – –", "beyond 1 mm in the plane, 5 mm in depth or 2° of rotation is likely",
    ):  # fmt: skip
        assert expected in said, expected


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_of_a_file_gets_in_and_a_label_only_when_typed(write: Write, kind: str) -> None:
    pages = write_html(write(kind)).decode(), write_html(write(kind, label="  Frau\n Müller <b> ")).decode()
    bare, labelled = (re.sub(r"base64,[^\"]*", "", page) for page in pages)  # any three letters stand in a picture
    assert "Doe" not in bare
    assert "Frau" not in bare
    assert "Frau Müller &lt;b&gt;" in labelled


def test_a_dicom_file_that_names_its_patient_makes_a_report_that_does_not() -> None:
    dataset: Dataset = dcmread(CASES_DIR / "shoulder_anatomic.dcm")
    dataset.PatientName, dataset.PatientID = "Papadopoulos^Eleni", "H-556677"
    dataset.InstitutionName, dataset.AccessionNumber, dataset.PatientBirthDate = "St Elsewhere", "ACC9981", "19611224"
    dataset.StudyDate, dataset.StudyDescription = "20240229", "Eleni shoulder"
    out = BytesIO()
    dataset.save_as(out)
    image = models.read(out.getvalue(), "Papadopoulos_Eleni.dcm")
    known = card("shoulder-implants")
    answer = models.Classification(
        task="implant", card=known.id, sha256=image.sha256, seconds=0.1, labels=known.keys,
        probabilities=np.full(len(known.keys), 1 / len(known.keys), np.float32),
    )  # fmt: skip
    from models.answers.report import bind_chapters
    from models.reporting.pdf import write_pdf

    report = bind_chapters([write_chapter(Case(image, answer))])
    said = words(report)
    for secret in ("Papadopoulos", "Eleni", "556677", "Elsewhere", "ACC9981", "19611224", "20240229"):
        assert secret not in said
        assert secret.encode() not in write_pdf(report)
    assert "mm a pixel" in said  # what is no identifier of the header is kept


def test_an_unknown_kind_of_prediction_is_refused(pictured: Callable) -> None:
    with pytest.raises(TypeError, match="Prediction"):
        write_chapter(Case(pictured(), Prediction(task="implant", card="knee-kl", sha256="", seconds=0.0)))


def test_a_gap_breaks_the_line_and_everything_lies_in_the_panel() -> None:
    values = np.array([1.0, 2.0, np.nan, 5.0, 4.0])
    drawn = lay_out_curve(Curve("Flexion", "°", values, np.array([0.5, 0.5, np.nan, np.nan, 0.5])))
    assert [len(line) for line in drawn.lines] == [2, 2]
    points = [point for run in (*drawn.lines, *drawn.bands) for point in run]
    assert all(LEFT <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert len(drawn.levels) >= 2
    assert lay_out_curve(Curve("None", "mm", np.full(3, np.nan), np.full(3, np.nan))).lines == ()


def test_the_fonts_are_small_and_come_with_their_licence() -> None:
    fonts = Path(models.__file__).parent / "drawing" / "fonts"
    assert sum(file.stat().st_size for file in fonts.iterdir()) < 1_600_000
    assert "Bitstream" in (fonts / "LICENSE.txt").read_text()
