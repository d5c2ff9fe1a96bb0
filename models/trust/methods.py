"""The methods of explanation that can be chosen, readable without torch.

Each kind of task computes them; the page, the command line and the audit read what they are called from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.cards import Card
from models.errors import UnknownCard
from models.nets.stages import list_stages


@dataclass(frozen=True)
class Method:
    """One way to say why.

    Attributes
    ----------
    key, name
        As on the command line, and as on the screen.
    sentence
        What it shows, in plain words.
    slow
        Takes many passes through the network, so it is offered with progress and cancel.
    needs_stage
        Looks at a named stage of the network; the others look at the input's pixels.
    fine
        Its heat is of single pixels, of which a few outshine all others.
    """

    key: str
    name: str
    sentence: str
    slow: bool
    needs_stage: bool
    fine: bool = False


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.key: method
        for method in (
            Method(
                "grad-cam",
                "Grad-CAM",
                "Regions whose features, weighted by how much each feature matters for the label on average, "
                "speak for it (or against it).",
                slow=False,
                needs_stage=True,
            ),
            Method(
                "hirescam",
                "HiResCAM",
                "Regions whose features speak for the label, each weighted where it stands: what the network used at "
                "this stage, without averaging.",
                slow=False,
                needs_stage=True,
            ),
            Method(
                "guided-grad-cam",
                "Guided Grad-CAM",
                "Fine edges inside the regions that Grad-CAM points at. Pretty, but it follows edges even in a network "
                "that has learnt nothing: read it with the sanity check.",
                slow=False,
                needs_stage=True,
                fine=True,
            ),
            Method(
                "integrated-gradients",
                "Integrated gradients",
                "How much each pixel adds to the label's score while the picture grows out of black.",
                slow=True,
                needs_stage=False,
                fine=True,
            ),
            Method(
                "occlusion",
                "Occlusion",
                "How much the label's score falls when a patch is covered with mid grey.",
                slow=True,
                needs_stage=False,
            ),
            Method(
                "gradient-shap",
                "Gradient SHAP",
                "How much each pixel adds to the label's score on the way from black, mid grey or white, averaged over "
                "noisy copies.",
                slow=True,
                needs_stage=False,
                fine=True,
            ),
        )
    }
)
"""Every method by its key, quick ones first."""

BOX_METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.key: method
        for method in (
            METHODS["grad-cam"],
            METHODS["hirescam"],
            Method(
                "d-rise",
                "D-RISE",
                "How much better the box is found again where the picture shows through random masks: a second opinion "
                "that never looks inside the network.",
                slow=True,
                needs_stage=False,
            ),
        )
    }
)
"""The methods that explain a box, likewise."""

POINT_METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.key: method
        for method in (
            Method(
                "heatmap",
                "Heatmap",
                "Where the network looks for the point: the map whose local mean is its place.",
                slow=False,
                needs_stage=False,
            ),
            METHODS["grad-cam"],
            METHODS["hirescam"],
        )
    }
)
"""The methods that explain a point, likewise."""


def is_same_map(card: Card, stage: str) -> bool:
    """Whether Grad-CAM and HiResCAM are one map by construction: behind the last stage a classifier only averages.

    The gradient of the label is then the same in every place, so that averaging it changes nothing (Draelos and Carin
    2020, arXiv:2011.08891).
    """
    return stage in list_stages(card)[-1:]


def find_method(key: str) -> Method:
    """Return one method.

    Raises
    ------
    UnknownCard
        When there is none of that key; the message lists those there are.
    """
    known = {**METHODS, **BOX_METHODS, **POINT_METHODS}
    try:
        return known[key]
    except KeyError:
        raise UnknownCard(f"there is no method {key!r}", fix=f"Choose one of {', '.join(known)}.") from None
