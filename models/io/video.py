"""Video files (MP4, MOV, AVI, Matroska, WebM) as sequences of frames, by OpenCV's FFmpeg (LGPL).

A video of a C-arm has lost what DICOM keeps: the depth of its greys, and where source and detector stood. What is left
is 8 bits through a codec, which the image says. The frame rate is kept as `CineRate`, as a DICOM header has it.

OpenCV is an extra (`ortholens[video]`). FFmpeg is a native decoder of untrusted bytes: it runs in the worker alone.
Reference: https://docs.opencv.org/4.x/d8/dfe/classcv_1_1VideoCapture.html
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from models.errors import DamagedFile, UnsupportedFormat
from models.io.decoded import Decoded, Header, Limits
from models.words import later

LOSSY = later("A video's greys went through a codec and have 8 bits: the original DICOM shows more.")
RATES = (0.1, 1000.0)
"""Frames a second that a header can be believed."""
FIX = later("Export it anew, as MP4 or AVI, or open the original DICOM.")


def decode_video(data: bytes, limits: Limits) -> Decoded:
    """Decode all frames of a video; runs in the worker.

    Raises
    ------
    UnsupportedFormat
        Where OpenCV is not installed.
    TooLarge
        Before a frame is decoded, by what the file declares; while they are, by how many there are.
    DamagedFile
        Where no frame, or only a part of what is declared, can be decoded.
    """
    try:
        import cv2
    except ImportError as error:
        fix = later("Install it: pip install 'ortholens[video]'. Or save single frames as PNG.")
        raise UnsupportedFormat(later("is a video, and OpenCV, which reads it, is not installed"), fix=fix) from error
    cv2.setNumThreads(1)
    held: Any = BytesIO(data)  # which the film reads from as it goes, without holding it
    film = cv2.VideoCapture(held, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not film.isOpened():
        raise DamagedFile(later("is a video that cannot be decoded"), fix=FIX)
    rows, columns = (int(film.get(side)) for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
    declared = max(1, int(film.get(cv2.CAP_PROP_FRAME_COUNT)))
    limits.check(rows, columns, declared, 3, 3)
    frames = []
    while True:
        there, frame = film.read()  # (H, W, 3) blue, green, red
        if not there:
            break
        frames.append(np.ascontiguousarray(frame[..., ::-1]))
        limits.check(frame.shape[0], frame.shape[1], len(frames), 3, 3)
    rate = film.get(cv2.CAP_PROP_FPS)
    film.release()
    if not frames or len(frames) < 0.9 * declared:
        said = later("is a video of which {n} of {declared} frames can be decoded", n=len(frames), declared=declared)
        raise DamagedFile(said, fix=FIX)
    tags = {"CineRate": f"{rate:.6g}"} if RATES[0] <= rate <= RATES[1] else {}
    return Decoded(np.stack(frames), 8, Header(tags=tags, warnings=(LOSSY,))).slimmed()
