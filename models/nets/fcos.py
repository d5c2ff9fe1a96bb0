"""FCOS (Tian et al. 2019, arXiv:1904.01355) on MobileNetV2: every place of a feature pyramid says what it lies in.

Loss, assignment of boxes to levels and box coding are torchvision's; the pyramid is its own too (Lin et al. 2017,
arXiv:1612.03144). Ours are the narrow towers of the head, whose convolutions are separable so that a film takes a
fraction of a second on a laptop, and the access to single places that an explanation needs.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSHead
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork, batched_nms

from models.nets.mobilenet import STAGES, StagedMobileNetV2

LEVELS: dict[str, int] = {"p3": 8, "p4": 16, "p5": 32}
"""Levels of the pyramid and their strides in pixels of the input."""
TAPPED = ("stage3", "stage4", "stage5")
"""Stages of the trunk that the levels come from; their channels are in `WIDTHS`."""
WIDTHS = (32, 96, 320)
BLOCKS = 3
"""Separable convolutions of each tower."""
ALIVE = 1.0
"""Strides from a place to each side of its box at first: torchvision's 0 lies on the edge of its ReLU, and a head that
falls below it in the first steps, as with few pictures, has no gradient and never draws a box."""
LEAST = 0.005
"""Raw score under which a place is not looked at."""
LOOKED_AT = 1000
"""Places that may draw a box, the best."""
MOST = 100
"""Boxes kept of an image."""
OVERLAP = 0.4
"""Intersection over union above which the weaker of two boxes is dropped."""


@dataclass(frozen=True)
class Places:
    """What every place of the pyramid says of one image.

    Attributes
    ----------
    logits
        (A, K) of each class, before the sigmoid.
    centredness
        (A,) logit of how central the place is in its box.
    boxes
        (A, 4) left, top, right and bottom in pixels of the input.
    """

    logits: Tensor
    centredness: Tensor
    boxes: Tensor

    @property
    def scores(self) -> Tensor:
        """(A, K) raw score, the geometric mean of class and centredness, as FCOS ranks boxes."""
        return (self.logits.sigmoid() * self.centredness.sigmoid()[:, None]).sqrt()


@dataclass(frozen=True)
class Found:
    """Boxes of one image that no better one covers, the best first.

    Attributes
    ----------
    boxes
        (N, 4) left, top, right and bottom in pixels of the input.
    scores, classes, places
        (N,) raw score, index of the class, and index of the place that said so.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    places: Tensor


class _Trunk(nn.Module):
    """(N, 3, H, W) → the levels of the pyramid, each (N, width, H / stride, W / stride)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stages = StagedMobileNetV2(1).stages
        self.stages["stage5"] = cast(nn.Sequential, self.stages["stage5"])[:-1]  # without 320 → 1280
        self.pyramid = FeaturePyramidNetwork(list(WIDTHS), width)
        self.out_channels = width

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        return self.levels(self.tapped(x))

    def tapped(self, x: Tensor) -> dict[str, Tensor]:
        """(N, 3, H, W) → what the stages compute, by name."""
        found = {}
        for name, stage in self.stages.items():
            x = found[name] = stage(x)
        return found

    def levels(self, features: dict[str, Tensor]) -> OrderedDict[str, Tensor]:
        """Build the pyramid from what the stages compute."""
        tapped = OrderedDict((level, features[stage]) for level, stage in zip(LEVELS, TAPPED, strict=True))
        found: OrderedDict[str, Tensor] = self.pyramid(tapped)
        return found


def _tower(width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(BLOCKS):
        layers += [
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.Conv2d(width, width, 1, bias=False),
            nn.GroupNorm(8, width),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class FCOSMobileNetV2(FCOS):  # type: ignore[misc]  # torchvision carries no types
    """A detector with stages stage1 … stage5 of MobileNetV2 under a pyramid of three levels.

    In training it is called like torchvision's, with images and targets; to answer, call `places` and `found`.

    Parameters
    ----------
    classes
        Number of labels K; there is none for the background.
    width
        Channels of the pyramid and of the head.
    """

    def __init__(self, classes: int, width: int = 96) -> None:
        strides = tuple((stride,) for stride in LEVELS.values())
        head = FCOSHead(width, 1, classes, num_convs=1)
        head.classification_head.conv = _tower(width)
        head.regression_head.conv = _tower(width)
        nn.init.constant_(head.regression_head.bbox_reg.bias, ALIVE)
        super().__init__(
            _Trunk(width),
            classes,
            image_mean=[0.0, 0.0, 0.0],
            image_std=[1.0, 1.0, 1.0],
            anchor_generator=AnchorGenerator(strides, ((1.0,),) * len(strides)),
            head=head,
            _skip_resize=True,
        )

    @property
    def trunk(self) -> _Trunk:
        """Stages and pyramid."""
        return cast(_Trunk, self.backbone)

    @property
    def stages(self) -> nn.ModuleDict:
        """The stages of the trunk, in order."""
        return self.trunk.stages

    def places(self, x: Tensor, levels: OrderedDict[str, Tensor]) -> Places:
        """Return what the head says of one image.

        Parameters
        ----------
        x
            (1, 3, h, w), of which only the size is used.
        levels
            Its pyramid, as `trunk(x)` returns it.
        """
        maps = list(levels.values())
        said = self.head(maps)
        anchors = self.anchor_generator(ImageList(x, [(x.shape[2], x.shape[3])]), maps)[0]
        boxes = self.box_coder.decode(said["bbox_regression"][0], anchors)
        return Places(said["cls_logits"][0], said["bbox_ctrness"][0, :, 0], boxes)

    def found(self, places: Places, size: tuple[int, int]) -> Found:
        """Return the boxes of one image of (height, width) = `size` pixels."""
        scores = places.scores
        least = scores.flatten().topk(min(LOOKED_AT, scores.numel())).values[-1].clamp(min=LEAST)
        place, of = torch.nonzero(scores >= least, as_tuple=True)
        boxes = places.boxes[place].clamp(min=0)
        boxes = torch.minimum(boxes, boxes.new_tensor([size[1], size[0], size[1], size[0]]))
        score = scores[place, of]
        kept = batched_nms(boxes, score, of, OVERLAP)[:MOST]
        return Found(boxes[kept], score[kept], of[kept], place[kept])

    def load_start(self, state: dict[str, Tensor]) -> None:
        """Copy torchvision-named ImageNet weights into the stages.

        Raises
        ------
        RuntimeError
            When a parameter is missing or has another shape.
        """
        donor = StagedMobileNetV2(1)
        donor.load_start(state)
        for name in STAGES:
            own = self.stages[name].state_dict()
            self.stages[name].load_state_dict({k: v for k, v in donor.stages[name].state_dict().items() if k in own})
