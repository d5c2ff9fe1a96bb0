"""What is dropped together is taken apart: archives, folders, slices; and nothing that is dropped can do harm."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

import models
from models.io import archive, series
from models.io.intake import take_in
from models.settings import settings

Picture = Callable[..., bytes]


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in files:
            made.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def slice_(
    place: float | None, number: int, series: str = "1.2.3", side: int = 12, modality: str = "MR", private: int = 0
) -> bytes:
    """A slice whose every pixel is its number."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MRImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    one = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    one.Modality, one.SeriesInstanceUID, one.InstanceNumber, one.PatientName = modality, series, number, "Doe^Jane"
    one.Rows = one.Columns = side
    if private:
        one.private_block(0x0009, "TEST", create=True).add_new(0x01, "OB", b"x" * private)
    one.SamplesPerPixel, one.PhotometricInterpretation, one.PixelRepresentation = 1, "MONOCHROME2", 0
    one.BitsAllocated, one.BitsStored, one.HighBit = 16, 12, 11
    one.PixelSpacing = [0.5, 0.5]
    if place is not None:
        one.ImageOrientationPatient, one.ImagePositionPatient = [0, 1, 0, 0, 0, -1], [place, 3, 4]
    pixels = np.full((side, side), number, np.uint16)
    pixels[0, 0] = 0
    one.PixelData = pixels.tobytes()
    out = BytesIO()
    pydicom.dcmwrite(out, one, enforce_file_format=True)
    return out.getvalue()


def names(taken: object) -> list[str]:
    return [one.name for one in taken.entries]


def said(taken: object) -> list[str]:
    return [str(problem) for problem in taken.problems]


# Archives and folders


def test_an_archive_is_taken_apart_in_natural_order(picture: Picture) -> None:
    inner = zipped(("x 10.png", picture(1)), ("x 2.png", picture(2)))
    taken = take_in([("all.zip", zipped(("a/inner.zip", inner), ("a/notes.pdf", b"%PDF-1.4 ")))])
    assert names(taken) == ["x 2.png", "x 10.png"]
    assert taken.entries[0].members == (picture(2),)
    assert taken.others == ("notes.pdf",)
    assert not taken.problems


def test_what_systems_leave_in_folders_is_passed_over(picture: Picture) -> None:
    hidden = ("f/.DS_Store", "__MACOSX/f/._a.png", "f/Thumbs.db", "f/desktop.ini")
    files = [(name, b"nothing") for name in hidden]
    for dropped in ([*files, ("f/a.png", picture())], [("f.zip", zipped(*files, ("f/a.png", picture())))]):
        taken = take_in(dropped)
        assert names(taken) == ["a.png"]
        assert not taken.others
        assert not taken.problems


def test_files_of_one_name_keep_their_folders(picture: Picture) -> None:
    assert names(take_in([("f/1/a.png", picture(1)), ("f/2/a.png", picture(2))])) == ["f/1/a.png", "f/2/a.png"]


def test_a_file_that_is_no_image_speaks_for_itself_when_it_is_alone(picture: Picture) -> None:
    assert names(take_in([("notes.pdf", b"%PDF-1.4 ")])) == ["notes.pdf"]
    assert take_in([("notes.pdf", b"%PDF-1.4 "), ("a.png", picture())]).others == ("notes.pdf",)
    assert names(take_in([("empty.png", b"")])) == ["empty.png"]


@pytest.mark.parametrize(
    "name", ["../../etc/a.png", "a/../../b.png", "/etc/a.png", "C:/a.png", "..\\a.png", "\\\\host\\a.png"]
)
def test_a_path_that_leads_out_is_refused(name: str, picture: Picture) -> None:
    taken = take_in([("evil.zip", zipped((name, picture(1)), ("good.png", picture(2))))])
    assert names(taken) == ["good.png"]
    assert len(taken.problems) == 1
    assert "leads out of its archive" in said(taken)[0]
    assert ".." not in (taken.problems[0].file or "")


@pytest.mark.parametrize("name", ["a\nb.png", "x" * 3000 + ".png", "a\x1b[31m.png"])
def test_an_impossible_name_is_refused(name: str, picture: Picture) -> None:
    taken = take_in([("odd.zip", zipped((name, picture())))])
    assert not taken.entries
    assert "impossible name" in said(taken)[0]
    assert (taken.problems[0].file or "").isprintable()
    assert len(taken.problems[0].file or "") <= 80


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped(("a.bmp", b"\0" * (40 << 20)))
    assert len(bomb) < 1 << 20
    taken = take_in([("bomb.zip", bomb)])
    assert not taken.entries
    assert said(taken) == [f"bomb.zip: unpacks to more than {archive.MOST_RATIO} times its own size. {archive.UNPACK}"]
    monkeypatch.setattr(settings(), "__dict__", {**settings().__dict__, "max_file_mb": 8})
    assert "more than 8 MB once unpacked" in said(take_in([("bomb.zip", bomb)]))[0]


def test_the_sizes_that_an_archive_states_are_not_believed() -> None:
    honest = zipped(("a.bmp", b"\0" * (4 << 20)))
    lying = honest.replace((4 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    taken = take_in([("liar.zip", lying)])
    assert not taken.entries
    assert "damaged" in said(taken)[0]


def test_many_files_and_deep_archives_are_refused(monkeypatch: pytest.MonkeyPatch, picture: Picture) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    assert "more than 3 files" in said(take_in([("many.zip", zipped(*((f"{i}.png", b"x") for i in range(4))))]))[0]
    deep = zipped(("a.png", picture()))
    for level in range(3):
        deep = zipped((f"{level}.zip", deep))
    taken = take_in([("deep.zip", deep)])
    assert not taken.entries
    assert "archive in an archive" in said(taken)[0]


def test_damaged_encrypted_and_oddly_packed_archives_are_refused(picture: Picture) -> None:
    whole = zipped(("a.png", picture()))
    assert said(take_in([("cut.zip", whole[:40])])) == ["cut.zip: is a damaged archive. Copy it again from its source."]
    encrypted = bytearray(whole)
    encrypted[6] |= 1
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    assert said(take_in([("secret.zip", bytes(encrypted))])) == [f"a.png: is encrypted. {archive.UNPACK}"]
    assert "packed in a way" in said(take_in([("odd.zip", zipped(("a.png", picture()), method=zipfile.ZIP_LZMA))]))[0]
    flipped = bytearray(whole)
    flipped[60] ^= 0xFF
    assert "damaged within its archive" in said(take_in([("flipped.zip", bytes(flipped))]))[0]


# A study of an implant's motion


def test_surfaces_poses_and_calibration_keep_their_frames(picture: Picture) -> None:
    study = [("s/2.png", picture()), ("s/fem.stl", b"solid x"), ("s/tib.stl", b"solid y"), ("s/calibration.txt", b"1"),
             ("s/fem.jts", b"JT"), ("s/notes.pdf", b"%PDF-1.4 ")]  # fmt: skip
    taken = take_in([("study.zip", zipped(*study))])
    assert not taken.entries
    assert [name for name, _ in taken.study] == ["2.png", "calibration.txt", "fem.jts", "fem.stl", "tib.stl"]
    assert taken.others == ("notes.pdf",)
    named = take_in([("kr.txt", b"1"), ("fem.stl", b"solid x")])
    assert {name for name, _ in named.study} == {"kr.txt", "fem.stl"}
    assert not take_in([("list.txt", b"words of a list"), ("a.png", picture())]).study


# Slices of a series


def test_slices_become_one_image_in_the_order_of_their_places() -> None:
    places = {1: 30.0, 2: 10.0, 3: 20.0}
    files = [(f"knee/{number}.dcm", slice_(place, number)) for number, place in places.items()]
    (one,) = take_in(files).entries
    assert one.name == "knee (3)"
    image = models.read_series(one.members, one.name)
    assert image.pixels.shape == (3, 12, 12)
    assert [round(float(frame[5, 5]), 2) for frame in image.pixels] == [0.33, 1.0, 0.67]  # along the normal, here -x
    assert image.spacing_mm == (0.5, 0.5)
    assert image.first_frame == 1
    assert image.sha256 == one.sha256
    assert "Doe" not in repr(image.tags)


def test_a_header_behind_something_large_is_read_too() -> None:
    files = [(f"{number}.dcm", slice_(number, number, private=600_000)) for number in (1, 2)]
    assert [len(one.members) for one in take_in(files).entries] == [2]


def test_slices_without_a_place_follow_their_numbers() -> None:
    files = [(f"{20 - number}.dcm", slice_(None, number)) for number in (3, 11, 2)]
    (one,) = take_in(files).entries
    image = models.read_series(one.members, one.name)
    assert np.argsort(image.pixels[:, 5, 5]).tolist() == [0, 1, 2]


def test_only_what_lies_behind_one_another_is_a_series() -> None:
    files = [
        ("a1.dcm", slice_(1, 1)), ("a2.dcm", slice_(2, 2)),
        ("b.dcm", slice_(1, 1, series="9.9")),
        ("c.dcm", slice_(3, 3, side=10)),  # of another size
        ("x1.dcm", slice_(None, 1, series="5", modality="DX")), ("x2.dcm", slice_(None, 2, series="5", modality="DX")),
    ]  # fmt: skip
    taken = take_in(files)
    assert [(one.name, len(one.members)) for one in taken.entries] == [
        ("a1.dcm (2)", 2), ("b.dcm", 1), ("c.dcm", 1), ("x1.dcm", 1), ("x2.dcm", 1),
    ]  # fmt: skip


def test_masks_beside_the_frames_of_a_study_are_no_frames(picture: Picture) -> None:
    study = [("s/frames/1.png", picture()), ("s/masks/fem/1.png", picture()), ("s/fem.stl", b"solid x")]
    taken = take_in(study)
    assert [name for name, _ in taken.study] == ["1.png", "fem.stl"]
    (said,) = taken.problems
    assert (str(said.problem), bool(said.fix)) == ("holds 1 masks, which were left out", True)
    assert len(take_in(study[1:]).study) == 2  # nothing but masks: they may be frames in a folder of that name


@pytest.mark.parametrize(("first", "second"), [("s/", "s/second/"), ("s/a/", "s/b/")])
def test_a_view_lies_where_its_calibration_does(first: str, second: str, picture: Picture) -> None:
    study = [("s/fem.stl", b"solid x"), ("s/tib.stl", b"solid y"), (f"{second}fem.stl", b"solid x")]
    study += [(f"{view}{name}", data) for view in (first, second) for name, data in (
        ("camera.txt", b"1"), ("fem.jts", b"1"), ("frames/1.png", picture()), ("frames/2.png", picture()))]  # fmt: skip
    taken = take_in([("study.zip", zipped(*study))])
    assert sorted(name for name, _ in taken.second) == ["1.png", "2.png", "camera.txt"]
    assert sorted(name for name, _ in taken.study) == ["1.png", "2.png", "camera.txt", "fem.jts", "fem.stl", "tib.stl"]
    alone = [file for file in study if not file[0].startswith(f"{second}frames")]
    assert not take_in(alone).second  # a calibration without frames is no view


def test_the_index_of_a_study_is_passed_over() -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = "1.2.840.10008.1.3.10", ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    index, out = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128), BytesIO()
    index.FileSetID = "CD"
    pydicom.dcmwrite(out, index, enforce_file_format=True)
    files = [("DICOMDIR", out.getvalue()), ("IM/1", slice_(1, 1)), ("IM/2", slice_(2, 2))]
    (one,) = take_in([("cd.zip", zipped(*files))]).entries
    assert one.name == "IM (2)"
    assert names(take_in([("DICOMDIR", out.getvalue())])) == ["DICOMDIR"]  # alone it says what it is


def test_a_slice_that_cannot_be_read_is_missing_and_said_so() -> None:
    members = (slice_(1, 1), slice_(2, 2)[:-20], slice_(3, 3))
    image = models.read_series(members, "knee (3)")
    assert image.frames == 2
    assert any("1 of 3 slices" in warning for warning in image.warnings)
    with pytest.raises(models.OrthoLensError, match=r"knee: is cut off"):
        models.read_series((members[1],), "knee")


def test_a_series_has_the_limits_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    members = tuple(slice_(place, 1) for place in range(3))
    monkeypatch.setattr(settings(), "__dict__", {**settings().__dict__, "max_frames": 2})
    with pytest.raises(models.OrthoLensError, match="declares 3 frames"):
        models.read_series(members, "knee")


def test_the_head_of_a_slice_says_which_stack_it_lies_in_and_where() -> None:
    one, next_, bare = series._parsed(slice_(30, 1)), series._parsed(slice_(10, 2)), series._parsed(slice_(None, 5))
    # columns run along y and rows along −z: the normal is (−1, 0, 0)
    assert (one.place, one.number, next_.place, next_.number) == (-30, 1, -10, 2)
    assert one.series == next_.series is not None
    assert len(one.series) == 64
    assert "1.2.3" not in one.series  # a hash: no identifier leaves the worker
    assert (bare.place, bare.number, bare.whole) == (None, 5, True)
    assert bare.series not in (None, one.series)  # how it is turned is not said
    others = [slice_(30, 1, series="9"), slice_(30, 1, side=10)]
    assert len({one.series, *(series._parsed(data).series for data in others)}) == 3
    film = series._parsed(slice_(30, 1, modality="DX"))
    assert (film.series, film.number, film.whole, film.directory) == (None, 1, True, False)
    cut = slice_(30, 1, private=3000)[:1500]
    assert not series._parsed(cut).whole
    assert series._parsed(b"\0" * 200) == series.Slice()


def test_of_slices_that_do_not_fit_the_first_the_others_are_read() -> None:
    members = (slice_(1, 1), slice_(2, 2, side=10), slice_(3, 3))
    image = models.read_series(members, "knee")
    assert (image.frames, image.first_frame) == (2, 1)
    assert any("1 of 3 slices" in warning for warning in image.warnings)
    assert models.read_series(members[:1], "knee").frames == 1
    with pytest.raises(models.OrthoLensError, match="knee: has no slices"):
        models.read_series((), "knee")
    with pytest.raises(models.OrthoLensError, match="knee: is cut off"):  # of the first that cannot be read
        models.read_series((slice_(1, 1)[:-20], b"nothing"), "knee")
