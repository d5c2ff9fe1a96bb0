"""The dashboard as Streamlit's own test harness runs it, with a model of random weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image as Pillow
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import dashboard

APP = Path(dashboard.__file__).with_name("app.py")


@pytest.fixture(scope="session", autouse=True)
def manifests() -> Iterator[None]:
    """Streamlit's harness looks through all installed packages for components once, and not for every test."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


@pytest.fixture
def home(random_card: str) -> Iterator[AppTest]:
    """The first page of a new session."""
    st.cache_data.clear()
    st.cache_resource.clear()
    yield AppTest.from_file(APP, default_timeout=120).run()
    for clear in (st.cache_data.clear, st.cache_resource.clear):
        clear()


@pytest.fixture
def implant(home: AppTest) -> AppTest:
    """The implant page of a new session."""
    return home.switch_page("views/classification/implant.py").run()


@pytest.fixture
def drop() -> Callable[..., AppTest]:
    """Return what drops files, given as name=bytes pairs, on the uploader of a page."""

    def drop(page: AppTest, **files: bytes) -> AppTest:
        for name, data in files.items():
            page.file_uploader[0].upload(name, data)
        page.run()
        assert not page.exception
        return page

    return drop


@pytest.fixture
def sequence(picture: Callable[..., bytes]) -> bytes:
    """A TIFF of three different frames."""
    frames = [Pillow.open(BytesIO(picture(seed))) for seed in range(3)]
    out = BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
    return out.getvalue()
