"""Generated designs of knee arthroplasties: families of parameters, and as many members of each as are asked for.

They stand in for the CAD that makers do not publish: every design is made by this program and says so by its name. The
first member of a family (seed 0) is what the library holds; others differ in all their lengths, to train and to test.

Reference for the families: R. N. Scott, Insall & Scott Surgery of the Knee, 6th edition, 2018, chapters on implants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from models.geometry.mesh import Mesh
from models.simulation.knee_femoral import Femoral, mesh_femoral
from models.simulation.knee_tibial import Tibial, mesh_tibial
from models.words import later

Part = TypeVar("Part", Femoral, Tibial)

MAKER = "Generated design"
"""Of every design of this module: no maker's."""
SIZES = (0.86, 0.92, 1.0, 1.08, 1.16)
"""A series: its sizes over the middle one, alike but for their scale."""
SHARE = 0.1
"""By how much of itself a length of another member of a family differs at most."""


@dataclass(frozen=True)
class KneeDesign:
    """One generated design.

    Attributes
    ----------
    family
        Key of `FAMILIES`.
    seed
        Which member of the family.
    femoral, tibial
        Its numbers; no tibial component where the family has none.
    """

    family: str
    seed: int
    femoral: Femoral
    tibial: Tibial | None

    @property
    def name(self) -> str:
        """The model's name: "posterior-stabilised 0"."""
        return f"{self.family} {self.seed}"

    def build_meshes(self) -> tuple[Mesh, Mesh | None]:
        """Return both components of the middle size, in mm; always the same for the same numbers."""
        return mesh_femoral(self.femoral), mesh_tibial(self.tibial) if self.tibial else None


FAMILIES: Mapping[str, tuple[str, Femoral, Tibial | None]] = MappingProxyType(
    {
        "cruciate-retaining": (
            later("Cruciate-retaining"),
            Femoral(pegs=16),
            Tibial(notch=14, keel="fins", keel_length=38, lean=35),
        ),
        "posterior-stabilised": (
            later("Posterior-stabilised, with a box"),
            Femoral(width=68, depth=66, flange=60, drop=27, box=21, box_height=27, tilt=3, posterior=14),
            Tibial(width=75, depth=50, notch=5, keel="cross", keel_length=46, keel_radius=7.5),
        ),
        "medial-pivot": (
            later("Medial pivot"),
            Femoral(
                width=65,
                depth=58,
                flange=54,
                drop=30,
                roundness=1.12,
                larger=2.5,
                pegs=12,
                tilt=8,
                posterior=8,
                wall=9.5,
            ),
            Tibial(width=70, depth=48, notch=7, larger=0.16, keel="fins", keel_length=30, lean=10, keel_radius=8.5),
        ),
        "mobile-bearing": (
            later("Mobile bearing"),
            Femoral(
                width=67, depth=64, flange=50, drop=23, roundness=0.94, pegs=18, peg_radius=4.2, tilt=2, posterior=16
            ),
            Tibial(width=72, depth=46, plate=5, notch=0, squareness=2.1, keel="cone", keel_length=52, keel_radius=9),
        ),
        "bicruciate-retaining": (
            later("Bicruciate-retaining"),
            Femoral(width=64, depth=60, flange=48, drop=24, notch=24, notch_depth=0.62, pegs=14, tilt=6, wall=7.5),
            Tibial(width=73, depth=48, notch=0, bridge=20, keel="twin", keel_length=24, keel_radius=5.5),
        ),
        "bicruciate-stabilised": (
            later("Bicruciate-stabilised"),
            Femoral(
                width=64,
                depth=66,
                flange=64,
                drop=25,
                box=17,
                box_height=20,
                larger=3,
                tilt=10,
                posterior=12,
                roundness=1.05,
            ),
            Tibial(width=74, depth=45, notch=10, larger=0.12, keel="beam", keel_length=30, keel_radius=12),
        ),
        "pegged-tray": (
            later("Cementless, with a pegged tray"),
            Femoral(
                width=70, depth=60, flange=52, drop=26, pegs=20, peg_radius=3.0, tilt=4, roundness=1.2, posterior=10
            ),
            Tibial(width=76, depth=48, notch=11, keel="pegs", keel_length=17, keel_radius=4.5, squareness=3.2),
        ),
        "stemmed-revision": (
            later("Stemmed revision"),
            Femoral(
                width=67, depth=63, flange=55, drop=26, box=22, box_height=30, stem=95, stem_radius=7, posterior=13
            ),
            Tibial(width=73, depth=48, notch=4, keel="cross", keel_length=38, stem=85, stem_radius=6.5),
        ),
        "augmented-revision": (
            later("Augmented revision"),
            Femoral(
                width=68,
                depth=64,
                flange=58,
                drop=26,
                box=22,
                box_height=30,
                stem=55,
                stem_radius=9,
                augment=10,
                posterior=13,
            ),
            Tibial(width=73, depth=48, notch=4, keel="fins", keel_length=32, stem=45, stem_radius=9, augment=12),
        ),
        "hinge": (
            later("Rotating hinge"),
            Femoral(
                width=62,
                depth=58,
                flange=46,
                drop=24,
                box=30,
                box_height=38,
                axle=8,
                stem=105,
                stem_radius=8,
                pegs=0,
                notch=26,
                notch_depth=0.4,
                posterior=8,
            ),
            Tibial(
                width=68,
                depth=46,
                plate=7,
                notch=0,
                squareness=2.2,
                keel="cone",
                keel_length=45,
                keel_radius=8,
                stem=65,
                stem_radius=7,
                post=34,
            ),
        ),
        "unicompartmental": (
            later("Unicompartmental"),
            Femoral(
                width=62,
                depth=52,
                flange=36,
                drop=24,
                wall=6.5,
                notch=8,
                pegs=15,
                peg_radius=3,
                condyles="one",
                posterior=12,
                tilt=0,
            ),
            Tibial(
                width=66,
                depth=46,
                plate=3.5,
                notch=0,
                keel="twin",
                keel_length=11,
                keel_radius=4,
                half=True,
                larger=0.0,
            ),
        ),
        "patellofemoral": (
            later("Patellofemoral"),
            Femoral(
                width=60,
                depth=60,
                flange=50,
                drop=24,
                wall=6,
                notch=6,
                notch_depth=0.1,
                pegs=0,
                condyles="trochlea",
                tilt=9,
            ),
            None,
        ),
    }
)
"""By key: name, and the numbers of the middle size of its first member."""


def build_design(family: str, seed: int = 0) -> KneeDesign:
    """Return a member of a family; of seed 0 its first, of others one whose lengths all differ a little.

    Raises
    ------
    KeyError
        For a family that is not in `FAMILIES`.
    """
    _, femoral, tibial = FAMILIES[family]
    if seed:
        rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
        femoral, tibial = _vary(femoral, rng), tibial and _vary(tibial, rng)
    return KneeDesign(family, seed, femoral, tibial)


def _vary(part: Part, rng: np.random.Generator) -> Part:
    """Return a component each of whose lengths is another by up to `SHARE` of it; what is 0 stays so."""
    lengths = {field.name: getattr(part, field.name) for field in fields(part)}
    changed = {
        name: value * (1 + rng.uniform(-SHARE, SHARE))
        for name, value in lengths.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return type(part)(**{**lengths, **changed})
