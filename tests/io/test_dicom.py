"""DICOM: every layout and syntax that can be made here, against the array that was written; pydicom's own files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from pydicom.data import get_testdata_file, get_testdata_files
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from models.errors import DamagedFile, InputError, NoPixels, TooLarge
from models.io import read
from models.types import Image

Make = Callable[..., Dataset]
Save = Callable[[Dataset], bytes]


def scaled(pixels: np.ndarray) -> np.ndarray:
    """Return the pixels as the reader normalises more than 8 bits."""
    return (pixels - pixels.min()) / np.float64(np.ptp(pixels))


def bundled() -> list[Path]:
    """Every file of pydicom's package that is there without a download."""
    root = Path(pydicom.data.__file__).parent
    return sorted(path for path in root.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc", ".json"})


def test_each_of_pydicoms_files_is_an_image_or_a_clear_error(
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    outcomes: Counter[str] = Counter()
    for path in bundled():
        image = refused = None
        try:
            image = read(path)
        except InputError as error:
            refused = error
        outcomes[type(refused or image).__name__] += 1
        if image is None:
            assert str(refused).startswith(f"{path.name}: ")
            continue
        assert np.isfinite(image.pixels).all()
        assert image.pixels.min() >= 0
        assert image.pixels.max() <= 1
    for outcome, count in outcomes.items():
        record_testsuite_property(outcome, count)
    assert outcomes["Image"] >= 100
    assert outcomes["DecoderFailed"] == outcomes["TooLarge"] == 0
    assert get_testdata_files()  # the list above did not go blind


def test_twelve_bit_jpeg_by_gdcm() -> None:
    path = get_testdata_file("JPGExtended.dcm", download=False)
    image = read(Path(str(path)))
    assert image.pixels.shape == (1, 1024, 256)
    assert len(np.unique(image.pixels)) > 200


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32])
def test_depth_and_sign(dtype: type, ramp: np.ndarray, dicom: Make, saved: Save) -> None:
    low = np.iinfo(dtype).min
    few = np.dtype(dtype).itemsize == 1
    values = ramp.astype(np.int64) % 200 if few else ramp.astype(np.int64)
    image = read(saved(dicom((values + low).astype(dtype))), "x.dcm")
    assert np.allclose(image.pixels[0], values / 255 if few else scaled(values), atol=1e-6)
    assert image.windows[0].name == ("Full range" if few else "Automatic")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_uncompressed_syntaxes(syntax: str, ramp: np.ndarray, dicom: Make, saved: Save) -> None:
    dataset = dicom(ramp.astype(">u2") if syntax == ExplicitVRBigEndian else ramp)
    dataset.file_meta.TransferSyntaxUID = syntax
    assert np.allclose(read(saved(dataset), "x").pixels[0], scaled(ramp), atol=1e-6)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
@pytest.mark.parametrize("frames", [1, 3])
def test_transcoded(syntax: str, frames: int, ramp: np.ndarray, dicom: Make, saved: Save) -> None:
    pixels = np.stack([ramp, ramp.T.reshape(ramp.shape), ramp[::-1]])[:frames]
    dataset = dicom(pixels if frames > 1 else ramp)
    dataset.compress(syntax, generate_instance_uid=False)
    assert np.allclose(read(saved(dataset), "x").pixels, scaled(pixels), atol=1e-6)


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless"])
def test_transcoded_by_gdcm(syntax: str, ramp: np.ndarray, dicom: Make, saved: Save, tmp_path: Path) -> None:
    import gdcm

    (tmp_path / "raw.dcm").write_bytes(saved(dicom(ramp)))
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(tmp_path / "raw.dcm"))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(tmp_path / "lossless.dcm"))
    assert writer.Write()
    image = read(tmp_path / "lossless.dcm")
    assert "Lossless" in image.tags["TransferSyntaxUID"]
    assert np.allclose(image.pixels[0], scaled(ramp), atol=1e-6)


@pytest.mark.parametrize("implicit", [True, False])
def test_without_preamble_or_meta_header(implicit: bool, ramp: np.ndarray, dicom: Make) -> None:
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = implicit, True
    write_dataset(file, dicom(ramp))
    assert np.allclose(read(file.getvalue(), "IM0001").pixels[0], scaled(ramp), atol=1e-6)


def test_without_preamble_but_with_meta_header(ramp: np.ndarray, dicom: Make, saved: Save) -> None:
    assert np.allclose(read(saved(dicom(ramp))[132:], "IM0001").pixels[0], scaled(ramp), atol=1e-6)


def test_monochrome1_is_turned_with_its_window(ramp: np.ndarray, dicom: Make, saved: Save) -> None:
    window = {"WindowCenter": 1000.5, "WindowWidth": 401}  # 800 … 1200 of 0 … 4094
    plain = read(saved(dicom(ramp, **window)), "x")
    turned = read(saved(dicom(ramp, PhotometricInterpretation="MONOCHROME1", **window)), "x")
    assert np.allclose(turned.pixels, 1 - plain.pixels, atol=1e-6)
    assert np.allclose(turned.shown(), 1 - plain.shown(), atol=1e-4)


def test_rescale_and_padding(dicom: Make, saved: Save) -> None:
    pixels = np.array([[-2000, -1000, 0, 1000]] * 4, np.int16)
    dataset = dicom(pixels, RescaleSlope=2, RescaleIntercept=-24, WindowCenter=0.5, WindowWidth=4001)
    dataset.add_new("PixelPaddingValue", "US", 65536 - 2000)  # wrongly unsigned, as some write it
    image = read(saved(dataset), "x")
    assert np.allclose(image.pixels[0, 0], [0, 0, 0.5, 1])
    assert image.windows[0].low == pytest.approx((-2000 + 2024) / 4000)
    assert image.windows[0].high == pytest.approx((2000 + 2024) / 4000)


def test_padding_is_dark_in_monochrome1(dicom: Make, saved: Save) -> None:
    pixels = np.array([[4095, 4000, 100, 0]] * 4, np.uint16)
    dataset = dicom(pixels, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0, PixelPaddingRangeLimit=10)
    assert np.allclose(read(saved(dataset), "x").pixels[0, 0], [0, 95 / 3995, 1, 0])


def test_negative_slope_turns_the_picture(ramp: np.ndarray, dicom: Make, saved: Save) -> None:
    image = read(saved(dicom(ramp, RescaleSlope=-1, RescaleIntercept=0)), "x")
    assert np.allclose(image.pixels[0], 1 - scaled(ramp), atol=1e-6)


def test_modality_lut(dicom: Make, saved: Save) -> None:
    table = Dataset()
    table.LUTDescriptor, table.ModalityLUTType, table.LUTData = [4, 0, 16], "US", [0, 10, 1000, 500]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    dataset = dicom(np.array([[0, 1, 2, 3]] * 4, np.uint16), ModalityLUTSequence=Sequence([table]))
    assert np.allclose(read(saved(dataset), "x").pixels[0, 0], [0, 0.01, 1, 0.5])


def test_per_frame_rescale(dicom: Make, saved: Save) -> None:
    groups = []
    for slope in (1, 3):
        transform, group = Dataset(), Dataset()
        transform.RescaleSlope, transform.RescaleIntercept = slope, 0
        group.PixelValueTransformationSequence = Sequence([transform])
        groups.append(group)
    pixels = np.array([[[0, 100]] * 2] * 2, np.uint16)
    image = read(saved(dicom(pixels, PerFrameFunctionalGroupsSequence=Sequence(groups))), "x")
    assert np.allclose(image.pixels[:, 0, 1], [1 / 3, 1])


def test_colour(dicom: Make, saved: Save) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.allclose(read(saved(dicom(rgb)), "x").pixels[0] * 255, rgb, atol=1e-4)
    planar = dicom(rgb, PlanarConfiguration=1)
    planar.PixelData = rgb.transpose(2, 0, 1).tobytes()
    assert np.allclose(read(saved(planar), "x").pixels[0] * 255, rgb, atol=1e-4)
    ybr = np.full((4, 4, 3), (76, 85, 255), np.uint8)  # red
    shown = read(saved(dicom(ybr, PhotometricInterpretation="YBR_FULL")), "x").pixels[0, 0, 0]
    assert np.allclose(shown, [1, 0, 0], atol=0.01)


def test_palette(dicom: Make, saved: Save) -> None:
    dataset = dicom(np.array([[0, 1, 2, 1]] * 4, np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for colour, table in (("Red", [0, 255, 0, 0]), ("Green", [0, 0, 255, 0]), ("Blue", [0, 0, 0, 255])):
        dataset.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [4, 0, 8])
        dataset.add_new(f"{colour}PaletteColorLookupTableData", "OW", bytes(table))
    assert np.allclose(read(saved(dataset), "x").pixels[0, 0], [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0]])


def test_floating_point(dicom: Make, saved: Save) -> None:
    values = np.linspace(-1, 1, 600, dtype=np.float32).reshape(20, 30)
    dataset = dicom(values, FloatPixelData=values.tobytes())
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    assert np.allclose(read(saved(dataset), "x").pixels[0], scaled(values), atol=1e-6)


def test_limits_hold_before_decoding(ramp: np.ndarray, dicom: Make, saved: Save, limited: Callable[..., None]) -> None:
    limited(max_side_px=50, max_frames=2, max_file_mb=1)
    with pytest.raises(TooLarge, match="on a side"):
        read(saved(dicom(ramp)), "x")
    with pytest.raises(TooLarge, match="3 frames"):
        read(saved(dicom(np.zeros((3, 4, 4), np.uint8))), "x")
    with pytest.raises(TooLarge, match="MAX_FILE_MB"):
        read(bytes(2 << 20), "x")


def test_the_mri_sample(packed: Callable[[str], Path]) -> None:
    image = read(packed("samples/knee_mri.dcm"))
    assert isinstance(image, Image)
    assert image.spacing_mm == pytest.approx((0.35, 0.35), abs=0.02)
    assert image.spacing_source == "PixelSpacing"
    assert image.tags["Modality"] == "MR"


def test_a_stream_of_another_size_than_the_header_is_refused_before_it_is_decoded(
    dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes], encoded: Callable[..., bytes]
) -> None:
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless

    from models.io.dicom_stream import read_stated_size

    grey = np.tile(np.arange(64, dtype=np.uint8), (48, 1))
    for syntax in (JPEGBaseline8Bit, JPEGLSLossless, JPEG2000Lossless):
        dataset = dicom(grey)
        if syntax == JPEGBaseline8Bit:
            dataset.PixelData = encapsulate([encoded(grey, "JPEG")])
            dataset.file_meta.TransferSyntaxUID = syntax
        else:
            dataset.compress(syntax, generate_instance_uid=False)
        assert np.abs(read(saved(dataset), "x").pixels[0] * 255 - grey).max() < 9
        dataset.Rows = 40
        with pytest.raises(DamagedFile, match="64 × 48 pixels and says that they have 64 × 40"):
            read(saved(dataset), "x")
    assert read_stated_size(b"") is None
    assert read_stated_size(encoded(grey, "JPEG")) == (48, 64)


@pytest.mark.parametrize("kind", ["grey", "12 bits", "signed", "colour"])
def test_jpeg_ls_is_what_was_put_in(
    kind: str, dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes], ramp: np.ndarray
) -> None:
    from pydicom.uid import JPEGLSLossless

    colour = np.stack([ramp % 256, ramp.T.reshape(ramp.shape) % 256, 255 - ramp % 256], -1).astype(np.uint8)
    pixels = {
        "grey": (ramp % 256).astype(np.uint8), "12 bits": ramp, "signed": ramp.astype(np.int16) - 2048,
        "colour": colour,
    }[kind]  # fmt: skip
    dataset = dicom(pixels, **({"BitsStored": 12, "HighBit": 11} if kind in ("12 bits", "signed") else {}))
    whole = read(saved(dataset), "x").pixels
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    assert np.array_equal(read(saved(dataset), "x").pixels, whole)


def test_what_is_not_damaged_is_not_called_so(dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes]) -> None:
    with pytest.raises(NoPixels, match="without pixels"):  # nothing but a maker's own elements
        read(Path(get_testdata_file("priv_SQ.dcm")).read_bytes(), "x")
    dataset = dicom(np.zeros((8, 8), np.uint8))
    del dataset.BitsAllocated
    del dataset.Columns
    with pytest.raises(DamagedFile, match="lacks what describes its pixels: Columns, BitsAllocated"):
        read(saved(dataset), "x")
