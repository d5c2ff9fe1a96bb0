"""What a report says of how far an answer can be believed: abstention, familiarity, the reason and its faithfulness.

Figures of faithfulness are those that the audit measured (`models.trust.audit`); where nothing was measured the report
says so, since a heat map alone proves nothing (Adebayo et al. 2018, arXiv:1810.03292).
"""

from __future__ import annotations

from models.cards import Card, card
from models.reporting import report_pictures
from models.reporting.draw import rgb
from models.reporting.report_case import Case
from models.reporting.report_model import sentence
from models.reporting.report_parts import Answer, Facts, Paragraph, Part, Picture, Pictures, Section, Table
from models.trust.methods import BOX_METHODS, METHODS
from models.trust.quality import quality_notes
from models.types import Explanation, Judged, Segmentation


def withheld(prediction: Judged, case: Case) -> list[Section]:
    """Write up an abstention: the image, the reason, and no answer."""
    shows = card(prediction.card).data.shows
    reason = sentence((prediction.reason or f"the image does not look like {shows}").rstrip("."))
    told = Answer("No answer", meaning=f"{reason}, so the model abstains.", given=False)
    return [Section("", (told, Pictures((plain_picture(case),)))), trust(prediction, case)]


def plain_picture(case: Case) -> Picture:
    """Return the image as it is displayed, without anything on it."""
    below = case.shown
    if below is None:
        below = report_pictures.shown(case.image, case.prediction.frame)
    rows, columns = case.image.shape
    simulated = "simulated, " if case.simulated else ""
    return report_pictures.picture(
        rgb(below), f"The image, {columns} by {rows} pixels", f"The image, {simulated}{columns:,} × {rows:,} pixels"
    )


def trust(prediction: Judged, case: Case) -> Section:
    """Say how familiar the image is to the model, and what about image and answer may mislead."""
    parts: list[Part] = []
    if prediction.strangeness is not None:
        verdict = "over" if prediction.strangeness > 1 else "within"
        parts.append(
            Paragraph(
                f"Strangeness {prediction.strangeness:.2f} of the limit, {verdict} what the model accepts: how unlike "
                "the training images this image is. Over 1 the model abstains."
            )
        )
    else:
        parts.append(Paragraph("This model has no gate: it answers images of any kind, whether it knows them or not."))
    parts += [Paragraph(sentence(said), "warning") for said in prediction.warnings]
    if not isinstance(prediction, Segmentation):  # the notes are about radiographs
        parts += [Paragraph(said, "note") for said in quality_notes(case.image, prediction.frame)]
    return Section("How far to trust it", tuple(parts))


def reason(why: Explanation, shown_card: Card) -> Section:
    """Say what an explanation shows, where it was taken, and how faithful it was found."""
    method = {**METHODS, **BOX_METHODS}.get(why.method)
    names = {label.key: label.name for label in shown_card.labels}
    facts = [("Method", f"{method.name}. {method.sentence}" if method else why.method)]
    if why.layer:
        facts.append(("Stage of the network", why.layer))
    facts.append(("Label explained", names.get(why.target, why.target)))
    parts: list[Part] = [Facts(tuple(facts))]
    if why.faithfulness:
        rows = tuple((name, f"{value:.3f}") for name, value in why.faithfulness.items())
        parts.append(Table(("How faithful the map is", "Value"), rows))
    else:
        parts.append(
            Paragraph(
                "Faithfulness: not measured for this map. It shows where the network looked by this method, not that "
                "the answer is right.",
                "note",
            )
        )
    return Section("Why", tuple(parts))


def asked(why: Explanation, shown_card: Card, case: Case) -> Section:
    """Show what speaks for what the reader asked about, with the place in a white frame, and say how it was found."""
    name, place = shown_card.labels[shown_card.index(why.target)].name, case.place
    where = f"in the white frame of {place.width} × {place.height} px" if place else "anywhere in the image"
    drawn = report_pictures.heat(case.image, case.prediction, place)
    seen = report_pictures.picture(drawn, f"The image with the heat for {name}", f"Bright: speaks for {name} {where}")
    section = reason(why, shown_card)
    return Section(section.title, (Pictures((seen,)), *section.parts))
