"""Videos as sequences: frames by an independent writer, the rate, the limits, and what is said of a broken one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import models
from models.errors import DamagedFile, TooLarge, UnsupportedFormat
from models.io import video
from models.io.decoded import Limits

cv2 = pytest.importorskip("cv2")
FRAMES, ROWS, COLUMNS = 7, 48, 64
WIDE = Limits(4096, 1024, 100)


def write(path: Path, code: str, *, colour: bool = False) -> np.ndarray:
    """Write frames that differ and that no flip leaves as they are → (T, H, W, 3) as written, red, green, blue."""
    at = np.arange(FRAMES)[:, None, None] * 20 + np.arange(ROWS)[:, None] + np.arange(COLUMNS) // 2
    frames = np.repeat(at.astype(np.uint8)[..., None], 3, 3)
    if colour:
        frames[..., 0] //= 3
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 12.5, (COLUMNS, ROWS))
    assert film.isOpened()
    for frame in frames:
        film.write(np.ascontiguousarray(frame[..., ::-1]))
    film.release()
    return frames


@pytest.mark.parametrize(("name", "code", "off"), [("a.avi", "FFV1", 1), ("a.mkv", "FFV1", 1), ("a.mp4", "mp4v", 6)])
def test_a_video_is_read_as_a_grey_sequence(tmp_path: Path, name: str, code: str, off: int) -> None:
    frames = write(tmp_path / name, code)
    image = models.read(tmp_path / name)
    assert image.pixels.shape == (FRAMES, ROWS, COLUMNS)
    assert np.abs(image.pixels * 255 - frames[..., 1]).max() <= off
    assert float(image.tags["CineRate"]) == pytest.approx(12.5)
    assert any("codec" in said for said in image.warnings)
    assert image.spacing_mm is None
    assert image.geometry is None


def test_colours_keep_their_places(tmp_path: Path) -> None:
    frames = write(tmp_path / "a.avi", "FFV1", colour=True)
    pixels = models.read(tmp_path / "a.avi").pixels * 255
    assert pixels.shape == (FRAMES, ROWS, COLUMNS, 3)
    assert np.abs(pixels - frames).mean((0, 1, 2)) == pytest.approx([0, 0, 0], abs=1.5)  # through half the chroma


def test_what_is_too_large_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    write(tmp_path / "a.avi", "FFV1")
    data = (tmp_path / "a.avi").read_bytes()
    with pytest.raises(TooLarge, match="7 frames"):
        video.decode_video(data, Limits(4096, 1024, FRAMES - 1))
    with pytest.raises(TooLarge, match="64 × 48"):
        video.decode_video(data, Limits(60, 1024, 100))
    assert len(video.decode_video(data, Limits(64, 1024, FRAMES)).stored) == FRAMES


def test_a_video_that_was_cut_off_is_not_passed_for_a_short_one(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", "mp4v")
    write(tmp_path / "a.avi", "FFV1")
    for name in ("a.mp4", "a.avi"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(DamagedFile, match=f"{name}.*video"):
            models.read(tmp_path / name)


def test_without_opencv_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.avi", "FFV1")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UnsupportedFormat, match=r"ortholens\[video\]"):
        video.decode_video((tmp_path / "a.avi").read_bytes(), WIDE)
