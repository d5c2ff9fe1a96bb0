"""DICOM files that others made to test their readers: `python -m tests.benchmarks.public_dicom [FOLDER …]`.

pydicom's bundled files, and those of any folder (the package `pydicom-data`, unpacked, say). Every file must end in a
picture or in a sentence, within seconds; of every picture the values are compared with pydicom's `pixel_array` after
its own modality table, palette or conversion of colours. A table of Markdown, and the files that differ.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut

import models
from models.errors import InputError

BUNDLED = Path(pydicom.__file__).parent / "data"
SLOW = 5.0
CODE = frozenset({".py", ".pyc", ".zip", ".md", ".txt", ".json"})


@dataclass(frozen=True)
class Outcome:
    """What became of a file: "equal", "different by …", "not read by pydicom", the sentence, or the crash."""

    name: str
    kind: str
    said: str
    seconds: float


def outcome(path: Path) -> Outcome:
    """Read one file and compare its values with pydicom's."""
    begun = time.perf_counter()
    try:
        image = models.read(path)
    except InputError as refused:
        return Outcome(path.name, "sentence", str(refused), time.perf_counter() - begun)
    except Exception as error:  # noqa: BLE001 (this is what is looked for)
        return Outcome(path.name, "crash", repr(error)[:200], time.perf_counter() - begun)
    seconds = time.perf_counter() - begun
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            right = by_pydicom(path)
    except Exception as error:  # noqa: BLE001 (pydicom refuses some of its own)
        return Outcome(path.name, "alone", type(error).__name__, seconds)
    if right.size != image.pixels.size:
        return Outcome(path.name, "different", f"{image.pixels.shape} against {right.shape}", seconds)
    off = float(np.abs(right.reshape(image.pixels.shape) - image.pixels).max())
    return Outcome(path.name, "equal" if off <= 1.01 / 255 else "different", f"{off:.4f}", seconds)


def by_pydicom(path: Path) -> np.ndarray:
    """Return pydicom's values, black 0 and white 1 as `models.read` has them: over the depth, or what occurs."""
    dataset = pydicom.dcmread(path, force=True)
    values = dataset.pixel_array
    photometric = dataset.PhotometricInterpretation
    if photometric == "PALETTE COLOR":
        values = apply_color_lut(values, dataset)
        values = values[..., :3] / np.iinfo(values.dtype).max
        return values[..., 1] if np.ptp(values, -1).max() <= 2 / 255 else values
    if values.shape[-1:] == (3,) and dataset.SamplesPerPixel == 3:
        shares = values / (2 ** int(dataset.BitsStored) - 1)
        return shares[..., 1] if np.ptp(shares, -1).max() <= 2 / 255 else shares
    modality = apply_modality_lut(values, dataset).astype(np.float64)
    if int(dataset.get("BitsStored", 32)) > 8 or "ModalityLUTSequence" in dataset:
        used = modality
        if "PixelPaddingValue" in dataset:
            padding = np.array(dataset.PixelPaddingValue).astype(values.dtype)
            used = modality[values != padding]
        shares = np.clip((modality - used.min()) / max(np.ptp(used), 1e-9), 0, 1)
        shares = 1 - shares if photometric == "MONOCHROME1" else shares
        if "PixelPaddingValue" in dataset:
            shares[values == padding] = 0
        return shares
    ends = apply_modality_lut(np.array([0, 2 ** int(dataset.BitsStored) - 1]), dataset).astype(float)
    if dataset.PixelRepresentation:
        ends -= 2 ** (int(dataset.BitsStored) - 1)
    shares = (modality - ends.min()) / np.ptp(ends)
    return 1 - shares if photometric == "MONOCHROME1" else shares


def main() -> None:
    """Print what became of every file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, default=[BUNDLED])
    given = parser.parse_args()
    for folder in given.folders:
        files = sorted(one for one in folder.rglob("*") if one.is_file() and one.suffix not in CODE)
        found = [outcome(one) for one in files]
        counts = {
            kind: sum(one.kind == kind for one in found)
            for kind in ("equal", "different", "alone", "sentence", "crash")
        }
        slow = [one for one in found if one.seconds > SLOW]
        print(f"\n{folder}: {len(found)} files")  # noqa: T201
        print("| equal to pydicom | different | read here alone | sentence | crash | over 5 s |\n|" + "---|" * 6)  # noqa: T201
        print("| " + " | ".join(map(str, [*counts.values(), len(slow)])) + " |")  # noqa: T201
        for one in found:
            if one.kind != "equal" or one in slow:
                print(f"- {one.kind}: {one.name}: {one.said} ({one.seconds:.1f} s)")  # noqa: T201


if __name__ == "__main__":
    main()
