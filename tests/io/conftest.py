"""DICOM objects and pictures made at test time; none shows a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from models.settings import settings


@pytest.fixture(scope="session")
def ramp() -> np.ndarray:
    """12 bits, no two neighbours alike, (48, 64)."""
    return (np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 4 // 3).astype(np.uint16)


@pytest.fixture(scope="session")
def dicom() -> Callable[..., Dataset]:
    """Return what makes a dataset of `pixels` (H, W), (T, H, W) or (H, W, 3), with attributes by keyword."""

    def make(pixels: np.ndarray, **attributes: Any) -> Dataset:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
        colour = pixels.ndim == 3 and pixels.shape[-1] == 3
        if pixels.ndim == 3 and not colour:
            dataset.NumberOfFrames = len(pixels)
        dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
        dataset.SamplesPerPixel = 3 if colour else 1
        dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        if colour:
            dataset.PlanarConfiguration = 0
        dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
        dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        return dataset

    return make


@pytest.fixture(scope="session")
def saved() -> Callable[[Dataset], bytes]:
    """Return what writes a dataset as a file's bytes."""

    def write(dataset: Dataset) -> bytes:
        file = BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        return file.getvalue()

    return write


@pytest.fixture(scope="session")
def encoded() -> Callable[..., bytes]:
    """Return what writes an array, or a Pillow image, as a picture file's bytes."""

    def write(picture: np.ndarray | Pillow.Image, kind: str = "PNG", **options: Any) -> bytes:
        file = BytesIO()
        (Pillow.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(file, kind, **options)
        return file.getvalue()

    return write


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what sets limits by their names in `Settings`."""

    def limit(**limits: float) -> None:
        for name, value in limits.items():
            monkeypatch.setenv(f"ORTHOLENS_{name.upper()}", str(value))
        settings.cache_clear()

    yield limit
    monkeypatch.undo()
    settings.cache_clear()
