"""The parts that every answer shares: what the image is, what the model is, and what made the report.

After Mitchell et al. 2019, "Model Cards for Model Reporting", doi 10.1145/3287560.3287596, in a page's space.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from models.cards import Card
from models.reporting.report_parts import Facts, Paragraph, Part, Section, Table
from models.types import Image, Prediction

TAGS = {
    "Modality": "Modality",
    "BodyPartExamined": "Body part",
    "ViewPosition": "View",
    "Laterality": "Side",
    "ImageLaterality": "Side of the image",
    "Manufacturer": "Machine made by",
}
"""Attributes of a DICOM file that a report names."""
PROGRAMS = ("ortholens", "torch", "torchvision", "numpy", "pydicom", "reportlab")
FIGURES = {
    "accuracy": "Accuracy",
    "macro_recall": "Mean recall of the labels",
    "quadratic_kappa": "Quadratic kappa",
    "auc_definite": "AUC, definite finding",
    "mae": "Mean absolute error, grades",
    "macro_auc": "Mean AUC of the labels",
    "ece": "Calibration error",
    "log_loss": "Log loss",
}
"""What the figures of a card are called; others go by their key."""
MOST_FIGURES = 5


def image_facts(image: Image, frame: int, origin: str = "") -> Section:
    """Say what the image is, by its content alone: a file's name may identify a patient.

    Parameters
    ----------
    origin
        Where a case of the gallery comes from; empty for a user's own file.
    """
    rows, columns = image.shape
    facts = [("Size", f"{columns:,} × {rows:,} pixels")]
    if image.frames > 1:
        facts.append(("Frame", f"{frame + 1} of {image.frames}"))
    facts.append(("Calibration", calibration(image)))
    said = {TAGS[tag]: image.tags[tag] for tag in TAGS if image.tags.get(tag)}
    facts += said.items()
    if origin:
        facts.append(("Origin", origin))
    facts.append(("SHA-256", image.sha256))
    return Section("The image", (Facts(tuple(facts)), *(Paragraph(sentence(said), "note") for said in image.warnings)))


def calibration(image: Image) -> str:
    """Say how large a pixel is and who says so."""
    if image.spacing_mm is None:
        return "none: nothing is given in millimetres"
    down, across = image.spacing_mm
    size = f"{down:.4g} mm" if down == across else f"{down:.4g} × {across:.4g} mm (row × column)"
    return f"{size} a pixel, from {image.spacing_source or 'an unstated source'}"


def model_facts(card: Card) -> Section:
    """Summarise a model card: what it is for, what not, what it learned from, and how good it was."""
    data = card.data
    learned = f"{data.name} ({data.n:,} images, {data.licence})"
    facts = [
        ("Model", f"{card.title} ({card.id}), {card.net.name}"),
        ("For", card.use.intended),
        ("Not for", card.use.not_intended),
        ("Learned from", f"Simulated images: {learned}" if data.simulated else learned),
    ]
    parts: list[Part] = [Facts(tuple(facts)), *(Paragraph(limit, "note") for limit in card.use.limits)]
    parts += _figures(card.figures)
    return Section("The model", tuple(parts))


def _figures(figures: Mapping[str, Any]) -> list[Part]:
    found = measured(figures)
    if found is None:
        return [Paragraph("How often this model is right has not been measured.", "warning")]
    name, trial = found
    rows = trial["metrics"]
    chosen = [key for key in (*FIGURES, *rows) if key in rows]
    table = tuple(
        (
            FIGURES.get(key, sentence(key.replace("_", " "))),
            f"{row['value']:.3f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
        )
        for key in dict.fromkeys(chosen)
        if isinstance(row := rows[key], Mapping) and "low" in row
    )
    note = f"{sentence(name)}: {trial['n']:,} images of {trial['groups']:,} groups"
    when = f", measured {figures['measured']}." if "measured" in figures else "."
    return [
        Table(("How good it was", "Value", "95 % interval"), table[:MOST_FIGURES]),
        Paragraph(note + when, "note"),
    ]


def measured(figures: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Return how a card was measured and what was found, of its first trial; None before any."""
    if "metrics" in figures:
        return str(figures["how"]), figures
    return next(iter(figures.get("trials", {}).items()), None)


def provenance(prediction: Prediction, card: Card | None) -> Section:
    """Say which weights and programs made the answer."""
    facts = [("Card", prediction.card)]
    if card is not None:
        facts += [("Weights", f"{member.sha256} ({member.file})") for member in card.members]
        if card.gate:
            facts.append(("Gate", f"{card.gate.sha256} ({card.gate.file})"))
    facts += [
        ("Programs", ", ".join(f"{name} {number}" for name, number in versions().items())),
        ("Time to answer", f"{prediction.seconds:.2f} s"),
    ]
    return Section("Versions and hashes", (Facts(tuple(facts)),))


def versions() -> dict[str, str]:
    """Return the versions of what makes an answer and its report."""
    found = {"python": platform.python_version()}
    for name in PROGRAMS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def sentence(text: str) -> str:
    """Return a clause with a capital letter."""
    return text[:1].upper() + text[1:]
