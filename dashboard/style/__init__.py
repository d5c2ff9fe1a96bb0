"""How the dashboard looks, and the small scripts that run in the browser: style sheets, components, the mark."""

from pathlib import Path

ASSETS = Path(__file__).parent
