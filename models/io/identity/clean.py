"""Identifiers taken out of a DICOM dataset, at every depth, by the profile and by three rules of our own on top.

Beyond PS3.15, which leaves alone what it does not list: free texts are kept from a closed list only, elements that no
dictionary knows go, and whatever the file said of people (names, numbers, birth) is sought in all that is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pydicom.datadict import dictionary_has_tag, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from models.io.identity.profile import BASIC, OCTETS, OF_A_PERSON, WORDS, Options, read_profile
from models.io.identity.pseudonym import STANDARD, count_days, map_uid, name_patient
from models.words import DISCLAIMER

TEXTS = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "UR", "PN", "AE"})
DATES = frozenset({"DA", "DT", "TM"})
BYTES = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
CODE = re.compile(r"[A-Z0-9_ ]{0,16}")
REMOVED = "REMOVED"
TERMS = frozenset("text code num image container composite pname date time datetime uidref scoord contains".split())  # noqa: SIM905
"""Words that structured reports are built of; where a name is one of them, it cannot be told apart."""
DUMMIES: dict[str, object] = {
    "DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y", "DS": "0", "IS": "0",
    "UR": "https://removed.invalid",
}  # fmt: skip
PERSON = frozenset(
    {
        "PatientID", "OtherPatientIDs", "AccessionNumber", "AdmissionID", "PatientBirthDate", "PatientAddress",
        "PatientTelephoneNumbers", "MilitaryRank", "MedicalRecordLocator", "ServiceEpisodeID", "InstitutionName",
        "PatientMotherBirthName", "PatientBirthName", "RequestedProcedureID", "InstitutionAddress",
    }
)  # fmt: skip
"""Beside names, what a file says of people that must be found nowhere else in it."""


@dataclass
class Changes:
    """What was done to one dataset: names of elements, never what they held.

    Attributes
    ----------
    removed, emptied, replaced, mapped, moved
        Paths of elements: taken out; left without a value; given a dummy; UIDs given another; dates moved.
    private
        How many private or unknown elements were removed.
    said
        What the file said of people, to be sought in what is written; never reported.
    """

    removed: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    mapped: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    private: int = 0
    said: frozenset[str] = frozenset()


def clean_dataset(dataset: Dataset, options: Options = BASIC) -> Changes:
    """Take identifiers out of a dataset, in place.

    Parameters
    ----------
    dataset
        Of one instance, with or without pixels, which are not looked at.
    """
    changes = Changes(said=frozenset(_list_said(dataset)))
    patient = str(dataset.get("PatientID") or dataset.get("StudyInstanceUID") or "")
    _Cleaner(options, patient, changes).clean(dataset, "")
    return changes


def find_leaks(text: str, said: frozenset[str]) -> bool:
    """Return whether a text holds any of what a file said of people, as a word of its own."""
    folded = text.casefold()
    return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", folded) for one in said if one in folded)


def _list_said(dataset: Dataset) -> Iterator[str]:
    """Yield what a dataset says of people, in small letters: names and their parts, numbers, birth."""
    for element in _walk(dataset):
        if element.VR != "PN" and element.keyword not in PERSON:
            continue
        for value in _values(element):
            text = str(value).casefold().strip()
            parts = re.split(r"[\^=\s,]+", text) if element.VR == "PN" else []
            long = 3 if element.VR == "PN" else 4
            yield from (one for one in (text, *parts) if len(one) >= long and one not in TERMS)


def _walk(dataset: Dataset) -> Iterator[DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _walk(item)
        else:
            yield element


def _values(element: DataElement) -> list[Any]:
    value = element.value
    return [] if value is None else list(value) if element.VM > 1 else [value]


class _Cleaner:
    def __init__(self, options: Options, patient: str, changes: Changes) -> None:
        self._options, self._patient, self._changes = options, patient, changes
        self._profile = read_profile()

    def clean(self, dataset: Dataset, path: str) -> None:
        """Clean one dataset or item."""
        for tag in list(dataset.keys()):
            repeating = tag.group & 0xFF00 in (0x5000, 0x6000)
            if tag.is_private or repeating or tag.group < 8 or not dictionary_has_tag(tag):
                del dataset[tag]
                self._changes.private += 1
                continue
            element = dataset[tag]
            where = f"{path}{element.keyword or keyword_for_tag(tag)}"
            action = self._profile.get(int(tag))
            if element.VR == "SQ":
                self._sequence(dataset, element, action, where)
            elif element.VR == "UI" and action not in ("X", "Z"):
                self._uids(element, where)
            elif element.keyword == "PatientID":
                self._write(element, name_patient(self._patient), self._changes.replaced, where)
            elif element.VR in DATES and self._options.dates != "remove" and element.keyword not in OF_A_PERSON:
                self._date(element, where)
            else:
                self._act(dataset, element, action or self._unlisted(element), where)

    def _sequence(self, dataset: Dataset, element: DataElement, action: str | None, where: str) -> None:
        if action in ("X", "X/D"):
            self._act(dataset, element, "X", where)
        elif action in ("Z", "X/Z", "X/Z/D"):
            self._write(element, [], self._changes.emptied, where)
        else:
            for number, item in enumerate(element.value, 1):
                self.clean(item, f"{where}[{number}].")

    def _uids(self, element: DataElement, where: str) -> None:
        old = [str(uid) for uid in _values(element)]
        if self._options.keep_uids or all(uid.startswith(STANDARD) for uid in old):
            return
        new = [map_uid(uid) for uid in old]
        self._write(element, new if len(new) > 1 else "".join(new), self._changes.mapped, where)

    def _date(self, element: DataElement, where: str) -> None:
        """Keep a date or time, or move it by the patient's days; one that tells the birth, or nothing, is emptied."""
        if element.VR == "TM" or self._options.dates == "keep":
            if any(str(value)[:8] in self._changes.said for value in _values(element)):
                self._write(element, "", self._changes.emptied, where)
            return
        moved = [_move(str(value), count_days(self._patient)) for value in _values(element)]
        self._write(element, moved if len(moved) > 1 else "".join(moved), self._changes.moved, where)

    def _unlisted(self, element: DataElement) -> str | None:
        """Return the action for what the profile does not list."""
        if element.VR in DATES:
            return "Z"
        if element.VR in BYTES and element.keyword not in OCTETS:
            return "X"
        if element.VR not in TEXTS and element.VR != "CS":
            return None
        texts = [str(value) for value in _values(element)]
        if texts == [DISCLAIMER] or not any(texts):
            return None
        kept = all(CODE.fullmatch(text) for text in texts) if element.VR == "CS" else element.keyword in WORDS
        if kept and not any(find_leaks(text, self._changes.said) for text in texts):
            return None
        return "D" if element.keyword in WORDS or element.keyword in ("TextValue", "ContentLabel") else "Z"

    def _act(self, dataset: Dataset, element: DataElement, action: str | None, where: str) -> None:
        if action == "X":
            del dataset[element.tag]
            self._changes.removed.append(where)
        elif action in ("Z", "X/Z"):
            self._write(element, "" if element.VR in TEXTS | DATES | {"CS"} else None, self._changes.emptied, where)
        elif action is not None and not element.is_empty:
            if element.VR in BYTES:
                self._write(element, b"", self._changes.emptied, where)
            else:
                self._write(element, DUMMIES.get(element.VR, REMOVED), self._changes.replaced, where)

    def _write(self, element: DataElement, value: object, noted: list[str], where: str) -> None:
        if element.is_empty and not value:
            return
        element.value = value
        noted.append(where)


def _move(text: str, days: int) -> str:
    """Return a DA or DT, both of which begin with year, month and day, moved by whole days."""
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{day:%Y%m%d}{text[8:]}"
