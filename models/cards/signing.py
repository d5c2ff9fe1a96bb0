"""Who signed a bundle: Ed25519 keys (RFC 8032), one of this user's own, and those of others that the user trusts."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from models.errors import BadBundle, CannotWrite, why
from models.settings import settings

PURPOSE = b"OrthoLens bundle 1\n"
"""Signed before what is signed, so that a signature serves for nothing else."""
OWN, TRUSTED = "signing.key", "trusted-signers.txt"
"""In the folder of keys: this user's private key, and the fingerprints of those whose bundles are taken."""
FIX = "Check who may use the folder of keys, or set ORTHOLENS_KEYS_DIR to another."


def sign(data: bytes) -> dict[str, str]:
    """Sign bytes with this user's own key, which is made where there is none yet.

    Raises
    ------
    BadBundle, CannotWrite
        When it cannot be read, or made.
    """
    key = _own()
    return {"algorithm": "Ed25519", "key": _text(_public(key)), "signature": _text(key.sign(PURPOSE + data))}


def signer_of(data: bytes, signature: Mapping[str, object]) -> str:
    """Return the fingerprint of who signed bytes.

    Raises
    ------
    BadBundle
        When the signature is none, or not of these bytes.
    """
    try:
        if signature["algorithm"] != "Ed25519":
            raise ValueError("another algorithm")
        public, signed = (base64.b64decode(str(signature[part]), validate=True) for part in ("key", "signature"))
        Ed25519PublicKey.from_public_bytes(public).verify(signed, PURPOSE + data)
    except (InvalidSignature, KeyError, ValueError) as error:
        raise BadBundle("was changed after it was signed", fix="Ask for it again where it came from.") from error
    return fingerprint(public)


def fingerprint(public: bytes) -> str:
    """Return what names a public key to people: the first 128 bits of its SHA-256, in groups of four."""
    digits = hashlib.sha256(public).hexdigest()[:32]
    return "-".join(digits[i : i + 4] for i in range(0, 32, 4))


def is_trusted(signer: str) -> bool:
    """Return whether this user is the signer, or trusts it.

    Raises
    ------
    BadBundle
        When the user's own key or list of signers cannot be read.
    """
    key = _read(OWN)
    if key is not None and fingerprint(_public(_private(key))) == signer:
        return True
    return signer in (_read(TRUSTED) or b"").decode(errors="replace").split()


def trust(signer: str) -> None:
    """Take bundles of a signer from now on.

    Raises
    ------
    CannotWrite
        When that cannot be noted.
    """
    with _writing(TRUSTED):
        settings().keys_dir.mkdir(parents=True, exist_ok=True)
        with (settings().keys_dir / TRUSTED).open("a", encoding="utf-8") as known:
            known.write(f"{signer}\n")


def _own() -> Ed25519PrivateKey:
    """Return this user's key; it is made, and may be read by nobody else, where there is none yet."""
    if (known := _read(OWN)) is not None:
        return _private(known)
    key, folder = Ed25519PrivateKey.generate(), settings().keys_dir
    with _writing(OWN):
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(folder / OWN, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return key


def _private(data: bytes) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(data)
    except ValueError as error:
        fix = f"Take it out of {settings().keys_dir}; a new one is then made, which others must be told of."
        raise BadBundle("is no Ed25519 key", fix=fix, file=OWN) from error


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _read(name: str) -> bytes | None:
    """Return a file of the folder of keys; None where there is none."""
    try:
        return (settings().keys_dir / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadBundle(f"cannot be read: {why(error)}", fix=FIX, file=name) from error


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"cannot be written: {why(error)}", fix=FIX, file=name) from error


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
