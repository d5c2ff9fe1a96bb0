"""What the priors did to a motion, for its report: depth with them and of each frame by itself, and how sure either is.

Depth is what one view tells least, and the only thing that priors are about (`joint`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.i18n import Language
from models.reporting.parts import Curve, Curves, Paragraph, Section
from models.types import Motion, Solution
from models.words import later

Array = NDArray[np.float64]

CONFIDENT = 1.96
"""Standard deviations on either side that a band covers."""
FEMORAL, TIBIAL = 2, 8
"""Where the depths stand in a covariance."""
TITLES = (later("Femoral depth"), later("Tibial depth"), later("Tibial − femoral depth"))


def account_for_priors(motion: Motion, say: Language) -> Section | None:
    """Return curves of the depth by both solutions, and in words by how much they differ; None where none is known."""
    with_, without = _depths(motion.together), _depths(motion.alone)
    if not np.isfinite(with_).any():
        return None
    sigmas = _depth_sigmas(motion.together), _depth_sigmas(motion.alone)
    curves = tuple(
        Curve(say(title), "mm", line, CONFIDENT * sigma, say, other)
        for title, line, sigma, other in zip(TITLES, with_, sigmas[0], without, strict=True)
    )
    told = [
        say(
            later(
                "{title}: moved by {typical:.1f} mm (median; at most {most:.1f} mm), ± {after:.1f} mm in place of "
                "{before:.1f} mm."
            ),
            title=title,
            typical=float(np.nanmedian(moved)),
            most=float(np.nanmax(moved)),
            after=float(np.nanmedian(after)),
            before=float(np.nanmedian(before)),
        )
        for title, moved, after, before in zip(TITLES, np.abs(with_ - without), *sigmas, strict=True)
        if np.isfinite(moved).any()
    ]  # fmt: skip
    stated = later("The report states the depths with what is known of knees.")
    if not motion.priors:
        stated = later("The report states the depths of each frame by itself.")
    caption = say(
        later("Depth from the source with what is known of knees: line and band of 95 %. Dashed: each frame by itself.")
    )
    alt = later("Curves of depth over {frames} frames, with what is known of knees and without", frames=motion.frames)
    sure = say(later("± is the median of one standard deviation."))
    words = " ".join([*told, sure, say(stated)])
    return Section(say(later("What is known of knees")), (Curves(curves, say(alt), caption), Paragraph(words)))


def _depths(solution: Solution) -> Array:
    """Return (3, T) femoral depth, tibial depth, and the latter less the former, in mm."""
    femoral, tibial = solution.depths_mm
    return np.stack([femoral, tibial, tibial - femoral])


def _depth_sigmas(solution: Solution) -> Array:
    """Return (3, T) one standard deviation of `_depths`; components that err together keep their distance."""
    own = solution.covariance[:, FEMORAL, FEMORAL], solution.covariance[:, TIBIAL, TIBIAL]
    apart = own[0] + own[1] - 2 * solution.covariance[:, FEMORAL, TIBIAL]
    return np.sqrt(np.maximum(np.stack([*own, apart]), 0))
