"""Which card answers what arrives: rules in TOML, read once and refused as a whole where one is wrong.

```toml
port = 11112
send_to = "ORTHANC@10.0.0.5:4242"   # or "http://10.0.0.5:8042/dicom-web"

[[rule]]
modality = ["CR", "DX"]
body_part = ["KNEE"]
view = ["AP", "PA"]
card = "knee-kl"
```

A list that is left out takes everything; every rule that fits is followed.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.cards import card
from models.errors import OrthoLensError, UnknownCard, why
from models.pacs.archive import find_storage


class BadRules(OrthoLensError):
    """A file of rules that cannot be followed."""


class Rule(BaseModel):
    """What an image must be for a card to answer it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    card: str
    modality: tuple[str, ...] = ()
    body_part: tuple[str, ...] = ()
    view: tuple[str, ...] = ()

    def fits(self, modality: str, body_part: str, view: str) -> bool:
        """Whether an image of that kind is answered; capitals do not matter."""
        pairs = ((self.modality, modality), (self.body_part, body_part), (self.view, view))
        return all(not wanted or found.upper() in {one.upper() for one in wanted} for wanted, found in pairs)


class Rules(BaseModel):
    """What `ortholens listen` does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    send_to: str
    rule: tuple[Rule, ...] = Field(min_length=1)
    port: int = Field(11112, ge=0, le=65535)
    address: str = "127.0.0.1"
    """Of this machine, where it listens; "0.0.0.0" is everywhere."""
    callers: tuple[str, ...] = ()
    """AE titles that may send; empty is any."""


def read_rules(path: Path) -> Rules:
    """Read rules.

    Raises
    ------
    BadRules
        When the file is no TOML, a field is wrong or missing, or a card or an address is unknown.
    """
    fix = "Mend it; docs/archive.md has an example."
    try:
        rules = Rules.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        for rule in rules.rule:
            card(rule.card)
        find_storage(rules.send_to)
    except OSError as error:
        raise BadRules(f"cannot be read: {why(error)}", fix=fix, file=path.name) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRules("is no TOML file", fix=fix, file=path.name) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRules(f"{where}: {first['msg']}", fix=fix, file=path.name) from error
    except UnknownCard as error:
        raise BadRules(error.problem, fix=error.fix, file=path.name) from error
    except OrthoLensError as error:
        raise BadRules(error.problem, fix=error.fix, file=path.name) from error
    return rules
