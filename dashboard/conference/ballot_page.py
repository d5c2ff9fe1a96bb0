"""The page that phones see during a vote: plain HTML without a script, and nothing that is fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from dashboard.conference.vote import Question

AGAIN_S = 10
"""After so many seconds a phone that waits asks again."""
STYLE = """
:root { color-scheme: dark; } * { box-sizing: border-box; }
body { margin: 0 auto; max-width: 34rem; padding: 1.25rem; background: #0E1114; color: #E4E9EC;
  font: 1.125rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 1rem; }
img { display: block; width: 100%; max-height: 45vh; object-fit: contain; border-radius: .6rem; background: #07090B; }
form { display: grid; gap: .7rem; margin: 1rem 0; }
button { font: inherit; font-weight: 600; text-align: left; padding: 1rem 1.1rem; border-radius: .7rem; color: inherit;
  background: #181D22; border: 2px solid #5D6B76; }
button:focus-visible, button:active { border-color: #2FA79B; outline: 3px solid #2FA79B; outline-offset: 2px; }
.note { padding: .9rem 1rem; border-left: 4px solid #2FA79B; background: #181D22; border-radius: .3rem; }
footer { margin-top: 2rem; font-size: .875rem; color: #A3AEB7; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
SECURE = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Said:
    """The words of the page, in the language of the stage."""

    language: str
    wait: str
    """No question is asked."""
    thanks: str
    """With the placeholder {label}."""
    model: str
    """With the placeholder {label}."""
    voted: str
    over: str
    full: str
    too_often: str
    no_cookie: str
    privacy: str
    """What is kept of a phone."""
    disclaimer: str


def write_ballot_page(
    said: Said,
    question: Question | None = None,
    own: int | None = None,
    answer: int | None = None,
    *,
    status: int = 200,
    note: str = "",
) -> HTMLResponse:
    """Return what a phone sees.

    Parameters
    ----------
    own, answer
        Labels that the phone voted for and that the model gave; None while there is none.
    note
        What went wrong.
    """
    parts = [f'<p class="note">{escape(note)}</p>'] if note else []
    if question is None:
        parts.append(f"<h1>{escape(said.wait)}</h1>" if status < 400 else "")
    else:
        parts.append(f"<h1>{escape(question.text)}</h1>")
        if own is not None:
            parts.append(f"<p>{escape(said.thanks.format(label=question.labels[own]))}</p>")
        if answer is not None:
            parts.append(f"<p><strong>{escape(said.model.format(label=question.labels[answer]))}</strong></p>")
        elif own is None:
            parts += [_picture(question), _form(question)]
    waiting = question is None or own is not None or answer is not None
    again = f'<meta http-equiv="refresh" content="{AGAIN_S};url=/">' if waiting else ""
    html = (
        f'<!doctype html><html lang="{escape(said.language)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{again}'
        f'<title>OrthoLens</title><link rel="icon" href="data:,"><style>{STYLE}</style></head>'
        f"<body><main>{''.join(parts)}</main>"
        f"<footer>{escape(said.privacy)}<br>{escape(said.disclaimer)}</footer></body></html>"
    )
    return HTMLResponse(html, status, headers=SECURE)


def _picture(question: Question) -> str:
    if question.picture is None:
        return ""
    kind = "png" if question.picture.startswith(b"\x89PNG") else "jpeg"
    return f'<img alt="" src="data:image/{kind};base64,{base64.b64encode(question.picture).decode()}">'


def _form(question: Question) -> str:
    buttons = "".join(
        f'<button name="label" value="{number}">{escape(label)}</button>'
        for number, label in enumerate(question.labels)
    )
    return (
        f'<form method="post" action="/"><input type="hidden" name="question" value="{escape(question.key)}">'
        f"{buttons}</form>"
    )
