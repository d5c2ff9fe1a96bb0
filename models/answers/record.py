"""One answer as a JSON object: the line that `ortholens predict` writes and the file that the page downloads.

Every task shares the frame (which image, which model, how long, what to beware of); the kind adds its own fields.
"""

from __future__ import annotations

from models.i18n import IN_ENGLISH, Language
from models.reporting.account import Record
from models.reporting.caption import write_caption_footer, write_withheld_line
from models.tasks import card_account_of
from models.types import Judged


def write_headline(prediction: Judged, say: Language = IN_ENGLISH) -> str:
    """Return the answer in one short line, for captions, in a reader's language."""
    account = card_account_of(prediction)
    return write_withheld_line(prediction, say) if prediction.abstained else account.line(prediction, say)


def write_record(prediction: Judged) -> Record:
    """Return an answer without the name of its file, which may identify a patient."""
    return {
        "sha256": prediction.sha256,
        "task": prediction.task,
        "card": prediction.card,
        "ok": True,
        "seconds": round(prediction.seconds, 4),
        "warnings": list(prediction.warnings),
        **card_account_of(prediction).fields(prediction),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
    }


def write_caption(prediction: Judged, say: Language = IN_ENGLISH) -> list[str]:
    """Return what stands under an exported picture, the disclaimer last."""
    return [write_headline(prediction, say), *write_caption_footer(prediction, say)]
