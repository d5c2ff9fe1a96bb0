"""The way in: what is refused, with which sentence, and that nothing else than `InputError` ever comes out."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from models.errors import DamagedFile, DecoderFailed, InputError, NoPixels, TooLarge, UnsupportedFormat
from models.io import read

PIXELS = np.random.default_rng(1).integers(0, 65536, (64, 64), np.uint16)


def png_header(columns: int, rows: int, depth: int) -> bytes:
    """Return a PNG that declares a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", columns, rows, depth, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


@pytest.fixture
def refusals(
    dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes], encoded: Callable[..., bytes]
) -> dict[str, tuple[bytes, type[InputError]]]:
    """Each file that must be refused, by its name, and as what."""
    noise = np.random.default_rng(0)
    whole = dicom(PIXELS)
    report = dicom(PIXELS, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    del report.PixelData, report.Rows
    huge = dicom(PIXELS, NumberOfFrames=3, Rows=32000, Columns=16000)
    long = saved(whole)
    at = long.index(b"\xe0\x7f\x10\x00OW\x00\x00") + 8
    compressed = dicom(PIXELS)
    compressed.compress("1.2.840.10008.1.2.4.90")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.dcm", b"x")
    return {
        "empty.png": (b"", DamagedFile),
        "text.png": (b"Dear colleague,\nplease find the picture enclosed.\n", UnsupportedFormat),
        "cut.png": (encoded(PIXELS)[:3000], DamagedFile),
        "cut.jpg": (encoded(PIXELS.astype(np.uint8), "JPEG")[:1500], DamagedFile),
        "cut.dcm": (long[:-2000], DamagedFile),
        "cut-jpeg2000.dcm": (saved(compressed)[:-2000], DamagedFile),
        "bomb.png": (png_header(40_000, 40_000, 1), TooLarge),
        "report.dcm": (saved(report), NoPixels),
        "3gb.dcm": (saved(huge), TooLarge),
        "3gb-element.dcm": (long[:at] + struct.pack("<I", 3 << 30) + long[at + 4 :], TooLarge),
        "noise.png": (encoded(PIXELS)[:33] + noise.bytes(5000), DamagedFile),
        "noise.dcm": (long[: long.index(b"\x08\x00\x16\x00UI")] + noise.bytes(5000), DamagedFile),
        "unknown.dcm": (long.replace(b"1.2.840.10008.1.2.1\0", b"1.2.3.4.5.6.7.8.9.10"), UnsupportedFormat),
        "a.zip": (archive.getvalue(), UnsupportedFormat),
        "a.pdf": (b"%PDF-1.7\n" + noise.bytes(99), UnsupportedFormat),
        "a.stl": (b"solid tibia\n facet normal 0 0 1\n", UnsupportedFormat),
        "a.csv": (b"file,label\na.png,Zimmer\n", UnsupportedFormat),
        "a.bin": (noise.bytes(5000), UnsupportedFormat),
        "12-bit-packed.dcm": (saved(dicom(PIXELS, BitsAllocated=12)), UnsupportedFormat),
    }


def test_each_refusal_has_its_own_sentence(
    refusals: dict[str, tuple[bytes, type[InputError]]], record_testsuite_property: Callable[[str, object], None]
) -> None:
    sentences = {}
    for name, (data, kind) in refusals.items():
        with pytest.raises(InputError) as caught:
            read(data, name)
        assert type(caught.value) is kind, name
        assert str(caught.value).startswith(f"{name}: ")
        sentences[name] = str(caught.value).removeprefix(f"{name}: ")
        record_testsuite_property(name, sentences[name])
    assert len(set(sentences.values())) == len(sentences)


def test_identity_and_name(picture: Callable[..., bytes], tmp_path: Path) -> None:
    data = picture()
    (tmp_path / "knee.png").write_bytes(data)
    image = read(tmp_path / "knee.png")
    assert (image.name, image.sha256) == ("knee.png", sha256(data).hexdigest())
    assert read(str(tmp_path / "knee.png")).name == "knee.png"
    assert read(data, r"C:\patients\smith\knee.png").name == "knee.png"
    assert read(data, "../../etc/knee.png").name == "knee.png"
    assert not image.pixels.flags.writeable


def test_a_path_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match=r"nothing\.png: cannot be opened"):
        read(tmp_path / "nothing.png")
    with pytest.raises(UnsupportedFormat, match="is a folder"):
        read(tmp_path)


def test_a_bomb_is_refused_before_it_is_decoded(limited: Callable[..., None]) -> None:
    limited(max_decoded_mb=100)
    with pytest.raises(TooLarge, match=r"40,000 × 40,000"):
        read(png_header(40_000, 40_000, 1), "bomb.png")
    with pytest.raises(TooLarge, match=r"1,526 MB"):
        read(png_header(20_000, 20_000, 1), "bomb.png")


def test_the_samples(packed: Callable[[str], Path]) -> None:
    for path in sorted(packed("samples").iterdir()):
        if path.suffix in {".jpg", ".png", ".tif", ".dcm"}:
            image = read(path)
            assert image.colour == path.name.startswith("histology"), path.name
            assert image.frames == 1
        else:
            with pytest.raises(UnsupportedFormat):
                read(path)


HOSTILE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def quiet(data: bytes) -> None:
    """Read it; only an `InputError` may come of it."""
    try:
        pixels = read(data, "x").pixels
    except InputError:
        return
    assert np.isfinite(pixels).all()


@pytest.fixture(scope="session")
def valid(
    dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes], encoded: Callable[..., bytes]
) -> list[bytes]:
    """Whole files of each decoder."""
    small = PIXELS[:48, :48].copy()
    files = [encoded(small), encoded(small, "TIFF", compression="tiff_lzw")]
    files += [encoded(small.astype(np.uint8), kind) for kind in ("JPEG", "WEBP", "BMP")]
    for syntax in (None, "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"):
        dataset = dicom(small, PatientName="A^B", WindowCenter=5000, WindowWidth=3000, PixelSpacing=[0.2, 0.2])
        if syntax:
            dataset.compress(syntax)
        files.append(saved(dataset))
    return files


@HOSTILE
@given(data=st.binary(max_size=400), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00"]))
def test_random_bytes(data: bytes, start: bytes) -> None:
    quiet(start + data)
    quiet(bytes(128) + b"DICM" + data)


@HOSTILE
@given(which=st.integers(0, 7), share=st.floats(0, 1, exclude_max=True))
def test_truncations(valid: list[bytes], which: int, share: float) -> None:
    quiet(valid[which][: int(len(valid[which]) * share)])


@HOSTILE
@given(
    which=st.integers(0, 7),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=12),
)
def test_bit_flips(valid: list[bytes], which: int, flips: list[tuple[float, int]]) -> None:
    damaged = bytearray(valid[which])
    for share, bit in flips:
        damaged[int(share * len(damaged))] ^= 1 << bit
    quiet(bytes(damaged))


def test_nested_sequences_do_not_exhaust_the_stack(
    dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes]
) -> None:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    nested = b"".join(struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF) + item for _ in range(50_000))
    data = saved(dicom(PIXELS))
    at = data.index(b"\x28\x00\x02\x00US")
    quiet(data[:at] + nested + data[at:])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_AS")
def test_a_deflated_bomb_costs_only_its_worker(
    dicom: Callable[..., Dataset],
    saved: Callable[[Dataset], bytes],
    limited: Callable[..., None],
    picture: Callable[..., bytes],
) -> None:
    limited(decode_memory_mb=768, decode_seconds=240)
    dataset = dicom(PIXELS)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = saved(dataset)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    start = data.index(b"\x02\x00\x00\x00UL") + 12
    body = start + int.from_bytes(data[start - 4 : start], "little")
    with pytest.raises(DecoderFailed, match="memory"):
        read(data[:body] + block * 2048 + deflate.flush(), "bomb.dcm")
    assert read(picture()).frames == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "DICOM"])
def test_every_kind_of_file_is_decoded_under_the_time_limit(
    kind: str,
    dicom: Callable[..., Dataset],
    saved: Callable[[Dataset], bytes],
    encoded: Callable[..., bytes],
    limited: Callable[..., None],
) -> None:
    limited(decode_seconds=1e-3)  # which no decoder keeps: only to open the file takes longer
    large = np.random.default_rng(0).integers(0, 256, (3000, 3000), np.uint8)
    data = saved(dicom(large)) if kind == "DICOM" else encoded(large, kind)
    with pytest.raises(DecoderFailed, match=r"stopped after 0\.001 s"):
        read(data, "slow")
