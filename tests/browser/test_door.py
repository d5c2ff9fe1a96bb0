"""Anything dropped anywhere is answered by the right model: every kind of image.

A drop is one of the browser's own (`Input.dispatchDragEvent` of the DevTools protocol), with files and folders of the
disk behind it, as from a file manager. The slices of the series carry the one public MR slice, moved.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from pydicom.uid import generate_uid
from skimage import data as pictures
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import models
from models.cases import CASES_DIR
from tests.browser import app
from tests.browser.app import calm, go

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

REFUSED = "No answer"
STUDY = (
    "tka_at_k1_v1_0160.tif", "tka_at_k1_v1_0170.tif", "tka_at_k1_v1_0180.tif", "tka_calibration.txt",
    "tka_kr_right_6_tib.stl", "tka_kr_right_7_fem.stl",
)  # fmt: skip
"""Frames, both components, and where the camera stood."""


@dataclass(frozen=True)
class Kind:
    """One kind of image: what makes its files, the page and the model that answer it, and what the answer says."""

    files: Callable[[Path, Path], list[Path]]
    page: str
    card: str
    says: str = ""


def sample(name: str) -> Callable[[Path, Path], list[Path]]:
    return lambda samples, here: [samples / name]


def two_knees(samples: Path, here: Path) -> list[Path]:
    """Both knees on one film, as a clinic takes them."""
    sides = [np.asarray(Pillow.open(samples / f"knee_kl{grade}.png").convert("L")) for grade in
             ("2_9008884R", "4_9144384R")]  # fmt: skip
    Pillow.fromarray(np.hstack([sides[0], sides[1][:, ::-1]])).save(here / "both.png")
    return [here / "both.png"]


def grey(samples: Path, here: Path) -> list[Path]:
    Pillow.open(samples / "histology_0e21d7b3eea8.png").convert("L").save(here / "grey.png")
    return [here / "grey.png"]


def series(samples: Path, here: Path) -> list[Path]:
    """A study of six slices in an archive, their names against their order, with its index."""
    with zipfile.ZipFile(here / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            one = pydicom.dcmread(samples / "knee_mri.dcm")
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            one.SeriesInstanceUID, one.InstanceNumber = "1.2.826.0.1.3680043.8.498.1", number + 1
            one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            one.ImagePositionPatient = [0, 0, 3.0 * number]
            out = BytesIO()
            one.save_as(out)
            archive.writestr(f"IM/{6 - number}", out.getvalue())
        archive.writestr("__MACOSX/IM/._1", b"x")
    return [here / "study.zip"]


def folder(samples: Path, here: Path) -> list[Path]:
    (here / "films" / "deep").mkdir(parents=True)
    shutil.copy(samples / "knee_kl2_9008884R.png", here / "films" / "1.png")
    shutil.copy(samples / "knee_kl4_9144384R.png", here / "films" / "deep" / "2.png")
    (here / "films" / "notes.pdf").write_bytes(b"%PDF-1.4 ")
    (here / "films" / ".DS_Store").write_bytes(b"x")
    return [here / "films"]


def photograph(samples: Path, here: Path) -> list[Path]:
    Pillow.fromarray(pictures.astronaut()).save(here / "holiday.png")
    return [here / "holiday.png"]


KINDS = {
    "shoulder": Kind(sample("shoulder_depuy_102.jpg"), "implant", "shoulder-implants", "DePuy"),
    "knee": Kind(sample("knee_kl2_9008884R.png"), "pathology", "knee-kl", "KL"),
    "two-knee film": Kind(two_knees, "pathology", "knee-kl"),
    "limb": Kind(sample("fracture_img0000151.jpg"), "detection", "fracture"),
    "H&E": Kind(sample("histology_0e21d7b3eea8.png"), "tissue", "histology-nuclei", "counted"),
    "grey H&E": Kind(grey, "tissue", "histology-nuclei", "counted"),
    "MR slice": Kind(sample("knee_mri.dcm"), "tissue", "knee-mri-bone", "Bone"),
    "fluoroscopy frame": Kind(sample("tka_at_k1_v1_0170.tif"), "tissue", "tka-fluoroscopy", "component"),
    "series": Kind(series, "tissue", "knee-mri-bone", "Bone"),
    "folder": Kind(folder, "pathology", "knee-kl", "KL"),
    "photograph": Kind(photograph, "", "", REFUSED),
}


@pytest.fixture
def samples(packed: Callable[[str], Path]) -> Path:
    """Where the public images are."""
    return packed("samples")


@pytest.fixture(scope="module")
def session(browser: Browser, address: str) -> Iterator[Page]:
    """One visitor who drops everything, one after the other; the next page is opened where a test asks for one."""
    page = app.opened(browser, address)
    yield page
    page.context.close()
    assert not [trouble for trouble in page.trouble if not app.overtaken(trouble)]


@pytest.fixture
def place(request: pytest.FixtureRequest, session: Page) -> Page:
    """Home, or a step of the stage."""
    bar = session.locator(".st-key-stage-bar")
    if request.param == "home":
        if bar.count():
            session.keyboard.press("?")
            session.get_by_role("button", name="Leave conference mode").click()
            bar.wait_for(state="detached")
        go(session, "Home")
    elif not bar.count():
        session.get_by_role("button", name="Conference mode").click()
        bar.wait_for()
        calm(session)
    return session


def dropped(page: Page, *paths: Path) -> None:
    """Drop files and folders of the disk onto the middle of the window, as a hand does."""
    told = page.context.new_cdp_session(page)
    size = page.viewport_size
    at = {"x": size["width"] // 2, "y": size["height"] // 2}
    carried = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        told.send("Input.dispatchDragEvent", {"type": kind, "data": carried, **at})
    told.detach()


def answered(page: Page, name: str) -> str:
    """Wait until the file stands in the list with its answer, and return what the answer says."""
    page.locator("[class*='st-key-chosen-']").filter(has_text=re.compile(re.escape(name))).wait_for(state="attached")
    page.locator(".st-key-answer").get_by_text("Looking at the image").wait_for(state="detached")
    calm(page)
    return page.locator(".st-key-answer").inner_text()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["home", "stage"], indirect=True)
def test_a_drop_is_answered_by_the_model_that_knows_it(kind: str, place: Page, samples: Path, tmp_path: Path) -> None:
    wanted = KINDS[kind]
    files = wanted.files(samples, tmp_path)
    names = {"series": "IM (6)", "folder": "1.png"}
    dropped(place, *files)
    said = answered(place, names.get(kind, files[0].name))
    if wanted.says == REFUSED:
        assert REFUSED in said
        return
    assert place.url.partition("?")[0].endswith(f"/{wanted.page}")
    title = models.card(wanted.card).title
    expect(place.get_by_test_id("stMain").get_by_text(title).first).to_be_attached()  # unseen on the stage
    assert wanted.says in said
    if kind == "two-knee film":
        expect(place.locator(".st-key-film")).to_be_visible()
    else:
        assert REFUSED not in said
    if kind == "series":
        expect(place.get_by_text("4 / 6")).to_be_attached()  # the middle
    if kind == "folder":
        expect(place.locator(".st-key-left-out")).to_contain_text("notes.pdf")
        assert place.locator("[class*='st-key-select-']").filter(has_text="2.png").count()


@pytest.mark.parametrize("place", ["home", "stage"], indirect=True)
def test_a_study_of_motion_opens_with_all_of_it_in_place(place: Page, samples: Path) -> None:
    dropped(place, *(samples / name for name in STUDY))
    place.wait_for_url(re.compile("/kinematics"))
    expect(place.get_by_text("3 files of frames")).to_be_attached()
    calm(place)
    expect(place.get_by_text("calibration tka_calibration.txt")).to_be_attached()
    expect(place.locator(".st-key-kinematics-start button")).to_be_enabled()
    assert place.locator(".st-key-viewer-kinematics image").count()


def test_a_drop_on_a_page_that_changes_is_not_lost(visit: Callable[..., Page]) -> None:
    """Also where the server's leave to upload goes down in the run that begins just then, as Streamlit lets it."""
    page = visit()
    forgotten: list[str] = []

    def forward(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def answer(message: bytes) -> None:
            if not forgotten and ForwardMsg.FromString(message).WhichOneof("type") == "file_urls_response":
                forgotten.append("leave")
            else:
                route.send(message)

        server.on_message(answer)

    page.route_web_socket("**/_stcore/stream", forward)
    page.reload()
    page.wait_for_function("() => window.ortholensDoor?.open")  # before its script is there, the browser opens the file
    page.get_by_test_id("stHeader").get_by_role("link", name="Pathology").click()
    dropped(page, CASES_DIR / "shoulder_anatomic.dcm")  # while the page changes
    dropped(page, CASES_DIR / "shoulder_reverse.png")  # and again, before the first is taken
    rows = page.locator("[class*='st-key-remove-']")
    rows.nth(1).wait_for()
    calm(page)
    names = " ".join(page.locator("[class*='st-key-select-']").all_inner_texts())
    assert "shoulder_anatomic.dcm" in names
    assert "shoulder_reverse.png" in names
    assert forgotten


def test_a_drop_is_heard_where_the_page_took_away_what_lay_under_it(visit: Callable[..., Page]) -> None:
    """The browser sends it to what was last dragged over, as it was then."""
    page = visit("Implant")
    page.evaluate("""() => ["dragenter", "dragover"].forEach((kind) => window.addEventListener(kind, ({target}) =>
        queueMicrotask(() => target.closest(".stApp") && target.replaceWith(target.cloneNode(true))), true))""")
    dropped(page, CASES_DIR / "shoulder_reverse.png")
    page.locator("[class*='st-key-remove-']").wait_for()
    calm(page)
    expect(page.locator("#door-veil")).to_be_hidden()


def test_the_empty_page_is_an_uploader_for_the_keyboard_too(visit: Callable[..., Page]) -> None:
    page = visit("Implant")
    choose = page.locator(".st-key-empty-state").get_by_role("button", name="Choose files")
    with page.expect_file_chooser() as chooser:  # heard from before the keys: the browser may be late to listen
        for _ in range(30):  # on the way of the tabulator
            page.keyboard.press("Tab")
            if choose.evaluate("button => button === button.getRootNode().activeElement"):
                break
        else:
            pytest.fail("the tabulator never comes to the button")
        page.keyboard.press("Enter")
    chooser.value.set_files(CASES_DIR / "shoulder_reverse.png")
    page.locator("[class*='st-key-remove-']").first.wait_for()
    calm(page)
    expect(page.locator(".st-key-answer")).to_be_visible()
