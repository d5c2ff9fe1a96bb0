"""TIFF variants as tifffile wrote them: each value in its place, or a refusal that says why; scales; proportions."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from models.errors import DamagedFile, InputError, TooLarge
from models.io import read
from models.io.slide import open_slide

RNG = np.random.default_rng(5)
X = np.arange(64 * 48).reshape(48, 64)
COLOUR = RNG.integers(0, 256, (48, 64, 3), np.uint8)
SMOOTH = (X * 255.0 / X.max()).astype(np.uint8)
ONE = 1.01 / 255


def tiff(values: np.ndarray, **options: Any) -> bytes:
    """Return values as tifffile writes them."""
    file = BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def spread(values: np.ndarray) -> np.ndarray:
    """Return values over the range that occurs, as more than 8 bits are normalised."""
    values = values.astype(np.float64)
    return (values - values.min()) / np.ptp(values)


DEPTHS = {
    "uint8": (SMOOTH, SMOOTH / 255),
    "int8": ((X % 256 - 128).astype(np.int8), (X % 256) / 255),
    "uint16": ((X * 5 + 1000).astype(np.uint16), spread(X)),
    "int16": ((X * 5 - 9000).astype(np.int16), spread(X)),
    "uint32": ((X + 2**31 - 1500).astype(np.uint32), spread(X)),
    "uint32, near its end": ((X + 2**32 - 4000).astype(np.uint32), spread(X)),
    "int32": ((X - 1500 + 2**30).astype(np.int32), spread(X)),
    "uint64": ((X + 2**40).astype(np.uint64), spread(X)),
    "float16": ((X / 4096 - 0.3).astype(np.float16), spread((X / 4096 - 0.3).astype(np.float16))),
    "float32": ((X / 7 - 100).astype(np.float32), spread(X)),
    "float64": (X / 7 + 1e7, spread(X)),
    "bool": (X % 3 == 0, (X % 3 == 0).astype(float)),
}


@pytest.mark.parametrize("name", DEPTHS)
@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_of_every_depth(name: str, white_is_zero: bool, byteorder: str) -> None:
    values, right = DEPTHS[name]
    image = read(
        tiff(values, photometric="miniswhite" if white_is_zero else "minisblack", byteorder=byteorder), "x.tif"
    )
    assert np.abs(image.pixels[0] - (1 - right if white_is_zero else right)).max() < 1e-4
    assert (image.pixels.min(), image.pixels.max()) == pytest.approx((right.min(), right.max()), abs=1e-4)


@pytest.mark.parametrize("bits", [2, 4, 6, 10, 12, 14])
def test_packed_bits(bits: int) -> None:
    values = (X % 2**bits).astype(np.uint8 if bits <= 8 else np.uint16)
    image = read(tiff(values, bitspersample=bits, compression="packbits" if bits < 0 else None), "x.tif")
    right = values / (2**bits - 1) if bits <= 8 else spread(values)
    assert np.abs(image.pixels[0] - right).max() < 1e-6


COMPRESSIONS = ["zlib", "lzw", "packbits", "zstd", "lzma", "webp", "jpeg2000", "png", "jpegxl", "lerc", "jpegxr"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("values", [SMOOTH, COLOUR], ids=["grey", "colour"])
def test_every_compression(compression: str, values: np.ndarray) -> None:
    exact = {"webp": {"lossless": True}, "jpegxl": {"lossless": True}, "jpegxr": {"level": 1.0}}
    data = (
        tiff(
            values,
            photometric="rgb" if values.ndim == 3 else "minisblack",
            compression=compression,
            compressionargs=exact.get(compression),
        )
        if not (compression == "webp" and values.ndim == 2)
        else tiff(values, compression="zlib", predictor=True)
    )
    assert np.abs(read(data, "x.tif").pixels[0] - values / 255).max() <= ONE


def test_jpeg_in_tiff_is_near_and_not_in_other_colours() -> None:
    smooth = np.stack([SMOOTH, SMOOTH.T.reshape(48, 64) // 2, 255 - SMOOTH], -1)
    smooth = np.asarray(Pillow.fromarray(smooth).resize((8, 6)).resize((64, 48), Pillow.Resampling.BICUBIC))
    for byteorder in "<>":
        data = tiff(smooth, photometric="rgb", compression="jpeg", compressionargs={"level": 95}, byteorder=byteorder)
        assert np.abs(read(data, "x.tif").pixels[0] - smooth / 255).mean() < 0.03


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_colour_of_either_layout(planar: str, kind: type) -> None:
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[kind]
    values = (COLOUR * np.float64(scale)).astype(kind)
    stored = values if planar == "contig" else np.moveaxis(values, -1, 0)
    image = read(tiff(np.ascontiguousarray(stored), photometric="rgb", planarconfig=planar), "x.tif")
    assert np.abs(image.pixels[0] - COLOUR / 255).max() <= ONE
    told = {np.uint8: "", np.uint16: "16-bit colour", np.float32: "black and white"}[kind]
    assert told in " ".join(image.warnings)


def test_transparency_and_channels() -> None:
    alpha = RNG.integers(0, 256, (48, 64, 1), np.uint8)
    clear = np.concatenate([COLOUR, alpha], -1)
    for kind, right in (("unassalpha", COLOUR * (alpha / 255.0)), ("assocalpha", COLOUR), ("unspecified", COLOUR)):
        image = read(tiff(clear, photometric="rgb", extrasamples=[kind]), "x.tif")
        assert np.abs(image.pixels[0] - right / 255).max() <= ONE
    stains = np.stack([SMOOTH, 255 - SMOOTH], -1)
    image = read(tiff(stains, photometric="minisblack", planarconfig="contig"), "x.tif")
    assert np.abs(image.pixels - np.stack([SMOOTH, 255 - SMOOTH]) / 255).max() < 1e-6


def test_palette() -> None:
    ramp = np.arange(256, dtype=np.uint16) * 257
    colormap = np.stack([ramp, ramp[::-1], np.full(256, 32896, np.uint16)])
    image = read(tiff(SMOOTH, photometric="palette", colormap=colormap), "x.tif")
    right = np.stack([SMOOTH, 255 - SMOOTH, np.full_like(SMOOTH, 128)], -1)
    assert np.abs(image.pixels[0] - right / 255).max() <= ONE


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (16, 16)},
        {"rowsperstrip": 5},
        {"bigtiff": True},
        {"tile": (32, 16), "predictor": 2, "compression": "zlib"},
    ],
)
def test_tiles_strips_and_large_offsets(options: dict[str, Any]) -> None:
    deep = (X * 5).astype(np.uint16)
    assert np.abs(read(tiff(deep, **options), "x.tif").pixels[0] - spread(X)).max() < 1e-6


def test_pages_and_stacks_of_imagej_are_frames() -> None:
    stack = np.stack([SMOOTH, 255 - SMOOTH, SMOOTH[::-1]])
    for options in ({}, {"imagej": True, "metadata": {"axes": "TYX"}}, {"ome": True, "metadata": {"axes": "ZYX"}}):
        image = read(tiff(stack, photometric="minisblack", **options), "x.tif")
        assert np.abs(image.pixels - stack / 255).max() < 1e-6


@pytest.mark.parametrize(
    ("options", "spacing", "source"),
    [
        ({"imagej": True, "resolution": (1 / 0.5, 1 / 0.25), "metadata": {"unit": "um"}}, (0.00025, 0.0005), "ImageJ"),
        ({"imagej": True, "resolution": (2, 4), "metadata": {"unit": "mm"}}, (0.25, 0.5), "ImageJ"),
        ({"imagej": True, "resolution": (2, 2), "metadata": {"unit": "pixel"}}, None, ""),
        ({"ome": True, "metadata": {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}}, (0.00025, 0.0005), "OME"),
        (
            {
                "ome": True,
                "metadata": {
                    "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "mm", "PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "mm",
                },
            },
            (0.25, 0.5),
            "OME",
        ),
        ({"resolution": (20_000, 40_000), "resolutionunit": "CENTIMETER"}, (0.00025, 0.0005), "resolution"),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, None, ""),
    ],
)  # fmt: skip
def test_the_scale_of_a_small_file(options: dict[str, Any], spacing: tuple[float, float] | None, source: str) -> None:
    image = read(tiff(SMOOTH, photometric="minisblack", **options), "x.tif")
    assert image.spacing_mm == (spacing and pytest.approx(spacing))
    assert source in (image.spacing_source or "")


def test_resolutions_that_differ_are_proportions() -> None:
    image = read(tiff(SMOOTH, resolution=(100, 200), resolutionunit="NONE"), "x.tif")
    assert image.spacing_mm is None
    assert image.aspect == (1, 2)
    assert "not square" in image.warnings[0]
    assert read(tiff(SMOOTH, resolution=(72, 72)), "x.tif").aspect == (1, 1)


def test_proportions_gamma_and_profile_of_a_png(encoded: Callable[..., bytes]) -> None:
    image = read(encoded(SMOOTH, "PNG", dpi=(100, 200)), "x.png")
    assert image.aspect == pytest.approx((1, 2), abs=0.01)
    assert read(encoded(SMOOTH, "PNG", dpi=(96, 96)), "x.png").warnings == ()
    gamma = PngInfo()
    gamma.add(b"gAMA", (100_000).to_bytes(4, "big"))
    assert "gamma" in read(encoded(Pillow.fromarray(SMOOTH), "PNG", pnginfo=gamma), "x.png").warnings[0]
    assert "profile" in read(encoded(SMOOTH, "PNG", icc_profile=b"Adobe RGB" * 20), "x.png").warnings[0]
    assert read(encoded(SMOOTH, "PNG", icc_profile=b"sRGB" * 40), "x.png").warnings == ()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animated_pictures_are_sequences(kind: str, encoded: Callable[..., bytes]) -> None:
    shades = [Pillow.fromarray(np.full((16, 16, 3), shade, np.uint8)) for shade in (10, 90, 200)]
    options = {"lossless": True} if kind == "WEBP" else {}
    image = read(encoded(shades[0], kind, save_all=True, append_images=shades[1:], **options), "x")
    assert np.abs(image.pixels[:, 3, 3].reshape(3, -1)[:, 0] * 255 - [10, 90, 200]).max() < 1.5


def test_what_is_cut_off_or_of_another_kind_is_refused() -> None:
    whole = tiff((X * 5).astype(np.uint16))
    with pytest.raises(DamagedFile, match="cut off"):
        read(whole[:-2000], "x.tif")
    with pytest.raises(InputError, match="no grey and no colour"):
        read(tiff((X + 1j * X).astype(np.complex64)), "x.tif")
    unknown = bytearray(tiff(SMOOTH, compression="zlib"))
    at = unknown.index((259).to_bytes(2, "little") + (3).to_bytes(2, "little"))
    unknown[at + 8 : at + 10] = (4711).to_bytes(2, "little")
    with pytest.raises(InputError, match="compression that no decoder here reads"):
        read(bytes(unknown), "x.tif")


def slide_of_one_tile(side: int) -> bytes:
    """Return a slide of `side` pixels whose tiles of 4,096 are all the same few bytes."""
    tile = zlib.compress(bytes(4096 * 4096), 9)
    tiles = (-(-side // 4096)) ** 2
    offsets = struct.pack("<I", 8) * tiles + struct.pack("<I", len(tile)) * tiles
    at = 8 + len(tile) + len(tile) % 2
    tags = (
        (256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1),
        (322, 4, 1, 4096), (323, 4, 1, 4096), (324, 4, tiles, at), (325, 4, tiles, at + 4 * tiles),
    )  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    head = b"II*\0" + struct.pack("<I", at + len(offsets))
    return head + tile + b"\0" * (len(tile) % 2) + offsets + directory


def test_a_slide_that_would_have_to_be_decoded_whole_for_its_overview_is_refused_from_its_header() -> None:
    assert open_slide(slide_of_one_tile(6000), "x.tif") is not None  # 36 million pixels: no matter
    with pytest.raises(TooLarge, match="6,400 million pixels"):
        open_slide(slide_of_one_tile(80_000), "x.tif")
    with pytest.raises(TooLarge, match="400 million pixels"):  # from 16 kB
        open_slide(slide_of_one_tile(20_000), "x.tif")


CASES = Path(__file__).parents[3] / "shared" / "cases"


@pytest.mark.parametrize("name", ["14a_uint32.tif", "14b_int8.tif", "14d_float64.tif"])
def test_the_cases_of_the_shared_folder(name: str) -> None:
    if not (CASES / name).exists():
        pytest.skip("../shared/cases is not there")
    stored = tifffile.imread(CASES / name).astype(np.float64).ravel()
    shown = read(CASES / name).pixels.ravel()
    assert (np.diff(shown[np.argsort(stored, kind="stable")]) >= 0).all()
    assert len(np.unique(shown)) == len(np.unique(stored))


def test_the_large_case_is_refused_at_once() -> None:
    if not (CASES / "slidebig.tif").exists():
        pytest.skip("../shared/cases is not there")
    with pytest.raises(TooLarge, match="pyramid"):
        open_slide((CASES / "slidebig.tif").read_bytes(), "slidebig.tif")
