"""What stands in an identifier's place: the same for the same one on this machine, and of no use without its key.

A keyed hash (HMAC-SHA256) makes it, so that a study, its SEG and its SR agree whenever each is written, and nobody can
try names or identifiers against it. The key lies beside the one that signs bundles; whoever has it can link, so that it
is as private as the originals. A study that must not be linked to an earlier one is written under another key
(`ORTHOLENS_KEYS_DIR`).
"""

from __future__ import annotations

import hmac
import os
import uuid
from functools import cache
from pathlib import Path
from secrets import token_bytes

from models.errors import CannotWrite, why
from models.settings import settings

KEY = "identity.key"
STANDARD = "1.2.840.10008."
"""Root of the identifiers that the standard itself gives: of kinds, codes and encodings, never of a patient."""
MOST_DAYS = 3650


def map_uid(uid: str) -> str:
    """Return what stands in an identifier's place; the standard's own stay (PS3.5 B.2 has UIDs made from UUIDs)."""
    if not uid or uid.startswith(STANDARD):
        return uid
    return f"2.25.{uuid.UUID(bytes=_digest('uid', uid)[:16], version=4).int}"


def name_patient(patient: str) -> str:
    """Return what stands in a patient's number's place; nothing for nothing."""
    return f"OL{_digest('patient', patient).hex()[:10].upper()}" if patient else ""


def name_user(user: str) -> str:
    """Return what stands in the place of one who uses the program, in the audit log."""
    return f"U{_digest('user', user).hex()[:16].upper()}"


def name_content(data: bytes) -> str:
    """Return a file name for content that has no identifier of its own."""
    return hmac.digest(_key(settings().keys_dir), b"content" + data, "sha256").hex()[:24]


def count_days(patient: str) -> int:
    """Return by how many days all dates of one patient are moved: 1 to 3,650 into the past."""
    return -1 - int.from_bytes(_digest("days", patient)[:8], "big") % MOST_DAYS


def prepare_key() -> None:
    """Make the key where there is none yet.

    Raises
    ------
    CannotWrite
        When it cannot be made or read.
    """
    _key(settings().keys_dir)


def _digest(purpose: str, value: str) -> bytes:
    return hmac.digest(_key(settings().keys_dir), f"{purpose}\0{value}".encode(), "sha256")


@cache
def _key(folder: Path) -> bytes:
    """Return the key, which is made, and may be read by nobody else, where there is none yet."""
    path = folder / KEY
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(token_bytes(32))
        except FileExistsError:
            pass
        found = path.read_bytes()
    except OSError as error:
        fix = "Check who may use the folder of keys, or set ORTHOLENS_KEYS_DIR to another."
        raise CannotWrite(f"cannot be used: {why(error)}", fix=fix, file=KEY) from error
    if len(found) != 32:
        fix = f"Take it out of {folder}; a new one is then made, under which earlier files cannot be linked."
        raise CannotWrite("is no key of 32 bytes", fix=fix, file=KEY)
    return found
