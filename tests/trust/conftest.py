"""Small models with known answers, so that trust can be tested without trained weights."""

import tomllib
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from models.cards import Card
from models.nets.mobilenet import StagedMobileNetV2
from models.tasks.classification.predictor import Classifier
from models.types import Image

ModelOf = Callable[..., Classifier]


class TwoStages(StagedMobileNetV2):
    """The last two stages and a head, with the interface of the real networks."""

    def __init__(self, stage4: nn.Module, stage5: nn.Module, head: nn.Module) -> None:
        nn.Module.__init__(self)
        self.stages = nn.ModuleDict({"stage4": stage4, "stage5": stage5})
        self.head = head


@pytest.fixture
def two_stages() -> type[StagedMobileNetV2]:
    """Return the class of networks made of (stage 4, stage 5, head)."""
    return TwoStages


@pytest.fixture
def small_net() -> Callable[[int], StagedMobileNetV2]:
    """Return a factory of seeded random networks of three outputs, rectifiers in place as in the real ones."""

    def build(seed: int) -> StagedMobileNetV2:
        torch.manual_seed(seed)
        net = TwoStages(
            nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU6(inplace=True)),
            nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU6(inplace=True)),
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 3)),
        )
        return net.eval().requires_grad_(False)

    return build


@pytest.fixture
def corner_net() -> StagedMobileNetV2:
    """Return a network: output 0 is the mean grey of rows 16 to 31, columns 0 to 15 (of 64), output 1 its minus."""
    mean = nn.Conv2d(3, 1, 4, 4, bias=False)  # cells of 4 × 4
    nn.init.constant_(mean.weight, 1 / 48)
    look = nn.Linear(16 * 16, 2, bias=False)
    cells = torch.zeros(16, 16)
    cells[4:8, :4] = 1 / 16
    look.weight.data = torch.stack([cells.flatten(), -cells.flatten()])
    net = TwoStages(mean, nn.Identity(), nn.Sequential(nn.Flatten(), look))
    return net.eval().requires_grad_(False)


@pytest.fixture
def model_of(card_text: str) -> ModelOf:
    """Return a factory of models from networks: `model_of(net, ..., size=(64, 64), labels=3)`."""

    def build(*nets: StagedMobileNetV2, size: tuple[int, int] = (64, 64), labels: int = 3) -> Classifier:
        own = {"id": "test-card", "labels": [{"key": str(i), "name": f"Label {i}"} for i in range(labels)]}
        own |= {"input": {"size": size}, "net": {"name": "mobilenet_v2", "stage": "stage5"}}
        card = Card.model_validate(tomllib.loads(card_text) | own)
        model = Classifier(card, torch.device("cpu"))
        model.members = list(nets)
        return model

    return build


@pytest.fixture
def image() -> Image:
    """Return a bright picture, wider than high in a square input it lies in the middle rows."""
    pixels = np.random.default_rng(0).uniform(0.6, 1.0, (1, 40, 80)).astype(np.float32)
    return Image(pixels, name="a.png", sha256="0" * 64)
