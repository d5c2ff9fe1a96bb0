"""A model in one file, to hand on: card, weights, out-of-distribution detector and figures, each with its hash, signed.

A bundle is a ZIP file, stored and not packed, of `manifest.json`, `signature.json` and the files of one card. The
manifest names every other file with its SHA-256, and is what the signature is of; nothing that it does not name is in
there. Nothing in a bundle is run: cards are TOML, weights safetensors, figures JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, deserialize

from models.cards.card import WEIGHTS_DIR, Card, load_card, parse_card
from models.cards.figures import check_figures
from models.cards.registry import cards, reload_cards
from models.cards.signing import is_trusted, sign, signer_of, trust
from models.cards.tables import ID
from models.errors import BadBundle, BadCard, BadWeights, CannotWrite, TooLarge, why
from models.settings import settings

FORMAT, MEASURED = 1, ("figures", "curves")
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
PROGRAMS = ("ortholens", "torch", "torchvision", "numpy")
MOST_FILES, MOST_BYTES, MOST_TEXT_BYTES = 64, 1 << 30, 16 << 20
"""In a bundle, and of each file in it that is no weights; the largest card of the program has three files of 16 MB."""
AGAIN, MAKE = "Ask for it again where it came from.", "Have it made by `ortholens bundle export`."
NAME = re.compile(r"\w[\w.-]*\.(toml|safetensors|json)")


class Manifest(BaseModel):
    """What is signed: what a bundle holds, and when and with what it was made; the rest its card says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    card: str
    """Id."""
    made: date
    versions: dict[str, str]
    """Of the programs that made it."""
    files: dict[str, str]
    """SHA-256 of every other file, by its name."""


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds, once its hashes and its signature are found right.

    Attributes
    ----------
    name
        Of its file, for messages.
    manifest
        As it was signed.
    card
        As it will be, but for the folder where it lies.
    files
        Contents by name.
    signer
        Fingerprint of the key.
    trusted
        Whether this user takes bundles of that signer.
    """

    name: str
    manifest: Manifest
    card: Card
    files: Mapping[str, bytes]
    signer: str
    trusted: bool


def make_bundle(card: Card) -> tuple[bytes, str]:
    """Return a card with all that it needs as the bytes of one file, and the fingerprint of the key that signed it.

    Raises
    ------
    BadWeights
        When the card has no weights, or a file of it is missing.
    BadBundle, CannotWrite
        When there is no key to sign with, and none can be made.
    """
    if not card.members:
        raise BadWeights("has no weights to hand on", fix=f"Train it: ortholens train {card.id}.", file=card.id)
    told = (card.path.with_suffix(f".{what}.json") for what in MEASURED)
    weights = ((card.folder or WEIGHTS_DIR) / part.file for part in card.parts)
    files: dict[str, bytes] = {}
    for path in (card.path, *weights, *(path for path in told if path.is_file())):
        try:
            files[path.name] = path.read_bytes()
        except OSError as error:
            fix = "Put it there again." if card.folder else "Install OrthoLens again."
            raise BadWeights(f"cannot be read beside {card.id}", fix=fix, file=path.name) from error
    manifest = Manifest(
        card=card.id,
        made=date.today(),
        versions={name: version(name) for name in PROGRAMS},
        files={name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    )
    _compare(manifest, files)
    signed = manifest.model_dump_json(indent=1).encode()
    signature = sign(signed)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(MANIFEST, signed)
        archive.writestr(SIGNATURE, json.dumps(signature, indent=1))
        for name, data in sorted(files.items()):
            archive.writestr(name, data)
    return whole.getvalue(), signer_of(signed, signature)


def read_bundle(path: Path) -> Bundle:
    """Read a bundle and check it whole: what it holds, every hash, its signature, its card.

    Raises
    ------
    BadBundle
        When it is none, holds what no card has, or is not what was signed.
    TooLarge
        When it holds more than a model can.
    """
    try:
        return _read(path)
    except OSError as error:
        fix = "Check that it is there and may be read."
        raise BadBundle(f"cannot be opened: {why(error)}", fix=fix, file=path.name) from error
    except (zipfile.BadZipFile, RuntimeError, EOFError) as error:
        raise BadBundle("is no bundle, or is cut off", fix=AGAIN, file=path.name) from error
    except (BadBundle, TooLarge) as refused:
        refused.file = refused.file or path.name
        raise


def _read(path: Path) -> Bundle:
    with zipfile.ZipFile(path) as archive:
        for name in (MANIFEST, SIGNATURE):
            if name not in archive.namelist():
                raise BadBundle(f"is no bundle: it has no {name}", fix=MAKE)
        files = _contents(archive)
    signed = files.pop(MANIFEST)
    signer = signer_of(signed, _table(files.pop(SIGNATURE), SIGNATURE))
    format = _table(signed, MANIFEST).get("format")
    if isinstance(format, int) and format > FORMAT:
        fix = "Install a newer OrthoLens, or have it made by this version."
        raise BadBundle(f"was made by a newer OrthoLens: its format is {format}, and {FORMAT} is read here", fix=fix)
    try:
        manifest = Manifest.model_validate_json(signed)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadBundle(f"has a manifest of another form ({where})", fix=MAKE) from error
    _compare(manifest, files)
    toml = f"{manifest.card}.toml"
    if toml not in files:
        raise BadBundle(f"has no {toml}", fix=MAKE)
    try:
        card = parse_card(files[toml], toml)
    except BadCard as error:
        raise BadBundle(f"its card describes no model: {error.problem}", fix=MAKE) from error
    named = {part.file: part.sha256 for part in card.parts}
    if not card.members or any(manifest.files.get(file) != sha256 for file, sha256 in named.items()):
        raise BadBundle("holds other weights than its card names", fix=MAKE)
    if odd := files.keys() - {toml, *named, *(f"{card.id}.{what}.json" for what in MEASURED)}:
        raise BadBundle(f"holds {min(odd)!r}, which its card does not name", fix=MAKE)
    return Bundle(path.name, manifest, card, files, signer, is_trusted(signer))


def _table(data: bytes, name: str) -> dict[str, object]:
    """Return what a JSON file holds, where that is names and values."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or too deep
        raise BadBundle(f"{name} in it is no JSON", fix=MAKE) from error
    if not isinstance(found, dict):
        raise BadBundle(f"{name} in it is of another form", fix=MAKE)
    return found


def install_bundle(
    bundle: Bundle, check: Callable[[Card], object], card_id: str | None = None, signer: str | None = None
) -> Path:
    """Put a bundle's model into the user's folder of cards, all of it or nothing, and return where it lies.

    Parameters
    ----------
    check
        Raises where the model cannot answer; asked before it is kept, with a card whose files are there already.
    card_id
        Id that the model gets here; by default the one it has.
    signer
        Fingerprint of a signer to trust from now on, as it was told by other means than the bundle itself.

    Raises
    ------
    BadBundle
        When nobody here trusts its signer, or its id is taken or none.
    BadCard
        When its figures cannot be drawn.
    CannotWrite
        When there is no room, or no right to write there.
    """
    if not bundle.trusted and signer != bundle.signer:
        problem = f"is signed by {bundle.signer}, " + (f"not by {signer}" if signer else "whom you do not trust yet")
        fix = f"If you know who that is, and had the fingerprint from them: --signer {bundle.signer}"
        raise BadBundle(problem, fix="Do not take it; ask whom you know." if signer else fix, file=bundle.name)
    old, folder = bundle.manifest.card, settings().cards_dir
    id = card_id or old
    if not re.fullmatch(ID, id):
        fix = "Use small letters, digits and single hyphens, such as --as our-knees."
        raise BadBundle(f"{id!r} is no id of a model", fix=fix, file=bundle.name)
    try:
        if id in cards() or (folder / id).exists():
            fix = f"Give it another here, such as --as {id}-2."
            raise BadBundle(f"there is a model {id!r} already", fix=fix, file=bundle.name)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as work:
            made = Path(work) / id
            made.mkdir()
            for file, data in bundle.files.items():
                (made / _renamed(file, old, id)).write_bytes(data)
            (made / f"{id}.toml").write_bytes(_with_id(bundle.files[f"{old}.toml"], id))
            card = load_card(made / f"{id}.toml", outside=True)
            check_figures(card)
            check(card)
            if not bundle.trusted:
                trust(bundle.signer)
            made.rename(folder / id)
    except OSError as error:
        fix = f"Make room or get the right to write in {folder}, or set ORTHOLENS_CARDS_DIR to another folder."
        raise CannotWrite(f"nothing was kept of it: {why(error)}", fix=fix, file=bundle.name) from error
    reload_cards()
    return folder / id


def _with_id(toml: bytes, id: str) -> bytes:
    document = tomlkit.parse(toml.decode())
    document["id"] = id
    return tomlkit.dumps(document).encode()


def _renamed(file: str, old: str, id: str) -> str:
    """Return what a file is called beside a card of another id; weights keep the names that the card gives them."""
    return f"{id}{file.removeprefix(old)}" if file.endswith((".toml", ".json")) else file


def _contents(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Read every file of an archive; names are judged before anything is read, sizes as it is read."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise BadBundle("holds two files of one name", fix=AGAIN)
    for name in names:
        if not NAME.fullmatch(name):
            fix = "A bundle is made of TOML, safetensors and JSON files, in no folder; do not open this one otherwise."
            raise BadBundle(f"holds {name[:80]!r}, which no model needs", fix=fix)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise BadBundle("is packed, which a bundle is not", fix=MAKE)
    if len(members) > MOST_FILES or sum(member.file_size for member in members) > MOST_BYTES:
        raise TooLarge("holds more than a model can", fix=AGAIN)
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for member in members:
        most = left if member.filename.endswith(".safetensors") else min(left, MOST_TEXT_BYTES)
        with archive.open(member) as file:  # what a header says of its size need not be true
            files[member.filename] = file.read(most + 1)
        left -= len(files[member.filename])
        if len(files[member.filename]) > most:
            raise TooLarge("holds more than a model can", fix=AGAIN)
    return files


def _compare(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    """Compare what is there with what was signed, and see that none of it could run code."""
    if odd := sorted(set(manifest.files) ^ set(files)):
        where = "signed, and is missing" if odd[0] in manifest.files else "there, and was not signed"
        raise BadBundle(f"is not what was signed: {odd[0]!r} is {where}", fix=AGAIN)
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != manifest.files[name]:
            raise BadBundle(f"is not what was signed: {name} has another hash", fix=AGAIN)
        if name.endswith(".json"):
            _table(data, name)
        elif name.endswith(".safetensors"):
            try:
                deserialize(data)
            except SafetensorError as error:
                fix = "What it holds instead could run code: do not open it otherwise, and ask for safetensors."
                raise BadBundle(f"{name} in it is not safetensors", fix=fix) from error
