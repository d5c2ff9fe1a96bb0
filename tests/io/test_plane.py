"""One frame as an image of its own: what is kept of its place, in millimetres, and what it is called."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage

from models.io.plane import _lies, read_plane_orientation, refer_to_plane, take_one_plane

FLAT = [1, 0, 0, 0, 1, 0]


def of(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def image(**more: object) -> Dataset:
    placed = {
        "SOPClassUID": MRImageStorage, "SOPInstanceUID": "1.2", "FrameOfReferenceUID": "1.3",
        "PixelSpacing": [0.5, 0.25], "ImagePositionPatient": [1, 2, 3],
        "ImageOrientationPatient": FLAT, "PositionReferenceIndicator": "x",
    }  # fmt: skip
    return of(**{key: value for key, value in (placed | more).items() if value is not None})


@pytest.mark.parametrize(
    ("more", "thickness"),
    [({"SliceThickness": 3, "SpacingBetweenSlices": 4}, 3), ({"SpacingBetweenSlices": 4}, 4), ({}, 0.5),
     ({"SliceThickness": 0}, 0.5), ({"SliceThickness": -1, "SpacingBetweenSlices": 0}, 0.5)],
)  # fmt: skip
def test_a_plane_that_lies_somewhere_keeps_its_place_and_has_a_thickness(more: dict, thickness: float) -> None:
    plane = take_one_plane(image(**more), 0)
    assert plane.SOPClassUID == MRImageStorage
    assert (plane.SliceThickness, plane.PixelSpacing) == (thickness, [0.5, 0.25])
    assert (plane.ImagePositionPatient, plane.ImageOrientationPatient) == ([1, 2, 3], FLAT)
    assert plane.FrameOfReferenceUID == "1.3"


@pytest.mark.parametrize(
    "more",
    [{"FrameOfReferenceUID": None}, {"PixelSpacing": None}, {"PixelSpacing": [0.5, 0]}, {"ImagePositionPatient": None},
     {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}],
)  # fmt: skip
def test_a_plane_that_lies_nowhere_is_a_secondary_capture(more: dict) -> None:
    source = image(SliceThickness=3, **more)
    plane = take_one_plane(source, 0)
    assert plane.SOPClassUID == SecondaryCaptureImageStorage
    for keyword in (
        "FrameOfReferenceUID",
        "PositionReferenceIndicator",
        "ImagePositionPatient",
        "ImageOrientationPatient",
    ):
        assert keyword not in plane
    assert ("SliceThickness" in plane) == ("PixelSpacing" in plane) == ("PixelSpacing" not in more)
    assert source.SOPClassUID == MRImageStorage  # the image itself is left as it is


def test_each_frame_has_its_own_place() -> None:
    groups = [
        of(PlanePositionSequence=Sequence([of(ImagePositionPatient=[0, 0, n])]),
           PixelMeasuresSequence=Sequence([of(PixelSpacing=[n + 1, 2], SliceThickness=n + 5)]))
        for n in range(2)
    ]  # fmt: skip
    several = image(
        ImagePositionPatient=None,
        PixelSpacing=None,
        NumberOfFrames=2,
        PerFrameFunctionalGroupsSequence=Sequence(groups),
    )
    for frame in range(2):
        plane = take_one_plane(several, frame)
        assert (plane.ImagePositionPatient, plane.PixelSpacing) == ([0, 0, frame], [frame + 1, 2])
        assert plane.SliceThickness == frame + 5
        assert plane.SOPClassUID == SecondaryCaptureImageStorage
        assert "NumberOfFrames" not in plane
        assert "PerFrameFunctionalGroupsSequence" not in plane


@pytest.mark.parametrize(
    ("position", "directions", "lies"),
    [
        ([1, 2, 3], FLAT, True), ([1, 2], FLAT, False), ([1, 2, 3], FLAT[:5], False),
        ([1, 2, 3], [2, 0, 0, 0, 1, 0], False), ([1, 2, 3], [1, 0, 0, 0, 2, 0], False),
        ([1, 2, 3], [1, 0, 0, 0.02, 1, 0], False),
        ([1, 2, 3], [1, 0, 0, -0.02, 1, 0], False), ([1, 2, 3], [1, 0, 0, 0.005, 1, 0], True), ([], [], False),
    ],
)  # fmt: skip
def test_a_place_is_a_point_and_two_directions_at_right_angles(position: list, directions: list, lies: bool) -> None:
    assert _lies(position, directions) == lies


@pytest.mark.parametrize("frames", [None, 1, 3])
def test_what_is_written_refers_to_the_true_kind_and_to_the_frame_of_several(frames: int | None) -> None:
    source = image(NumberOfFrames=frames)

    def reference(uid: str) -> Dataset:
        return of(ReferencedSOPClassUID=SecondaryCaptureImageStorage, ReferencedSOPInstanceUID=uid)

    written = of(
        SourceImageSequence=Sequence([reference("1.2"), reference("9.9")]),
        ReferencedSeriesSequence=Sequence([of(ReferencedInstanceSequence=Sequence([reference("1.2")]))]),
    )
    refer_to_plane(source, 1, written)
    own, other = written.SourceImageSequence
    inner = written.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    assert own.ReferencedSOPClassUID == inner.ReferencedSOPClassUID == MRImageStorage
    assert other.ReferencedSOPClassUID == SecondaryCaptureImageStorage
    assert own.get("ReferencedFrameNumber") == (2 if frames == 3 else None)
    assert "ReferencedFrameNumber" not in inner
    assert "ReferencedFrameNumber" not in other


@pytest.mark.parametrize(
    ("said", "letters"),
    [(["A", "FH"], ["A", "FH"]), (["L"], None), (None, None), (["A", "2"], None), (["A", "F", "H"], None)],
)
def test_directions_are_two_words_of_letters(said: list[str] | None, letters: list[str] | None) -> None:
    assert read_plane_orientation(of(PatientOrientation=said) if said else of()) == letters
