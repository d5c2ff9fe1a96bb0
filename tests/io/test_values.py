"""Every pixel as its standard says: DICOM variants against the standard's formulas, and against dcmtk if it is there.

Each variant is written here, and what must be shown is computed here from PS3.3 (C.7.6.3, C.11), never by the reader.
pydicom's functions, where they do what is asked, and `dcm2pnm` (Debian package dcmtk) if it is there must agree
to 1/255 too.
"""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_presentation_lut, apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from models.errors import DamagedFile, TooLarge, UnsupportedFormat
from models.io import read

Make = Callable[..., Dataset]
Save = Callable[[Dataset], bytes]

ONE = 1.01 / 255
X = np.arange(4096, dtype=np.uint16).reshape(64, 64)
"""Every value of 12 bits."""


@dataclass
class Variant:
    """A file, and what must be shown of its first frame, in [0, 1]."""

    pixels: np.ndarray
    shown: np.ndarray
    tags: dict[str, Any] = field(default_factory=dict)
    dcmtk: tuple[str, ...] | None = ("+Wi", "1")
    """Options of dcm2pnm; None where it is known not to do what the standard says."""
    syntax: str | None = None


def linear(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1."""
    if width == 1:
        return (x > centre - 0.5).astype(float)
    return np.clip((x - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def exact(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    """C.11.2.1.3.2."""
    return np.clip((x.astype(float) - centre) / width + 0.5, 0, 1)


def sigmoid(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    """C.11.2.1.3.1."""
    return 1 / (1 + np.exp(np.clip(-4.0 * (x.astype(float) - centre) / width, -99, 99)))


def table(values: np.ndarray, first: int = 0, bits: int = 16, packed: bool = False, order: str = "<") -> Dataset:
    """Return an item of a LUT sequence; `packed`: two entries of 8 bits a word."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 else "SS", [len(values) % 65536, first, bits])
    words = values.astype(np.uint8).view("<u2").astype(np.uint16) if packed else values.astype(np.uint16)
    item.add_new("LUTData", "OW", words.astype(f"{order}u2").tobytes())
    return item


def voi(values: np.ndarray, **how: Any) -> dict[str, Any]:
    """Return the attributes of a display table."""
    return {"VOILUTSequence": Sequence([table(values, **how)])}


def window(centre: float, width: float, function: str | None = None) -> dict[str, Any]:
    """Return the attributes of a display window."""
    return {"WindowCenter": centre, "WindowWidth": width} | ({"VOILUTFunction": function} if function else {})


TWELVE = {"BitsStored": 12, "HighBit": 11}
RISING = np.rint(sigmoid(X.ravel(), 1500, 1000) * 65535)
PEAK = np.rint(65535 * np.sin(np.linspace(0, np.pi, 4096)) ** 2)
VARIANTS: dict[str, Variant] = {}


def _windows() -> None:
    functions = {None: linear, "LINEAR": linear, "LINEAR_EXACT": exact, "SIGMOID": sigmoid}
    shapes = {"MONOCHROME2": False, "MONOCHROME1": True}
    for function, formula in functions.items():
        for centre, width in ((2048, 4096), (1000.5, 401), (1500, 2), (1200, 1)):
            for photometric, turned in shapes.items():
                if function is None and turned:
                    continue
                shown = formula(X, centre, width)
                VARIANTS[f"{photometric} {function} {centre} {width}"] = Variant(
                    X,
                    1 - shown if turned else shown,
                    TWELVE | window(centre, width, function) | {"PhotometricInterpretation": photometric},
                    None if function == "LINEAR_EXACT" or width <= 2 else ("+Wi", "1"),
                )
    for photometric in shapes:
        for shape in ("IDENTITY", "INVERSE"):
            shown = linear(X, 1500, 1001)
            VARIANTS[f"{photometric} {shape}"] = Variant(
                X,
                1 - shown if shape == "INVERSE" else shown,
                TWELVE | window(1500, 1001) | {"PhotometricInterpretation": photometric, "PresentationLUTShape": shape},
            )


def _rescaled() -> None:
    signed = (X.astype(np.int16) - 2048).astype(np.int16)
    for slope, intercept in ((1, -1024), (0.5, 0), (-1, 4095), (2.5, 100)):
        VARIANTS[f"slope {slope} intercept {intercept}"] = Variant(
            X,
            linear(X * float(slope) + intercept, 700, 1400),
            TWELVE | window(700, 1400) | {"RescaleSlope": slope, "RescaleIntercept": intercept},
        )
    VARIANTS["signed"] = Variant(signed, linear(signed, 100, 900), window(100, 900))
    twelve = (signed & 0x0FFF).astype(np.uint16)
    VARIANTS["signed 12 bits"] = Variant(
        twelve, linear(signed, 100, 900), TWELVE | window(100, 900) | {"PixelRepresentation": 1}
    )
    VARIANTS["signed 12 bits at the top of 16"] = Variant(
        (twelve << 4).astype(np.uint16),
        linear(signed, 100, 900),
        {"BitsStored": 12, "HighBit": 15, "PixelRepresentation": 1} | window(100, 900),
    )


def _high_bits() -> None:
    for stored, high in ((12, 15), (10, 15), (10, 12), (8, 15), (8, 11)):
        ramp = (X % 2**stored).astype(np.uint16)
        span = 2**stored
        shown = linear(ramp, span / 2, span)
        VARIANTS[f"{stored} bits up to bit {high}"] = Variant(
            (ramp << (high + 1 - stored)).astype(np.uint16),
            shown,
            {"BitsStored": stored, "HighBit": high} | window(span / 2, span),
        )
    VARIANTS["12 bits at the top of 16, RLE"] = Variant(
        (X << 4).astype(np.uint16),
        linear(X, 2048, 4096),
        {"BitsStored": 12, "HighBit": 15} | window(2048, 4096),
        syntax=RLELossless,
    )
    VARIANTS["overlay in the unused bits"] = Variant(
        (X | 0x8000).astype(np.uint16), linear(X, 2048, 4096), TWELVE | window(2048, 4096), ("-O", "+Wi", "1")
    )


def _curves() -> None:
    curves = {"rising": RISING, "falling": 65535 - RISING, "peaked": PEAK}
    curves["of two steps"] = np.where(X.ravel() > 999, 65535, 9000)
    for name, values in curves.items():
        for photometric in ("MONOCHROME2", "MONOCHROME1"):
            shown = values[X] / 65535
            VARIANTS[f"{name} table, {photometric}"] = Variant(
                X,
                1 - shown if photometric == "MONOCHROME1" else shown,
                TWELVE | voi(values) | {"PhotometricInterpretation": photometric},
                ("+Wl", "1"),
            )
    for bits in (8, 10, 12, 14):
        values = np.rint(RISING / 65535 * (2**bits - 1))
        VARIANTS[f"table of {bits} bits"] = Variant(
            X, values[X] / (2**bits - 1), TWELVE | voi(values, bits=bits), ("+Wl", "1")
        )
    eight = np.rint(RISING / 65535 * 255)
    VARIANTS["table of 8 bits, packed"] = Variant(
        X, eight[X] / 255, TWELVE | voi(eight, bits=8, packed=True), ("+Wl", "1")
    )
    VARIANTS["falling table of 8 bits, packed"] = Variant(
        X, 1 - eight[X] / 255, TWELVE | voi(255 - eight, bits=8, packed=True), ("+Wl", "1")
    )
    short = np.rint(np.linspace(0, 65535, 500))
    VARIANTS["table from 1000"] = Variant(
        X, short[np.clip(X.astype(int) - 1000, 0, 499)] / 65535, TWELVE | voi(short, first=1000), ("+Wl", "1")
    )
    hounsfield = X.astype(int) - 1024
    for sign, vr in ((-200, "SS"), (65336, "US")):  # the same sixteen bits
        VARIANTS[f"table from -200 after the rescale, written {vr}"] = Variant(
            X,
            short[np.clip(hounsfield + 200, 0, 499)] / 65535,
            TWELVE | voi(short, first=sign) | {"RescaleSlope": 1, "RescaleIntercept": -1024},
            ("+Wl", "1") if vr == "SS" else None,
        )
    VARIANTS["table in implicit VR"] = Variant(
        X, 1 - RISING[X] / 65535, TWELVE | voi(65535 - RISING), ("+Wl", "1"), ImplicitVRLittleEndian
    )
    VARIANTS["packed table in implicit VR"] = Variant(
        X, eight[X] / 255, TWELVE | voi(eight, bits=8, packed=True), ("+Wl", "1"), ImplicitVRLittleEndian
    )
    VARIANTS["table in big endian"] = Variant(
        X.astype(">u2"),
        1 - RISING[X] / 65535,
        TWELVE | voi(65535 - RISING, order=">"),
        ("+Wl", "1"),
        ExplicitVRBigEndian,
    )
    whole = np.arange(65536)[::-1]
    sixteen = (X * 16).astype(np.uint16)
    VARIANTS["table of 65,536 entries"] = Variant(sixteen, whole[sixteen] / 65535, voi(whole), ("+Wl", "1"))


def _modality() -> None:
    for bits in (8, 10, 12, 14, 16):
        values = np.rint((np.arange(4096) / 4095) ** 2 * (2**bits - 1))
        centre, width = 2 ** (bits - 1), 2**bits
        tags = TWELVE | {"ModalityLUTSequence": Sequence([table(values, bits=bits)])} | window(centre, width)
        tags["ModalityLUTSequence"][0].ModalityLUTType = "US"
        VARIANTS[f"modality table of {bits} bits"] = Variant(X, linear(values[X], centre, width), tags)
    values = np.rint((np.arange(4096) / 4095) ** 2 * 255)
    item = table(values, bits=8, packed=True)
    item.ModalityLUTType = "US"
    tags = TWELVE | {"ModalityLUTSequence": Sequence([item])} | window(128, 256)
    VARIANTS["modality table of 8 bits, packed"] = Variant(X, linear(values[X], 128, 256), tags)
    VARIANTS["modality table in implicit VR"] = Variant(
        X, linear(values[X], 128, 256), tags, syntax=ImplicitVRLittleEndian
    )
    signed = (X.astype(np.int16) - 2048).astype(np.int16)
    item = table(np.rint(np.linspace(4095, 0, 4096)), first=-2048, bits=12)
    item.ModalityLUTType = "US"
    VARIANTS["falling modality table of signed pixels"] = Variant(
        signed, linear(2047.0 - signed, 2048, 4096), {"ModalityLUTSequence": Sequence([item])} | window(2048, 4096)
    )


_windows()
_rescaled()
_high_bits()
_curves()
_modality()


def written(variant: Variant, dicom: Make, saved: Save) -> bytes:
    """Return the variant's file."""
    dataset = dicom(variant.pixels, **variant.tags)
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.2"
    if variant.syntax == RLELossless:
        dataset.compress(RLELossless, generate_instance_uid=False)
    elif variant.syntax:
        dataset.file_meta.TransferSyntaxUID = variant.syntax
    return saved(dataset)


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_shown_is_what_the_standard_says(name: str, dicom: Make, saved: Save, tmp_path: Path) -> None:
    variant = VARIANTS[name]
    data = written(variant, dicom, saved)
    shown = read(data, "x.dcm").shown()
    assert np.abs(shown - variant.shown).max() <= ONE
    if variant.dcmtk is not None and shutil.which("dcm2pnm"):
        assert np.abs(shown - by_dcmtk(data, tmp_path, *variant.dcmtk)).max() <= ONE
    pydicoms = by_pydicom(data)
    if pydicoms is not None:
        assert np.abs(shown - pydicoms).max() <= ONE


def by_dcmtk(data: bytes, folder: Path, *options: str) -> np.ndarray:
    """Return what dcm2pnm shows of a file, in [0, 1]."""
    (folder / "in.dcm").write_bytes(data)
    command = ["dcm2pnm", "+opw", *options, str(folder / "in.dcm"), str(folder / "out.pnm")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    picture = np.asarray(Pillow.open(folder / "out.pnm"))
    return picture / (255 if picture.ndim == 3 else 65535)


def by_pydicom(data: bytes) -> np.ndarray | None:
    """Return what pydicom's own functions make of a file, in [0, 1]; None where they do not do what is asked.

    They leave pixels where they are in a word, know tables of 16 bits only, and take a first value as it is written.
    """
    dataset = dcmread(BytesIO(data))
    tables = [item for key in ("ModalityLUTSequence", "VOILUTSequence") for item in dataset.get(key, ())]
    known = all(item.LUTDescriptor[1:] in ([0, 16], [1000, 16], [-200, 16]) for item in tables)
    if dataset.HighBit != dataset.BitsStored - 1 or not known:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of tables for floating values, and of large exponents
        shown = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    low, high = 0.0, 2.0 ** (16 if tables else dataset.BitsStored) - 1
    if dataset.PixelRepresentation:
        low, high = low - 2.0 ** (dataset.BitsStored - 1), high - 2.0 ** (dataset.BitsStored - 1)
    if "RescaleSlope" in dataset and not tables:
        low, high = (value * dataset.RescaleSlope + dataset.RescaleIntercept for value in (low, high))
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    if "PresentationLUTShape" in dataset:
        inverted = dataset.PresentationLUTShape == "INVERSE"
    shown = (shown - low) / (high - low)
    return 1 - shown if inverted else shown


def test_enough_variants_are_judged_by_other_readers(dicom: Make, saved: Save) -> None:
    judged = [
        name
        for name, variant in VARIANTS.items()
        if variant.dcmtk is not None or by_pydicom(written(variant, dicom, saved)) is not None
    ]
    assert len(judged) >= 70
    assert set(VARIANTS) - set(judged) == {"table from -200 after the rescale, written US"}


def test_pydicom_agrees_on_tables_and_the_shape_of_presentation(dicom: Make, saved: Save) -> None:
    tags = TWELVE | voi(65535 - RISING) | {"PresentationLUTShape": "INVERSE"}
    dataset = dicom(X, **tags)
    by_pydicom = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    assert np.abs(read(saved(dataset), "x").shown() - (1 - by_pydicom / 65535)).max() <= ONE
    turned = apply_presentation_lut(X, dataset)
    plain = dicom(X, PresentationLUTShape="INVERSE", **TWELVE)
    assert np.abs(read(saved(plain), "x").pixels[0] - turned / 4095).max() <= ONE


def palette(depth: int, packed: bool, first: int = 0) -> dict[str, Any]:
    """Return the attributes of a palette of 256 entries: red rises, green falls, blue is at the middle."""
    rise = np.arange(256)
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, values in (("Red", rise), ("Green", 255 - rise), ("Blue", np.full(256, 128))):
        wide = values * (257 if depth == 16 else 1)
        entries = values.astype(np.uint8).tobytes() if packed else wide.astype("<u2").tobytes()
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, first, depth]
        tags[f"{colour}PaletteColorLookupTableData"] = entries
    return tags


@pytest.mark.parametrize(("depth", "packed"), [(8, True), (8, False), (16, False)])
@pytest.mark.parametrize("first", [0, 40])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_palettes_by_their_descriptor(
    depth: int, packed: bool, first: int, kind: type, dicom: Make, saved: Save, tmp_path: Path
) -> None:
    index = (np.arange(256) % 256).reshape(16, 16).astype(kind)
    dataset = dicom(index)
    for keyword, value in palette(depth, packed, first).items():
        if keyword == "PhotometricInterpretation":
            dataset.PhotometricInterpretation = value
        else:
            dataset.add_new(keyword, "US" if keyword.endswith("Descriptor") else "OW", value)
    entry = np.clip(index.astype(int) - first, 0, 255)
    right = np.stack([entry, 255 - entry, np.full_like(entry, 128)], -1) / 255
    data = saved(dataset)
    shown = read(data, "x").shown()
    assert np.abs(shown - right).max() <= ONE
    if packed or depth == 16:  # pydicom takes 8 bits in words for packed ones
        by_pydicom = apply_color_lut(index, dataset)
        assert np.abs(by_pydicom / np.iinfo(by_pydicom.dtype).max - right).max() <= ONE
    if shutil.which("dcm2pnm") and packed:
        assert np.abs(shown - by_dcmtk(data, tmp_path)).max() <= 2 * ONE


def test_a_grey_palette_is_not_stretched(dicom: Make, saved: Save) -> None:
    dataset = dicom(np.arange(256, dtype=np.uint8).reshape(16, 16), PhotometricInterpretation="PALETTE COLOR")
    dim = (np.arange(256) * 100).astype("<u2")  # to 39 % of white
    for colour in ("Red", "Green", "Blue"):
        dataset.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        dataset.add_new(f"{colour}PaletteColorLookupTableData", "OW", dim.tobytes())
    image = read(saved(dataset), "x")
    assert not image.colour
    assert np.abs(image.shown() - dim.reshape(16, 16) / 65535).max() <= ONE


def test_each_frame_has_its_own_window(dicom: Make, saved: Save) -> None:
    frames = np.stack([X, X, X])
    stated = ((500, 400), (1500, 1000), (3000, 2000))
    groups = []
    for centre, width in stated:
        lut, group = Dataset(), Dataset()
        lut.WindowCenter, lut.WindowWidth = centre, width
        group.FrameVOILUTSequence = Sequence([lut])
        groups.append(group)
    dataset = dicom(frames, PerFrameFunctionalGroupsSequence=Sequence(groups), **TWELVE)
    image = read(saved(dataset), "x")
    for frame, (centre, width) in enumerate(stated):
        assert np.abs(image.shown(frame) - linear(X, centre, width)).max() <= ONE
        assert np.abs(image.grey(frame) - linear(X, centre, width)).max() <= ONE
    dataset.PhotometricInterpretation = "MONOCHROME1"
    assert np.abs(read(saved(dataset), "x").shown(2) - (1 - linear(X, 3000, 2000))).max() <= ONE


def test_a_window_outside_the_values_and_one_without_width_are_told(dicom: Make, saved: Save) -> None:
    outside = read(saved(dicom(X, **TWELVE, **window(90_000, 100))), "x")
    assert "outside its values" in outside.warnings[0]
    assert "no usable width" in read(saved(dicom(X, **TWELVE, **window(900, -3))), "x").warnings[0]


@pytest.mark.parametrize("described", [[], [4096], None, [4096, 0, 16, 1]])
def test_a_display_table_without_its_descriptor_is_told_and_the_picture_shown(
    described: list[int] | None, dicom: Make, saved: Save
) -> None:
    item = table(RISING)
    item.add_new("LUTDescriptor", "US", described)
    image = read(saved(dicom(X, **TWELVE, VOILUTSequence=Sequence([item]))), "x")
    assert np.allclose(image.pixels[0], X / 4095, atol=1e-6)
    assert described == [4096, 0, 16, 1] or "cannot be read" in image.warnings[0]


def test_a_cut_off_modality_table_is_refused(dicom: Make, saved: Save) -> None:
    item = table(RISING)
    item.LUTData = item.LUTData[:200]
    with pytest.raises(DamagedFile, match="table of its values"):
        read(saved(dicom(X, ModalityLUTSequence=Sequence([item]), **TWELVE)), "x")


@pytest.mark.parametrize(("stored", "high", "kind"), [(4, 7, np.uint8), (8, 15, np.uint16), (8, 11, np.uint16)])
def test_white_is_that_of_the_stored_bits_wherever_they_lie(
    stored: int, high: int, kind: type, dicom: Make, saved: Save
) -> None:
    dim = (np.arange(64).reshape(8, 8) % 2**stored) // 2
    dataset = dicom((dim << (high + 1 - stored)).astype(kind), BitsStored=stored, HighBit=high)
    image = read(saved(dataset), "x")
    assert np.abs(image.shown() - dim / (2**stored - 1)).max() < 1e-6
    assert image.tags["BitsStored"] == str(stored)


def test_the_upper_bits_of_a_compressed_picture_are_refused(dicom: Make, saved: Save) -> None:
    from pydicom.uid import JPEG2000Lossless

    dataset = dicom((X << 4).astype(np.uint16))
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    dataset.BitsStored, dataset.HighBit = 12, 15
    with pytest.raises(UnsupportedFormat, match="upper bits"):
        read(saved(dataset), "x")


def test_a_high_bit_that_cannot_be_is_refused(dicom: Make, saved: Save) -> None:
    with pytest.raises(DamagedFile, match="cannot be"):
        read(saved(dicom(X, BitsStored=12, HighBit=7)), "x")


def replaced(data: bytes, element: bytes, value: bytes, representation: bytes | None = None) -> bytes:
    """Return an explicit little-endian file in which an element of a short VR has another value."""
    at = data.index(element)
    length = int.from_bytes(data[at + 6 : at + 8], "little")
    head = element + (representation or data[at + 4 : at + 6]) + len(value).to_bytes(2, "little")
    return data[:at] + head + value + data[at + 8 + length :]


SLOPE, CENTRE, FRAMES, ROWS_TAG = b"\x28\x00\x53\x10", b"\x28\x00\x50\x10", b"\x28\x00\x08\x00", b"\x28\x00\x10\x00"


def test_a_decimal_comma_is_read_and_told(dicom: Make, saved: Save) -> None:
    data = saved(dicom(X, RescaleSlope=1, RescaleIntercept=0, **window(1024, 1000), **TWELVE))
    image = read(replaced(data, SLOPE, b"0,5 "), "x")
    assert np.abs(image.shown() - linear(X * 0.5, 1024, 1000)).max() <= ONE
    assert "RescaleSlope" in image.warnings[0]
    assert "0.5" in image.warnings[0]


@pytest.mark.parametrize("word", [b"half", b"1.2.3 ", b"1,000.5 ", b"nan ", b"1_0 ", b"inf "])
def test_what_is_no_number_is_told(word: bytes, dicom: Make, saved: Save) -> None:
    data = saved(dicom(X, RescaleSlope=1, RescaleIntercept=0, **window(1024, 1000), **TWELVE))
    image = read(replaced(data, SLOPE, word + b" " * (len(word) % 2)), "x")
    assert image.warnings == ("The file's RescaleSlope is not written as a number: it was not used.",)
    assert np.abs(image.shown() - linear(X, 1024, 1000)).max() <= ONE


def test_a_comma_in_a_spacing_is_read(dicom: Make, saved: Save) -> None:
    data = saved(dicom(X, PixelSpacing=[0.5, 0.25], **TWELVE))
    image = read(replaced(data, b"\x28\x00\x30\x00", b"0,5\\0,25"), "x")
    assert image.spacing_mm == (0.5, 0.25)
    assert "PixelSpacing" in image.warnings[0]


@pytest.mark.parametrize(("word", "told"), [(b"1A", True), (b"3x", True), (b"AA", True), (b"-2", True), (b"  ", False)])
def test_a_malformed_number_of_frames(word: bytes, told: bool, dicom: Make, saved: Save) -> None:
    many = 3 if word == b"3x" else 1
    data = saved(dicom(np.stack([X] * many), **window(1024, 1000), **TWELVE))
    image = read(replaced(data, FRAMES, word), "x")
    assert image.frames == many
    assert np.abs(image.shown(many - 1) - linear(X, 1024, 1000)).max() <= ONE
    assert any("number of frames" in warning for warning in image.warnings) == told


@pytest.mark.parametrize("element", [ROWS_TAG, CENTRE])
@pytest.mark.parametrize("representation", [b"XX", b"??", b"us", b"\0\0"])
def test_an_unknown_value_representation_is_that_of_the_dictionary(
    element: bytes, representation: bytes, dicom: Make, saved: Save
) -> None:
    data = saved(dicom(X, **window(1024, 1000), **TWELVE))
    at = data.index(element)
    image = read(data[: at + 4] + representation + data[at + 6 :], "x")
    assert np.abs(image.shown() - linear(X, 1024, 1000)).max() <= ONE


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("wrapped", [True, False])
def test_uncompressed_pixels_of_undefined_length(little: bool, wrapped: bool, dicom: Make, saved: Save) -> None:
    dataset = dicom(X if little else X.astype(">u2"), **window(1024, 1000), **TWELVE)
    if not little:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    data, order = saved(dataset), "little" if little else "big"

    def tag(group: int, element: int) -> bytes:
        return group.to_bytes(2, order) + element.to_bytes(2, order)

    at = data.index(tag(0x7FE0, 0x0010) + b"OW")
    item = tag(0xFFFE, 0xE000) + (X.nbytes).to_bytes(4, order) if wrapped else b""
    end = tag(0xFFFE, 0xE0DD) + bytes(4)
    odd = data[: at + 8] + b"\xff" * 4 + item + data[at + 12 :] + end
    assert np.abs(read(odd, "x").shown() - linear(X, 1024, 1000)).max() <= ONE


def test_big_endian_with_sequences_of_undefined_length_and_no_meta_header(dicom: Make) -> None:
    item = Dataset()
    item.is_undefined_length_sequence_item = True
    item.ReferencedSOPInstanceUID = "1.2"
    dataset = dicom(X.astype(">u2"), ReferencedImageSequence=Sequence([item]), **window(1024, 1000), **TWELVE)
    dataset["ReferencedImageSequence"].is_undefined_length = True
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = False, False
    write_dataset(file, dataset)
    assert np.abs(read(file.getvalue(), "x").shown() - linear(X, 1024, 1000)).max() <= ONE


@pytest.mark.parametrize("preamble", [True, False])
def test_the_first_of_two_meta_headers_counts(preamble: bool, dicom: Make, saved: Save) -> None:
    plain = dicom(X, **window(1024, 1000), **TWELVE)
    other = saved(plain)
    second = other[132 : 144 + int.from_bytes(other[140:144], "little")]
    plain.compress(RLELossless, generate_instance_uid=False)
    data = saved(plain)
    end = 144 + int.from_bytes(data[140:144], "little")
    odd = (data[:end] if preamble else data[132:end]) + second + data[end:]
    assert np.abs(read(odd, "x").shown() - linear(X, 1024, 1000)).max() <= ONE


def enhanced(dicom: Make, shared: dict[str, dict[str, Any]], per_frame: list[dict[str, dict[str, Any]]]) -> Dataset:
    """Return a multi-frame object with these functional groups, given as sequence: attributes."""

    def group(macros: dict[str, dict[str, Any]]) -> Dataset:
        found = Dataset()
        for sequence, attributes in macros.items():
            item = Dataset()
            for keyword, value in attributes.items():
                setattr(item, keyword, value)
            setattr(found, sequence, Sequence([item]))
        return found

    frames = np.stack([X] * max(2, len(per_frame)))
    dataset = dicom(frames, Modality="XA", SharedFunctionalGroupsSequence=Sequence([group(shared)]), **TWELVE)
    if per_frame:
        dataset.PerFrameFunctionalGroupsSequence = Sequence([group(macros) for macros in per_frame])
    return dataset


PITCH = {"ImagerPixelSpacing": [0.3, 0.2]}
SOURCE = {"DistanceSourceToDetector": 1200, "DistanceSourceToIsocenter": 785}


@pytest.mark.parametrize("shared", [True, False])
def test_enhanced_xa_states_its_geometry_in_functional_groups(shared: bool, dicom: Make, saved: Save) -> None:
    from models.geometry.camera import find_camera_of_image

    macros = {"FieldOfViewSequence": PITCH, "XRayGeometrySequence": SOURCE}
    dataset = enhanced(dicom, macros, []) if shared else enhanced(dicom, {}, [macros, macros])
    image = read(saved(dataset), "x")
    assert image.geometry is not None
    assert image.geometry.pitch_mm == (0.3, 0.2)
    assert image.spacing_mm == (0.3, 0.2)
    assert "magnified" in image.warnings[0]
    camera = find_camera_of_image(image)
    assert camera is not None
    assert camera.focal_px == pytest.approx((6000, 4000))


def test_a_source_or_a_spacing_that_changes_between_frames_is_told_and_not_used(dicom: Make, saved: Save) -> None:
    near, far = ({"XRayGeometrySequence": {"DistanceSourceToDetector": mm}} for mm in (1000, 1200))
    image = read(saved(enhanced(dicom, {"FieldOfViewSequence": PITCH}, [near, far])), "x")
    assert image.geometry is None
    assert any("moved between the frames" in warning for warning in image.warnings)
    fine, coarse = ({"PixelMeasuresSequence": {"PixelSpacing": [mm, mm]}} for mm in (0.5, 0.7))
    image = read(saved(enhanced(dicom, {}, [fine, coarse])), "x")
    assert image.spacing_mm is None
    assert any("different pixel spacings" in warning for warning in image.warnings)


def test_the_camera_has_the_detectors_pitch_and_the_ruler_the_patients(dicom: Make, saved: Save) -> None:
    from models.geometry.camera import find_camera_of_image

    distances = {"Modality": "XA", "DistanceSourceToDetector": 1000, "DistanceSourceToPatient": 700}
    image = read(saved(dicom(X, ImagerPixelSpacing=[0.3, 0.2], **distances, **TWELVE)), "x")
    assert image.spacing_mm == pytest.approx((0.21, 0.14))
    camera = find_camera_of_image(image)
    assert camera is not None
    assert camera.focal_px == pytest.approx((5000, 10000 / 3))
    calibrated = dicom(
        X, ImagerPixelSpacing=[0.3, 0.2], PixelSpacing=[0.2, 0.1], PixelSpacingCalibrationType="FIDUCIAL", **distances
    )
    image = read(saved(calibrated), "x")
    assert image.spacing_mm == (0.2, 0.1)
    assert image.geometry is not None
    assert image.geometry.pitch_mm == (0.3, 0.2)
    only_calibrated = read(saved(dicom(X, PixelSpacing=[0.2, 0.1], **distances, **TWELVE)), "x")
    assert find_camera_of_image(only_calibrated) is None


@pytest.mark.parametrize("binning", [1, 2])
@pytest.mark.parametrize("flip", ["NO", "YES"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_source_stands_over_the_same_spot_however_the_field_of_view_was_cut_and_turned(
    rotation: int, flip: str, binning: int, dicom: Make, saved: Save
) -> None:
    """Against a detector of 300 × 400 elements, higher than wide, whose element under the source alone is lit."""
    picture, lit, origin, spacing = X[:40], (80, 71), [60, 40], [0.25, 0.2]
    field = np.array(picture.shape[::-1] if rotation % 180 else picture.shape) * binning
    detector = np.zeros((300, 400))
    detector[lit] = 1
    cut = detector[origin[0] : origin[0] + field[0], origin[1] : origin[1] + field[1]]
    turned = np.rot90(cut, -rotation // 90)
    (row,), (column,) = np.nonzero(turned[:, ::-1] if flip == "YES" else turned)
    wanted = (row + 0.5) / binning - 0.5, (column + 0.5) / binning - 0.5
    pitch = [side * binning for side in (spacing[::-1] if rotation % 180 else spacing)]
    dataset = dicom(
        picture, Modality="XA", DistanceSourceToDetector=1000, ImagerPixelSpacing=pitch, FieldOfViewOrigin=origin,
        FieldOfViewRotation=rotation, FieldOfViewHorizontalFlip=flip, DetectorElementSpacing=spacing,
        PositionOfIsocenterProjection=[*lit], **TWELVE,
    )  # fmt: skip
    assert found(dataset, saved) == pytest.approx(wanted)
    del dataset.PositionOfIsocenterProjection
    dataset.PhysicalDetectorSize = [(2 * at + 1) * side for at, side in zip(lit, spacing, strict=True)]
    assert found(dataset, saved) == pytest.approx(wanted, abs=1e-4)  # it is then the middle
    del dataset.PhysicalDetectorSize
    dataset.DetectorActiveOrigin, dataset.DetectorActiveDimensions = [70, 61], [21 * spacing[0], 21 * spacing[1]]
    assert found(dataset, saved) == pytest.approx(wanted, abs=1e-4)


def found(dataset: Dataset, saved: Save) -> tuple[float, float] | None:
    geometry = read(saved(dataset), "x").geometry
    assert geometry is not None
    return geometry.principal_point_px


@pytest.mark.parametrize(
    "unusable",
    [{"FieldOfViewRotation": 45}, {"DetectorElementSpacing": [0, 0]}, {"PositionOfIsocenterProjection": [1e9, 5]}, {}],
)
def test_a_field_of_view_that_says_too_little_leaves_the_middle(
    unusable: dict[str, object], dicom: Make, saved: Save
) -> None:
    camera = {"Modality": "XA", "DistanceSourceToDetector": 1000, "ImagerPixelSpacing": [0.2, 0.2]}
    stated = {"FieldOfViewOrigin": [60, 40], "DetectorElementSpacing": [0.2, 0.2]} | unusable
    assert found(dicom(X, **camera, **stated, **TWELVE), saved) is None


@pytest.mark.parametrize(("modality", "doubted"), [("CR", True), ("DX", True), ("CT", False), ("MR", False)])
def test_a_projection_with_an_uncalibrated_spacing_is_doubted(
    modality: str, doubted: bool, dicom: Make, saved: Save
) -> None:
    image = read(saved(dicom(X, PixelSpacing=[0.2, 0.1], Modality=modality, **TWELVE)), "x")
    assert image.spacing_mm == (0.2, 0.1)
    assert any("calibrated" in warning for warning in image.warnings) == doubted


def test_pixels_that_are_not_square_are_shown_so(dicom: Make, saved: Save) -> None:
    image = read(saved(dicom(X, PixelAspectRatio=[1, 2], **TWELVE)), "x")
    assert image.spacing_mm is None
    assert image.aspect == image.cell == (1, 2)
    assert "not square" in image.warnings[0]
    assert read(saved(dicom(X, PixelAspectRatio=[3, 2], **TWELVE)), "x").aspect == (1.5, 1)
    assert read(saved(dicom(X, PixelAspectRatio=[1, 1], **TWELVE)), "x").warnings == ()
    spaced = read(saved(dicom(X, PixelAspectRatio=[1, 2], PixelSpacing=[0.2, 0.4], **TWELVE)), "x")
    assert spaced.cell == spaced.spacing_mm == (0.2, 0.4)


def test_colour_of_sixteen_bits_is_not_stretched(dicom: Make, saved: Save) -> None:
    grey = np.repeat((X[..., None] * 4).astype(np.uint16), 3, -1)
    image = read(saved(dicom(grey)), "x")
    assert not image.colour
    assert np.abs(image.shown() - X * 4 / 65535).max() <= ONE


CASES = Path(__file__).parents[3] / "shared" / "cases"
RAMP = X / 4095


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("02_highbit15.dcm", RAMP),
        ("03_mono2_plutshape_inverse.dcm", 1 - RAMP),
        ("08_modality_lut_12bit.dcm", None),
        ("09_two_meta_headers.dcm", RAMP),
    ],
)
def test_the_cases_of_the_shared_folder(name: str, right: np.ndarray | None) -> None:
    if not (CASES / name).exists():
        pytest.skip("../shared/cases is not there")
    shown = read(CASES / name).shown()
    if right is not None:
        assert np.abs(shown - right).max() <= ONE
    assert (np.diff(shown.ravel().astype(float)) * (-1 if name.startswith("03") else 1) >= 0).all()


def test_a_deflated_dataset_is_bounded_before_it_is_unpacked(
    dicom: Make, saved: Save, limited: Callable[..., None]
) -> None:
    limited(max_decoded_mb=20)
    dataset = dicom(X, **TWELVE)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert read(saved(dataset), "x").shape == (64, 64)
    dataset.PixelData = bytes(60 << 20)
    with pytest.raises(TooLarge, match="MB of pixels"):
        read(saved(dataset), "x")
