"""What a segmentation says in a report: classes on the image, how much of each there is, thickness, agreement.

The table of classes is also the legend of the picture: each row has its colour. Measurements are those of
`models.tissue`, the same as in the CSV.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.cards import Card, card
from models.drawing import paint
from models.i18n import Language
from models.reporting import pictures
from models.reporting.case import Case
from models.reporting.model import calibration
from models.reporting.parts import Answer, Paragraph, Part, Pictures, Section, Table
from models.reporting.record import headline
from models.reporting.trust import asked, plain_picture, trust
from models.tasks.segmentation.areas import ClassArea, measure
from models.tasks.segmentation.thickness import BAND, thickness
from models.tasks.segmentation.truth import Agreement
from models.types import Segmentation
from models.words import later

CERTAINTY = later("Certainty")
DOUBTED = 0.8
"""Pixels whose class is less probable than this are called in doubt."""


def answered(prediction: Segmentation, case: Case) -> list[Section]:
    """Return the sections of a segmentation that was not withheld."""
    known, why, say = card(prediction.card), prediction.explanation, case.say
    drawn = case.drawn if case.drawn is not None else pictures.classes(case.image, prediction)
    told, confidence = summary(prediction, say)
    alt = say(later("The image with its classes in colour: {told}"), told=told)
    painted = pictures.picture(drawn, alt, say(later("The classes")))
    areas = measure(prediction, case.image)
    unit = later("mean certainty of what is segmented, not calibrated")
    if known.calibration:
        unit = later("mean certainty of what is segmented")
    parts: list[Part] = [
        Answer(told, confidence, say(unit) if confidence else ""),
        Pictures((plain_picture(case), painted)),
        _table(areas, prediction, known, say),
        *_sizes(areas, known, say),
    ]
    measured = [
        *_thickness(prediction, case),
        *_agreement(case.agreements, known, say),
        Paragraph(say(later("Calibration: {told}."), told=calibration(case.image, say))),
    ]
    return [
        Section("", tuple(parts)),
        Section(say(later("Measurements")), tuple(measured)),
        *([asked(why, known, case)] if why else []),
        _trust(prediction, case),
    ]


def summary(prediction: Segmentation, say: Language) -> tuple[str, str]:
    """Return the answer in one line, and the mean certainty of what is not background."""
    sure = prediction.certainty[prediction.mask > 0]
    return headline(prediction, say), say.number(sure.mean() / 255, ".0%") if sure.size else ""


def _table(areas: Sequence[ClassArea], prediction: Segmentation, known: Card, say: Language) -> Table:
    """Return a row for each class that was found; what has no value for any class has no column."""
    colours = paint.colours(known)
    rows, swatches = [], []
    for index, area in enumerate(areas):
        if not area.pixels:
            continue
        row = {later("Class"): say(known.labels[index].name), later("Share"): say.number(area.share, ".1%")}
        if area.area_mm2 is not None:
            row[later("Area")] = say.area(area.area_mm2)
        row |= {later("Pixels"): say.number(area.pixels), later("Pieces"): say.number(area.components)}
        if area.objects:
            row[later("Count")] = say.number(area.objects.count)
            if area.objects.density_per_mm2 is not None:
                row[later("Per mm²")] = say.number(area.objects.density_per_mm2, ",.0f")
        row[CERTAINTY] = say.number(prediction.certainty[prediction.mask == index].mean() / 255, ".0%")
        rows.append(row)
        swatches.append(colours.get(index))
    columns = (*dict.fromkeys(name for row in rows for name in row if name != CERTAINTY), CERTAINTY)
    cells = tuple(tuple(row.get(name, "") for name in columns) for row in rows)
    return Table(tuple(map(say, columns)), cells, say(later("Classes")), colours=tuple(swatches))


def _sizes(areas: Sequence[ClassArea], known: Card, say: Language) -> list[Part]:
    said: list[Part] = []
    for label, area in zip(known.labels, areas, strict=True):
        if area.objects and area.objects.count:
            _, lower, median, upper, _ = area.objects.sizes
            told = later(
                "{name}: half are larger than {median:,.0f} {unit}, the middle half from {lower:,.0f} to "
                "{upper:,.0f} {unit}."
            )
            unit = area.objects.unit
            said.append(Paragraph(say(told, name=say(label.name), median=median, lower=lower, upper=upper, unit=unit)))
    missing = [say.lowered(label.name) for label, area in zip(known.labels, areas, strict=True) if not area.pixels]
    if missing:
        said.append(Paragraph(say(later("Not found: {listed}."), listed=", ".join(missing)), "note"))
    return said


def _thickness(prediction: Segmentation, case: Case) -> list[Part]:
    if BAND not in prediction.labels:
        return []
    band = prediction.mask == prediction.labels.index(BAND)
    if not band.any():
        return []
    found, say = thickness(band, case.image.spacing_mm), case.say
    if not len(found.profile):
        return [Paragraph(say(later("Too little cartilage to measure its thickness.")), "note")]
    rows = tuple(
        (say(name, unit=found.unit), say.number(value, ".2f"))
        for name, value in (
            (later("Mean thickness ({unit})"), found.mean),
            (later("Thinnest ({unit})"), found.minimum),
            (later("Roughness of the surface ({unit})"), found.roughness),
        )
    )
    return [Table((say(later("Cartilage")), say(later("Value"))), rows)]


def _agreement(agreements: Sequence[Agreement], known: Card, say: Language) -> list[Part]:
    if not agreements:
        return []
    names = {label.key: say(label.name) for label in known.labels}
    rows = tuple(
        (
            names[one.key],
            *(_number(value, say) for value in (one.dice, one.jaccard, one.precision, one.recall, one.hausdorff95)),
        )
        for one in agreements
    )
    heads = (
        later("Agreement with the reference standard given"),
        later("Dice"),
        later("Jaccard"),
        later("Precision"),
        later("Recall"),
    )
    return [Table((*map(say, heads), f"HD95 ({agreements[0].unit})"), rows)]


def _number(value: float | None, say: Language) -> str:
    return "–" if value is None or np.isnan(value) else say.number(value, ".3f")


def _trust(prediction: Segmentation, case: Case) -> Section:
    section = trust(prediction, case)
    doubted = float((prediction.certainty < DOUBTED * 255).mean())
    text = later("In {doubted:.1%} of the image the class chosen is less than {least:.0%} probable.")
    said = case.say(text, doubted=doubted, least=DOUBTED)
    return Section(section.title, (Paragraph(said), *section.parts))
