"""What a sequence is made of, piece by piece, by hand: the next guess, which poses are one, the cheapest path."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from unittest.mock import Mock

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from models.errors import Cancelled
from models.geometry.mesh import Mesh
from models.tasks.kinematics import locate, sequence
from models.tasks.kinematics.choice import EDGES_TELL, LIKELY, OUTLINES_TELL, choose_fits_of_sequence
from models.tasks.kinematics.edges import EdgeModel
from models.tasks.kinematics.locate import Answer
from models.tasks.kinematics.register import Fit, find_sharp_px, move_pose


def at(degrees: float, shift: tuple[float, float, float] = (0, 0, -900), axis: str = "x") -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler(axis, degrees, degrees=True).as_matrix()
    pose[:3, 3] = shift
    return pose


def fit(degrees: float = 0.0, px: float = 0.5, overlap: float = 0.95, axis: str = "x") -> Fit:
    return Fit(pose=at(degrees, axis=axis), residual_px=px, overlap=overlap, depth_mm=900)


def test_a_movement_goes_on_as_it_went() -> None:
    next_ = sequence._continued(at(10, (0, 5, -900)), at(25, (2, 4, -890)))
    assert next_ == pytest.approx(at(40, (4, 3, -880)))  # another 15° and another (2, −1, 10) mm
    both = at(0, axis="y"), at(30, axis="y")
    assert sequence._continued(*both) == pytest.approx(at(60, axis="y"))


def test_a_movement_that_goes_on_for_long_neither_shrinks_nor_grows() -> None:
    before, now = at(0), at(3) * (1 + 1e-12)
    for _ in range(100):
        before, now = now, sequence._continued(before, now)
    assert now[:3, :3] @ now[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)
    grown = at(3) * np.array([1.01, 1.01, 1.01, 1.0])
    assert np.linalg.det(move_pose(grown, np.zeros(6), np.zeros(3))[:3, :3]) == pytest.approx(1)


def test_guesses_come_from_the_last_frames_of_the_same_component() -> None:
    none = Answer(())
    first = (Answer((fit(0),)), Answer((fit(50),)))
    second = (Answer((fit(10), fit(90), fit(120))), Answer((fit(70),)))
    assert sequence._guesses([], 0) == []
    assert sequence._guesses([(none, first[1])], 0) == []
    assert [round(apart(one)) for one in sequence._guesses([first], 1)] == [50]
    # as it went on, then where it was and its second pose; no third
    assert [round(apart(one)) for one in sequence._guesses([first, second], 0)] == [20, 10, 90]
    assert [round(apart(one)) for one in sequence._guesses([first, second], 1)] == [
        70
    ]  # 20° are a leap, not a movement
    assert [round(apart(one)) for one in sequence._guesses([(none, none), second], 0)] == [10, 90]
    assert sequence._guesses([second, (none, none)], 0) == []


def apart(pose: np.ndarray) -> float:
    return float(np.degrees(Rotation.from_matrix(pose[:3, :3]).magnitude()))


def test_the_best_of_poses_within_two_degrees_is_kept_and_four_at_most() -> None:
    fits = [fit(0, 0.6), fit(1.9, 0.4), fit(4, 0.5), fit(20, 0.9), fit(40, 0.8), fit(60, 0.7)]
    assert [(round(apart(one.pose), 1), one.residual_px) for one in locate._distinct(fits)] == [
        (1.9, 0.4), (4.0, 0.5), (60.0, 0.7), (40.0, 0.8)
    ]  # fmt: skip


def test_poses_at_other_depths_are_two() -> None:
    fits = [fit(0, 0.4), replace(fit(1, 0.5), depth_mm=902), replace(fit(1, 0.6), depth_mm=904)]
    assert [one.depth_mm for one in locate._distinct(fits)] == [900, 904]


def test_a_leap_in_depth_costs_as_a_turn_does() -> None:
    one = Answer((fit(0),))
    two = Answer((replace(fit(0), depth_mm=910), replace(fit(1), depth_mm=900)))
    assert choose_fits_of_sequence([(one, one), (one, two), (one, one)], lambda *_: 0.0).path[1] == (0, 1)


@pytest.mark.parametrize(("overlap", "px", "lost"), [(0.85, 2.5, False), (0.84, 1.0, True), (0.99, 2.6, True)])
def test_a_pose_is_lost_by_either_figure(overlap: float, px: float, lost: bool) -> None:
    assert locate.is_lost(fit(0, px, overlap)) == lost


def test_a_rival_is_what_could_be_right_in_the_whole_sequence() -> None:
    none = Answer(())
    alike, worse = Answer((fit(0, 0.40), fit(20, 0.42))), Answer((fit(0, 0.40), fit(20, 0.60)))
    assert choose_fits_of_sequence([(alike, none)], lambda *_: 0.0).find_rival(0, 0) == 1
    assert choose_fits_of_sequence([(worse, none)], lambda *_: 0.0).find_rival(0, 0) == -1
    # between frames that are sure, a pose 20° away would cost two leaps
    chosen = choose_fits_of_sequence(
        [(Answer((fit(0),)), none), (alike, none), (Answer((fit(0),)), none)], lambda *_: 0
    )
    assert chosen.find_rival(1, 0) == -1
    assert chosen.margins[1, 0] == pytest.approx(OUTLINES_TELL * np.log(0.45 / 0.43) + 2 * 6)
    assert chosen.rivals[1] == (1, -1)
    assert np.isinf(chosen.margins[:, 1]).all()


def test_edges_tell_more_than_outlines() -> None:
    def edged(degrees: float, px: float) -> Fit:
        return replace(fit(degrees, 0.5), edge_px=px)

    answers = [(Answer((edged(0, 0.20), edged(20, 0.26))), Answer(()))]
    chosen = choose_fits_of_sequence(answers, lambda *_: 0.0)
    assert chosen.margins[0, 0] == pytest.approx(EDGES_TELL * np.log(0.29 / 0.23))
    assert chosen.margins[0, 0] > LIKELY


def steps(*degrees: tuple[tuple[float, float], ...]) -> list[tuple[Answer, Answer]]:
    """One frame each, of a femoral component that has the poses given, and a tibial one that stands still."""
    return [(Answer(tuple(fit(turn, px) for turn, px in fits)), Answer((fit(0, 0.4),))) for fits in degrees]


def cost(answers: list[tuple[Answer, Answer]], path: tuple[int, ...], odd: list[float]) -> float:
    """What a path costs by the words of the module: logarithms of the ratio of residuals, a square of turns."""
    total = 0.0
    for number, index in enumerate(path):
        fits = answers[number][0].fits
        total += OUTLINES_TELL * np.log((fits[index].residual_px + 0.03) / (fits[0].residual_px + 0.03))
        total += odd[round(apart(fits[index].pose)) % len(odd)]
        if number:
            turn = abs(apart(fits[index].pose) - apart(answers[number - 1][0].fits[path[number - 1]].pose))
            total += min((turn / 6) ** 2, 6)
    return float(total)


@pytest.mark.parametrize("seed", range(6))
def test_the_cheapest_path_is_that_of_all_paths(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(4):
        px = np.sort(rng.uniform(0.3, 0.9, 3))
        frames.append(tuple((float(turn), float(one)) for turn, one in zip(rng.integers(0, 40, 3), px, strict=True)))
    answers, odd = steps(*frames), [0.0, 1.5, 0.2]
    chosen = choose_fits_of_sequence(answers, lambda femoral, tibial: odd[round(apart(femoral)) % 3])
    every = {path: cost(answers, path, odd) for path in product(range(3), repeat=4)}
    assert every[tuple(state[0] for state in chosen.path)] == pytest.approx(min(every.values()))
    assert {state[1] for state in chosen.path} == {0}
    for frame in range(4):  # what another pose of a frame would cost, all paths through it looked at
        others = {path: c for path, c in every.items() if path[frame] != chosen.path[frame][0]}
        assert chosen.margins[frame, 0] == pytest.approx(min(others.values()) - min(every.values()))
        assert min(others, key=others.__getitem__)[frame] == chosen.rivals[frame][0]


def test_a_frame_without_a_component_neither_costs_nor_links() -> None:
    answers = steps(((0, 0.4), (30, 0.45)), ((0, 0.4),), ((30, 0.4), (0, 0.41)))
    answers[1] = (Answer(()), answers[1][1])
    chosen = choose_fits_of_sequence(answers, lambda femoral, tibial: 1.0)
    assert chosen.path == ((0, 0), (-1, 0), (0, 0))


def test_six_poses_have_one_silhouette_but_for_perspective() -> None:
    pose, centre = at(25, (3, -4, -900), "y"), np.array([1.0, 2.0, 3.0])
    found = locate.list_mirror_poses(pose, centre)
    ray = pose[:3, :3] @ centre + pose[:3, 3]
    ray /= np.linalg.norm(ray)
    assert len(found) == 6
    for axis in range(3):
        mirrored, turned = found[axis], found[3:]
        # what lies on the plane's normal is seen from the other side: its part along the ray stays, across it turns
        normal, other = pose[:3, axis], mirrored[:3, axis]
        assert other @ ray == pytest.approx(normal @ ray)
        assert other - (other @ ray) * ray == pytest.approx(-(normal - (normal @ ray) * ray))
        kept = [k for k in range(3) if k != axis]
        for k in kept:
            assert mirrored[:3, k] @ ray == pytest.approx(-(pose[:3, k] @ ray))
        assert sum(np.allclose(one[:3, axis], pose[:3, axis]) for one in turned) == 1  # a half turn about each axis
    for one in found:
        assert np.linalg.det(one[:3, :3]) == pytest.approx(1)
        assert one[:3, :3] @ centre + one[:3, 3] == pytest.approx(pose[:3, :3] @ centre + pose[:3, 3])


@pytest.mark.parametrize(
    ("degrees", "shift", "overlap", "kept"),
    [
        (1, (1, 1, 10), 0.95, True),
        (6, (0, 0, 0), 0.95, False),  # turned by more than 5°
        (0, (3.5, 0, 0), 0.95, False),
        (0, (0, -3.5, 0), 0.95, False),
        (0, (0, 0, 16), 0.95, False),
        (0, (0, 0, 0), 0.86, True),
        (0, (0, 0, 0), 0.84, False),  # worse by more than a twentieth
    ],
)
def test_edges_that_lead_away_were_another_bodys(
    degrees: float, shift: tuple[float, float, float], overlap: float, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = Mesh(np.array([[-1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]), np.array([[0, 1, 2]], np.int32))
    before = replace(fit(0, 1.0, 0.9), edge_px=0.4)
    after = Fit(at(degrees, tuple(np.add((0, 0, -900), shift))), 0.5, overlap, edge_px=0.3)
    monkeypatch.setattr(locate, "refine_pose", lambda *_: after.pose)
    monkeypatch.setattr(locate, "assess_registration", lambda mesh, pose, *_: after if pose is after.pose else before)
    assert (locate._finish(mesh, before.pose, None, EdgeModel()) is after) == kept


def test_edges_that_fit_worse_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = {0: replace(fit(0), edge_px=0.3), 1: replace(fit(1), edge_px=0.31)}
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]], np.int32))
    monkeypatch.setattr(locate, "refine_pose", lambda *_: fits[1].pose)
    monkeypatch.setattr(locate, "assess_registration", lambda mesh, pose, *_: fits[round(apart(pose))])
    assert locate._finish(mesh, fits[0].pose, None, EdgeModel()) is fits[0]


@pytest.mark.parametrize(
    ("edge_px", "outline_px", "tried"),
    [(0.1, 1.0, [5]), (0.17, 1.0, [5, 12]), (0.3, 1.0, [5, 12, 30]), (0.3, 9.0, [])],
)
def test_mirror_poses_are_kept_as_far_as_edges_do_not_tell_them_apart(
    edge_px: float, outline_px: float, tried: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]], np.int32))
    monkeypatch.setattr(locate, "list_mirror_poses", lambda *_: [at(turn) for turn in (5, 12, 30, 60)])
    monkeypatch.setattr(locate, "compute_misfit", lambda *_: outline_px)
    monkeypatch.setattr(locate, "_finish", lambda mesh, pose, *_: Fit(pose, 0.5, 0.95, edge_px=edge_px, depth_mm=900))
    learned = locate.Learned(EdgeModel(), usual_px=0.1)
    found = locate.finish_fits(mesh, [at(0)], None, learned)
    assert sorted(round(apart(one.pose)) for one in found) == [0, *tried]


@pytest.mark.parametrize(("usual_px", "ends_px"), [(0.0, 0.12), (0.155, 0.15), (0.3, 0.2)])
def test_a_pose_that_ends_unevenly_is_followed_on(
    usual_px: float, ends_px: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh, steps = Mesh(np.eye(3), np.array([[0, 1, 2]], np.int32)), iter([0.2, 0.15, 0.12, 0.119, 0.05])
    monkeypatch.setattr(locate, "_finish", lambda *_: replace(fit(), edge_px=next(steps)))
    learned = locate.Learned(EdgeModel(), usual_px)
    assert locate.finish_fits(mesh, [at(0)], None, learned, mirrors=False)[0].edge_px == ends_px


def test_edges_are_learned_from_the_frames_that_are_not_blurred(monkeypatch: pytest.MonkeyPatch) -> None:
    scatters = iter([0.1, 0.1, 0.11, 0.3, 0.3, 0.12, 0.31, 0.1] * 2)
    shown: list[int] = []
    monkeypatch.setattr(sequence, "_locate_both", lambda *_: (Answer((replace(fit(), edge_px=next(scatters)),)),) * 2)
    monkeypatch.setattr(sequence, "observe_side", lambda *_: object())
    monkeypatch.setattr(sequence, "finish_fits", lambda mesh, starts, seen, learned, mirrors: [blurred.pop(0)])
    monkeypatch.setattr(sequence, "calibrate_edges", lambda views, _: shown.append(len(views)) or EdgeModel())
    blurred = [replace(fit(), edge_px=0.2)] * 100
    frame = locate.Frame((np.zeros((4, 4), bool),) * 2, np.zeros((4, 4), np.float32))
    sequence.follow_sequence([frame] * 8, (Mock(), Mock()), Mock())
    assert shown == [5, 5, 8, 8]  # 1.3 times the lower quartile; then all alike


def test_without_a_pose_no_frame_tells_the_edges() -> None:
    assert find_sharp_px([]) == 0
    assert find_sharp_px([float("nan"), 0.1]) == pytest.approx(0.1)
    assert find_sharp_px([0.4, 0.1, 0.4, 0.11, 0.4]) == pytest.approx(0.11)  # most were blurred


def test_looking_round_shows_its_progress_says_what_it_does_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    models = iter([EdgeModel(blur_px=px) for px in (0.6, 0.6, 0.9, 0.6, 0.3, 0.3)])
    monkeypatch.setattr(sequence, "_locate_both", lambda *_: (Answer((fit(),)),) * 2)
    monkeypatch.setattr(sequence, "observe_side", lambda *_: None)
    monkeypatch.setattr(sequence, "calibrate_edges", lambda *_: next(models))
    frame = locate.Frame((np.zeros((4, 4), bool),) * 2, np.zeros((4, 4), np.float32))
    heard: list[float] = []
    said: list[str] = []
    options = sequence.Options(doing=said.append)
    sequence.follow_sequence([frame] * 24, (Mock(), Mock()), Mock(), options, heard.append)
    shares = [*range(1, 9), 8.5, 9, 9.5, 10]  # eight frames; edges of both components are learned twice
    assert heard[:12] == [pytest.approx(0.5 * k / 10) for k in shares]
    assert heard[12:] == [pytest.approx(0.5 + 0.5 * (t + 1) / 24) for t in range(24)]
    assert said[0] == "Outlining the components, frame 1 of 24"
    assert said[15:20] == [
        "Finding the first poses, frame 24 of 24",
        *["Learning how the edges of the components appear"] * 2,
        "Finding the poses, frame 1 of 24",
        "Finding the poses, frame 2 of 24",
    ]
    heard.clear()
    with pytest.raises(Cancelled):
        sequence.follow_sequence([frame] * 24, (Mock(), Mock()), Mock(), None, heard.append, lambda: len(heard) == 3)
    assert len(heard) == 3
