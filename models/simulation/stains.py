"""Stains of joint sections as optical densities: what each dye absorbs, and how much of it each tissue takes up.

Light that passes a stained section is dimmed by each dye in proportion to its amount (Beer-Lambert), so a colour is the
sum of the densities of the dyes. Unit vectors over (red, green, blue): haematoxylin from Ruifrok & Johnston; eosin,
light green (close kin of fast green) and Masson's pair from Landini's collection, as in scikit-image's `bex`, `fgx` and
`bpx`. Safranin O and the two colours of toluidine blue were estimated here from where the dyes absorb most
(520 nm; 630 nm, and about 545 nm where it stains metachromatically), for want of a published vector.

References: A. C. Ruifrok and D. A. Johnston, Quantification of histochemical staining by color deconvolution, Anal
Quant Cytol Histol 23:291, 2001; G. Landini, Colour Deconvolution for ImageJ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MATTER = ("bone", "matrix", "collagen", "mineral", "tidemark", "nucleus", "cytoplasm", "blood")
"""What takes up dye: bone, cartilage matrix rich in proteoglycan, fibrous matrix, calcified cartilage, tidemark…"""

HAEMATOXYLIN = (0.65, 0.70, 0.29)
EOSIN = (0.093, 0.954, 0.283)
LIGHT_GREEN = (0.947, 0.254, 0.197)
METHYL_BLUE = (0.800, 0.591, 0.105)
PONCEAU_FUCHSIN = (0.100, 0.737, 0.668)
SAFRANIN = (0.09, 0.82, 0.56)
TOLUIDINE = (0.86, 0.49, 0.14)
TOLUIDINE_METACHROMATIC = (0.50, 0.83, 0.24)


@dataclass(frozen=True)
class Stain:
    """A recipe.

    Attributes
    ----------
    key, name
        For files and for the screen.
    dyes
        Optical density of each dye over (red, green, blue), of unit length once normalised.
    uptake
        A row for each of `MATTER`: decadic optical density of each dye, in its own vector's unit, at full amount.
    trained
        Whether models may learn from it; the one that is False shows what a new stain does to them.
    """

    key: str
    name: str
    dyes: tuple[tuple[float, float, float], ...]
    uptake: tuple[tuple[float, ...], ...]
    trained: bool = True

    def densities(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Decadic optical density (len(MATTER), 3) at full amount, as one laboratory on one day would stain."""
        vectors = np.array(self.dyes) * rng.uniform(0.88, 1.12, (len(self.dyes), 3))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        strengths = np.exp(rng.normal(0, 0.2, len(self.dyes))) * np.exp(rng.normal(0, 0.12))
        taken = np.array(self.uptake) * strengths * np.exp(rng.normal(0, 0.08, (len(MATTER), 1)))
        return np.asarray(taken @ vectors, np.float32)


STAINS = {
    stain.key: stain
    for stain in (
        Stain(
            "toluidine-blue",
            "toluidine blue",
            (TOLUIDINE, TOLUIDINE_METACHROMATIC),
            (
                (0.26, 0.03), (0.10, 0.62), (0.22, 0.04), (0.30, 0.42),
                (0.60, 0.30), (1.10, 0.10), (0.36, 0.10), (0.30, 0.00),
            ),
        ),
        Stain(
            "safranin-o",
            "safranin O and fast green",
            (SAFRANIN, LIGHT_GREEN, HAEMATOXYLIN),
            (
                (0.02, 0.46, 0.02), (0.66, 0.03, 0.02), (0.02, 0.34, 0.02), (0.42, 0.16, 0.06),
                (0.60, 0.10, 0.30), (0.16, 0.05, 0.90), (0.20, 0.10, 0.16), (0.22, 0.30, 0.00),
            ),
        ),
        Stain(
            "haematoxylin-eosin",
            "haematoxylin and eosin",
            (HAEMATOXYLIN, EOSIN),
            (
                (0.03, 0.30), (0.22, 0.08), (0.04, 0.22), (0.30, 0.20),
                (0.62, 0.10), (1.05, 0.10), (0.22, 0.26), (0.02, 0.70),
            ),
        ),
        Stain(
            "masson-trichrome",
            "Masson's trichrome",
            (METHYL_BLUE, PONCEAU_FUCHSIN, HAEMATOXYLIN),
            (
                (0.46, 0.10, 0.02), (0.22, 0.02, 0.06), (0.44, 0.02, 0.02), (0.30, 0.24, 0.04),
                (0.20, 0.50, 0.10), (0.05, 0.15, 0.95), (0.06, 0.34, 0.16), (0.02, 0.85, 0.00),
            ),
            trained=False,
        ),
    )
}  # fmt: skip
"""Every stain by its key."""


def list_trained_stains() -> tuple[Stain, ...]:
    """Return the stains that models may learn from."""
    return tuple(stain for stain in STAINS.values() if stain.trained)
