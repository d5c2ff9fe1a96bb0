"""The weights of ImageNet that training starts from: the project's own files, or torchvision's download."""

from __future__ import annotations

from torch import Tensor

from models.errors import Unreachable
from models.nets.staged import StagedClassifier
from models.settings import settings

TORCHVISION = {
    "mobilenet_v2_imagenet": ("MobileNet_V2_Weights", "IMAGENET1K_V1"),
    "vgg16_imagenet_notop": ("VGG16_Weights", "IMAGENET1K_FEATURES"),  # those whose input is 0…255 less a mean
}
"""Which of the files torchvision has too, and by what name."""


def load_starting_weights(network: type[StagedClassifier]) -> dict[str, Tensor]:
    """Return ImageNet weights as their source names them, for `StagedClassifier.load_start`.

    Raises
    ------
    Unreachable
        When they are neither beside the data nor to be had from torchvision.
    """
    from safetensors.torch import load_file

    path = settings().data_dir.parent / "weights" / f"{network.file}.safetensors"
    if path.exists():
        return load_file(path)
    fix = "Train where there is a network, or from another model: --start knee-kl."
    if network.file not in TORCHVISION:
        fix = f"Put it into {path.parent}, or choose another network."
        raise Unreachable("the starting weights are not here", fix=fix, file=path.name)
    import torchvision.models

    kind, name = TORCHVISION[network.file]
    try:
        return dict(getattr(torchvision.models, kind)[name].get_state_dict(progress=False))
    except OSError as error:
        raise Unreachable("the ImageNet weights cannot be downloaded", fix=fix) from error
