"""Train and measure the card that names knee implants: its outlines as any card's that segments, and the designs.

Films are those of `models.simulation.knee_films`, with poses, sizes and surroundings that nothing was learned from. A
design is unknown in two ways: its whole family is taken out of the library, or it is another member of a family that is
in it, up to a tenth different in every length. The limit over which a design is refused is chosen on films that nothing
else is measured on, of designs that are in the library and of families that are not. Of two real studies, whose CAD
joins the library, it is counted how often it is first.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.stats import binomtest

from models.cards import card
from models.cards.writing import publish_metrics, update_metrics
from models.geometry.mesh import Mesh, parse_mesh
from models.nets.device import choose_device
from models.progress import Progress
from models.simulation.knee_designs import FAMILIES, SIZES, build_design
from models.simulation.knee_films import VIEWS, View, simulate_knee_film
from models.tasks.identification.answer import Identification
from models.tasks.identification.library import Design, list_generated_designs
from models.tasks.identification.predictor import Identifier
from models.tasks.identification.silhouettes import Candidate, list_candidates, make_candidate
from models.tasks.segmentation import trials as outlines
from models.tasks.segmentation.datasets import read_dense_set
from models.tasks.segmentation.knee_film_set import read_measured_knee_films
from models.tasks.segmentation.task import make_frame_pixels
from models.training.public_set import open_set_zip
from models.types import Image
from models.words import later

FILMS = len(VIEWS)
"""Of each design of the library, one from each side, each of another size."""
OTHER_MEMBERS = range(701, 703)
"""Members of each family that are measured, with one film each."""
FILM_SEEDS = {"library": 41_000_000, "gone": 42_000_000, "others": 43_000_000, "limit": 44_000_000, "far": 45_000_000}
"""First seed of the films of each part."""
FRAME_STEP = 26
"""Of `deep_flexion_cam1`, whose frames follow one another."""
STUDIES = ("kneel_right", "deep_flexion_cam1")


@dataclass(frozen=True)
class Row:
    """What was said of one film.

    Attributes
    ----------
    true
        Key of its design; "" where that is not in the library.
    group
        What may not be counted twice: the design.
    keys, residuals
        Of the designs that fit best, the best first.
    size_right
        Whether the right design was given the right size; None where sizes do not count.
    """

    true: str
    group: str
    view: str
    keys: tuple[str, ...]
    residuals: tuple[float, ...]
    seconds: float
    size_right: bool | None = None

    @property
    def best(self) -> float:
        """Residual of the design that fits best; infinite where there is none."""
        return self.residuals[0] if self.residuals else float("inf")


def train(card_id: str, progress: Progress) -> None:
    """Train the network that outlines the components, and fit its out-of-distribution detector.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    outlines.train(card_id, progress)


def ood(card_id: str, progress: Progress) -> None:
    """Fit the out-of-distribution detector anew on the weights that ship, and measure it; other figures stay.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    """
    outlines.ood(card_id, progress)


def evaluate(card_id: str, folds: int, test: bool, progress: Progress) -> None:
    """Measure designs and outlines, and write `<card>.figures.json`.

    Parameters
    ----------
    folds, test
        Change nothing: nothing that is measured was learned from.

    Raises
    ------
    UnknownCard, Unreachable
        For a card without a set, or a set that is not here.
    BadWeights
        For a card that has not been trained.
    """
    chosen, data = card(card_id), read_dense_set(card_id)
    asked = _Films(Identifier(chosen, choose_device()), list(list_candidates(list_generated_designs())), progress)
    limit = choose_limit(
        [row.best for row in asked.ask_library("limit", 1)],
        [row.best for row in asked.ask_without_family("far")],
    )
    most, known = limit["limit_px"], list(asked.ask_library("library", FILMS))
    report: dict[str, Any] = {
        "how": later("Simulated films of poses, sizes and members of families that nothing was learned from"),
        "weights": [member.sha256 for member in chosen.members],
        "trials": {
            "designs of the library": summarise_known(known, most),
            **{
                f"designs of the library, {view}": summarise_known([row for row in known if row.view == view], most)
                for view in VIEWS
            },
            "other members of the families": summarise_unknown(list(asked.ask_others()), most),
            "families that are not in the library": summarise_unknown(list(asked.ask_without_family("gone")), most),
            **{f"real frames of {study}": summarise_known(list(asked.ask_study(study)), most) for study in STUDIES},
            "outlines of other members of the families": _measure_outlines(asked.identifier),
        },
        "limit": limit,
    }
    publish_metrics(card_id, report)
    update_metrics(card_id, "ood", outlines.measure_ood(chosen, data, progress))


@dataclass(frozen=True, eq=False)
class _Films:
    """Asks a card about films of the parts that are measured."""

    identifier: Identifier
    library: Sequence[Candidate]
    progress: Progress

    def ask_library(self, part: str, films: int) -> Iterator[Row]:
        """Ask about films of every design of the library, each from another side and in another size."""
        for number, candidate in enumerate(self.library):
            key = candidate.design.key
            for i in range(films):
                view, size = VIEWS[(number + i) % len(VIEWS)], (number + 2 * i) % len(SIZES)
                meshes = _scale(build_design(key).build_meshes(), SIZES[size])
                found = self._ask(FILM_SEEDS[part] + 100 * number + i, meshes, view, self.library)
                right = found.fits[0].size == str(size + 1) if found.fits and found.fits[0].key == key else None
                yield _row(found, key, key, view, right)

    def ask_without_family(self, part: str) -> Iterator[Row]:
        """Ask about a film of every design while it is not in the library."""
        for number, candidate in enumerate(self.library):
            key, view = candidate.design.key, VIEWS[number % len(VIEWS)]
            others = [other for other in self.library if other is not candidate]
            found = self._ask(FILM_SEEDS[part] + number, build_design(key).build_meshes(), view, others)
            yield _row(found, "", key, view)

    def ask_others(self) -> Iterator[Row]:
        """Ask about films of other members of the library's families."""
        for number, family in enumerate(FAMILIES):
            for i, seed in enumerate(OTHER_MEMBERS):
                view, meshes = VIEWS[(number + i) % len(VIEWS)], build_design(family, seed).build_meshes()
                found = self._ask(FILM_SEEDS["others"] + 100 * number + i, meshes, view, self.library)
                yield _row(found, "", f"{family} {seed}", view)

    def ask_study(self, study: str) -> Iterator[Row]:
        """Ask about frames of a real study, with the CAD of both studies in the library."""
        with open_set_zip("tka_fluoroscopy.zip") as archive:
            library = [*self.library, *(_read_study(archive, name) for name in STUDIES)]
            names = sorted(name for name in archive.namelist() if name.startswith(f"{study}/frames/"))
            for name in names[:: FRAME_STEP if len(names) > 2 * FRAME_STEP else 1]:
                pixels = np.asarray(Pillow.open(archive.open(name)).convert("L"))
                found = self._identify(Image(make_frame_pixels(pixels), name, name), library)
                yield _row(found, study, name, "side")

    def _ask(
        self, seed: int, meshes: tuple[Mesh, Mesh | None], view: View, library: Sequence[Candidate]
    ) -> Identification:
        film = simulate_knee_film(seed, meshes, view)
        spacing = 1 / film.px_per_mm
        image = Image(make_frame_pixels(film.scene.pixels), "", str(seed), spacing_mm=(spacing, spacing))
        return self._identify(image, library)

    def _identify(self, image: Image, library: Sequence[Candidate]) -> Identification:
        self.progress(later("Comparing films with the library"), 0.0)
        return self.identifier.identify(image, library)


def _scale(meshes: tuple[Mesh, Mesh | None], size: float) -> tuple[Mesh, Mesh | None]:
    femoral, tibial = (mesh and Mesh(mesh.vertices * size, mesh.faces) for mesh in meshes)
    assert femoral  # every design has one
    return femoral, tibial


def _read_study(archive: zipfile.ZipFile, study: str) -> Candidate:
    """Return the CAD of a study as a design of the library."""
    femoral, tibial = (parse_mesh(archive.read(f"{study}/{part}.stl"), part) for part in ("femoral", "tibial"))
    width = float((femoral.vertices.max(0) - femoral.vertices.min(0)).max())
    return make_candidate(Design(study, "JTML", study, "", (width,), generated=False), femoral, tibial)


def _row(found: Identification, true: str, group: str, view: str, size_right: bool | None = None) -> Row:
    keys, residuals = tuple(fit.key for fit in found.fits), tuple(fit.residual_px for fit in found.fits)
    return Row(true, group, view, keys, residuals, found.seconds, size_right)


def choose_limit(known: Sequence[float], others: Sequence[float]) -> dict[str, float]:
    """Return the residual that parts known from unknown designs best: the mean of both shares is largest.

    Parameters
    ----------
    known, others
        Residual of the best design on films of designs that are in the library, and that are not.
    """
    ends = sorted(residual for residual in (*known, *others) if np.isfinite(residual))
    limits = [(low + high) / 2 for low, high in pairwise(ends)]

    def measure_shares(limit: float) -> tuple[float, float]:
        return float(np.mean(np.array(known) <= limit)), float(np.mean(np.array(others) > limit))

    best = round(float(max(limits, key=lambda limit: float(np.sum(measure_shares(limit))))), 2)
    kept, refused = measure_shares(best)
    return {"limit_px": best, "kept": kept, "refused": refused, "n_known": len(known), "n_unknown": len(others)}


def summarise_known(rows: Sequence[Row], limit_px: float) -> dict[str, Any]:
    """Return how often the right design is first, among the first three, and accepted; intervals are Wilson's."""
    parts: dict[str, Callable[[Row], bool | None]] = {
        "right design first": lambda row: row.keys[:1] == (row.true,),
        "right design among three": lambda row: row.true in row.keys,
        "right design named": lambda row: row.keys[:1] == (row.true,) and row.best <= limit_px,
        "right size, where the design is": lambda row: row.size_right,
    }
    return _summarise(rows, parts)


def summarise_unknown(rows: Sequence[Row], limit_px: float) -> dict[str, Any]:
    """Return how often no design is named."""
    return _summarise(rows, {"none named": lambda row: row.best > limit_px})


def _summarise(rows: Sequence[Row], parts: dict[str, Callable[[Row], bool | None]]) -> dict[str, Any]:
    metrics = {}
    for name, judge in parts.items():
        judged = [right for row in rows if (right := judge(row)) is not None]
        if judged:
            interval = binomtest(sum(judged), len(judged)).proportion_ci(0.95, "wilson")
            metrics[name] = {"value": float(np.mean(judged)), "low": interval.low, "high": interval.high}
    seconds = np.array([row.seconds for row in rows])
    metrics["seconds a film, median and middle half"] = _quartiles(seconds)
    return {"n": len(rows), "groups": len({row.group for row in rows}), "metrics": metrics}


def _quartiles(values: NDArray[np.float64]) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {"value": float(middle), "low": float(low), "high": float(high)}


def _measure_outlines(identifier: Identifier) -> dict[str, Any]:
    """Return how well the outlines agree with the reference standard on films of other members."""
    data = read_measured_knee_films()
    return outlines.summarise_trial(
        [(i, outlines.measure_picture(identifier.segmenter, data, i)) for i in range(len(data))], data
    )
