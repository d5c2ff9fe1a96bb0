"""How a number is told."""

from __future__ import annotations

from dataclasses import dataclass

from models.tasks.gauge.predictor import Reading

from models.cards import card
from models.i18n import Language
from models.reporting.account import CardAccount, Record
from models.reporting.outcome import Outcome, fill_common_outcome


@dataclass(frozen=True, kw_only=True)
class ReadingOutcome(Outcome):
    value: float
    unit: str

    @property
    def cell(self) -> str:
        return f"{self.value:.1f} {self.unit}"

    def words(self, say: Language) -> str:
        return f"{say.number(self.value, '.1f')} {self.unit}"


class GaugeAccount(CardAccount[Reading]):
    of = Reading

    def fields(self, answer: Reading) -> Record:
        return {"value": round(answer.value, 3), "unit": answer.unit}

    def line(self, answer: Reading, say: Language) -> str:
        return f"{say(card(answer.card).labels[0].name)} {self.outcome(answer).words(say)}"

    def outcome(self, answer: Reading) -> ReadingOutcome:
        return ReadingOutcome(**fill_common_outcome(answer), value=answer.value, unit=answer.unit)
