"""How classes of pixels are told: how much of each there is, their thickness, and agreement with a reference standard.

The table of classes is also the legend of the picture: each row has its colour. Measurements are those of
`models.tasks.segmentation`, the same as in the CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.cards import Card, card
from models.drawing import paint
from models.drawing.draw import RGB
from models.i18n import Language
from models.reporting import pictures
from models.reporting.account import CardAccount, Keep, Record
from models.reporting.case import Case
from models.reporting.finding import Finding
from models.reporting.model import describe_calibration
from models.reporting.outcome import Outcome, fill_common_outcome
from models.reporting.parts import Answer, Paragraph, Part, Pictures, Section, Table
from models.reporting.trust import report_asked_reason, report_plain_picture, report_trust
from models.tasks.segmentation.areas import ClassArea, measure_areas
from models.tasks.segmentation.label_png import encode_label_png
from models.tasks.segmentation.reference import Agreement
from models.tasks.segmentation.thickness import BAND, measure_thickness
from models.types import Image, Segmentation
from models.words import later

CERTAINTY = later("Certainty")
NOTHING_FOUND = later("Nothing but background")
UNCERTAIN = 0.8
"""Pixels whose class is less probable than this are called uncertain."""
AGREEING = 0.8
"""Mean Dice from which an answer paints what was drawn."""


@dataclass(frozen=True, kw_only=True)
class AreasOutcome(Outcome):
    """What a segmenter said of an image, which is no single label.

    Attributes
    ----------
    shares
        Each class but the background and its share of the image, the largest first.
    count
        Objects counted; None where they are not told apart.
    """

    shares: tuple[tuple[str, float], ...] = ()
    count: int | None = None

    @property
    def cell(self) -> str:
        """The count, or the shares."""
        if self.count is not None:
            return f"{self.count} objects"
        return " ".join(f"{key} {share:.1%}" for key, share in self.shares)

    def words(self, say: Language) -> str:
        """Return the count, or the two largest classes."""
        if self.count is not None:
            return say(later("{n:,} counted"), n=self.count)
        names = {label.key: say(label.name) for label in card(self.card).labels}
        found = (f"{names[key]} {say.number(share, '.0%')}" for key, share in self.shares[:2])
        return ", ".join(found) or say(NOTHING_FOUND)


class SegmentationAccount(CardAccount[Segmentation]):
    """Tells the classes of an image by their size."""

    of = Segmentation
    films = False
    files = True

    def fields(self, answer: Segmentation) -> Record:
        """Return the pixels of each class, and the objects counted."""
        return {
            "classes": {key: value for value, key in enumerate(answer.labels)},
            "area_px": {key: int(count) for key, count in zip(answer.labels, _pixels(answer), strict=True)},
            "count": None if answer.instances is None else _count(answer.instances),
        }

    def line(self, answer: Segmentation, say: Language) -> str:
        """Return the count of objects, or each class and its share."""
        names = {label.key: say(label.name) for label in card(answer.card).labels}
        if answer.instances is not None:
            named = ", ".join(names[key] for key in answer.labels[1:])
            return say(later("{names}: {n:,} counted"), names=named, n=_count(answer.instances))
        shares = _pixels(answer)[1:] / answer.mask.size
        found = sorted(zip(shares, answer.labels[1:], strict=True), reverse=True)
        told = ", ".join(f"{names[key]} {say.number(share, '.1%')}" for share, key in found if share)
        return told or say(NOTHING_FOUND)

    def summary(self, answer: Segmentation, say: Language) -> tuple[str, str]:
        """Return the answer in one line, and the mean certainty of what is not background."""
        sure = answer.certainty[answer.mask > 0]
        return self.line(answer, say), say.number(sure.mean() / 255, ".0%") if sure.size else ""

    def keep(self, answer: Segmentation, image: Image, keep: Keep) -> Record:
        """Keep a label map in the pixels of the source, and say where it is and how large its classes are."""
        return {
            "mask": keep("mask", lambda: encode_label_png(answer.mask, card(answer.card))),
            **list_areas(answer, image),
        }

    def outcome(self, answer: Segmentation) -> AreasOutcome:
        """Return the shares of the classes, or the objects counted."""
        shares = _pixels(answer)[1:] / answer.mask.size
        found = sorted(zip(answer.labels[1:], shares.tolist(), strict=True), key=lambda pair: -pair[1])
        count = None if answer.instances is None else _count(answer.instances)
        return AreasOutcome(**fill_common_outcome(answer), shares=tuple(pair for pair in found if pair[1]), count=count)

    def is_right(self, answer: Segmentation, labels: Sequence[str], drawn: NDArray[np.uint8] | None) -> bool:
        """Whether what was drawn is painted."""
        return drawn is not None and compute_mean_dice(answer, drawn) >= AGREEING

    def findings(self, answer: Segmentation, image: Image) -> list[Finding]:
        """Return the share and the area of each class, and how many objects it has where they are told apart."""
        known, found = card(answer.card), []
        for area in measure_areas(answer, image)[1:]:
            name = known.labels[known.index(area.key)].name
            found.append(Finding(f"{area.key}-share", f"{name}, share of the image", 100 * area.share, "%"))
            if area.area_mm2 is not None:
                found.append(Finding(f"{area.key}-area", f"{name}, area", area.area_mm2, "mm²"))
            if area.objects is not None:
                found.append(Finding(f"{area.key}-count", f"{name}, number", area.objects.count))
        return found

    def sections(self, answer: Segmentation, case: Case) -> list[Section]:
        """Return the classes, their sizes, what else was measured, the reason, and how far to trust them."""
        known, why, say = card(answer.card), answer.explanation, case.say
        drawn = case.drawn if case.drawn is not None else paint_frame(case.image, answer)
        told, confidence = self.summary(answer, say)
        alt = say(later("The image with its classes in colour: {told}"), told=told)
        painted = pictures.make_report_picture(drawn, alt, say(later("The classes")))
        found = measure_areas(answer, case.image)
        unit = later("mean certainty of what is segmented, not calibrated")
        if known.calibration:
            unit = later("mean certainty of what is segmented")
        parts: list[Part] = [
            Answer(told, confidence, say(unit) if confidence else ""),
            Pictures((report_plain_picture(case), painted)),
            _table(found, answer, known, say),
            *_sizes(found, known, say),
        ]
        measured = [
            *_thickness(answer, case),
            *_agreement(case.beside or (), known, say),
            Paragraph(say(later("Calibration: {told}."), told=describe_calibration(case.image, say))),
        ]
        return [
            Section("", tuple(parts)),
            Section(say(later("Measurements")), tuple(measured)),
            *([report_asked_reason(why, known, case)] if why else []),
            _trust(answer, case),
        ]


def paint_frame(image: Image, answer: Segmentation) -> RGB:
    """Paint the classes on a frame, with the borders of objects where they are told apart."""
    below = pictures.render_report_frame(image, answer.frame)
    shape = (below.shape[0], below.shape[1])
    mask = paint.fit_classes(answer.mask, shape)
    lines = None
    if answer.instances is not None:
        lines = paint.outline_areas(paint.fit_classes(answer.instances, shape))
    return paint.paint_classes(below, mask, paint.find_class_colours(card(answer.card)), 0.45, lines)


def list_areas(answer: Segmentation, image: Image) -> Record:
    """Return the area of every class in mm², or null where the image is not calibrated."""
    if image.spacing_mm is None:
        return {"area_mm2": None}
    pixel_mm2 = image.spacing_mm[0] * image.spacing_mm[1]
    counts = zip(answer.labels, _pixels(answer), strict=True)
    return {"area_mm2": {key: round(float(n * pixel_mm2), 6) for key, n in counts}}


def compute_mean_dice(answer: Segmentation, drawn: NDArray[np.uint8]) -> float:
    """Return the mean Dice of the classes that were drawn, (H, W), or are painted."""
    shares = []
    for index in sorted((set(np.unique(drawn)) | set(np.unique(answer.mask))) - {0}):
        here, there = drawn == index, answer.mask == index
        shares.append(2 * (here & there).sum() / (here.sum() + there.sum()))
    return float(np.mean(shares))


def _pixels(answer: Segmentation) -> NDArray[np.intp]:
    """Count the pixels of each label, the background first."""
    return np.bincount(answer.mask.ravel(), minlength=len(answer.labels))


def _count(instances: NDArray[np.int32]) -> int:
    """Return how many objects there are; what a hand has erased leaves gaps between their numbers."""
    return int(np.count_nonzero(np.bincount(instances.ravel())[1:]))


def _table(areas: Sequence[ClassArea], answer: Segmentation, known: Card, say: Language) -> Table:
    """Return a row for each class that was found; what has no value for any class has no column."""
    colours = paint.find_class_colours(known)
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
        row[CERTAINTY] = say.number(answer.certainty[answer.mask == index].mean() / 255, ".0%")
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


def _thickness(answer: Segmentation, case: Case) -> list[Part]:
    if BAND not in answer.labels:
        return []
    band = answer.mask == answer.labels.index(BAND)
    if not band.any():
        return []
    found, say = measure_thickness(band, case.image.spacing_mm), case.say
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


def _trust(answer: Segmentation, case: Case) -> Section:
    section = report_trust(answer, case, films=False)
    uncertain = float((answer.certainty < UNCERTAIN * 255).mean())
    text = later("In {doubted:.1%} of the image the class chosen is less than {least:.0%} probable.")
    said = case.say(text, doubted=uncertain, least=UNCERTAIN)
    return Section(section.title, (Paragraph(said), *section.parts))
