"""What passes through the door between `models/` and `dashboard/`: frozen records of numpy arrays and plain values.

Conventions, everywhere: pixel centres are whole numbers, (row, column), origin top left; lengths in mm and angles in
degrees, said in the name; heat, boxes and masks are in the pixels of the source image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Curve:
    """How a window goes from black to white where that is no straight line: a display table, a sigmoid.

    Attributes
    ----------
    values
        Brightness in [0, 1] at evenly spaced places, straight between them; the first and last hold beyond.
    start, stop
        Places of the first and the last, in widths of the window: 0 is its low end, 1 its high end.
    """

    values: tuple[float, ...]
    start: float
    stop: float

    def turned(self) -> Curve:
        """Return the curve of the negative: of 1 − x it makes 1 − y."""
        return Curve(tuple(1 - value for value in reversed(self.values)), 1 - self.stop, 1 - self.start)


NARROWEST = 1e-6
"""Width of a window that is a step."""


@dataclass(frozen=True)
class Window:
    """Part of the grey range that is shown, in units of `Image.pixels` ([0, 1]); its course where it is no line."""

    name: str
    low: float
    high: float
    curve: Curve | None = None

    def shown(self, pixels: Pixels) -> Pixels:
        """Return pixels of any shape as they are displayed, in [0, 1]."""
        if self.curve is None and (self.low, self.high) == (0, 1):  # most pictures: no arithmetic on every pixel
            whole: Pixels = np.clip(pixels, 0, 1)
            return whole
        places = (pixels - self.low) / max(self.high - self.low, NARROWEST)
        if self.curve is None:
            line: Pixels = np.clip(places, 0, 1, dtype=np.float32)
            return line
        steps = np.linspace(self.curve.start, self.curve.stop, len(self.curve.values))
        curved: Pixels = np.interp(places, steps, self.curve.values).astype(np.float32)
        return curved


@dataclass(frozen=True)
class Geometry:
    """Where the X-ray source stood."""

    source_detector_mm: float
    source_object_mm: float | None = None
    principal_point_px: tuple[float, float] | None = None
    """(row, column) on the image where the central ray meets the detector; None: not stated."""
    pitch_mm: tuple[float, float] | None = None
    """(between rows, between columns) on the detector, which no calibration of lengths in the patient changes."""


@dataclass(frozen=True)
class Box:
    """A part of an image, in whole source pixels.

    Attributes
    ----------
    row, column
        Its first pixel.
    height, width
        How many rows and columns it takes.
    ood_score
        Out-of-distribution score divided by the card's threshold, as in `Judged`; None where a reader drew it.
    """

    row: int
    column: int
    height: int
    width: int
    ood_score: float | None = None


@dataclass(frozen=True, eq=False)
class Image:
    """One file as the models and the screen see it, without anything that names a patient.

    Attributes
    ----------
    pixels
        (T, H, W) grey or (T, H, W, 3) RGB, float32 in [0, 1] over the whole range of the file; bright = dense in a
        radiograph (MONOCHROME1 is inverted on reading). Windowing is left to `shown`.
    name
        The file's name as the user gave it, without a folder. It may identify a patient: it goes into messages to that
        user, never into a log, a key or an export.
    sha256
        Of the file's bytes; the identity used in caches and results.
    windows
        At least one; the first is the default, but for `frame_windows`.
    frame_windows
        The default of each frame where a sequence has one a frame; else empty.
    spacing_mm
        (between rows, between columns) or None where the image is not calibrated: then no millimetre can be printed.
    spacing_source
        Where the spacing comes from, in words for the screen; None where there is none.
    aspect
        (height, width) of a pixel as multiples of its smaller side, where a spacing in mm is not known.
    tags
        The allow-listed DICOM attributes (modality, body part, view, manufacturer of the machine…).
    warnings
        What the reader had to assume, sentences for the screen.
    first_frame
        The frame to look at first: of slices of a volume the middle one.
    """

    pixels: Pixels
    name: str
    sha256: str
    windows: tuple[Window, ...] = (Window("Full range", 0.0, 1.0),)
    frame_windows: tuple[Window, ...] = ()
    spacing_mm: tuple[float, float] | None = None
    spacing_source: str | None = None
    aspect: tuple[float, float] = (1.0, 1.0)
    geometry: Geometry | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    first_frame: int = 0

    @property
    def frames(self) -> int:
        """Number of frames T; 1 for a still."""
        return int(self.pixels.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a frame."""
        return self.pixels.shape[1], self.pixels.shape[2]

    @property
    def colour(self) -> bool:
        """Whether the frames are RGB."""
        return self.pixels.ndim == 4

    def shown(self, frame: int = 0, window: Window | None = None) -> Pixels:
        """Frame as it is displayed: windowed and clipped to [0, 1], (H, W) or (H, W, 3)."""
        return (window or self.window(frame)).shown(self.pixels[frame])

    def window(self, frame: int = 0) -> Window:
        """Return the default window of a frame."""
        return self.frame_windows[frame] if frame < len(self.frame_windows) else self.windows[0]

    @property
    def cell(self) -> tuple[float, float]:
        """(height, width) of a pixel: in mm where that is known, else as a shape alone."""
        return self.spacing_mm or self.aspect

    def grey(self, frame: int = 0) -> Pixels:
        """Frame in the default window as luminance (H, W), Rec. 601 weights for RGB."""
        shown = self.shown(frame)
        luminance: Pixels = shown @ np.array([0.299, 0.587, 0.114], np.float32) if self.colour else shown
        return luminance

    def crop(self, box: Box) -> Image:
        """Return a part of every frame as an image of its own identity, which says what was cut out.

        A box that reaches beyond the image is cut at its edge.
        """
        (top, bottom), (left, right) = (
            (min(max(start, 0), side - 1), min(max(start + length, 1), side))
            for start, length, side in zip((box.row, box.column), (box.height, box.width), self.shape, strict=True)
        )
        where = f"rows {top} to {bottom - 1} and columns {left} to {right - 1}"
        geometry = self.geometry
        if geometry and geometry.principal_point_px:
            row, column = geometry.principal_point_px
            geometry = replace(geometry, principal_point_px=(row - top, column - left))
        return replace(
            self,
            pixels=self.pixels[:, top:bottom, left:right],
            sha256=hashlib.sha256(f"{self.sha256} {where}".encode()).hexdigest(),
            geometry=geometry,
            warnings=(*self.warnings, f"cropped to {where} of {self.shape[0]} × {self.shape[1]} pixels"),
        )


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why: a signed heat map for one answer of one model.

    Attributes
    ----------
    heat
        (H, W) float32 in [−1, 1] in source pixels; positive speaks for the target, negative against it; scaled by its
        largest magnitude.
    method, layer, target
        Key of the method, name of the stage (empty for methods on the input), label explained.
    seconds
        Time of the explanation alone.
    faithfulness
        Figures by name (areas under deletion and insertion curves…), empty until measured.
    """

    heat: Pixels
    method: str
    layer: str
    target: str
    seconds: float
    faithfulness: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction:
    """What every answer carries."""

    task: str
    card: str
    sha256: str
    """Of the image's bytes."""
    frame: int = 0
    seconds: float
    """From the decoded image to the answer."""
    warnings: tuple[str, ...] = ()
    explanation: Explanation | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged(Prediction):
    """An answer that a gate can withhold.

    Attributes
    ----------
    abstained, reason
        Whether the image is outside what the model was made for, and the sentence that says why.
    ood_score
        Out-of-distribution score divided by the card's threshold: over 1 abstains; None without a gate.
    """

    abstained: bool = False
    reason: str | None = None
    ood_score: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Classification(Judged):
    """One label of a closed list.

    Attributes
    ----------
    labels
        The K labels in the card's order.
    probabilities
        (K,) float32, calibrated, sum 1.
    prediction_set
        Labels of the conformal set at `coverage`; empty where the card stores no quantiles.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    prediction_set: tuple[str, ...] = ()
    coverage: float | None = None

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Calibrated probability of `label`."""
        return float(self.probabilities.max())


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmentation(Judged):
    """A class for every pixel.

    Attributes
    ----------
    labels
        The K classes in the card's order; the first is background.
    mask
        (H, W) index into `labels`, in source pixels.
    certainty
        (H, W) probability of the class chosen, in 255ths: a byte a pixel, so that a slide of 8,192 pixels a side fits.
    instances
        (H, W) number of the object a pixel belongs to, 0 for none; None where the card does not tell objects apart.
    """

    labels: tuple[str, ...]
    mask: NDArray[np.uint8]
    certainty: NDArray[np.uint8]
    instances: NDArray[np.int32] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Detections(Judged):
    """Boxes round what matters, the most certain first; every box above 0.01 is here, whatever the threshold.

    Attributes
    ----------
    labels
        The K labels in the card's order.
    boxes
        (N, 4) float32 x, y, width, height: left and top edge in source pixels, so that a box round the first pixel
        alone is −0.5, −0.5, 1, 1.
    classes
        (N,) index into `labels`.
    scores
        (N,) calibrated probability that a box meets what it is round.
    places
        (N,) which place of the network's pyramid said so, for an explanation; −1 for a box of fused passes.
    operating_point, threshold
        Name of the card's operating point and the score from which it shows a box.
    """

    labels: tuple[str, ...]
    boxes: NDArray[np.float32]
    classes: NDArray[np.intp]
    scores: NDArray[np.float32]
    places: NDArray[np.intp]
    operating_point: str
    threshold: float

    @property
    def shown(self) -> NDArray[np.intp]:
        """Indices of the boxes at or above the threshold."""
        return np.flatnonzero(self.scores >= self.threshold)

    @property
    def score(self) -> float:
        """Score of the image, that of its best box: it reaches the threshold where a box is shown; 0 without any."""
        return float(self.scores.max(initial=0))

    @property
    def suspected(self) -> bool:
        """Whether a box is shown."""
        return bool(len(self.shown))


@dataclass(frozen=True, eq=False, kw_only=True)
class Track:
    """One implant component through a sequence of T frames; rows that are not finite are frames where it was not found.

    Attributes
    ----------
    pose
        (T, 4, 4) source_from_implant in mm.
    other_pose
        (T, 4, 4) the pose that fits almost as well, such as the mirror pose; not finite where there is none.
    overlap
        (T,) intersection over union with the mask.
    residual_px
        (T,) root mean square distance between the silhouette's border and the mask's.
    sigma
        (T, 6) one standard deviation of x, y, z in mm and of the rotations about the source's x, y, z in degrees.
    """

    pose: NDArray[np.float64]
    other_pose: NDArray[np.float64]
    overlap: NDArray[np.float64]
    residual_px: NDArray[np.float64]
    sigma: NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Motion(Prediction):
    """How two implant components moved through T frames.

    Attributes
    ----------
    femoral, tibial
        The components' tracks.
    joint, joint_sigma
        (T, 6) Grood and Suntay's angles and translations, in the order of `joint_columns`, and one standard deviation.
    low_points_mm
        (T, 2, 3) lowest points of the condyles towards the left and the right of the patient on the tibial plateau.
    axes
        Which directions of the two CAD files were taken as right, anterior and proximal, in words.
    side
        Of the patient, "right" or "left".
    notes
        For each frame, the sentences that a reader must see; a frame with any is flagged.
    """

    femoral: Track
    tibial: Track
    joint: NDArray[np.float64]
    joint_sigma: NDArray[np.float64]
    joint_columns: tuple[str, ...]
    low_points_mm: NDArray[np.float64]
    axes: tuple[str, str]
    side: str
    notes: tuple[tuple[str, ...], ...]

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(self.notes)


@dataclass(frozen=True)
class Fit:
    """A card that takes a frame for one of its own kind.

    Attributes
    ----------
    card, task
        Its id, and the kind of task it belongs to.
    ood_score
        Out-of-distribution score divided by the card's threshold, at most 1: the lower, the more familiar.
    answer
        What the card said of the whole frame, so that nobody need ask again; None where it was asked about a part.
    """

    card: str
    task: str
    ood_score: float
    answer: Prediction | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Triage:
    """Which cards know an image.

    Attributes
    ----------
    ranked
        Those that know it, the best first; empty where none does.
    resembles
        What the image looks most like, in words ("a radiograph of one knee"), whether or not a card knows it.
    left
        Ids of the cards that were not asked, since one that fits was enough.
    """

    ranked: tuple[Fit, ...] = ()
    resembles: str | None = None
    left: tuple[str, ...] = ()

    @property
    def best(self) -> Fit | None:
        """The card to ask first; None where no card knows the image."""
        return self.ranked[0] if self.ranked else None

    def without_answers(self) -> Triage:
        """Return the ranking alone, which takes no memory to speak of."""
        return replace(self, ranked=tuple(replace(fit, answer=None) for fit in self.ranked))

    def answer(self, card: str) -> Prediction | None:
        """Return what a card said of the whole frame while it was ranked; None where that is not known."""
        return next((fit.answer for fit in self.ranked if fit.card == card), None)
