"""Windows, millimetres and geometry from the header, and that no identifier comes along."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from models.errors import InputError
from models.io import read
from models.types import Image, Window

PIXELS = np.linspace(0, 1000, 600).astype(np.uint16).reshape(20, 30)


@pytest.fixture
def shown(dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes]) -> Callable[..., Image]:
    return lambda **attributes: read(saved(dicom(PIXELS, **attributes)), "x.dcm")


@pytest.mark.parametrize(
    ("function", "low", "high"), [("LINEAR", 0.3, 0.7), ("LINEAR_EXACT", 0.3, 0.701), ("SIGMOID", 0.3, 0.701)]
)
def test_windows_by_function(function: str, low: float, high: float, shown: Callable[..., Image]) -> None:
    image = shown(WindowCenter=500.5, WindowWidth=401, VOILUTFunction=function)
    assert image.windows[0].low == pytest.approx(low, abs=1e-6)
    assert image.windows[0].high == pytest.approx(high, abs=1e-6)


def test_several_windows_and_only_plain_names(shown: Callable[..., Image]) -> None:
    image = shown(
        WindowCenter=[500, 300, 200, 100],
        WindowWidth=[400, 200, 100, 50],
        WindowCenterWidthExplanation=["SOFT TISSUE", "Smith^John", "Bone", "WINDOW1"],
    )
    assert [w.name for w in image.windows] == ["Soft tissue", "Window 2", "Bone", "Window 4", "Full range"]


@pytest.mark.parametrize("width", [0, -5, 1, 1e300])
def test_a_senseless_window_is_not_shown(width: float, shown: Callable[..., Image]) -> None:
    window = shown(WindowCenter=50_000, WindowWidth=width).windows[0]
    assert window.high > window.low


def test_a_lookup_table_is_a_window_with_its_course(shown: Callable[..., Image]) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [1001, 0, 16])
    table.add_new("LUTData", "US", np.clip(np.arange(1001) - 200, 0, 500).tolist())
    image = shown(VOILUTSequence=Sequence([table]))
    assert image.windows[0].name == "Curve 1"
    assert image.windows[0].low == pytest.approx(0.2, abs=0.01)
    assert image.windows[0].high == pytest.approx(0.7, abs=0.01)
    assert image.shown()[0, 0] == 0
    assert image.shown()[-1, -1] == pytest.approx(500 / 65535, abs=1e-4)  # as the table has it: it never gets bright


def test_no_millimetres_without_a_source(shown: Callable[..., Image]) -> None:
    image = shown()
    assert image.spacing_mm is None
    assert image.spacing_source is None
    assert image.windows[-1] == Window("Full range", 0.0, 1.0)


@pytest.mark.parametrize(
    ("attributes", "spacing", "source"),
    [
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), "PixelSpacing"),
        (
            {"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"},
            (0.1, 0.1),
            "PixelSpacing, from an object of known size",
        ),
        (
            {"ImagerPixelSpacing": [0.2, 0.3], "EstimatedRadiographicMagnificationFactor": 1.25},
            (0.16, 0.24),
            "ImagerPixelSpacing / magnification 1.25",
        ),
        (
            {
                "PixelSpacing": [0.2, 0.2],  # only the detector's, repeated
                "ImagerPixelSpacing": [0.2, 0.2],
                "Modality": "DX",
                "DistanceSourceToDetector": 1200,
                "DistanceSourceToPatient": 1000,
            },
            (0.2 / 1.2, 0.2 / 1.2),
            "ImagerPixelSpacing / magnification 1.2",
        ),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, (0.2, 0.2), "ImagerPixelSpacing, at the detector"),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "NominalScannedPixelSpacing, on the scanned film"),
    ],
)
def test_spacing(
    attributes: dict[str, Any], spacing: tuple[float, float], source: str, shown: Callable[..., Image]
) -> None:
    image = shown(**attributes)
    assert image.spacing_mm == pytest.approx(spacing)
    assert image.spacing_source == source
    uncorrected = source.endswith(("at the detector", "on the scanned film"))
    assert any("magnified" in warning for warning in image.warnings) == uncorrected


@pytest.mark.parametrize("spacing", [[0, 0], [-0.2, 0.2], [0.2], [1e9, 1e9]])
def test_an_unusable_spacing_is_none_and_says_so(spacing: list[float], shown: Callable[..., Image]) -> None:
    image = shown(PixelSpacing=spacing)
    assert image.spacing_mm is None
    assert "millimetres" in image.warnings[0]


def test_spacing_of_functional_groups(shown: Callable[..., Image]) -> None:
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing = [0.5, 0.4]
    group.PixelMeasuresSequence = Sequence([measures])
    assert shown(SharedFunctionalGroupsSequence=Sequence([group])).spacing_mm == (0.5, 0.4)
    assert shown(PerFrameFunctionalGroupsSequence=Sequence([group])).spacing_mm == (0.5, 0.4)


def test_geometry_is_a_projections(shown: Callable[..., Image]) -> None:
    distances = {"DistanceSourceToDetector": 1200, "DistanceSourceToPatient": 1000}
    geometry = shown(Modality="XA", **distances).geometry
    assert geometry is not None
    assert (geometry.source_detector_mm, geometry.source_object_mm) == (1200, 1000)
    assert shown(Modality="CT", **distances).geometry is None


def test_burned_in_text_is_told(shown: Callable[..., Image]) -> None:
    assert "burned" in shown(BurnedInAnnotation="YES").warnings[0]


def test_no_identifier_gets_into_an_image(dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes]) -> None:
    """Fill every text attribute that DICOM knows, but for the few that are shown on purpose."""
    kept = {"Modality", "BodyPartExamined", "ViewPosition", "Laterality", "ImageLaterality", "Manufacturer"}
    structural = {"PhotometricInterpretation", "SpecificCharacterSet", "PixelPresentation", "LossyImageCompression"}
    secret = "ZYXWVU"
    dataset = dicom(PIXELS, Modality="DX", Manufacturer="Acme", WindowCenter=500, WindowWidth=400)
    filled = 0
    for tag, (vr, *_) in DicomDictionary.items():
        keyword = keyword_for_tag(tag)
        skip = kept | structural | {"ManufacturerModelName"}
        if vr not in {"PN", "LO", "SH", "LT", "ST", "UT", "CS", "AE", "UC"} or tag >> 16 <= 4 or keyword in skip:
            continue
        if tag not in dataset:
            dataset.add_new(tag, vr, f"{secret}^John" if vr == "PN" else secret)
            filled += 1
    dataset.PatientBirthDate, dataset.StudyInstanceUID, dataset.AccessionNumber = "19450307", "1.2.987654", "A987654"
    image = read(saved(dataset), "x.dcm")
    dump = f"{image!r} {image.windows} {dict(image.tags)}".encode() + pickle.dumps(image)
    assert filled > 500
    for trace in (secret, "19450307", "987654"):
        assert trace.encode() not in dump
    assert image.tags["Manufacturer"] == "Acme"


def test_no_identifier_gets_into_an_error(
    dicom: Callable[..., Dataset], saved: Callable[[Dataset], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    dataset = dicom(PIXELS, PatientName="ZYXWVU^John", PatientID="ZYXWVU")
    data = saved(dataset).replace(b"ZYXWVU^John", b"\xff\xfe\xfdXWVU^Jo")
    said = ""
    for cut in range(140, len(data), 37):
        try:
            read(data[:cut], "x.dcm")
        except InputError as error:
            said += f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"
    assert "x.dcm" in said
    assert "XWVU" not in said
    assert "XWVU" not in "".join(capfd.readouterr())
