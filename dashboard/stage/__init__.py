"""Conference mode without a screen: the playlist, and the state machine that walks through it.

What draws (`show`, `bar`, `presenter`) is imported by name: it needs the session, which keeps where a tour stands.
"""

from dashboard.stage.playlist import DEFAULT, SECTION_CASE, Look, Playlist, Show, Step, load
from dashboard.stage.tour import Stage, Wish

__all__ = ["DEFAULT", "SECTION_CASE", "Look", "Playlist", "Show", "Stage", "Step", "Wish", "load"]
