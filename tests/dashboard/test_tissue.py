"""The tissue page: classes shown and hidden, a reference standard compared, a mask corrected, and files to keep.

The network is replaced at the door of `models` by one that calls bright pixels bone and dark ones cartilage.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image as Pillow
from pydicom.data import get_testdata_file
from streamlit.testing.v1 import AppTest

import models
from dashboard.case import report
from dashboard.views.segmentation import downloads
from dashboard.views.segmentation.figures import TissueView
from models import Explanation, Fit, Image, Segmentation, Triage
from models.cards import reload_cards
from models.drawing.plate import LEAST_PX
from models.i18n import Language
from models.reporting.case import Case
from models.tasks.segmentation.edit import Correction, apply_corrections
from tests.conftest import CARD

Drop = Callable[..., AppTest]
KEYS = ("background", "bone", "articular-cartilage")
LABELS = """labels = [
    { key = "background", name = "Background" },
    { key = "bone", name = "Bone", colour = "#E69F00" },
    { key = "articular-cartilage", name = "Articular cartilage", colour = "#56B4E9" },
]
"""


def classes(image: Image) -> np.ndarray:
    """Bright is bone, dark cartilage."""
    grey = image.grey()
    return np.where(grey > 0.75, 1, np.where(grey < 0.25, 2, 0)).astype(np.uint8)


def fake(image: Image, card_id: str, *, frame: int = 0, **_: object) -> Segmentation:
    mask = classes(image)
    return Segmentation(
        task="tissue", card=card_id, sha256=image.sha256, frame=frame, seconds=0.1, labels=KEYS, mask=mask,
        certainty=np.full_like(mask, 200), warnings=image.warnings,
    )  # fmt: skip


def stripes() -> np.ndarray:
    """A picture (80, 120) of a bright block and a dark band."""
    picture = np.full((80, 120), 128, np.uint8)
    picture[10:40, 20:60] = 255
    picture[55:67] = 0
    return picture


def png(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(picture).save(out, "PNG")
    return out.getvalue()


IDENTITY = f"{hashlib.sha256(png(stripes())).hexdigest()[:12]}-0-good"
"""Of the striped picture's frame and the card, as `SegmentationCase.identity`."""


@pytest.fixture
def tissue_card(product: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The only card there is: two classes."""
    product("good", members=0)
    folder: Path = import_module("models.cards.card").CARDS_DIR
    text = CARD.format(id="good", members="").replace('"implant"', '"tissue"')
    begin, end = text.index("labels = ["), text.index("input =")
    (folder / "good.toml").write_text(text[:begin] + LABELS + text[end:])
    reload_cards()
    monkeypatch.setattr(models, "predict", fake)
    monkeypatch.setattr(
        models, "uncertainty", lambda image, *_, **__: np.full(image.shape, 0.25, np.float32), raising=False
    )
    return "good"


@pytest.fixture
def tissue(tissue_card: str) -> Iterator[AppTest]:
    """The tissue page of a new session."""
    from tests.dashboard.conftest import APP

    st.cache_resource.clear()
    yield AppTest.from_file(APP, default_timeout=120).run().switch_page("views/segmentation/tissue.py").run()
    st.cache_resource.clear()


@pytest.fixture
def dropped(tissue: AppTest, drop: Drop) -> AppTest:
    """The page with the striped picture on it."""
    return drop(tissue, **{"section.png": png(stripes())})


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def viewer(page: AppTest) -> dict:
    charts = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]
    return next(chart for chart in charts if "images" in chart["layout"])


def pictures(page: AppTest) -> list[np.ndarray]:
    """The pictures of the viewer, decoded."""
    import base64

    sources = [image["source"] for image in viewer(page)["layout"]["images"]]
    return [np.asarray(Pillow.open(io.BytesIO(base64.b64decode(s.partition(",")[2]))).convert("RGB")) for s in sources]


def look(page: AppTest, name: str) -> AppTest:
    page.segmented_control(key="tissue-panel").set_value(name).run()
    assert not page.exception
    return page


def give_reference(page: AppTest, **files: np.ndarray) -> AppTest:
    look(page, "Reference")
    uploader = next(one for one in page.file_uploader if one.label == "Reference masks")
    for name, mask in files.items():
        uploader.upload(f"{name}.png", png(mask))
    page.run()
    assert not page.exception
    return page


def test_classes_are_painted_in_their_colours_and_counted(dropped: AppTest) -> None:
    seen = pictures(dropped)[0].astype(int)
    assert np.abs(seen[20, 40] - (255 * 0.55 + 0.45 * np.array([0xE6, 0x9F, 0x00]))).max() <= 1
    assert np.abs(seen[60, 10] - 0.45 * np.array([0x56, 0xB4, 0xE9])).max() <= 1
    assert (seen[5, 5] == 128).all()
    table = dropped.dataframe[0].value
    assert list(table["Class"]) == ["Background", "Bone", "Articular cartilage"]
    assert list(table["Pixels"]) == ["6,960", "1,200", "1,440"]
    assert list(table["Share"]) == ["72.5%", "12.5%", "15.0%"]
    assert "mm²" not in table
    assert "not calibrated" in texts(dropped)


def test_the_legend_hides_a_class(dropped: AppTest) -> None:
    dropped.checkbox(key="class-good-bone").uncheck().run()
    seen = pictures(dropped)[0]
    assert (seen[20, 40] == 255).all()
    assert not (seen[60, 10] == 0).all()


def test_side_by_side_mask_and_image(dropped: AppTest) -> None:
    layout = dropped.segmented_control(key="tissue-layout")
    layout.set_value("Side by side").run()
    plain, painted = pictures(dropped)
    assert (plain[20, 40] == 255).all()
    assert not (painted[20, 40] == 255).all()
    dropped.segmented_control(key="tissue-layout").set_value("Mask").run()
    assert (pictures(dropped)[0][20, 40] == [0xE6, 0x9F, 0x00]).all()
    dropped.segmented_control(key="tissue-layout").set_value("Image").run()
    assert (pictures(dropped)[0][20, 40] == 255).all()


def test_contours_leave_the_inside_free(dropped: AppTest) -> None:
    dropped.segmented_control(key="tissue-style").set_value("Contour").run()
    seen = pictures(dropped)[0]
    assert (seen[25, 40] == 255).all()
    assert (seen[10, 40] == [0xE6, 0x9F, 0x00]).all()


def test_the_thickness_of_a_straight_band_is_its_height(dropped: AppTest) -> None:
    next(one for one in dropped.toggle if one.label == "Measure the cartilage").set_value(True).run()
    assert not dropped.exception
    shown = {metric.label: metric.value for metric in dropped.metric}
    assert shown["Mean thickness"] == "12.00 px"
    assert any(trace["type"] == "scatter" for trace in viewer(dropped)["data"])


def test_a_truth_gives_figures_and_the_jaccard_picture(dropped: AppTest) -> None:
    reference = np.zeros((80, 120), np.uint8)
    reference[10:40, 30:70] = 1  # the answer: columns 20 to 59
    page = give_reference(dropped, bone=reference)
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Jaccard"] == "0.600"  # 30 of 50 columns
    assert shown["Dice"] == "0.750"
    seen = pictures(page)[0].astype(int)
    missed, invented, agreed = seen[20, 65], seen[20, 25], seen[20, 45]
    assert missed[0] > missed[1] + 50  # pink
    assert invented[1] > invented[0] + 50  # green
    assert (agreed == 255).all()
    assert "Pink" in texts(page)
    next(one for one in page.button if one.key == "reference-remove").click().run()
    assert not page.metric


def test_binary_masks_named_after_classes_are_a_truth(dropped: AppTest) -> None:
    mask = classes(models.read(png(stripes()), "x.png"))
    page = give_reference(
        dropped, bone=(mask == 1) * np.uint8(255), **{"articular-cartilage": (mask == 2) * np.uint8(255)}
    )
    table = page.dataframe[0].value
    assert list(table["Jaccard"]) == ["1.000", "1.000"]
    assert list(table["HD95 (px)"]) == ["0", "0"]


def test_a_truth_of_another_size_is_refused(dropped: AppTest) -> None:
    page = give_reference(dropped, reference=np.ones((8, 8), np.uint8))
    assert "A reference standard needs the pixels of its image" in texts(page)
    assert viewer(page)


def test_doubt_is_measured_on_demand(dropped: AppTest) -> None:
    page = look(dropped, "Entropy")
    assert {metric.label: metric.value for metric in page.metric}["Mean entropy"] == "0.250"


def test_the_reason_is_asked_of_a_class_and_a_box(dropped: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def explain(image: Image, card_id: str, method: str, *, label: str, frame: int, box: object) -> Explanation:
        asked.append((label, box))
        return Explanation(np.ones(image.shape, np.float32), method, "up4", label, 0.1)

    monkeypatch.setattr(models, "explain", explain)
    reports: list[Callable[[], Case]] = []
    monkeypatch.setattr(report, "show_reports", lambda task, name, make, answered=None: reports.append(make))
    assert dropped.run() is dropped
    assert reports[-1]().prediction.explanation is None
    page = look(dropped, "Why")
    assert asked == [("bone", None)]
    page.session_state[f"why-box-{IDENTITY}"] = models.Box(5, 6, 10, 20)
    page.run()
    assert asked[-1] == ("bone", models.Box(5, 6, 10, 20))
    case = reports[-1]()
    assert (case.prediction.explanation.target, case.place) == asked[-1]
    assert "20 × 10 px" in texts(page)
    next(one for one in page.button if one.key == "why-whole").click().run()
    assert not page.exception
    assert "anywhere in the image" in texts(page)


def test_a_correction_changes_figures_is_undone_and_keeps_both(dropped: AppTest) -> None:
    reference = classes(models.read(png(stripes()), "x.png"))
    reference[10:40, 60:80] = 1
    page = look(give_reference(dropped, reference=reference), "Correct")
    area = ((9.5, 59.5), (9.5, 79.5), (39.5, 79.5), (39.5, 59.5))
    page.session_state[f"corrections-{IDENTITY}"] = (Correction("bone", area),)
    page.run()
    table = page.dataframe[0].value
    assert list(table["Pixels"]) == ["6,960 → 6,360", "1,200 → 1,800", "1,440 → 1,440"]
    assert list(table["Jaccard"]) == ["– → –", "0.667 → 1.000", "1.000 → 1.000"]
    assert "Corrected by hand in 1 place" in texts(page)
    assert "Bone added 1" in texts(page)
    assert "Both versions" in [one.proto.label for one in page.get("download_button")]
    page.segmented_control(key=f"version-{IDENTITY}").set_value("The network's").run()
    assert (pictures(page)[0][20, 70] == 128).all()
    next(one for one in page.button if one.key == "correct-undo").click().run()
    assert not page.exception
    assert "Both versions" not in [one.proto.label for one in page.get("download_button")]


def test_an_abstention_shows_no_class_until_asked(
    dropped: AppTest, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "predict", lambda *a, **k: replace(fake(*a, **k), abstained=True, reason="too blue"))
    page = drop(dropped, **{"other.png": png(255 - stripes())})
    assert "Too blue" in texts(page)
    assert not page.checkbox
    next(one for one in page.toggle if one.label == "Show anyway").set_value(True).run()
    assert page.checkbox


def test_an_abstention_offers_the_model_that_was_made_for_such_images(
    dropped: AppTest, drop: Drop, tissue_card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strict(image: Image, card_id: str, **said: int) -> Segmentation:
        return replace(fake(image, card_id, **said), abstained=card_id == tissue_card, reason="too blue")

    folder: Path = import_module("models.cards.card").CARDS_DIR
    text = (folder / "good.toml").read_text().replace('"good"', '"zones"').replace("A model for tests", "Zones")
    (folder / "zones.toml").write_text(text.replace("a test picture", "a blue picture"))
    reload_cards()
    monkeypatch.setattr(models, "predict", strict)
    monkeypatch.setattr(models, "triage", lambda image, frame=0, **_: Triage((Fit("zones", "tissue", 0.5),)))
    page = drop(dropped, **{"other.png": png(255 - stripes())})
    assert page.selectbox(key="card-tissue").value == "zones"  # by itself
    assert page.checkbox
    page.selectbox(key="card-tissue").set_value(tissue_card).run()
    assert page.selectbox(key="card-tissue").value == tissue_card  # chosen by hand
    assert "It looks like a blue picture" in texts(page)
    assert not page.checkbox
    next(one for one in page.button if one.label == "Zones").click().run()
    assert not page.exception
    assert page.selectbox(key="card-tissue").value == "zones"
    assert page.checkbox  # it answers


def test_a_large_grey_image_is_told_apart_before_anyone_waits(
    dropped: AppTest, drop: Drop, tissue_card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder: Path = import_module("models.cards.card").CARDS_DIR
    text = (folder / "good.toml").read_text()
    coloured = text.replace("size = [64, 64]", 'size = [64, 64], channels = "rgb", tiled = true')
    (folder / "good.toml").write_text(coloured)
    reload_cards()
    monkeypatch.setattr("dashboard.views.segmentation.slide.LARGE_PX", 50)
    monkeypatch.setattr(models, "triage", lambda image, frame=0, **_: Triage(resembles="a red picture"))
    page = drop(dropped, **{"grey.png": png(255 - stripes())})
    assert "no colours" in texts(page)
    assert "It looks most like a red picture" in texts(page)
    assert [one.label for one in page.button if one.key == "segment-start"] == ["Segment 120 × 80 px"]
    blue = np.stack([stripes(), stripes(), 255 - stripes()], -1)
    assert "no colours" not in texts(drop(page, **{"blue.png": png(blue)}))


def test_only_dicom_offers_a_seg(dropped: AppTest, drop: Drop) -> None:
    def names(page: AppTest) -> list[str]:
        return [one.proto.label for one in page.get("download_button")]

    assert "DICOM SEG" not in names(dropped)
    page = drop(dropped, **{"ct.dcm": Path(get_testdata_file("CT_small.dcm")).read_bytes()})
    assert "DICOM SEG" in names(page)
    assert page.dataframe[0].value["Area"].str.fullmatch(r"[\d,.]+ [mc]m²").all()  # never "4.73e+03"
    assert any("Keep the patient" in box.label and not box.value for box in page.checkbox)


@pytest.fixture
def kept(tissue_card: str) -> downloads.Kept:
    """A picture and its classes, and the same without the bone."""
    image = models.read(png(stripes()), "mrs_smith.png")
    answer = fake(image, tissue_card)
    area = Correction("erase", ((9.0, 19.0), (9.0, 61.0), (41.0, 61.0), (41.0, 19.0)))
    versions = (answer, apply_corrections(answer, [area]))
    return downloads.Kept(image, models.card(tissue_card), TissueView(), versions, versions[1])


def test_the_label_map_holds_pixels_classes_and_version(kept: downloads.Kept) -> None:
    for answer, said in zip(kept.versions, ("network", "corrected by hand in 1 place"), strict=True):
        label = Pillow.open(io.BytesIO(downloads.export_label_map(answer, kept.card)))
        assert label.mode == "P"
        assert np.array_equal(np.asarray(label), answer.mask)
        assert label.text["Classes"] == "0 background, 1 bone, 2 articular-cartilage"
        assert label.text["Version"] == said
        assert label.convert("RGB").getpixel((5, 60)) == (0x56, 0xB4, 0xE9)


def test_every_version_is_measured_in_one_table(kept: downloads.Kept) -> None:
    rows = list(csv.DictReader(io.StringIO(downloads.export_measurements(kept).decode())))
    assert [(row["version"], row["pixels"]) for row in rows if row["class"] == "bone"] == [
        ("network", "1200"), ("corrected by hand in 1 place", "0"),
    ]  # fmt: skip
    cartilage = next(row for row in rows if row["class"] == "articular-cartilage")
    assert float(cartilage["thickness_mean_px"]) == pytest.approx(12, abs=0.05)
    assert all(row["area_mm2"] == "" for row in rows)
    assert all("not a medical device" in row["note"] for row in rows)


def test_the_zip_holds_both_versions_and_no_name(kept: downloads.Kept) -> None:
    data = downloads.export_everything(kept, Language())
    with zipfile.ZipFile(io.BytesIO(data)) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    assert set(files) == {
        *(f"{folder}/{file}" for folder in ("network", "corrected")
          for file in ("labels.png", "overlay.png", "contours.geojson")), "measurements.csv",
    }  # fmt: skip
    assert not [name for name, content in files.items() if b"smith" in content]
    named = [
        {one["properties"]["classification"]["name"] for one in json.loads(files[f"{f}/contours.geojson"])["features"]}
        for f in ("network", "corrected")
    ]
    assert named == [{"bone", "articular-cartilage"}, {"articular-cartilage"}]
    assert max(Pillow.open(io.BytesIO(files["network/overlay.png"])).size) >= LEAST_PX
    assert Pillow.open(io.BytesIO(files["network/labels.png"])).size == kept.image.shape[::-1]  # data stay as they are


def test_a_german_reader_finds_every_look_in_german(tissue: AppTest, drop: Drop) -> None:
    tissue.query_params["lang"] = "de"
    page = drop(tissue.run(), **{"section.png": png(stripes())})
    assert page.subheader[1].value.startswith("Gelenkknorpel")
    looks = page.segmented_control(key="tissue-panel")
    assert looks.options == ["Klassen", "Referenz", "Entropie", "Warum", "Korrigieren"]
    for name, said in (("Referenz", "Label-Karte"), ("Entropie", "gespiegelt")):
        assert said in texts(look(page, name))
    assert "Segmented" not in texts(page)
