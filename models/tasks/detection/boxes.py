"""Boxes with their scores on a picture, and as COCO JSON: the same in every exported file.

A kind of box is told by its line and its words as well as by its colour, which readers with any colour vision tell
apart (Okabe and Ito 2008, https://jfly.uni-koeln.de/color/). COCO: https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from models.cards import Card, card
from models.drawing import plate
from models.drawing.draw import RGB, load_font, to_rgb_bytes
from models.drawing.paint import FALLBACK
from models.i18n import IN_ENGLISH, Language
from models.reporting.caption import write_caption_footer, write_withheld_line
from models.tasks.detection.verdict import word_detection_verdict
from models.types import Detections, Image, Pixels
from models.words import DISCLAIMER, later

HALF = 0.5
"""From the outer corner of the first pixel, where pictures and COCO count from, to its centre, where we do."""


@dataclass(frozen=True)
class Look:
    """How a kind of box is drawn.

    Attributes
    ----------
    colour
        "#RRGGBB"; a finding takes its label's where the card names one.
    dashes
        Lengths of line and gap in line widths; empty for a solid line.
    word
        What is written before the score; empty for a finding.
    """

    colour: str
    dashes: tuple[int, int] | tuple[()]
    word: str


KINDS: Mapping[str, Look] = MappingProxyType(
    {
        "finding": Look("#56B4E9", (), ""),
        "hit": Look("#3DDC84", (), later("hit")),
        "miss": Look("#FF5FB0", (6, 4), later("missed")),
        "false positive": Look("#FFB000", (2, 3), later("false positive")),
    }
)
"""Solid lines are boxes that hold; dashes are a true box without one of ours, dots one of ours without a true box."""


@dataclass(frozen=True)
class Mark:
    """One box to draw.

    Attributes
    ----------
    box
        x, y, width, height as in `Detections`.
    kind
        Key of `KINDS`.
    words
        What is written at it, beside the word of its kind.
    colour
        "#RRGGBB" in place of that of its kind.
    """

    box: tuple[float, float, float, float]
    kind: str = "finding"
    words: str = ""
    colour: str | None = None

    def text(self, say: Language = IN_ENGLISH) -> str:
        """Return what is written at the box."""
        return " ".join(part for part in (say(KINDS[self.kind].word), self.words) if part)


def mark_shown_boxes(prediction: Detections, card: Card, say: Language = IN_ENGLISH) -> list[Mark]:
    """Return the boxes shown at the threshold, with their scores and, where there are several labels, their names."""
    named = len(card.labels) > 1
    marks = []
    for i in prediction.shown:
        which = int(prediction.classes[i])
        label, score = card.labels[which], say.number(float(prediction.scores[i]), ".0%")
        colour = label.colour or (FALLBACK[which % len(FALLBACK)] if named else None)
        x, y, width, height = (float(side) for side in prediction.boxes[i])
        marks.append(Mark((x, y, width, height), "finding", f"{say(label.name)} {score}" if named else score, colour))
    return marks


def choose_box_line_width(shape: tuple[int, int]) -> int:
    """Return how thick a line is on a picture of this size: 2 up to 800 pixels a side, then in proportion."""
    return max(2, round(max(shape) / 400))


def draw_box_marks(shown: Pixels, marks: Sequence[Mark], say: Language = IN_ENGLISH) -> RGB:
    """Draw boxes round what they mean, lines outside it where there is room, with a dark seam, legible on bone.

    Parameters
    ----------
    shown
        (H, W) or (H, W, 3) in [0, 1], as `Image.shown` returns it.

    Returns
    -------
    ndarray
        (H, W, 3) bytes.
    """
    picture = Pillow.fromarray(to_rgb_bytes(shown))
    pen = ImageDraw.Draw(picture)
    width = choose_box_line_width((picture.height, picture.width))
    face = load_font(max(12, round(max(picture.size) / 60)))
    for mark in reversed(marks):  # the first, the most certain, is drawn last and covers the others
        left, top, right, bottom = edges = _round(mark, picture.size, width)
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="black", width=width + 2)
        for line in _lines(edges, width, KINDS[mark.kind].dashes):
            pen.rectangle(line, fill=_colour(mark))
    written: list[Edges] = []
    for mark in marks:
        if text := mark.text(say):
            written.append(_write(pen, text, _round(mark, picture.size, width), _colour(mark), face, written))
    return np.asarray(picture)


Edges = tuple[int, int, int, int]


def _round(mark: Mark, size: tuple[int, int], width: int) -> Edges:
    """Return left, top, right and bottom of lines of this width round a mark's box, on a picture (width, height)."""
    x, y, across, down = mark.box
    left, top = max(round(x + HALF) - width, 0), max(round(y + HALF) - width, 0)
    return (
        left,
        top,
        min(round(x + HALF + across) + width, size[0]) - 1,
        min(round(y + HALF + down) + width, size[1]) - 1,
    )


def _colour(mark: Mark) -> str:
    return mark.colour or KINDS[mark.kind].colour


def _lines(box: Edges, width: int, dashes: tuple[int, int] | tuple[()]) -> list[Edges]:
    """Return the four sides of a box as filled rectangles, cut into dashes."""
    left, top, right, bottom = box
    found: list[Edges] = []
    for side, start, stop in (("across", left, right), ("down", top, bottom)):
        for first, last in _pieces(start, stop, width, dashes):
            if side == "across":
                found += [(first, top, last, top + width - 1), (first, bottom - width + 1, last, bottom)]
            else:
                found += [(left, first, left + width - 1, last), (right - width + 1, first, right, last)]
    return found


def _pieces(start: int, stop: int, width: int, dashes: tuple[int, int] | tuple[()]) -> list[tuple[int, int]]:
    if not dashes:
        return [(start, stop)]
    line, gap = (length * width for length in dashes)
    return [(at, min(at + line - 1, stop)) for at in range(start, stop + 1, line + gap)]


def _write(
    pen: ImageDraw.ImageDraw,
    text: str,
    box: Edges,
    colour: str,
    font: ImageFont.FreeTypeFont,
    written: Sequence[Edges],
) -> Edges:
    """Write above a box, below it where there is no room or words stand, else inside; never off the picture."""
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    width, height = round(right - left) + 6, round(bottom - top) + 6
    sheet = pen.im.size
    x = min(max(box[0], 0), max(sheet[0] - width, 0))
    places = [(x, y, x + width - 1, y + height - 1) for y in (box[1] - height - 1, box[3] + 2, max(box[1], 0))]
    inside = [place for place in places if place[1] >= 0 and place[3] < sheet[1]] or places[-1:]
    place = next((place for place in inside if not any(_overlap(place, other) for other in written)), inside[0])
    pen.rectangle(place, fill="black")
    pen.text((x + 3 - left, place[1] + 3 - top), text, fill=colour, font=font)
    return place


def _overlap(a: Edges, b: Edges) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def export_boxes_png(
    image: Image,
    prediction: Detections,
    shown: Pixels | None = None,
    marks: Sequence[Mark] | None = None,
    say: Language = IN_ENGLISH,
) -> bytes:
    """Return a frame with boxes as PNG: a plate with what was answered, the scale and the disclaimer.

    Parameters
    ----------
    shown
        The frame as it is looked at, (H, W[, 3]) in [0, 1], by default as the file asks.
    marks
        Boxes to draw; by default those shown at the threshold.
    """
    known = card(prediction.card)
    shown = image.shown(prediction.frame) if shown is None else shown
    below = plate.enlarge_for_plate(shown, image.cell)
    chosen = mark_shown_boxes(prediction, known, say) if marks is None else marks
    picture = draw_box_marks(below, place_marks(chosen, shown.shape, below.shape), say)
    legend = tuple(
        (KINDS[kind].colour, say(KINDS[kind].word))
        for kind in KINDS
        if kind != "finding" and any(mark.kind == kind for mark in chosen)
    )
    title = (
        write_withheld_line(prediction, say) if prediction.abstained else word_detection_verdict(prediction, known, say)
    )
    return plate.encode_plate(
        plate.Plate(
            picture, tuple(write_caption_footer(prediction, say)), title, plate.measure_pixel_mm(image, picture),
            legend=legend, say=say,
        )
    )  # fmt: skip


def place_marks(marks: Sequence[Mark], shape: Sequence[int], drawn_in: Sequence[int]) -> list[Mark]:
    """Return marks of a picture of (rows, columns, …) on the same one in another size.

    Pixel edges, which are half a pixel before the centres, stay edges.
    """
    down, across = drawn_in[0] / shape[0], drawn_in[1] / shape[1]
    return [
        replace(mark, box=((x + HALF) * across - HALF, (y + HALF) * down - HALF, width * across, height * down))
        for mark in marks
        for x, y, width, height in [mark.box]
    ]


def draw_numbered_boxes(image: Image, prediction: Detections, say: Language) -> RGB:
    """Draw the boxes at or above the threshold, each with its number in the table of findings and its score."""
    marks = mark_shown_boxes(prediction, card(prediction.card), say)
    told = [replace(mark, words=f"{number}: {mark.words}") for number, mark in enumerate(marks, 1)]
    below = plate.square_pixels(image.shown(prediction.frame), image.cell)
    return draw_box_marks(below, place_marks(told, image.shape, below.shape))


def write_coco_json(prediction: Detections, image: Image, card: Card, every: bool = False) -> str:
    """Return the boxes of one answer as COCO JSON; the image is named by its content, never by its file.

    Parameters
    ----------
    every
        Also the boxes under the threshold, as a figure over all thresholds needs them.
    """
    listed = range(len(prediction.boxes)) if every else prediction.shown.tolist()
    annotations = []
    for number, i in enumerate(listed, 1):
        x, y, width, height = (round(float(side), 3) for side in prediction.boxes[i])
        annotations.append(
            {
                "id": number,
                "image_id": 1,
                "category_id": int(prediction.classes[i]) + 1,
                "bbox": [round(x + HALF, 3), round(y + HALF, 3), width, height],
                "area": round(width * height, 3),
                "iscrowd": 0,
                "segmentation": [],
                "score": round(float(prediction.scores[i]), 6),
            }
        )
    simulated = " Trained on simulated images." if card.data.simulated else ""
    rows, columns = image.shape
    content = {
        "info": {
            "description": f"{card.title}: boxes of model {card.id}.{simulated} {DISCLAIMER}",
            "threshold": None if every else prediction.threshold,
            "frame": prediction.frame,
        },
        "licenses": [],
        "images": [{"id": 1, "width": columns, "height": rows, "file_name": image.sha256[:16]}],
        "annotations": annotations,
        "categories": [
            {"id": number, "name": label.key, "supercategory": card.task} for number, label in enumerate(card.labels, 1)
        ],
    }
    return json.dumps(content, indent=1)
