"""Conference mode without a screen: the playlist, and the state machine that walks through it.

What draws (`show`, `bar`, `presenter`) is imported by name: it needs the session, which keeps where a tour stands.
"""

from dashboard.conference.playlist import DEFAULT, Playlist, Show, Step, find_case_of_step, load_playlist
from dashboard.conference.tour import Stage, Vote, Wish

__all__ = ["DEFAULT", "Playlist", "Show", "Stage", "Step", "Vote", "Wish", "find_case_of_step", "load_playlist"]
