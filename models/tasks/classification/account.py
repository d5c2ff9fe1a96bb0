"""How one label of a whole image is told: its probability, what else is possible, and the grade of an ordinal card."""

from __future__ import annotations

from collections.abc import Mapping

from models.cards import Card, card
from models.i18n import Language
from models.reporting import pictures as report_pictures
from models.reporting.account import CardAccount, Record
from models.reporting.case import Case
from models.reporting.finding import Finding
from models.reporting.outcome import Outcome, fill_common_outcome
from models.reporting.parts import Answer, Bar, Bars, Paragraph, Part, Pictures, Section
from models.reporting.trust import caption_heat, report_plain_picture, report_reason, report_trust
from models.trust.grades import compute_dichotomised_probability, compute_expected_grade
from models.types import Classification, Image
from models.words import later


class ClassificationAccount(CardAccount[Classification]):
    """Tells a label with its probability."""

    of = Classification

    def fields(self, answer: Classification) -> Record:
        """Return the probability of every label, and the conformal set."""
        return {
            "label": answer.label,
            "probabilities": {
                label: round(float(p), 6) for label, p in zip(answer.labels, answer.probabilities, strict=True)
            },
            **_grade(answer),
            "prediction_set": list(answer.prediction_set),
        }

    def line(self, answer: Classification, say: Language) -> str:
        """Return the label and its probability."""
        return " ".join(self.summary(answer, say))

    def summary(self, answer: Classification, say: Language) -> tuple[str, str]:
        """Return the label, and its probability."""
        known = card(answer.card)
        return say(known.labels[known.index(answer.label)].name), say.number(answer.confidence, ".0%")

    def outcome(self, answer: Classification) -> Outcome:
        """Return the label as the answer."""
        return Outcome(**fill_common_outcome(answer), label=answer.label, confidence=answer.confidence)

    def labels(self, card: Card) -> Mapping[str, str]:
        """Return the card's labels."""
        return {label.key: label.name for label in card.labels}

    def findings(self, answer: Classification, image: Image) -> list[Finding]:
        """Return the probability of each label."""
        known = card(answer.card)
        return [
            Finding(key, f"Probability of {known.labels[known.index(key)].name}", 100 * float(p), "%")
            for key, p in zip(answer.labels, answer.probabilities, strict=True)
        ]

    def sections(self, answer: Classification, case: Case) -> list[Section]:
        """Return the label beside its heat, the probabilities, the reason, and how far to trust it."""
        known, why, say = card(answer.card), answer.explanation, case.say
        label = known.labels[known.index(answer.label)]
        sure = later("calibrated confidence") if known.calibration else later("confidence, not calibrated")
        shown = [report_plain_picture(case)]
        if why is not None:
            drawn = case.drawn if case.drawn is not None else report_pictures.draw_report_heat(case.image, answer)
            name = say(known.labels[known.index(why.target)].name)
            alt = say(later("The image with the heat for {name}"), name=name)
            shown.append(report_pictures.make_report_picture(drawn, alt, caption_heat(case)))
        parts: list[Part] = [
            Answer(say(label.name), say.number(answer.confidence, ".0%"), say(sure), say(label.definition)),
            Pictures(tuple(shown)),
            _bars(answer, known, say),
            *_sets(answer, known, say),
        ]
        return [
            Section("", tuple(parts)),
            *([report_reason(why, known, say)] if why else []),
            report_trust(answer, case),
        ]


def _bars(answer: Classification, known: Card, say: Language) -> Bars:
    kept = answer.prediction_set
    bars = [
        Bar(
            say(known.labels[known.index(key)].name),
            float(p),
            say.number(float(p), ".1%"),
            key in kept if kept else None,
        )
        for key, p in zip(answer.labels, answer.probabilities, strict=True)
    ]
    ordered = bars if known.ordinal else sorted(bars, key=lambda bar: -bar.share)
    words = say(later("possible")), say(later("not in the set"))
    return Bars(say(later("Probability of each label")), tuple(ordered), words)


def _sets(answer: Classification, known: Card, say: Language) -> list[Part]:
    """Say which labels are still possible, and what an ordinal answer says beyond its label."""
    parts: list[Part] = []
    if answer.prediction_set and answer.coverage is not None:
        names = [say(known.labels[known.index(key)].name) for key in answer.prediction_set]
        told = later(
            "Still possible at {coverage:.0%} coverage: {names}. Of images like this, {many:.0f} in 100 have their "
            "true label in such a set (conformal prediction)."
        )
        many = answer.coverage * 100
        parts.append(Paragraph(say(told, coverage=answer.coverage, names="; ".join(names), many=many)))
    else:
        none = later("This model stores no conformal quantiles, so no set of possible labels is given.")
        parts.append(Paragraph(say(none), "note"))
    if not known.ordinal:
        return parts
    dichotomised = compute_dichotomised_probability(answer.probabilities, known)
    grade = compute_expected_grade(answer.probabilities)
    told = later("Expected grade {grade:.1f}.")
    if known.dichotomised and dichotomised is not None:
        told = later("Expected grade {grade:.1f}; probability of {finding}: {definite:.0%}.")
    finding = say(known.dichotomised.name) if known.dichotomised else ""
    return [*parts, Paragraph(say(told, grade=grade, finding=finding, definite=dichotomised))]


def _grade(answer: Classification) -> Record:
    """Return what an ordinal answer says beyond its label: nothing for a card without a dichotomised finding."""
    dichotomised = compute_dichotomised_probability(answer.probabilities, card(answer.card))
    if dichotomised is None:
        return {}
    return {
        "expected_grade": round(compute_expected_grade(answer.probabilities), 4),
        "p_definite": round(dichotomised, 6),
    }
