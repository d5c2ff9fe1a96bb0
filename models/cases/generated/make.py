"""Train what the generator needs, and draw with it: what `ortholens train` and `ortholens simulate generated` call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from safetensors.torch import load_file, save_file

from models.cases.generated import SHARPENER
from models.cases.generated.draw import Generator
from models.cases.generated.families import FAMILIES
from models.cases.generated.nets import Sharpener
from models.cases.generated.sharpen import SharpenRun, fit_sharpener
from models.errors import OrthoLensError, Unreachable
from models.settings import settings


def train_sharpener(progress: Callable[[str, float], None]) -> None:
    """Train the sharpener on all families, and keep it where the generator looks for it; goes on where it was stopped.

    Raises
    ------
    Unreachable
        When a set, or the weights of VGG16, are not here.
    """
    vgg = settings().data_dir.parent / "weights" / "vgg16_imagenet_notop.safetensors"
    if not vgg.exists():
        raise Unreachable("the weights of VGG16 are not here", fix=f"Put them at {vgg}.", file=vgg.name)
    run = SharpenRun(Path("runs") / "generated-radiographs")
    run.folder.mkdir(parents=True, exist_ok=True)
    pictures: list[NDArray[np.uint8]] = [picture for frames in FAMILIES.values() for picture in frames().pictures]
    net = fit_sharpener(pictures, vgg, run, progress)
    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, SHARPENER)


def load_sharpener() -> Sharpener:
    """Return the trained sharpener."""
    net = Sharpener()
    net.load_state_dict({name: value.float() for name, value in load_file(SHARPENER).items()})
    return net.eval()


def load_generator(card_id: str) -> Generator:
    """Return the generator of a kind, by the card that answers it.

    Raises
    ------
    OrthoLensError
        When nothing is generated for the card.
    Unreachable
        When the public set that it learns from is not here.
    """
    if card_id not in FAMILIES:
        raise OrthoLensError(f"nothing is generated for {card_id}", fix=f"Choose one of {', '.join(FAMILIES)}.")
    return Generator.of(FAMILIES[card_id](), load_sharpener())


def write_generated(folder: Path, count: int, wanted: str, seed: int) -> Iterator[Path]:
    """Draw `count` pictures of "card:label" into a folder, as they come: what a model says of them is not asked.

    Raises
    ------
    OrthoLensError
        When the card or the label is none that is generated.
    """
    card_id, _, label = wanted.partition(":")
    made = load_generator(card_id)
    if label not in made.frames.labels:
        choice = ", ".join(sorted(set(made.frames.labels)))
        raise OrthoLensError(f"{card_id} has no label {label!r} to generate", fix=f"Choose one of {choice}.")
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(seed, seed + count):
        path = folder / f"{card_id}-{label.replace(', ', '-')}-{number}.png"
        Pillow.fromarray(made.draw(label, number)).save(path, optimize=True)
        yield path
