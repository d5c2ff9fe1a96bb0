"""Motion of an implant: a job, since it takes seconds a frame.

It waits in the fair line of the process, is measured in a process of its own, and its files lie in a private folder
until the caller has left them alone for a while.
"""

from __future__ import annotations

import io
import secrets
import shutil
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, HTTPException, Request, Response, UploadFile

from models.audit_log import record_export
from models.commands.trial import JOURNAL
from models.commands.trials import Row, Shared, Trial, run_trials
from models.errors import Cancelled, OrthoLensError
from models.jobs import Job
from models.service.callers import Caller, Role
from models.service.records import JobRecord, Problem, State

router = APIRouter(prefix="/v1", tags=["kinematics"])
NICE = 10
"""How far a job steps back behind answers that somebody waits for."""
GONE = "there is no such job. It may have been cancelled, or forgotten after a while."


class NotMeasured(OrthoLensError):
    """A motion that could not be measured; the sentence is that of its trial."""

    def __str__(self) -> str:
        """Return the sentence."""
        return f"{self.problem}."


@dataclass(eq=False)
class Measurement:
    """One job, and the folder that holds what was sent and what was found."""

    owner: str
    folder: TemporaryDirectory[str]
    job: Job[Row]
    seen: float = field(default_factory=time.monotonic)

    @property
    def state(self) -> State:
        """How far it is."""
        if self.job.waiting:
            return State.WAITING
        if self.job.running:
            return State.RUNNING
        if isinstance(self.job.error, Cancelled):
            return State.CANCELLED
        return State.DONE if self.job.result is not None else State.FAILED

    def describe(self, id: str) -> JobRecord:
        """Return what a caller is told."""
        state = self.state
        done = state is State.DONE
        return JobRecord(
            id=id,
            state=state,
            before=self.job.before,
            share=1.0 if done else self.job.share,
            left_s=self.job.done_in_s if self.job.running else None,
            error=str(self.job.error) if self.job.error else None,
        )


class Measurements:
    """The jobs of one application.

    Parameters
    ----------
    most
        Jobs of one caller that are kept.
    idle_minutes
        After so long a job that has ended and that nobody asks for is forgotten; 0 is never.
    """

    def __init__(self, most: int, idle_minutes: float) -> None:
        self._most, self._idle_minutes = most, idle_minutes
        self._lock = Lock()
        self._kept: dict[str, Measurement] = {}
        self._seconds_a_byte: float | None = None
        """Of frames, as the last job took: what is told of the time left is by this."""

    def count_unfinished(self) -> int:
        """Return how many wait or run."""
        with self._lock:
            return sum(one.job.running for one in self._kept.values())

    def add(self, caller: Caller, folder: TemporaryDirectory[str], shared: Shared) -> str:
        """Start to measure the frames of a folder, and return the job's id.

        Raises
        ------
        HTTPException
            429, when the caller has as many jobs as there may be.
        """
        self.forget_old()
        root = Path(folder.name)
        size = sum(path.stat().st_size for path in (root / "frames").iterdir())
        trial = Trial("the sequence", root / "frames", shared, root / "out")
        expected = None if self._seconds_a_byte is None else self._seconds_a_byte * size
        with self._lock:
            if sum(one.owner == caller.name for one in self._kept.values()) >= self._most:
                raise HTTPException(429, "you have as many jobs as there may be. Delete one, or wait.")
            id = secrets.token_urlsafe(16)
            job = Job(lambda job: self._measure(job, trial, size), in_turn=True, expected_s=expected)
            self._kept[id] = Measurement(caller.name, folder, job)
        return id

    def list_of(self, caller: Caller) -> list[tuple[str, Measurement]]:
        """Return the jobs of a caller, the oldest first."""
        with self._lock:
            return [(id, one) for id, one in self._kept.items() if one.owner == caller.name]

    def find(self, caller: Caller, id: str) -> Measurement:
        """Return a job of the caller's own, or anyone's for an administrator.

        Raises
        ------
        HTTPException
            404, where there is none: nobody learns whether another has it.
        """
        self.forget_old()
        with self._lock:
            found = self._kept.get(id)
            if found is None or not (found.owner == caller.name or caller.role.may(Role.ADMIN)):
                raise HTTPException(404, GONE)
            found.seen = time.monotonic()
            return found

    def forget(self, ids: Sequence[str]) -> None:
        """Stop jobs, wait until they have ended, and remove what was sent and found."""
        with self._lock:
            gone = [one for id in ids if (one := self._kept.pop(id, None))]
        for one in gone:
            one.job.stop()
        for one in gone:
            one.job.wait()
            one.folder.cleanup()

    def forget_old(self) -> None:
        """Forget what has ended and nobody has asked for in a while; all of it is forgotten when the service ends."""
        minutes, now = self._idle_minutes, time.monotonic()
        with self._lock:
            old = [
                id
                for id, one in self._kept.items()
                if minutes and not one.job.running and now - one.seen > 60 * minutes
            ]
        self.forget(old)

    def close(self) -> None:
        """Forget everything."""
        self.forget(list(self._kept))

    def _measure(self, job: Job[Row], trial: Trial, size: int) -> Row:
        begun = time.monotonic()
        for _, told in run_trials([trial], cancelled=job.stopped, nice=NICE):
            if isinstance(told, float):
                job.report(told)
                continue
            shutil.rmtree(trial.folder)  # what was sent is not needed any more
            if told["error"]:
                raise NotMeasured(str(told["error"]), fix="")
            self._seconds_a_byte = (time.monotonic() - begun) / max(1, size)
            return told
        raise AssertionError("a trial ends with its line")


@router.post("/kinematics", status_code=202, responses={429: {"model": Problem}})
def measure_motion(
    request: Request,
    response: Response,
    frames: Annotated[list[UploadFile], File(description="Pictures or DICOM files, in order; or one with all frames.")],
    femoral: Annotated[UploadFile, File(description="STL of the femoral component, in mm.")],
    tibial: Annotated[UploadFile, File(description="STL of the tibial component, in mm.")],
    calibration: Annotated[UploadFile | None, File(description="JT_INTCALIB or camera.txt; else the header's.")] = None,
    side: Annotated[Literal["right", "left"], Form(description="Of the patient.")] = "right",
    frame_rate: Annotated[float | None, Form(ge=0.1, le=1000, description="Frames a second.")] = None,
    priors: Annotated[bool, Form(description="Whether what is known of knees helps to find depths.")] = True,
) -> JobRecord:
    """Measure the motion of a knee implant, as `ortholens kinematics` does; ask for the job until it is done."""
    folder = TemporaryDirectory(prefix="ortholens-")
    root = Path(folder.name)
    (root / "frames").mkdir()
    for number, frame in enumerate(frames):  # by number: its own name may be a patient's
        _keep(frame, root / "frames" / f"{number + 1:06}")
    given = {name: root / f"{name}.{ending}" for name, ending in (("femoral", "stl"), ("tibial", "stl"))}
    _keep(femoral, given["femoral"])
    _keep(tibial, given["tibial"])
    camera = root / "calibration.txt" if calibration else None
    if calibration and camera:
        _keep(calibration, camera)
    own = given["femoral"], given["tibial"], camera
    shared = Shared(*own, side, frame_rate, priors=priors, who=_caller(request).name)
    found = _measurements(request)
    try:
        id = found.add(_caller(request), folder, shared)
    except HTTPException:
        folder.cleanup()
        raise
    response.headers["Location"] = f"/v1/jobs/{id}"
    return found.find(_caller(request), id).describe(id)


@router.get("/jobs")
def list_jobs(request: Request) -> list[JobRecord]:
    """List your jobs."""
    return [one.describe(id) for id, one in _measurements(request).list_of(_caller(request))]


@router.get("/jobs/{id}")
def follow_job(request: Request, id: str) -> JobRecord:
    """Say how far a job is: its place in line, what is done, the time left."""
    return _measurements(request).find(_caller(request), id).describe(id)


@router.delete("/jobs/{id}", status_code=204)
def cancel_job(request: Request, id: str) -> None:
    """Cancel a job, and forget what it was sent and has found."""
    found = _measurements(request)
    found.find(_caller(request), id)
    found.forget([id])


@router.get(
    "/jobs/{id}/result",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}, 409: {"model": Problem}},
)
def fetch_result(request: Request, id: str) -> Response:
    """Return poses, angles, quality and overlays of a motion as a ZIP file: what `ortholens kinematics` writes."""
    found = _measurements(request).find(_caller(request), id)
    if found.state is not State.DONE:
        said = found.describe(id).error or f"the job is {found.state.value}. Ask again once it is done."
        raise HTTPException(409, said)
    out = io.BytesIO()
    root = Path(found.folder.name) / "out"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.name != JOURNAL:
                archive.write(path, path.relative_to(root))
    data = record_export(out.getvalue, "motion.zip")()
    headers = {"Content-Disposition": 'attachment; filename="motion.zip"'}
    return Response(data, media_type="application/zip", headers=headers)


def _keep(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)


def _measurements(request: Request) -> Measurements:
    found: Measurements = request.app.state.measurements
    return found


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller
