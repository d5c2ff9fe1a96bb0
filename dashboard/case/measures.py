"""How a measured figure is written: its name, its unit, its interval, and one sentence that says what it means.

Every number of a model card goes through `format_measure`, so that one figure is never written in two ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dashboard.i18n import format_number, later, t

Unit = Literal["%", "points", "grades", "labels", ""]
UNITS = (later("grades"), later("labels"))
"""Those that are words, for the catalogues."""


@dataclass(frozen=True)
class Measure:
    """A figure of merit.

    Attributes
    ----------
    name, meaning
        As on the screen, and what it says in plain words.
    better
        Whether more of it or less of it is better.
    """

    name: str
    meaning: str
    unit: Unit = ""
    better: Literal["more", "less"] = "more"


MEASURES: Mapping[str, Measure] = {
    "accuracy": Measure(later("Accuracy"), later("Share of images whose most probable label is the true one."), "%"),
    "macro_recall": Measure(
        later("Mean recall"), later("Share found of each label; rare labels count as much as others."), "%"
    ),
    "quadratic_kappa": Measure(
        later("Quadratic kappa"), later("Agreement beyond chance, where far misses cost more: 1 is full, 0 chance.")
    ),
    "mae": Measure(
        later("Mean absolute error"), later("How many grades the answer is off on average."), "grades", "less"
    ),
    "auc_dichotomised": Measure(
        later("AUC, dichotomised grade"),
        later("How often an image with the finding gets a higher probability of it than one without."),
    ),
    "macro_auc": Measure(
        later("Mean AUC"),
        later("How often an image of a label gets a higher probability of it than an image of another label."),
    ),
    "ece": Measure(
        later("Calibration error"), later("How far confidence is from the share that was right."), "points", "less"
    ),
    "log_loss": Measure(
        later("Log loss"), later("Surprise at the true label: confident errors cost most."), "", "less"
    ),
}
"""Every figure that `list_classification_metrics` can name, the headline ones first."""


POINT_MEASURES: Mapping[str, Measure] = {
    "median point error, of the longer side": Measure(
        later("Median point error"),
        later("Half of the points lie no farther from their true place, as a share of the picture's longer side."),
        "%", "less",
    ),
    "points within 2% of the longer side": Measure(
        later("Points within 2 %"), later("Share of points no farther off than a fiftieth of the longer side."), "%"
    ),
    "90 % radii cover": Measure(
        later("90 % radii cover"), later("Share of true places inside their circle; 90 % are promised."), "%"
    ),
}  # fmt: skip
"""Every figure of points that `list_share_metrics` names, but for millimetres."""


def format_measure(value: float, unit: Unit = "") -> str:
    """Write a figure; shares and points are given as fractions of 1."""
    if unit == "%":
        return f"{format_number(value * 100, '.1f')} %"
    if unit == "points":
        return t("{value:.1f} points", value=value * 100)
    return f"{format_number(value, '.2f')} {t(unit)}".rstrip() if unit else format_number(value, ".3f")


def format_interval(row: Mapping[str, float], unit: Unit = "") -> str:
    """Write the 95 % interval of a row with `low` and `high`."""
    if unit in ("%", "points"):
        return t(
            "{low} to {high}", low=format_number(row["low"] * 100, ".1f"), high=format_number(row["high"] * 100, ".1f")
        )
    digits = 2 if unit else 3
    return t(
        "{low} to {high}", low=format_number(row["low"], f".{digits}f"), high=format_number(row["high"], f".{digits}f")
    )


def format_measure_with_interval(row: Mapping[str, float], unit: Unit = "") -> str:
    """Write a figure and its interval: "71.2 % (69.0 to 73.4)"."""
    return f"{format_measure(row['value'], unit)} ({format_interval(row, unit)})"
