"""What a report says of how far an answer can be believed: abstention, familiarity, the reason and its faithfulness.

Figures of faithfulness are those that the audit measured; where nothing was measured the report
says so, since a heat map alone proves nothing (Adebayo et al. 2018, arXiv:1810.03292).
"""

from __future__ import annotations

from models.cards import Card, card
from models.drawing.draw import HeatLook, to_rgb_bytes
from models.i18n import Language
from models.reporting import pictures
from models.reporting.caption import NO_ANSWER
from models.reporting.case import Case
from models.reporting.model import write_as_sentence
from models.reporting.parts import Answer, Facts, Paragraph, Part, Picture, Pictures, Section, Table
from models.reporting.reason import choose_heat_look, find_method_of_reason, note_limits_of_reason
from models.trust.quality import note_quality
from models.types import Explanation, Judged
from models.words import later


def report_abstention(prediction: Judged, case: Case, *, films: bool) -> list[Section]:
    """Write up an abstention: the image, the reason, and no answer; `films` as of `report_trust`."""
    say = case.say
    unlike = later("the image does not look like {shows}", shows=later(card(prediction.card).data.shows))
    reason = write_as_sentence(say(prediction.reason or unlike).rstrip("."))
    meaning = say(later("{reason}, so the model abstains."), reason=reason)
    told = Answer(say(NO_ANSWER), meaning=meaning, given=False)
    return [Section("", (told, Pictures((report_plain_picture(case),)))), report_trust(prediction, case, films=films)]


def report_plain_picture(case: Case) -> Picture:
    """Return the image as it is displayed, without anything on it."""
    below = case.shown
    if below is None:
        below = pictures.render_report_frame(case.image, case.prediction.frame)
    rows, columns = case.image.shape
    caption = later("The image, simulated, {columns:,} × {rows:,} pixels")
    if not case.simulated:
        caption = later("The image, {columns:,} × {rows:,} pixels")
    alt = case.say(later("The image, {columns} by {rows} pixels"), columns=columns, rows=rows)
    return pictures.make_report_picture(to_rgb_bytes(below), alt, case.say(caption, columns=columns, rows=rows))


def report_trust(prediction: Judged, case: Case, *, films: bool = True) -> Section:
    """Say how familiar the image is to the model, and what about image and answer may mislead.

    Parameters
    ----------
    films
        Whether it may be a radiograph, of which the notes are.
    """
    parts: list[Part] = []
    say = case.say
    if prediction.ood_score is None:
        said = later(
            "This model has no out-of-distribution detector: it answers images of any kind, whether it knows them or "
            "not."
        )
    elif prediction.ood_score > 1:
        said = later(
            "OOD score {score:.2f} of the limit, over what the model accepts: how unlike the training images this "
            "image is. Over 1 the model abstains."
        )
    else:
        said = later(
            "OOD score {score:.2f} of the limit, within what the model accepts: how unlike the training images this "
            "image is. Over 1 the model abstains."
        )
    parts.append(Paragraph(say(said, score=prediction.ood_score)))
    parts += [Paragraph(write_as_sentence(say(said)), "warning") for said in prediction.warnings]
    if films:
        parts += [Paragraph(say(said), "note") for said in note_quality(case.image, prediction.frame)]
    return Section(say(later("How far to trust it")), tuple(parts))


def report_reason(why: Explanation, shown_card: Card, say: Language) -> Section:
    """Say what an explanation shows, where it was taken, and how faithful it was found."""
    method = find_method_of_reason(why)
    names = {label.key: say(label.name) for label in shown_card.labels}
    facts = [(say(later("Method")), f"{say(method.name)}. {say(method.sentence)}" if method else why.method)]
    if why.layer:
        facts.append((say(later("Stage of the network")), why.layer))
    facts.append((say(later("Label explained")), names.get(why.target, why.target)))
    parts: list[Part] = [Facts(tuple(facts)), *(Paragraph(say(note), "note") for note in note_limits_of_reason(why))]
    if why.faithfulness:
        rows = tuple((say(name), say.number(value, ".3f")) for name, value in why.faithfulness.items())
        parts.append(Table((say(later("How faithful the map is")), say(later("Value"))), rows))
    else:
        told = later(
            "Faithfulness: not measured for this map. It shows where the network looked by this method, not that the "
            "answer is right."
        )
        parts.append(Paragraph(say(told), "note"))
    return Section(say(later("Why")), tuple(parts))


def caption_heat(case: Case, where: str = "") -> str:
    """Say what the heat on a picture speaks for, by which method, and how strongly it is drawn."""
    why, say, known = case.prediction.explanation, case.say, card(case.prediction.card)
    assert why is not None  # who shows heat has it
    name = say(known.labels[known.index(why.target)].name)
    method = find_method_of_reason(why)
    by = say(method.name) if method else why.method
    told = later("Bright: speaks for {name}, by {method}.")
    if where:
        told = later("Bright: speaks for {name} {where}, by {method}.")
    look = choose_heat_look(HeatLook(colours="inferno"), case.prediction.probability_of(why.target, case.place))
    return f"{say(told, name=name, where=where, method=by)} {say(look.said)}".rstrip()


def report_asked_reason(why: Explanation, shown_card: Card, case: Case) -> Section:
    """Show what speaks for what the reader asked about, with the place in a white frame, and say how it was found."""
    say, place = case.say, case.place
    where = say(later("anywhere in the image"))
    if place:
        text = later("in the white frame of {width} × {height} px")
        where = say(text, width=place.width, height=place.height)
    drawn = pictures.draw_report_heat(case.image, case.prediction, place)
    name = say(shown_card.labels[shown_card.index(why.target)].name)
    seen = pictures.make_report_picture(
        drawn, say(later("The image with the heat for {name}"), name=name), caption_heat(case, where)
    )
    section = report_reason(why, shown_card, say)
    return Section(section.title, (Pictures((seen,)), *section.parts))
