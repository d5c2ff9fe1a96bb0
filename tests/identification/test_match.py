"""Outlines of simulated films are compared with two small designs: which it is, how large, and when it is neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.cards import card
from models.errors import Cancelled
from models.geometry.mesh import Mesh
from models.i18n import IN_ENGLISH
from models.simulation.knee_designs import build_design
from models.simulation.knee_films import KneeFilm, simulate_knee_film
from models.tasks.identification import silhouettes, trials
from models.tasks.identification.account import IdentificationAccount, draw_contours
from models.tasks.identification.answer import FittedDesign, Identification
from models.tasks.identification.library import Design, list_generated_designs
from models.tasks.identification.match import Outlined, match_designs
from models.tasks.identification.predictor import LIMIT_PX, clean_outlines, compare_with_designs
from models.tasks.identification.silhouettes import Candidate, list_candidates, make_candidate
from models.types import Image

KEYS = ("unicompartmental", "patellofemoral")
Masks = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> list[Candidate]:
    """Two designs whose meshes are small, seen from few sides."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(silhouettes, "VIEWS", 150)
        patch.setattr(silhouettes, "settings", lambda: type("S", (), {"cache_dir": tmp_path_factory.mktemp("kept")}))
        silhouettes._prepare.cache_clear()
        found = list(list_candidates(design for design in list_generated_designs() if design.key in KEYS))
        again = silhouettes._load_outlines(found[0].parts[0].mesh)  # from the cache
        assert np.array_equal(again.spectra, found[0].parts[0].outlines.spectra)
        silhouettes._prepare.cache_clear()
    return found


def film(key: str, seed: int, size: float = 1.0, member: int = 0) -> KneeFilm:
    femoral, tibial = (m and Mesh(m.vertices * size, m.faces) for m in build_design(key, member).build_meshes())
    return simulate_knee_film(seed, (femoral, tibial), "side")


def masks_of(shot: KneeFilm) -> Masks:
    return shot.scene.mask == 1, shot.scene.mask == 2


@pytest.mark.parametrize("key", KEYS)
def test_the_right_design_fits_best_and_far_better_than_the_other(key: str, library: list[Candidate]) -> None:
    found = match_designs(Outlined(masks_of(film(key, 31))), library)
    assert found[0].candidate.design.key == key
    assert found[0].residual_px < 1.0
    assert found[1].residual_px > 2 * found[0].residual_px


def test_the_true_camera_and_an_assumed_one_give_the_same_design(library: list[Candidate]) -> None:
    shot = film("unicompartmental", 32)
    for camera in (None, shot.camera):
        best = match_designs(Outlined(masks_of(shot), camera), library)[0]
        assert best.candidate.design.key == "unicompartmental"
        assert best.residual_px < 0.7
    assert best.camera == shot.camera
    assert best.measure_scale(None) is None
    assert best.measure_scale(1 / shot.px_per_mm) == pytest.approx(1, abs=0.04)


def test_a_film_with_known_pixels_tells_the_size_within_the_series(library: list[Candidate]) -> None:
    shot = film("unicompartmental", 33, size=1.16)
    pixels = np.zeros((1, 512, 512), np.float32)
    spacing = 1 / shot.px_per_mm
    sized, unsized = (
        compare_with_designs(Image(pixels, "", "", spacing_mm=known), shot.scene.mask, library, lambda share: None)[0]
        for known in ((spacing, spacing), None)
    )
    assert (sized.size, unsized.size, unsized.width_mm) == ("5", "", None)
    assert sized.width_mm == pytest.approx(library[0].design.widths_mm[-1], rel=0.04)


def test_sizes_of_a_users_series_are_told_apart_where_millimetres_are_known(library: list[Candidate]) -> None:
    parts = [part and part.mesh for part in library[0].parts]
    series = [
        make_candidate(
            Design(f"own-{size}", "Ours", "Knee", str(size), (60.0 * size,), False),
            *(mesh and Mesh(mesh.vertices * size, mesh.faces) for mesh in parts),
        )
        for size in (0.9, 1.1)
    ]
    shot = film("unicompartmental", 34, size=1.1)
    found = match_designs(Outlined(masks_of(shot), pixel_mm=1 / shot.px_per_mm), [*series, library[1]])
    assert [match.candidate.design.key for match in found][:1] == ["own-1.1"]
    assert len(found) == 2  # of the series one


def test_the_comparison_says_how_far_it_is_and_can_be_stopped(library: list[Candidate]) -> None:
    told: list[float] = []
    outlined = Outlined(masks_of(film("patellofemoral", 35)))
    match_designs(outlined, library, told.append)
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 1

    def stop(share: float) -> None:
        raise Cancelled("stopped", fix="Again.")

    with pytest.raises(Cancelled):
        match_designs(outlined, library, stop)


def test_without_an_outline_there_is_no_design(library: list[Candidate]) -> None:
    nothing = np.zeros((64, 64), bool)
    assert match_designs(Outlined((nothing, nothing)), library) == []
    assert match_designs(Outlined(masks_of(film("patellofemoral", 35))), []) == []


def test_specks_that_the_network_takes_for_metal_are_left_out() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[10:40, 10:40], mask[50, 50], mask[45:55, 5:15] = 1, 1, 2
    found = clean_outlines(mask)
    assert found[50, 50] == 0
    assert (found[10:40, 10:40] == 1).all()
    assert (found[45:55, 5:15] == 2).all()


def answer(*residuals: float, size: str = "") -> Identification:
    line = np.array([[10.0, 10], [50, 10], [50, 50], [10, 50]])
    fits = tuple(
        FittedDesign(key, "Generated design", name, True, left, (line, None), size, 70.2 if size else None)
        for key, name, left in zip(KEYS, ("Unicompartmental", "Patellofemoral"), residuals, strict=False)
    )
    return Identification(
        task="knee_implant", card="knee-implants", sha256="ab" * 32, seconds=1.0, mask=np.zeros((64, 64), np.uint8),
        fits=fits, limit_px=LIMIT_PX, compared=12,
    )  # fmt: skip


def test_a_design_is_named_and_none_where_too_much_is_left() -> None:
    tells = IdentificationAccount()
    good, bad = answer(0.4, 2.0, size="3"), answer(LIMIT_PX + 1, LIMIT_PX + 2)
    assert tells.line(good, IN_ENGLISH) == "Generated design, Unicompartmental, size 3"
    assert tells.line(bad, IN_ENGLISH) == "None of the library's designs"
    assert (tells.outcome(good).cell, tells.outcome(bad).cell) == ("unicompartmental", "none of the library")
    assert tells.is_right(good, ["unicompartmental"], None)
    assert tells.is_right(bad, [], None)
    assert not tells.is_right(bad, ["unicompartmental"], None)
    record = tells.fields(good)
    assert record["design"] == "unicompartmental"
    assert [fit["size"] for fit in record["fits"]] == ["3", "3"]
    assert tells.fields(bad)["design"] is None
    assert set(KEYS) <= set(tells.labels(card("knee-implants")))


def test_contours_are_drawn_in_the_colours_of_the_components() -> None:
    drawn = draw_contours(np.zeros((64, 64)), answer(0.4), card("knee-implants"))
    assert tuple(drawn[10, 30]) == (0xFF, 0x8C, 0x00)
    assert not draw_contours(np.zeros((64, 64)), replace(answer(0.4), fits=()), card("knee-implants")).any()


def test_the_limit_parts_known_from_unknown_and_figures_have_intervals() -> None:
    limit = trials.choose_limit([0.3, 0.5, 0.6, 3.0], [1.4, 1.5, 2.0, np.inf])
    assert limit["limit_px"] == 1.0
    assert (limit["kept"], limit["refused"]) == (0.75, 1.0)
    rows = [
        trials.Row("a", "a", "front", ("a", "b"), (0.3, 1.0), 2.0, True),
        trials.Row("b", "b", "side", ("a", "b"), (0.3, 1.0), 4.0),
    ]
    found = trials.summarise_known(rows, 1.0)["metrics"]
    assert (found["right design first"]["value"], found["right design among three"]["value"]) == (0.5, 1.0)
    assert found["right design first"]["low"] < 0.5 < found["right design first"]["high"]
    assert found["right size, where the design is"]["value"] == 1.0
    assert trials.summarise_unknown([replace(rows[0], residuals=())], 1.0)["metrics"]["none named"]["value"] == 1.0


def test_members_that_are_measured_were_never_learned_from() -> None:
    from models.tasks.segmentation import knee_film_set as learned

    seen = set(range(1, 1 + learned.MEMBERS))
    kept = range(learned.FIRST_KEPT_SEED, learned.FIRST_KEPT_SEED + learned.MEASURED_MEMBERS)
    assert not seen & {0, *kept, *trials.OTHER_MEMBERS}
