"""A card of another network than MobileNetV2 answers, and is explained, by the same code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import models
from models.cards import card, reload_cards
from models.nets import loading
from models.nets.efficientnet import StagedEfficientNetLite0
from models.predictors.engine import engine
from models.tasks.classification.predictor import Classifier


@pytest.fixture
def lite(product: Callable[..., str], tmp_path: Path) -> str:
    """A card of EfficientNet-Lite0 with random weights."""
    path = tmp_path / "cards" / f"{product('lite')}.toml"
    before = card("lite").members[0].sha256
    net = StagedEfficientNetLite0(3)
    nn.init.uniform_(net.head[-1].weight, 0, 1)  # so that no map is negative all over, which some methods cut off
    after = loading.write_tensors(net.state_dict(), tmp_path / "weights" / "lite-0.safetensors")
    path.write_text(path.read_text().replace("mobilenet_v2", "efficientnet_lite0").replace(before, after))
    reload_cards()
    engine.cache_clear()
    return "lite"


@pytest.mark.parametrize("method", ["grad-cam", "hirescam", "guided-grad-cam"])
def test_it_is_answered_and_explained(method: str, lite: str, picture: Callable[..., bytes]) -> None:
    image = models.read(picture())
    answer = models.predict(image, lite, explain=method)
    assert answer.explanation is not None
    assert answer.explanation.heat.shape == image.shape
    assert np.isfinite(answer.explanation.heat).all()
    assert np.ptp(answer.explanation.heat) > 0


def test_its_norms_are_folded_without_changing_the_answer(lite: str) -> None:
    (net,) = engine().load(card(lite), Classifier).members
    assert isinstance(net, StagedEfficientNetLite0)
    assert not [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    whole = loading.build_classifier(card(lite)).eval()
    state = loading.read_tensors("lite-0.safetensors", card(lite).members[0].sha256)
    whole.load_state_dict({key: value.float() for key, value in state.items()}, strict=False)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(net(x), whole(x), atol=1e-4, rtol=1e-3)
