"""Shared fixtures: models with random weights, and where the data is."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import structlog
from PIL import Image as Pillow
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from models.settings import Settings

if TYPE_CHECKING:
    import torch
    from playwright.sync_api import Browser

    from models.cards import Card

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
BROWSER = "tests/browser/"

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the runner has two cores, and tests may share them
if DATA.is_dir() and "data_dir" not in Settings().model_fields_set:
    os.environ["ORTHOLENS_DATA_DIR"] = str(DATA)  # nothing is read before; programs that tests start find it too
for folder in ("CARDS", "KEYS", "LIBRARY"):  # who runs the tests may have models and designs, which are not tested
    os.environ[f"ORTHOLENS_{folder}_DIR"] = str(ROOT / "build" / "nobodys" / folder.lower())

CARD = """
id = "{id}"
task = "implant"
title = "A model for tests"
summary = "Random weights."
labels = [
    {{ key = "Cofield", name = "Cofield" }},
    {{ key = "Depuy", name = "DePuy" }},
    {{ key = "Zimmer", name = "Zimmer" }},
]
input = {{ size = [64, 64] }}
net = {{ name = "mobilenet_v2" }}
members = [{members}]

[use]
intended = "Tests."
not_intended = "Anything else."

[data]
name = "None"
licence = "Apache-2.0"
citation = "None"
url = "https://example.org"
n = 0
split = "None"
shows = "a test picture"
"""


class OneBrowser(LoadFileScheduling):
    """Keeps the tests of a file in one process, and all that drive the one browser in one."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneBrowser:
    return OneBrowser(config, log)


@pytest.fixture(autouse=True)
def process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what a run of the program leaves behind: Streamlit's `__main__`, and a log into a closed file."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return the one headless browser of all tests: playwright refuses to be started twice in a process."""
    from playwright.sync_api import expect

    from tests.browser import app

    if app.CHROMIUM is None:
        pytest.skip("needs chromium (Debian: apt install chromium)")
    expect.set_options(timeout=app.PATIENCE_S * 1000)
    with app.chromium() as browser:
        yield browser


@cache
def random_members(seed: int, members: int) -> tuple[list[tuple[bytes, str]], torch.Tensor]:
    """Return files of random weights with their hashes, and torch's chance after them: most tests want the same."""
    import torch

    from models.nets import loading
    from models.nets.mobilenet import StagedMobileNetV2

    made = []
    torch.manual_seed(seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "random.safetensors"
        for _ in range(members):
            net = StagedMobileNetV2(3)
            torch.nn.init.normal_(net.head[3].weight)  # wide enough apart that pictures get different answers
            sha256 = loading.write_tensors(net.state_dict(), path)
            made.append((path.read_bytes(), sha256))
    return made, torch.get_rng_state()


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Replace the product's cards and weights by an empty set, to which `product(id, members)` adds a random model."""
    import torch

    from models.cards import reload_cards
    from models.nets import loading
    from models.predictors.engine import engine

    for module in ("card", "registry"):
        monkeypatch.setattr(import_module(f"models.cards.{module}"), "CARDS_DIR", tmp_path / "cards")
    (tmp_path / "cards").mkdir()
    (tmp_path / "weights").mkdir()
    shared = import_module("models.trust.image_kinds").FILE  # no card's own: every product has it
    (tmp_path / "weights" / shared).symlink_to(loading.WEIGHTS_DIR / shared)
    monkeypatch.setattr(loading, "WEIGHTS_DIR", tmp_path / "weights")

    def forget() -> None:
        reload_cards()
        engine.cache_clear()

    def add(id: str = "random-implants", members: int = 1, seed: int = 0) -> str:
        made, chance = random_members(seed, members)
        torch.set_rng_state(chance)
        named = []
        for number, (data, sha256) in enumerate(made):
            file = f"{id}-{number}.safetensors"
            (tmp_path / "weights" / file).write_bytes(data)
            named.append(f'{{ file = "{file}", sha256 = "{sha256}" }}')
        (tmp_path / "cards" / f"{id}.toml").write_text(CARD.format(id=id, members=", ".join(named)))
        forget()
        return id

    forget()
    yield add
    forget()


@pytest.fixture
def random_card(product: Callable[..., str]) -> str:
    """Id of the only card there is: three labels, random weights."""
    return product()


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Return what makes a grey PNG of smooth noise, (rows, columns) of `size`."""

    def make(seed: int = 0, size: tuple[int, int] = (80, 60)) -> bytes:
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 4), np.uint8)
        out = BytesIO()
        Pillow.fromarray(coarse).resize(size[::-1], Pillow.Resampling.BICUBIC).save(out, "PNG")
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def packed() -> Callable[[str], Path]:
    """Return what finds a file or folder of the packed data, and skips the test where it is not."""

    def find(path: str) -> Path:
        if not (DATA / path).exists():
            pytest.skip(f"needs {path} of the packed data, which is not on this machine")
        return DATA / path

    return find


@pytest.fixture(scope="session")
def card_text() -> str:
    """Return a whole card without weights, whose id is "good"."""
    return CARD.format(id="good", members="")


@pytest.fixture
def segmentation_card(card_text: str) -> Card:
    """Return a card that segments three classes, without weights: 64 × 64, grey, fitted."""
    from models.cards import Card

    labels = [{"key": key, "name": key} for key in ("a", "b", "c")]
    own = {"id": "test-segmenter", "task": "tissue", "labels": labels, "net": {"name": "hrnet", "stage": "stage4"}}
    return Card.model_validate(tomllib.loads(card_text) | own)


@pytest.fixture
def segmenting_card(product: Callable[..., str], tmp_path: Path) -> str:
    """Id of a card that segments background, bone and cartilage with a small random HRNet."""
    import torch

    from models.cards import reload_cards
    from models.nets import loading
    from models.nets.hrnet import HRNet

    torch.manual_seed(0)
    sha256 = loading.write_tensors(HRNet(3, width=4, blocks=1).state_dict(), tmp_path / "weights" / "p.safetensors")
    text = CARD.format(id="random-segmenter", members=f'{{ file = "p.safetensors", sha256 = "{sha256}" }}')
    start, end = text.index("labels"), text.index("input =")
    labels = [f'{{ key = "{key}", name = "{key}" }}' for key in ("background", "bone", "cartilage")]
    net = 'net = { name = "hrnet", stage = "stage4", shape = { width = 4, blocks = 1 } }'
    text = f"{text[:start]}labels = [{', '.join(labels)}]\n{text[end:]}"
    text = text.replace('task = "implant"', 'task = "tissue"').replace('net = { name = "mobilenet_v2" }', net)
    (tmp_path / "cards" / "random-segmenter.toml").write_text(text)
    reload_cards()
    return "random-segmenter"


@pytest.fixture
def detection_card(card_text: str) -> Card:
    """Return a card that seeks two kinds of thing, without weights: 128 pixels on the longest side."""
    from models.cards import Card

    labels = [{"key": key, "name": key.capitalize()} for key in ("crack", "screw")]
    net = {"name": "fcos_mobilenet_v2", "shape": {"width": 32}}
    own = {"id": "test-detector", "task": "detection", "labels": labels, "net": net, "input": {"size": (128, 128)}}
    return Card.model_validate(tomllib.loads(card_text) | own)


@pytest.fixture(scope="session")
def random_detector() -> Callable[..., Any]:
    """Return a factory of seeded random detectors of two classes, whose scores lie apart."""
    import torch

    from models.nets.fcos import FCOSMobileNetV2

    def build(seed: int = 0) -> FCOSMobileNetV2:
        torch.manual_seed(seed)
        net = FCOSMobileNetV2(2, width=32)
        said = net.head.classification_head.cls_logits
        torch.nn.init.normal_(said.weight, std=0.3)
        torch.nn.init.constant_(said.bias, -2)
        torch.nn.init.normal_(net.head.regression_head.bbox_reg.weight, std=0.05)
        torch.nn.init.constant_(net.head.regression_head.bbox_reg.bias, 1.5)  # a cell and a half to each side
        return net.eval().requires_grad_(False)

    return build


@pytest.fixture
def detecting_card(product: Callable[..., str], random_detector: Callable[..., Any], tmp_path: Path) -> str:
    """Id of a card that draws boxes round cracks and screws with a small random FCOS, at two operating points."""
    from models.cards import reload_cards
    from models.nets import loading

    sha256 = loading.write_tensors(random_detector().state_dict(), tmp_path / "weights" / "d.safetensors")
    text = CARD.format(id="random-detector", members=f'{{ file = "d.safetensors", sha256 = "{sha256}" }}')
    start, end = text.index("labels"), text.index("input =")
    labels = ", ".join(f'{{ key = "{key}", name = "{key.capitalize()}" }}' for key in ("crack", "screw"))
    text = f"{text[:start]}labels = [{labels}]\n{text[end:]}"
    text = text.replace('task = "implant"', 'task = "detection"').replace("[64, 64]", "[128, 128]")
    text = text.replace('{ name = "mobilenet_v2" }', '{ name = "fcos_mobilenet_v2", shape = { width = 32 } }')
    points = [
        f'{{ key = "{key}", name = "{name}", threshold = {threshold}, sensitivity = 0.9, specificity = 0.8 }}'
        for key, name, threshold in (("sensitive", "Sensitivity 0.90", 0.3), ("specific", "Specificity 0.90", 0.6))
    ]
    platt = "{ slope = 1.5, intercept = 0.5, n = 10 }"
    text += f"[detecting]\nboxes = {platt}\npoints = [{', '.join(points)}]\n"
    (tmp_path / "cards" / "random-detector.toml").write_text(text)
    reload_cards()
    return "random-detector"
