"""Who may ask: callers by bearer token (RFC 6750), of which only hashes are kept.

A token has 256 random bits, so that a plain SHA-256 of it tells nothing; what has less than that would need a slow hash
(https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from models.errors import CannotRead, why

TOKEN_BYTES = 32
LINE = re.compile(r"(?P<name>[\w.@+-]{1,64})\s+(?P<role>reader|author|admin)\s+(?P<sha256>[0-9a-f]{64})")


class Role(Enum):
    """What somebody may do; each may do all that the one before may."""

    READER = "reader"
    """Ask, and see answers."""
    AUTHOR = "author"
    """Also add models: training, and what is sent to an archive."""
    ADMIN = "admin"
    """Also see figures of use, and end the work of others."""

    def may(self, needed: Role) -> bool:
        """Whether it includes another."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True)
class Caller:
    """Somebody who asks."""

    name: str
    role: Role


ANYONE = Caller("anyone", Role.ADMIN)
"""Who asks where nobody is told apart: a program of this machine."""


class Tokens:
    """The tokens of a file, read again when it changes, so that one that is taken out is refused at once.

    Parameters
    ----------
    path
        Lines "name role sha256-of-the-token"; what follows a # is left out. None: whoever asks is `ANYONE`.

    Raises
    ------
    CannotRead
        Where the file cannot be read, or holds no line of this kind.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._changed: int | None = None
        self._callers: list[tuple[str, Caller]] = []
        if path is not None:
            self._read(path)

    def find(self, token: str) -> Caller | None:
        """Return whose token it is; compared with all of them in constant time."""
        if self.path is None:
            return ANYONE
        self._read(self.path)
        hashed = hash_token(token)
        found = None
        for known, caller in self._callers:
            if hmac.compare_digest(known, hashed):
                found = caller
        return found

    def _read(self, path: Path) -> None:
        fix = "Write it with `ortholens api token NAME`, and name it in ORTHOLENS_API_TOKENS."
        try:
            changed = path.stat().st_mtime_ns
            if changed == self._changed:
                return
            lines = path.read_text("utf-8").splitlines()
        except OSError as error:
            raise CannotRead(f"cannot be read: {why(error)}", fix=fix, file=path.name) from error
        callers = []
        for number, line in enumerate(lines, 1):
            if not (text := line.partition("#")[0].strip()):
                continue
            if not (found := LINE.fullmatch(text)):
                raise CannotRead(f"line {number} is not a name, a role and a hash", fix=fix, file=path.name)
            callers.append((found["sha256"], Caller(found["name"], Role(found["role"]))))
        self._callers, self._changed = callers, changed


def hash_token(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_token(name: str, role: Role) -> tuple[str, str]:
    """Return a new token, and the line for the file of tokens.

    Raises
    ------
    CannotRead
        For a name that the file cannot hold.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    line = f"{name} {role.value} {hash_token(token)}"
    if not LINE.fullmatch(line):
        raise CannotRead(f"{name!r} cannot be a name", fix="Take letters, digits and . @ + - _, at most 64.")
    return token, line
