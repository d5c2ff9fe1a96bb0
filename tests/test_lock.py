"""What is locked is what pyproject.toml asks for, each file with its hash, and the bill of materials names the same."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
AGAIN = "run .ci/lock and commit what it writes"


def test_every_dependency_is_locked_with_hashes_within_its_bounds() -> None:
    blocks = re.findall(r"^(\S+)==([^\s;]+)(.*?)(?=^\S|\Z)", (ROOT / "requirements.lock").read_text(), re.M | re.S)
    locked: dict[str, set[str]] = {}
    for name, version, rest in blocks:
        assert "--hash=sha256:" in rest, name
        locked.setdefault(canonicalize_name(name), set()).add(version)
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        wanted = Requirement(text)
        versions = locked.get(canonicalize_name(wanted.name), set())
        assert versions, f"{wanted.name} is not locked: {AGAIN}"
        assert all(wanted.specifier.contains(version) for version in versions), f"{text}, {versions}: {AGAIN}"
    listed = json.loads((ROOT / "sbom.cdx.json").read_text())["components"]
    named = {(canonicalize_name(one["name"]), one["version"]) for one in listed}
    assert named == {(name, version) for name, versions in locked.items() for version in versions}, AGAIN
