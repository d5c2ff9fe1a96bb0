"""Where networks run: on the GPU where the settings and the machine allow, else on the processor."""

from __future__ import annotations

import torch

from models.errors import BadWeights
from models.settings import Settings, settings


def choose_device(limits: Settings | None = None) -> torch.device:
    """Return the device of the settings, by default those of this process.

    Raises
    ------
    BadWeights
        When they ask for a GPU and there is none.
    """
    asked = (limits or settings()).device
    if asked == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if asked == "cuda":
        raise BadWeights("there is no CUDA device", fix="Set ORTHOLENS_DEVICE to auto or cpu.")
    return torch.device("cpu")
