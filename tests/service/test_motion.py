"""Motion by the API: a job in a fair line, seen by its owner alone, with the files of `ortholens kinematics`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import gettempdir
from threading import Event

import pytest

from models.cli import main
from models.commands.trials import Row, Trial
from models.errors import Cancelled
from tests.service.conftest import Asked

Start = Callable[..., Asked]


def send(client: Asked, study: Path, **fields: object) -> dict[str, object]:
    frames = [("frames", (f"Muster^Erika {path.name}", path.read_bytes())) for path in sorted(study.glob("frames/*"))]
    own = [("femoral", "femoral.stl"), ("tibial", "tibial.stl"), ("calibration", "calibration.txt")]
    files = [*frames, *((key, (name, (study / name).read_bytes())) for key, name in own)]
    answer = client.post("/v1/kinematics", files=files, data=fields)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
    return dict(answer.json())


def follow(client: Asked, id: object, state: str) -> dict[str, object]:
    for _ in iter(lambda: client.get(f"/v1/jobs/{id}").json()["state"] in (state, "failed"), True):
        Event().wait(0.1)
    return dict(client.get(f"/v1/jobs/{id}").json())


def list_folders() -> set[Path]:
    return set(Path(gettempdir()).glob("ortholens-*"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    with pytest.raises(SystemExit):
        main(["simulate", "fluoroscopy", "1", str(folder), "--seed", "1", "--size", "256"])
    return folder


class Held:
    """Trials that wait until they may end, in place of those that measure."""

    def __init__(self) -> None:
        self.go, self.begun = Event(), list[str]()

    def run(
        self, trials: Sequence[Trial], *, cancelled: Callable[[], bool], nice: int
    ) -> Iterator[tuple[Trial, float | Row]]:
        (trial,) = trials
        assert nice > 0  # answers come first
        self.begun.append(trial.shared.side)
        yield trial, 0.25
        while not self.go.wait(0.01):
            if cancelled():
                raise Cancelled("it was stopped", fix="Start it again.")
        trial.out.mkdir()
        (trial.out / "angles.csv").write_text(trial.shared.side)
        yield trial, {"trial": trial.name, "error": "", "frames": len(list(trial.folder.iterdir()))}


def test_callers_take_turns_and_only_an_owner_sees_or_ends_a_job(
    study: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, before = Held(), list_folders()
    monkeypatch.setattr("models.service.motion.run_trials", held.run)
    client = start(api_jobs=3)
    first = send(client, study)
    assert follow(client, first["id"], "running")["share"] in (0, 0.25)
    second, third = send(client, study), send(client, study)
    parts = [(name, b"a") for name in ("frames", "femoral", "tibial")]
    assert client.post("/v1/kinematics", files=parts).status_code == 429
    others = send(client.by("ben"), study, side="left")
    assert follow(client, others["id"], "waiting")["before"] == 1
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/result")):
        assert client.request(method, f"/v1/jobs/{first['id']}{path}").status_code == 404
    assert [one["id"] for one in client.get("/v1/jobs").json()] == [others["id"]]
    client.by("anna")
    assert [one["before"] for one in client.get("/v1/jobs").json()] == [0, 2, 3]
    assert client.get(f"/v1/jobs/{second['id']}/result").json()["error"].startswith("the job is waiting")
    assert client.delete(f"/v1/jobs/{second['id']}").status_code == 204
    assert client.get(f"/v1/jobs/{second['id']}").status_code == 404
    assert client.by("eve").delete(f"/v1/jobs/{first['id']}").status_code == 204  # an administrator, while it runs
    held.go.set()
    client.by("anna")
    assert follow(client, third["id"], "done")["share"] == 1
    assert held.begun == ["right", "left", "right"]
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{third['id']}/result").content)) as files:
        assert files.namelist() == ["angles.csv"]
    kept = [folder for folder in list_folders() - before if any(folder.rglob("frames/*"))]
    assert kept == []  # what was sent is gone
    client.__exit__(None, None, None)
    assert list_folders() - before == set()
    client.__enter__()


def test_what_cannot_be_measured_says_so_in_a_sentence(study: Path, start: Start, tmp_path: Path) -> None:
    client = start(api_requests_a_minute=10_000)
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "frames").symlink_to(study / "frames")
    for name in ("tibial.stl", "calibration.txt"):
        (bad / name).symlink_to(study / name)
    (bad / "femoral.stl").write_bytes(b"no surface")
    found = follow(client, send(client, bad)["id"], "failed")
    assert found["state"] == "failed"
    assert "femoral.stl" in found["error"]
    assert "Muster" not in found["error"]
