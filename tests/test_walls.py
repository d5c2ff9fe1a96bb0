"""Two rooms and one door: what each room may import, read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FORBIDDEN = {
    "models": {"streamlit", "plotly", "dashboard", "matplotlib"},
    "dashboard": {"torch", "torchvision", "pydicom", "captum", "matplotlib"},
}


def imports(source: str) -> set[str]:
    """Top-level names of every package that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            argument = node.args[0] if node.args else None
            if name in {"import_module", "__import__"} and isinstance(argument, ast.Constant):
                found.add(str(argument.value).partition(".")[0])
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_module_reaches_through_the_wall(room: str) -> None:
    modules = sorted((ROOT / room).rglob("*.py"))
    assert modules
    breaches = {
        str(module.relative_to(ROOT)): found
        for module in modules
        if (found := imports(module.read_text(encoding="utf-8")) & FORBIDDEN[room])
    }
    assert breaches == {}


@pytest.mark.parametrize(
    "source", ["import torch.nn", "def f():\n    from torch import nn", "import_module('torch.nn')"]
)
def test_the_wall_sees_every_way_to_import(source: str) -> None:
    assert "torch" in imports(source)


@pytest.mark.parametrize(
    "module", ["models", "models.cli", "models.cards", "models.trust.methods", "models.drawing.draw"]
)
def test_light_modules_load_without_the_heavy_libraries(module: str) -> None:
    heavy = ("torch", "captum", "pydicom", "scipy", "streamlit", "plotly")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
