"""The blocks of a network, read off the network itself: shapes by a pass without numbers, receptive fields computed.

A receptive field grows by (kernel − 1) times the strides so far (Araujo, Norris and Sim 2019, "Computing receptive
fields of convolutional neural networks", doi 10.23915/distill.00021). Where paths part and join again it is measured
instead: with every weight positive and every rectifier open, the gradient of one place reaches all that it looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from models.cards import Card
from models.errors import UnknownCard
from models.lessons.records import Layer
from models.nets.fcos import LEVELS, TAPPED, FCOSMobileNetV2
from models.nets.hrnet import HRNet
from models.nets.mobilenet import STAGES, StagedMobileNetV2
from models.nets.unet import UNetMobileNetV2
from models.tasks import task_of

LONG_PX, NARROW_PX = 1024, 32
"""Sides of the strip on which receptive fields are measured along its length."""


@dataclass(frozen=True)
class Part:
    """A block before anything is computed of it; `owns` names the modules whose parameters are its own."""

    name: str
    kind: str
    stage: str
    module: str
    column: int
    inputs: tuple[str, ...]
    output: int | str | None = None
    owns: tuple[str, ...] = field(default=())


def dissect_network(card: Card) -> tuple[Layer, ...]:
    """Return the blocks of a card's network, from the picture to the answer.

    It needs no weights: a card that is not trained yet has an anatomy too.

    Raises
    ------
    BadCard
        When the card names a network that does not exist.
    """
    return _layers(card.model_dump_json(exclude={"training", "published"}))


@lru_cache(maxsize=16)
def _layers(text: str) -> tuple[Layer, ...]:
    card = Card.model_validate_json(text)
    with torch.device("meta"):
        net = task_of(card.task).build(card).eval()
    parts = plan_blocks(net)
    shapes = {
        name: tuple(x.shape[1:]) for name, x in compute_blocks(net, parts, make_meta_input(card.input.size)).items()
    }
    fields = _receptive_fields(card, net, parts)
    return tuple(_layer(part, net, shapes[part.name], fields[part.name], card.input.size) for part in parts)


def make_meta_input(size: tuple[int, int]) -> Tensor:
    """Return an input without numbers: (1, 3, *size)."""
    return torch.empty(1, 3, *size, device="meta")


def _layer(part: Part, net: nn.Module, shape: tuple[int, ...], seen: int | None, size: tuple[int, int]) -> Layer:
    owned = [net.get_submodule(path) for path in part.owns or (part.module,)]
    return Layer(
        name=part.name,
        kind=part.kind,
        stage=part.stage,
        shape=shape,
        parameters=sum(p.numel() for module in owned for p in module.parameters()),
        receptive_field_px=seen,
        stride=round(size[0] / shape[1]) if len(shape) == 3 else 0,
        column=part.column,
        inputs=part.inputs,
        module=part.module,
        output=part.output,
    )


def plan_blocks(net: nn.Module) -> tuple[Part, ...]:
    """Return the blocks of one of the product's networks, in the order in which they run.

    Raises
    ------
    UnknownCard
        For a network of another kind.
    """
    if isinstance(net, FCOSMobileNetV2):
        return _fcos(net)
    if isinstance(net, HRNet):
        return _hrnet(net)
    if isinstance(net, UNetMobileNetV2):
        return _unet(net)
    if not isinstance(net, StagedMobileNetV2):
        raise UnknownCard(f"no lesson knows a {type(net).__name__}", fix="Choose another network.")
    trunk = _trunk(net.stages, "stages")
    head = Part("head", "mean of each channel, then one linear layer", "head", "head", len(trunk), (trunk[-1].name,))
    return (*trunk, head)


def _trunk(stages: nn.ModuleDict, prefix: str) -> tuple[Part, ...]:
    """Name the blocks of MobileNetV2."""
    parts: list[Part] = []
    for stage in STAGES:
        for number, (child, block) in enumerate(stages[stage].named_children(), 1):
            kind = "inverted residual block" if type(block).__name__ == "InvertedResidual" else "convolution"
            before = (parts[-1].name,) if parts else ()
            parts.append(Part(f"{stage}.{number}", kind, stage, f"{prefix}.{stage}.{child}", len(parts), before))
    return tuple(parts)


def _unet(net: UNetMobileNetV2) -> tuple[Part, ...]:
    parts = [*_trunk(net.stages, "stages")]
    ends = {part.stage: part.name for part in parts}
    for level in range(4, 0, -1):
        name, before = f"up{level}", parts[-1].name
        kind = f"twice as large, joined with stage{level}, convolution"
        parts.append(Part(name, kind, name, f"stages.{name}", len(parts), (before, ends[f"stage{level}"])))
    parts.append(Part("head", "1 × 1 convolution", "head", "head", len(parts), (parts[-1].name,)))
    return tuple(parts)


def _hrnet(net: HRNet) -> tuple[Part, ...]:
    parts: list[Part] = []
    for stage in ("stem", "stage1"):
        for number, (child, _) in enumerate(net.stages[stage].named_children(), 1):
            kind = "convolution" if stage == "stem" else "residual block"
            before = (parts[-1].name,) if parts else ()
            parts.append(Part(f"{stage}.{number}", kind, stage, f"stages.{stage}.{child}", len(parts), before))
    branches, column = [parts[-1].name], len(parts)
    for stage in ("stage2", "stage3", "stage4"):
        opened = f"{stage}.open"
        parts.append(Part(opened, "opens a coarser branch", stage, f"stages.{stage}.opened", column, (branches[-1],)))
        branches.append(opened)
        for step, _ in cast(nn.Module, net.stages[stage].steps).named_children():
            added, branches = _module(stage, step, branches, column + 1)
            parts += added
            column += 2
        column += 1
    parts.append(
        Part("joined", "all branches at the finest size, mixed", "joined", "stages.joined", column, tuple(branches))
    )
    parts.append(Part("head", "1 × 1 convolution", "head", "head", column + 1, ("joined",)))
    return tuple(parts)


def _module(stage: str, step: str, branches: Sequence[str], column: int) -> tuple[list[Part], list[str]]:
    """Name the blocks of one module of an HRNet, and what its branches are called behind it."""
    path, mark = f"stages.{stage}.steps.{step}", "" if step == "0" else f"{step}."
    worked = [
        Part(
            f"{stage}.{mark}branch{i + 1}",
            "residual blocks on a branch",
            stage,
            f"{path}.branches.{i}",
            column,
            (before,),
        )
        for i, before in enumerate(branches)
    ]
    names = tuple(part.name for part in worked)
    fused = [
        Part(
            f"{stage}.{mark}fused{i + 1}", "all branches join in", stage, f"{path}.fusion", column + 1, names, i,
            (f"{path}.fusion.paths.{i}",),
        )
        for i in range(len(branches))
    ]  # fmt: skip
    return [*worked, *fused], [part.name for part in fused]


def _fcos(net: FCOSMobileNetV2) -> tuple[Part, ...]:
    parts = [*_trunk(net.stages, "backbone.stages")]
    ends, column = {part.stage: part.name for part in parts}, len(parts)
    pyramid, below = "backbone.pyramid", ""
    for number, (level, stage) in reversed(list(enumerate(zip(LEVELS, TAPPED, strict=True)))):
        owns = (f"{pyramid}.inner_blocks.{number}", f"{pyramid}.layer_blocks.{number}")
        inputs = (ends[stage], below) if below else (ends[stage],)
        parts.append(
            Part(level, f"level of the pyramid, from {stage}", "pyramid", pyramid, column, inputs, level, owns)
        )
        below, column = level, column + 1
    for name, says, which in (("classification", "what lies here", None), ("regression", "where its edges are", 0)):
        module, said = f"head.{name}_head", f"{says}, at every place"
        parts.append(Part(f"{name} head", said, "head", module, column, tuple(LEVELS), which))
    return tuple(parts)


@contextmanager
def listen_to_blocks(net: nn.Module, parts: Sequence[Part | Layer]) -> Iterator[dict[str, Tensor]]:
    """Collect what blocks compute while the net runs, by name; every hook is gone at the end, whatever happens."""
    heard: dict[str, Tensor] = {}

    def listen(part: Part | Layer) -> Any:
        def hear(_: nn.Module, __: Any, output: Any) -> None:
            heard[part.name] = output if part.output is None else output[part.output]

        return net.get_submodule(part.module).register_forward_hook(hear)

    hooks = [listen(part) for part in parts]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def compute_blocks(net: nn.Module, parts: Sequence[Part | Layer], x: Tensor) -> Mapping[str, Tensor]:
    """Run a net on (1, 3, h, w) and return what its blocks compute, by name."""
    with listen_to_blocks(net, parts) as heard:
        run_blocks(net, x)
    return heard


def run_blocks(net: nn.Module, x: Tensor) -> None:
    """Run a net without its last step, the sorting of boxes of a detector."""
    if isinstance(net, FCOSMobileNetV2):
        net.head(list(net.trunk(x).values()))
    else:
        net(x)


def compute_receptive_fields(blocks: Sequence[nn.Module]) -> list[int]:
    """Return the receptive field behind each of a chain of blocks; a shortcut round a block widens nothing."""
    seen, jump, found = 1, 1, []
    for block in blocks:
        for module in block.modules():
            if isinstance(module, nn.Conv2d):
                seen += (module.kernel_size[0] - 1) * jump
                jump *= module.stride[0]
        found.append(seen)
    return found


def _receptive_fields(card: Card, net: nn.Module, parts: Sequence[Part]) -> dict[str, int | None]:
    chain = [part for part in parts if "stages." in part.module and part.stage in STAGES]
    fields: dict[str, int | None] = dict.fromkeys(part.name for part in parts)
    if not isinstance(net, HRNet):
        seen = compute_receptive_fields([net.get_submodule(part.module) for part in chain])
        fields |= {part.name: side for part, side in zip(chain, seen, strict=True)}
    rest = [part for part in parts if fields[part.name] is None and part.stage != "head"]
    if isinstance(net, HRNet | UNetMobileNetV2):
        rest += [part for part in parts if part.name == "head"]
    if rest:
        fields |= measure_receptive_fields(task_of(card.task).build(card), rest)
    return fields


def measure_receptive_fields(net: nn.Module, parts: Sequence[Part]) -> dict[str, int | None]:
    """Measure receptive fields along the rows of a long strip; None where one is as long as the strip.

    Parameters
    ----------
    net
        With random weights: they are replaced.
    """
    open_up_weights(net)
    x = torch.ones(1, 3, LONG_PX, NARROW_PX, requires_grad=True)
    with torch.enable_grad():
        heard = compute_blocks(net, parts, x)
        fields: dict[str, int | None] = {}
        for part in parts:
            maps = heard[part.name]
            (gradient,) = torch.autograd.grad(maps[:, :, maps.shape[2] // 2].sum(), x, retain_graph=True)
            reached = gradient[0].sum((0, 2)).nonzero()[:, 0]
            side = int(reached[-1] - reached[0]) + 1
            fields[part.name] = None if side >= LONG_PX - 1 else side
    return fields


def open_up_weights(net: nn.Module) -> None:
    """Make every weight positive and let everything through, so that a gradient reaches all that is looked at."""
    net.eval()
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU | nn.ReLU6 | nn.BatchNorm2d | nn.GroupNorm):
                setattr(parent, name, nn.Identity())
            elif isinstance(child, nn.Conv2d):
                nn.init.constant_(child.weight, 1 / child.weight[0].numel())
                if child.bias is not None:
                    nn.init.ones_(child.bias)
