"""A card of random weights in a folder of its own, where processes that a test starts find it too."""

from __future__ import annotations

from pathlib import Path

import torch

from models.nets.loading import write_tensors
from models.nets.mobilenet import StagedMobileNetV2
from tests.conftest import CARD


def write_card(cards: Path, id: str, seed: int = 0) -> None:
    """Write a card that tells three implants apart at 64 × 64 pixels, in place of one that is there."""
    torch.manual_seed(seed)
    net = StagedMobileNetV2(3).train()
    for norm in net.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = None  # the mean of all that it sees
    with torch.no_grad():  # else the norms let nothing through, and all pictures get one answer
        for _ in range(4):
            net(torch.rand(8, 3, 1, 1) * torch.randn(8, 3, 64, 64).cumsum(2) / 4)
    torch.nn.init.normal_(net.head[3].weight, std=0.1)
    (cards / id).mkdir(parents=True, exist_ok=True)
    file = f"{id}-{seed}.safetensors"  # beside the old, which is asked for until its card is changed
    sha256 = write_tensors(net.state_dict(), cards / id / file)
    new = cards / id / "new"
    new.write_text(CARD.format(id=id, members=f'{{ file = "{file}", sha256 = "{sha256}" }}'))
    new.replace(cards / id / f"{id}.toml")
    cards.touch()
