"""Names of the stages that each classifier network can be looked at in, from fine to coarse: readable without torch."""

from __future__ import annotations

from collections.abc import Mapping

from models.cards import Card

STAGES: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("mobilenet_v2", "efficientnet_lite0", "efficientnet_lite2", "vgg16"),
    ("stage1", "stage2", "stage3", "stage4", "stage5"),
)
"""By the name that cards use; a test holds them against the networks."""

BOX_STAGES: Mapping[str, tuple[str, ...]] = {"fcos_mobilenet_v2": STAGES["mobilenet_v2"]}
"""Likewise of networks that draw boxes; a box can also be explained at its own level of the pyramid."""


def list_stages(card: Card) -> tuple[str, ...]:
    """Return the names of a card's stages; empty for a network that is not explained by stage."""
    return STAGES.get(card.net.name, ())
