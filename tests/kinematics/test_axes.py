"""Which ways of a STL file are anterior and proximal: told by shapes of every family, however their files lie."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest

from models.errors import InputError
from models.geometry.mesh import Mesh, read_mesh
from models.simulation.components import DESIGNS, build_femoral_component, build_tibial_component
from models.simulation.knee_designs import FAMILIES, build_design
from models.simulation.motion import Scene
from models.tasks.kinematics.axes import guess_femoral_axes, guess_tibial_axes, read_axes
from models.tasks.kinematics.motion import Study, find_motion

PARTIAL = ("unicompartmental", "patellofemoral")
TURNS = [
    turn
    for order in permutations(np.eye(3))
    for signs in product((1, -1), repeat=3)
    if np.linalg.det(turn := np.array(order) * np.array(signs)[:, None]) > 0
]
"""The 24 ways in which a file's axes can lie."""
SEED = 3
"""A member of each family by which no threshold was set."""


def lay(mesh: Mesh, turn: np.ndarray, shift: np.ndarray) -> Mesh:
    return Mesh(mesh.vertices @ turn.T + shift, mesh.faces)


@pytest.mark.parametrize("number", range(len(FAMILIES) - len(PARTIAL)))
def test_axes_are_told_in_every_family_however_its_file_lies(number: int) -> None:
    meshes = build_design([name for name in FAMILIES if name not in PARTIAL][number], SEED).build_meshes()
    toss = np.random.default_rng(number)
    for mesh, guess in zip(meshes, (guess_femoral_axes, guess_tibial_axes), strict=True):
        for turn in toss.permutation(TURNS)[:3]:
            axes = guess(lay(mesh, turn, toss.normal(0, 60, 3)))
            found = axes.component_from_axes
            assert np.array_equal(found[:, 2], turn[:, 2])
            if guess is guess_tibial_axes and not has_notch(mesh):  # its front the motion tells (`face_tibial_axes`)
                found = found * np.sign((found * turn).sum(0))
            assert np.array_equal(found, turn)
            assert axes.told


def has_notch(tray: Mesh) -> bool:
    """Whether the plate's edge, in the middle, lies further from one end of its depth than from the other."""
    plate = tray.vertices[np.abs(tray.vertices[:, 2]) < 3]
    middle = plate[np.abs(plate[:, 0]) < 3, 1]
    return abs((middle.min() - plate[:, 1].min()) - (plate[:, 1].max() - middle.max())) > 1.5


def test_axes_are_told_in_our_designs_and_in_the_public_example(kneel) -> None:
    for design in DESIGNS:
        assert str(guess_femoral_axes(build_femoral_component(design))) == "right +x, anterior +y, proximal +z"
        assert str(guess_tibial_axes(build_tibial_component(design))) == "right +x, anterior +y, proximal +z"
    for component, guess in (("femoral", guess_femoral_axes), ("tibial", guess_tibial_axes)):
        axes = guess(read_mesh(kneel.bytes(f"{component}.stl")))
        assert str(axes) == "right -z, anterior -x, proximal +y"
        assert axes.told


def test_a_component_for_one_compartment_does_not_tell_and_may_be_told(lunge: Scene) -> None:
    femoral, tibial = build_design("unicompartmental", SEED).build_meshes()
    trochlea, _ = build_design("patellofemoral", SEED).build_meshes()
    assert not guess_femoral_axes(femoral).told
    assert not guess_femoral_axes(trochlea).told
    assert not guess_tibial_axes(tibial).told
    with pytest.raises(InputError, match="Femoral component: its shape does not tell which ways are anterior"):
        find_motion(Study(femoral, lunge.tibial, lunge.camera), [])
    with pytest.raises(InputError, match="Tibial component"):
        find_motion(Study(lunge.femoral, tibial, lunge.camera), [])
    stated = guess_femoral_axes(replace(femoral, stated_axes=read_axes("-y+z")))
    assert str(stated) == "right -x, anterior -y, proximal +z"
    assert stated.told


@pytest.mark.parametrize("text", ["", "+y", "+y-y", "+y+z+x", "yz", "+w+z", "+y +z"])
def test_ways_that_are_none_are_refused_in_words(text: str) -> None:
    with pytest.raises(InputError, match="is not anterior and proximal"):
        read_axes(text)
