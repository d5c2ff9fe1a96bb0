"""Side by side in one run: bytes → prediction + Grad-CAM overlay, by OrthoLens and by torch-cam's own path.

Both use the same networks of the same card on the same bytes, and take turns. torch-cam runs as its README shows, once
with every parameter asking for gradients (a model as it is loaded) and once with only the last stage asking, which is
the best it can be made to do. It is no dependency of OrthoLens: `pip install torchcam` first (F.-G. Fernandez 2020,
https://github.com/frgfm/torch-cam).

    python tests/benchmarks/against_torchcam.py [CARD] [--image FILE] [--repeats N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from copy import deepcopy
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from torchvision.transforms import functional as T

import models
from models.cards import card, cards
from models.cases import cases
from models.commands.benchmark import compute_quartiles, describe_machine, time_interleaved
from models.drawing.draw import blend_heat
from models.nets.stages import list_stages
from models.predictors.engine import engine
from models.tasks.classification.predictor import Classifier

OURS, BEST, PLAIN = "OrthoLens", "torch-cam, gradients of the last stage only", "torch-cam, as its README"


def ours(data: bytes, card_id: str) -> np.ndarray:
    """Read, answer, explain and draw."""
    image = models.read(data)
    return blend_heat(image.shown(), models.predict(image, card_id, explain="grad-cam").explanation.heat)


def theirs(data: bytes, nets: list[torch.nn.Module], size: tuple[int, int]) -> Pillow.Image:
    """Read, answer, explain and draw, with torch-cam; the members of an ensemble are averaged."""
    from torchcam.methods import GradCAM
    from torchcam.utils import overlay_mask

    picture = Pillow.open(BytesIO(data)).convert("RGB")
    x = T.normalize(T.to_tensor(T.resize(picture, list(size))), [0.5] * 3, [0.5] * 3)[None]  # (1, 3, h, w)
    heats = []
    for net in nets:
        with GradCAM(net, net.stages["stage5"]) as extractor:
            scores = net(x)
            heats.append(extractor(scores.argmax(1).tolist(), scores)[0])
    heat = T.to_pil_image(torch.stack(heats).mean(0).squeeze(0), mode="F")
    return overlay_mask(picture, heat, alpha=0.5)


def asking(nets: list[torch.nn.Module], stages: tuple[str, ...]) -> list[torch.nn.Module]:
    """Copies of the networks whose parameters ask for gradients in the named stages and the head, nowhere else."""
    copies = deepcopy(nets)
    for net in copies:
        for part in (*(net.stages[stage] for stage in stages), net.head):
            part.requires_grad_(True)
    return copies


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    trained = [c.id for c in cards().values() if c.members and list_stages(c)]
    options.add_argument("card", nargs="?", default=next(iter(trained), None))
    options.add_argument("--image", type=Path, default=next(c.path for c in cases() if c.path.suffix == ".png"))
    options.add_argument("--repeats", type=int, default=30)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    try:
        import torchcam
    except ImportError:
        sys.exit("Skipped: torch-cam is not installed (pip install torchcam).")
    if chosen.card is None:
        sys.exit("Skipped: no card has weights.")
    report = measure(chosen.card, chosen.image.read_bytes(), chosen.repeats)
    report["machine"]["torchcam"] = torchcam.__version__
    text = json.dumps(report, indent=2, ensure_ascii=False)
    sys.stdout.write(text + "\n")
    if chosen.json:
        chosen.json.write_text(text + "\n")


def measure(card_id: str, data: bytes, repeats: int) -> dict[str, dict[str, object]]:
    """Time the three paths in turn."""
    used = card(card_id)
    nets = engine().load(used, Classifier).members
    every, last = asking(nets, tuple(nets[0].stages)), asking(nets, ("stage5",))
    times = time_interleaved(
        {
            OURS: lambda: ours(data, card_id),
            BEST: lambda: theirs(data, last, used.input.size),
            PLAIN: lambda: theirs(data, every, used.input.size),
        },
        repeats,
    )
    median = {path: float(np.median(values)) for path, values in times.items()}
    return {
        "milliseconds": {path: compute_quartiles(values) for path, values in times.items()},
        "ratios": {f"{OURS} / {path}": round(median[OURS] / median[path], 3) for path in (BEST, PLAIN)},
        "machine": {"card": card_id, "members": len(nets), **describe_machine(engine().device)},
    }


if __name__ == "__main__":
    main()
