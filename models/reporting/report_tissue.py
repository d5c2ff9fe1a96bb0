"""What a segmentation says in a report: classes on the image, how much of each there is, thickness, agreement.

The table of classes is also the legend of the picture: each row has its colour. Measurements are those of
`models.tissue`, the same as in the CSV.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.cards import Card, card
from models.reporting import paint, report_pictures
from models.reporting.record import headline
from models.reporting.report_case import Case
from models.reporting.report_model import calibration
from models.reporting.report_parts import Answer, Paragraph, Part, Pictures, Section, Table
from models.reporting.report_trust import asked, plain_picture, trust
from models.tissue.areas import ClassArea, measure
from models.tissue.thickness import BAND, thickness
from models.tissue.truth import Agreement
from models.types import Segmentation

DOUBTED = 0.8
"""Pixels whose class is less probable than this are called in doubt."""


def answered(prediction: Segmentation, case: Case) -> list[Section]:
    """Return the sections of a segmentation that was not withheld."""
    known, why = card(prediction.card), prediction.explanation
    drawn = case.drawn if case.drawn is not None else report_pictures.classes(case.image, prediction)
    painted = report_pictures.picture(
        drawn, f"The image with its classes painted: {headline(prediction)}", "The classes"
    )
    areas = measure(prediction, case.image)
    sure = prediction.certainty[prediction.mask > 0]
    confidence = f"{sure.mean() / 255:.0%}" if sure.size else ""
    unit = f"mean certainty of what is painted{'' if known.calibration else ', not calibrated'}"
    parts: list[Part] = [
        Answer(headline(prediction), confidence, unit if confidence else ""),
        Pictures((plain_picture(case), painted)),
        _table(areas, prediction, known),
        *_sizes(areas, known),
    ]
    measured = [
        *_thickness(prediction, case),
        *_agreement(case.agreements, known),
        Paragraph(f"Calibration: {calibration(case.image)}."),
    ]
    return [
        Section("", tuple(parts)),
        Section("Measurements", tuple(measured)),
        *([asked(why, known, case)] if why else []),
        _trust(prediction, case),
    ]


def summary(prediction: Segmentation) -> tuple[str, str]:
    """Return the answer in one line, and the mean certainty of what is not background."""
    sure = prediction.certainty[prediction.mask > 0]
    return headline(prediction), f"{sure.mean() / 255:.0%}" if sure.size else ""


def _table(areas: Sequence[ClassArea], prediction: Segmentation, known: Card) -> Table:
    """Return a row for each class that was found; what has no value for any class has no column."""
    colours = paint.colours(known)
    rows, swatches = [], []
    for index, area in enumerate(areas):
        if not area.pixels:
            continue
        row = {"Class": known.labels[index].name, "Share": f"{area.share:.1%}"}
        if area.area_mm2 is not None:
            row["Area (mm²)"] = _area(area.area_mm2)
        row |= {"Pixels": f"{area.pixels:,}", "Pieces": f"{area.components:,}"}
        if area.objects:
            row["Count"] = f"{area.objects.count:,}"
            if area.objects.density_per_mm2 is not None:
                row["Per mm²"] = f"{area.objects.density_per_mm2:,.0f}"
        row["Certainty"] = f"{prediction.certainty[prediction.mask == index].mean() / 255:.0%}"
        rows.append(row)
        swatches.append(colours.get(index))
    columns = (*dict.fromkeys(name for row in rows for name in row if name != "Certainty"), "Certainty")
    cells = tuple(tuple(row.get(name, "") for name in columns) for row in rows)
    return Table(columns, cells, "Classes", colours=tuple(swatches))


def _sizes(areas: Sequence[ClassArea], known: Card) -> list[Part]:
    said: list[Part] = []
    for label, area in zip(known.labels, areas, strict=True):
        if area.objects and area.objects.count:
            _, lower, median, upper, _ = area.objects.sizes
            unit = area.objects.unit
            said.append(
                Paragraph(
                    f"{label.name}: half are larger than {median:,.0f} {unit}, the middle half from {lower:,.0f} to "
                    f"{upper:,.0f} {unit}."
                )
            )
    missing = [label.name.lower() for label, area in zip(known.labels, areas, strict=True) if not area.pixels]
    if missing:
        said.append(Paragraph(f"Not found: {', '.join(missing)}.", "note"))
    return said


def _thickness(prediction: Segmentation, case: Case) -> list[Part]:
    if BAND not in prediction.labels:
        return []
    band = prediction.mask == prediction.labels.index(BAND)
    if not band.any():
        return []
    found = thickness(band, case.image.spacing_mm)
    if not len(found.profile):
        return [Paragraph("Too little cartilage to measure its thickness.", "note")]
    unit = found.unit
    rows = (
        (f"Mean thickness ({unit})", f"{found.mean:.2f}"),
        (f"Thinnest ({unit})", f"{found.minimum:.2f}"),
        (f"Roughness of the surface ({unit})", f"{found.roughness:.2f}"),
    )
    return [Table(("Cartilage", "Value"), rows)]


def _agreement(agreements: Sequence[Agreement], known: Card) -> list[Part]:
    if not agreements:
        return []
    names = {label.key: label.name for label in known.labels}
    rows = tuple(
        (
            names[one.key],
            *(_number(value) for value in (one.dice, one.jaccard, one.precision, one.recall, one.hausdorff95)),
        )
        for one in agreements
    )
    columns = (
        "Agreement with the truth given",
        "Dice",
        "Jaccard",
        "Precision",
        "Recall",
        f"HD95 ({agreements[0].unit})",
    )
    return [Table(columns, rows)]


def _area(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _number(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def _trust(prediction: Segmentation, case: Case) -> Section:
    section = trust(prediction, case)
    doubted = float((prediction.certainty < DOUBTED * 255).mean())
    said = f"In {doubted:.1%} of the image the class chosen is less than {DOUBTED:.0%} probable."
    return Section(section.title, (Paragraph(said), *section.parts))
