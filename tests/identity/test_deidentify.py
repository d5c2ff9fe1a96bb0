"""Identifiers planted wherever a file can hold one: none is left in what is written, its name, or what is said."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, JPEGLSLossless

from models.cards import card
from models.cli import main
from models.errors import InputError, UnsupportedFormat
from models.io.identity.burned_in import find_text, has_text
from models.io.identity.deidentify import deidentify
from models.io.identity.profile import WORDS, Options, read_profile
from models.io.identity.pseudonym import map_uid
from models.tasks.segmentation.seg import write_seg
from models.types import Segmentation

FAMILY, GIVEN, NUMBER, BORN = "Zwiebelkuchen", "Adalbert", "QX7731942", "19481107"
PLANTED = (FAMILY, GIVEN, NUMBER, BORN, "1948-11-07")
ELSEWHERE = "Nachbarin"
"""Of a person whom no element for names knows."""
UID = "1.2.826.0.1.77.{}"
STANDARD = ("SOPClassUID", "MediaStorageSOPClassUID", "TransferSyntaxUID")
PIXELS = {"PixelData", "FloatPixelData", "DoubleFloatPixelData", "EncapsulatedDocument", "WaveformSequence"}


def fill(dataset: Dataset) -> Dataset:
    """Plant identifiers in every element of the dictionary that can hold one."""
    for number, (tag, (vr, _, _, _, keyword)) in enumerate(DicomDictionary.items()):
        if not keyword or keyword in PIXELS | set(STANDARD) or tag >> 16 < 8 or tag >> 16 in (0x28, 0x5400):
            continue
        value: Any = {
            "PN": f"{FAMILY}^{GIVEN}", "LO": f"{FAMILY} {NUMBER}", "SH": NUMBER, "LT": f"{GIVEN} {ELSEWHERE}",
            "ST": f"Mrs {ELSEWHERE}, {NUMBER}", "UT": f"{FAMILY.upper()} {ELSEWHERE}", "UC": f"{GIVEN}", "AE": NUMBER,
            "UR": f"https://pacs.example/{NUMBER}", "CS": NUMBER, "DA": BORN, "DT": f"{BORN}120000", "AS": "078Y",
            "UI": UID.format(number), "OB": FAMILY.encode() + b"\0", "UN": f"{NUMBER} ".encode(),
        }.get(vr)  # fmt: skip
        if value is not None and keyword not in STANDARD:
            dataset.add_new(tag, vr, value)
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = f"{FAMILY}^{GIVEN}", NUMBER, BORN
    dataset.Modality, dataset.SpecificCharacterSet = "CR", "ISO_IR 192"
    private = dataset.private_block(0x1337, f"{GIVEN} PRIVATE", create=True)
    private.add_new(1, "LO", f"{FAMILY}")
    return dataset


@pytest.fixture
def planted(dicom: Callable[..., Dataset], ramp: np.ndarray) -> Dataset:
    """A radiograph with identifiers in every element, and in items of two sequences, one within the other."""
    film = fill(dicom(ramp))
    film.SOPClassUID = ComputedRadiographyImageStorage
    film.SOPInstanceUID, film.StudyInstanceUID, film.SeriesInstanceUID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
    inner, outer = fill(Dataset()), fill(Dataset())
    inner.ReferencedSOPClassUID, inner.ReferencedSOPInstanceUID = ComputedRadiographyImageStorage, "1.2.3.1"
    outer.PurposeOfReferenceCodeSequence = [inner]
    film.SourceImageSequence, film.ReferencedStudySequence, film.ContentSequence = [outer], [inner], [inner]
    film.add_new(0x60003000, "OW", f"{FAMILY}\0".encode())
    film.add_new(0x60004000, "LT", FAMILY)
    return film


def named(data: bytes) -> list[str]:
    """Return which planted identifiers a file holds, as text of any encoding and in any case."""
    texts = [data.decode(encoding, "ignore").casefold() for encoding in ("latin-1", "utf-16-le", "utf-16-be")]
    return [one for one in PLANTED if any(one.casefold() in text for text in texts)]


def walk(dataset: Dataset) -> Iterator[pydicom.DataElement]:
    for element in dataset:
        yield element
        for item in element.value if element.VR == "SQ" else ():
            yield from walk(item)


@pytest.mark.parametrize("dates", ["remove", "shift", "keep"])
def test_nothing_that_was_planted_is_left(planted: Dataset, saved: Callable[[Dataset], bytes], dates: Any) -> None:
    data = saved(planted)
    assert set(named(data)) >= {FAMILY, GIVEN, NUMBER, BORN}
    made = deidentify(data, Options(dates))
    assert named(made.name.encode()) == []
    again = pydicom.dcmread(BytesIO(made.data))
    assert named(made.data) == []
    assert again.PatientBirthDate == ""
    told = [one for one in walk(again) if ELSEWHERE in str(one.value) and one.VR != "SQ"]
    assert {one.keyword for one in told} <= WORDS
    assert not [one for one in walk(again) if one.tag.is_private or one.tag.group in (0x6000, 0x5000)]
    uids = {str(one.value) for one in walk(again) if one.VR == "UI"}
    assert not [uid for uid in uids if uid.startswith(("1.2.826", "1.2.3."))]
    assert (
        again.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].ReferencedSOPInstanceUID == again.SOPInstanceUID
    )
    assert again.SOPInstanceUID == again.file_meta.MediaStorageSOPInstanceUID == map_uid("1.2.3.1")
    assert np.array_equal(again.pixel_array, planted.pixel_array)
    assert again.PatientIdentityRemoved == "YES"
    assert again.DeidentificationMethodCodeSequence[0].CodeValue == "113100"


def test_a_table_of_the_standard() -> None:
    """Rows read in PS3.15 by eye."""
    rows = {
        0x00080050: "Z", 0x00184000: "X", 0x00080022: "X/Z", 0x0008002A: "X/Z/D", 0x00181400: "X/D", 0x00700084: "Z/D",
        0x00080023: "Z/D", 0x00181002: "U", 0x00100010: "Z", 0x00102160: "X", 0x0040A730: "D", 0x00120040: "D",
    }  # fmt: skip
    assert {tag: read_profile()[tag] for tag in rows} == rows
    assert len(read_profile()) == 652


def test_intervals_stay_where_dates_are_shifted(dicom: Any, saved: Any, ramp: np.ndarray) -> None:
    films = [
        dicom(ramp, StudyDate=day, AcquisitionDateTime=f"{day}101112.5+0100", SeriesTime="101112", PatientID="AB12")
        for day in ("20240228", "20240301")
    ]
    first, second = (pydicom.dcmread(BytesIO(deidentify(saved(one), Options("shift")).data)) for one in films)
    days = [np.datetime64(f"{one.StudyDate[:4]}-{one.StudyDate[4:6]}-{one.StudyDate[6:]}") for one in (first, second)]
    assert days[1] - days[0] == 2  # a leap year
    assert first.StudyDate != "20240228"
    assert str(first.AcquisitionDateTime) == f"{first.StudyDate}101112.5+0100"
    assert first.SeriesTime == "101112"
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"
    assert first.PatientID == second.PatientID != "AB12"


def test_a_seg_without_identity_belongs_to_the_image_without_identity(dicom: Any, saved: Any, ramp: np.ndarray) -> None:
    uids = {"SOPInstanceUID": "1.2.3.1", "StudyInstanceUID": "1.2.3.2", "SeriesInstanceUID": "1.2.3.3"}
    where = {"FrameOfReferenceUID": "1.2.3.4", "ImagePositionPatient": [0, 0, 0], "PixelSpacing": [1, 1]}
    data = saved(
        dicom(ramp, Modality="MR", PatientID=NUMBER, ImageOrientationPatient=[1, 0, 0, 0, 1, 0], **uids, **where)
    )
    tissue, mask = card("joint-section"), np.zeros(ramp.shape, np.uint8)
    mask[3:9, 4:20] = 1
    found = Segmentation(
        task="tissue", card=tissue.id, sha256="0" * 64, seconds=0.1, labels=tissue.keys, mask=mask,
        certainty=np.full_like(mask, 255),
    )  # fmt: skip
    image, seg = (pydicom.dcmread(BytesIO(one)) for one in (deidentify(data).data, write_seg(data, found, tissue)))
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert seg[keyword].value == image[keyword].value
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == image.SeriesInstanceUID
    assert b"1.2.3." not in write_seg(data, found, tissue)
    kept = pydicom.dcmread(BytesIO(write_seg(data, found, tissue, keep_identity=True)))
    assert (kept.StudyInstanceUID, kept.PatientID) == ("1.2.3.2", NUMBER)
    whole = deidentify(seg_bytes := write_seg(data, found, tissue, keep_identity=True))
    assert NUMBER.encode() in seg_bytes
    assert NUMBER.encode() not in whole.data
    assert np.array_equal(pydicom.dcmread(BytesIO(whole.data)).pixel_array, kept.pixel_array)


def written_on(shape: tuple[int, int] = (400, 500)) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Return a film (H, W) in [0, 255] with a name on it, and where it stands."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    film = (30 + 60 * np.exp(-(((x - 250) / 90) ** 2) - ((y - 200) / 130) ** 2)).astype(np.uint8)
    picture = Pillow.fromarray(film)
    font = ImageFont.truetype(str(Path(__file__).parents[2] / "models/drawing/fonts/DejaVuSans.ttf"), 18)
    box = ImageDraw.Draw(picture).textbbox((20, 15), FAMILY, font)
    ImageDraw.Draw(picture).text((20, 15), FAMILY, 255, font)
    return np.asarray(picture).copy(), (slice(box[1], box[3]), slice(box[0], box[2]))


@pytest.mark.parametrize("syntax", ["native", "JPEG-LS", "MONOCHROME1", "RGB"])
def test_text_in_a_film_is_refused_or_masked(dicom: Any, saved: Any, syntax: str) -> None:
    film, where = written_on()
    stored = {"RGB": np.stack([film] * 3, -1), "MONOCHROME1": 255 - film}.get(syntax, film)
    dataset = dicom(stored, BurnedInAnnotation="YES")
    if syntax == "MONOCHROME1":
        dataset.PhotometricInterpretation = "MONOCHROME1"
    if syntax == "JPEG-LS":
        dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    data = saved(dataset)
    with pytest.raises(InputError, match="text burned"):
        deidentify(data)
    made = deidentify(data, Options(text="mask"))
    again = pydicom.dcmread(BytesIO(made.data))
    assert made.masked == 1
    assert np.ptp(again.pixel_array[where]) == 0
    changed = (again.pixel_array != stored).reshape(*film.shape, -1).any(-1)
    assert not changed[70:].any()  # far from the line nothing is touched
    assert again.BurnedInAnnotation == "NO"
    assert not has_text(again.pixel_array.reshape(*film.shape, -1)[..., 0] / 255)


def test_boxes_of_text_lie_round_it_and_of_a_plain_film_there_are_none() -> None:
    film, (rows, columns) = written_on()
    (top, left, bottom, right) = find_text(film / 255)[0]
    assert (top, left) <= (rows.start, columns.start)
    assert (bottom, right) >= (rows.stop, columns.stop)
    assert bottom - top < 60
    film[rows, columns] = 30
    assert len(find_text(film / 255)) == 0


def test_what_says_that_it_has_text_and_shows_none_is_refused(dicom: Any, saved: Any, ramp: np.ndarray) -> None:
    with pytest.raises(InputError, match="none was found"):
        deidentify(saved(dicom(ramp, BurnedInAnnotation="YES")), Options(text="mask"))


def test_a_document_inside_is_refused(dicom: Any, saved: Any, ramp: np.ndarray) -> None:
    with pytest.raises(UnsupportedFormat, match="document"):
        deidentify(saved(dicom(ramp, EncapsulatedDocument=b"%PDF-1.4")))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_picture_keeps_its_pixels_alone(encoded: Any, kind: str) -> None:
    film = np.arange(40 * 60, dtype=np.uint8).reshape(40, 60)
    exif = Pillow.Exif()
    exif[0x010E], exif[0x013B], exif[0x0112] = f"{FAMILY} {NUMBER}", GIVEN, 6  # description, artist, turned
    more = {"pnginfo": png_text()} if kind == "PNG" else {"comment": FAMILY.encode()} if kind == "JPEG" else {}
    data = encoded(film, kind, exif=exif, **more)
    assert {FAMILY, NUMBER} <= set(named(data))
    made = deidentify(data)
    assert named(made.data) == []
    picture = Pillow.open(BytesIO(made.data))
    assert not picture.getexif()
    assert picture.info == {}
    assert picture.size == (40, 60)
    if kind != "JPEG":
        assert np.array_equal(np.asarray(picture), np.rot90(film, -1))


def png_text() -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Patient", f"{FAMILY}, born {BORN}")
    return info


def test_the_command_tells_nothing_and_names_what_it_left_out_by_number(
    planted: Dataset, dicom: Any, saved: Any, encoded: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / NUMBER, tmp_path / "out"
    (source / FAMILY).mkdir(parents=True)
    (source / f"{FAMILY}_1.dcm").write_bytes(saved(planted))
    (source / FAMILY / f"{GIVEN}.png").write_bytes(encoded(written_on()[0]))
    (source / f"{FAMILY}_3.txt").write_text(f"{FAMILY} {NUMBER}")
    with pytest.raises(SystemExit) as end:
        main(["deidentify", str(source), "--out", str(out), "--names", str(tmp_path / "names.json")])
    assert end.value.code == 1
    said = capsys.readouterr()
    assert named((said.out + said.err).encode()) == []
    assert "1 of 3 files" in said.err
    files = sorted(out.iterdir())
    assert len(files) == 2
    for file in files:
        assert named(file.name.encode() + file.read_bytes()) == []
    report = json.loads((out / "deidentification.json").read_text())
    assert report["written"], report["left_out"] == (1, 2)
    line = next(one for one in report["files"] if "written" in one)
    assert line["emptied"]["PatientName"] == 1
    assert line["private_or_unknown"] > 2
    assert any("mask" in one.get("problem", "") for one in report["files"])
    names = {one["number"]: one["file"] for one in json.loads((tmp_path / "names.json").read_text())}
    assert names[line["number"]] == str(source / f"{FAMILY}_1.dcm")


def test_nothing_new_is_wrong_with_a_film(tmp_path: Path) -> None:
    if not shutil.which("dciodvfy"):
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    data = (Path(__file__).parents[2] / "models/cases/pictures/shoulder_anatomic.dcm").read_bytes()
    before, after = (errors(one, tmp_path) for one in (data, deidentify(data).data))
    assert after - before == set()


def errors(data: bytes, folder: Path) -> set[str]:
    (folder / "one.dcm").write_bytes(data)
    done = subprocess.run(["dciodvfy", "-new", str(folder / "one.dcm")], capture_output=True, text=True, timeout=60)
    return {line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")}


def test_the_table_has_no_row_twice() -> None:
    with (Path(__file__).parents[2] / "models/io/identity/profile.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["tag"] for row in rows}) == len(rows)
    assert {row["action"] for row in rows} == {"X", "Z", "D", "U", "X/Z", "Z/D", "X/D", "X/Z/D", "X/Z/U*"}
