"""The library: generated designs are closed solids of a knee's size, and a user's CAD is kept, listed and removed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from typer.testing import CliRunner

from models.cli import app, main
from models.errors import InputError
from models.geometry.mesh import write_stl
from models.settings import settings
from models.simulation.knee_designs import FAMILIES, MAKER, build_design
from models.tasks.identification import library
from models.tasks.identification.library import add_design, list_broken_designs, list_designs


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two STL files: a small condyle and its half tray."""
    folder = tmp_path_factory.mktemp("cad")
    for name, mesh in zip(("f.stl", "t.stl"), build_design("unicompartmental", 3).build_meshes(), strict=True):
        assert mesh is not None
        (folder / name).write_bytes(write_stl(mesh))
    return folder / "f.stl", folder / "t.stl"


@pytest.fixture(autouse=True)
def own_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTHOLENS_LIBRARY_DIR", str(tmp_path / "library"))
    settings.cache_clear()


@pytest.mark.parametrize("family", ["cruciate-retaining", "unicompartmental", "patellofemoral"])
def test_a_generated_design_is_closed_and_of_the_size_of_a_knee(family: str) -> None:
    for mesh in build_design(family, 2).build_meshes():
        if mesh is None:
            assert FAMILIES[family][2] is None
            continue
        body = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        assert body.is_watertight
        assert body.volume > 1000
        assert 20 < float(np.ptp(mesh.vertices, axis=0).max()) < 100


def test_a_design_is_the_same_each_time_and_members_of_a_family_differ() -> None:
    first, again, other = (build_design("patellofemoral", seed).build_meshes()[0] for seed in (4, 4, 5))
    assert np.array_equal(first.vertices, again.vertices)
    assert first.vertices.shape != other.vertices.shape or not np.allclose(first.vertices, other.vertices)


def test_there_are_twelve_generated_designs_and_no_maker_is_claimed() -> None:
    found = list_designs()
    assert len(found) == len(FAMILIES) == 12
    assert {design.maker for design in found} == {MAKER}
    assert all(list(design.widths_mm) == sorted(design.widths_mm) for design in found)


def test_a_users_design_is_kept_listed_and_removed(parts: tuple[Path, Path]) -> None:
    runner = CliRunner()
    words = ["--maker", "Example & Sons", "--model", "Uni 3", "--size", "B"]
    told = runner.invoke(app, ["library", "add", str(parts[0]), str(parts[1]), *words])
    assert told.exit_code == 0, told.output
    key = told.output.split()[0]
    listed = [json.loads(line) for line in runner.invoke(app, ["library", "list", "--json"]).output.splitlines()]
    own = next(row for row in listed if row["key"] == key)
    assert (own["maker"], own["model"], own["size"], own["generated"]) == ("Example & Sons", "Uni 3", "B", False)
    design = list_designs()[-1]
    kept, given = design.build_meshes()[1], build_design("unicompartmental", 3).build_meshes()[1]
    assert kept is not None
    assert given is not None
    assert np.allclose(np.ptp(kept.vertices, axis=0), np.ptp(given.vertices, axis=0), atol=1e-3)
    assert runner.invoke(app, ["library", "remove", key]).exit_code == 0
    assert len(list_designs()) == 12
    assert not any(settings().library_dir.iterdir())


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a\nb", "x" * 61, "a\x00b", "<b>"])
def test_a_name_that_is_none_is_refused(name: str, parts: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="is no name of a maker"):
        add_design((parts[0], None), name, "M", "1")
    assert not settings().library_dir.exists()


def test_what_is_no_cad_leaves_nothing_behind(parts: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "text.stl").write_text("not a mesh")
    for files in [(tmp_path / "text.stl", parts[1]), (parts[0], tmp_path / "text.stl"), (tmp_path / "none.stl", None)]:
        with pytest.raises(InputError):
            add_design(files, "A", "B", "1")
    assert not settings().library_dir.exists()


def test_the_same_design_twice_and_a_full_library_are_refused(
    parts: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_design((parts[0], None), "A", "B", "1")
    with pytest.raises(InputError, match="already"):
        add_design((parts[0], None), "a", "b", "1")
    monkeypatch.setattr(library, "MOST", 1)
    with pytest.raises(InputError, match="full"):
        add_design((parts[0], None), "A", "B", "2")


def test_a_spoilt_design_is_left_out_and_said_and_can_be_removed(parts: tuple[Path, Path]) -> None:
    design = add_design((parts[0], None), "A", "B", "1")
    assert design.folder is not None
    (design.folder / library.FILE).write_text("{")
    assert len(list_designs()) == 12
    assert "is no design any more" in str(list_broken_designs()[0])
    assert CliRunner().invoke(app, ["library", "remove", design.key]).exit_code == 0
    assert not list_broken_designs()


def test_a_generated_design_cannot_be_removed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["library", "remove", "hinge"])
    assert left.value.code == 2
    assert "generated" in capsys.readouterr().err
