"""The parts that every answer shares: what the image is, what the model is, and what made the report.

After Mitchell et al. 2019, "Model Cards for Model Reporting", doi 10.1145/3287560.3287596, in a page's space.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from models.cards import Card
from models.i18n import Language
from models.reporting.case import Case
from models.reporting.parts import Facts, Paragraph, Part, Section, Table
from models.types import Image, Prediction
from models.words import later

TAGS = {
    "Modality": later("Modality"),
    "BodyPartExamined": later("Body part"),
    "ViewPosition": later("View"),
    "Laterality": later("Side"),
    "ImageLaterality": later("Side of the image"),
    "Manufacturer": later("Machine made by"),
}
"""Attributes of a DICOM file that a report names."""
PROGRAMS = ("ortholens", "torch", "torchvision", "numpy", "pydicom", "reportlab")
FIGURES = {
    "accuracy": later("Accuracy"),
    "macro_recall": later("Mean recall of the labels"),
    "quadratic_kappa": later("Quadratic kappa"),
    "auc_dichotomised": later("AUC, dichotomised grade"),
    "mae": later("Mean absolute error, grades"),
    "macro_auc": later("Mean AUC of the labels"),
    "ece": later("Calibration error"),
    "log_loss": later("Log loss"),
}
"""What the figures of a card are called; others go by their key."""
MOST_FIGURES = 5


def describe_image(case: Case) -> Section:
    """Say what the image is, by its content alone: a file's name may identify a patient."""
    image, say = case.image, case.say
    rows, columns = image.shape
    facts = [(say(later("Size")), say(later("{columns:,} × {rows:,} pixels"), columns=columns, rows=rows))]
    if image.frames > 1:
        told = say(later("{frame} of {frames}"), frame=case.prediction.frame + 1, frames=image.frames)
        facts.append((say(later("Frame")), told))
    facts.append((say(later("Calibration")), describe_calibration(image, say)))
    said = {say(TAGS[tag]): image.tags[tag] for tag in TAGS if image.tags.get(tag)}
    facts += said.items()
    if case.origin:
        facts.append((say(later("Origin")), say(case.origin)))
    facts.append(("SHA-256", image.sha256))
    notes = (Paragraph(write_as_sentence(say(said)), "note") for said in image.warnings)
    return Section(say(later("The image")), (Facts(tuple(facts)), *notes))


def describe_calibration(image: Image, say: Language) -> str:
    """Say how large a pixel is and who says so."""
    if image.spacing_mm is None:
        return say(later("none: nothing is given in millimetres"))
    down, across = (say.number(side, ".4g") for side in image.spacing_mm)
    size = (
        f"{down} mm" if down == across else say(later("{down} × {across} mm (row × column)"), down=down, across=across)
    )
    source = say(image.spacing_source or later("an unstated source"))
    return say(later("{size} a pixel, from {source}"), size=size, source=source)


def describe_model(card: Card, say: Language) -> Section:
    """Summarise a model card: what it is for, what not, what it learned from, and how good it was."""
    data = card.data
    learned = later("{name} ({n:,} images, {licence})")
    if data.simulated:
        learned = later("Simulated images: {name} ({n:,} images, {licence})")
    facts = [
        (say(later("Model")), f"{say(card.title)} ({card.id}), {card.net.name}"),
        (say(later("For")), say(card.use.intended)),
        (say(later("Not for")), say(card.use.not_intended)),
        (say(later("Learned from")), say(learned, name=data.name, n=data.n, licence=data.licence)),
    ]
    parts: list[Part] = [Facts(tuple(facts)), *(Paragraph(say(limit), "note") for limit in card.use.limits)]
    parts += _figures(card.figures, say)
    return Section(say(later("The model")), tuple(parts))


def _figures(figures: Mapping[str, Any], say: Language) -> list[Part]:
    found = describe_metrics(figures)
    if found is None:
        return [Paragraph(say(later("How often this model is right has not been measured.")), "warning")]
    name, trial = found
    rows = trial["metrics"]
    chosen = [key for key in (*FIGURES, *rows) if key in rows]
    table = tuple(
        (
            say(FIGURES.get(key, write_as_sentence(key.replace("_", " ")))),
            say.number(row["value"], ".3f"),
            say(later("{low:.3f} to {high:.3f}"), low=row["low"], high=row["high"]),
        )
        for key in dict.fromkeys(chosen)
        if isinstance(row := rows[key], Mapping) and "low" in row
    )
    note = later("{name}: {n:,} images of {groups:,} groups.")
    if "measured" in figures:
        note = later("{name}: {n:,} images of {groups:,} groups, measured {day}.")
    said = say(note, name=write_as_sentence(name), n=trial["n"], groups=trial["groups"], day=figures.get("measured"))
    heads = say(later("How good it was")), say(later("Value")), say(later("95 % interval"))
    return [Table(heads, table[:MOST_FIGURES]), Paragraph(said, "note")]


def describe_metrics(figures: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Return how a card was measured and what was found, of its first trial; None before any."""
    if "metrics" in figures:
        return str(figures["how"]), figures
    return next(iter(figures.get("trials", {}).items()), None)


def describe_provenance(prediction: Prediction, card: Card | None, say: Language) -> Section:
    """Say which weights and programs made the answer."""
    facts = [(say(later("Card")), prediction.card)]
    if card is not None:
        facts += [(say(later("Weights")), f"{member.sha256} ({member.file})") for member in card.members]
        if card.ood:
            facts.append((say(later("Out-of-distribution detector")), f"{card.ood.sha256} ({card.ood.file})"))
    facts += [
        (say(later("Programs")), ", ".join(f"{name} {number}" for name, number in list_versions().items())),
        (say(later("Time to answer")), f"{say.number(prediction.seconds, '.2f')} s"),
    ]
    return Section(say(later("Versions and hashes")), (Facts(tuple(facts)),))


def list_versions() -> dict[str, str]:
    """Return the versions of what makes an answer and its report."""
    found = {"python": platform.python_version()}
    for name in PROGRAMS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def write_as_sentence(text: str) -> str:
    """Return a clause with a capital letter."""
    return text[:1].upper() + text[1:]
