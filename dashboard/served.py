"""What `ortholens serve` runs: the app behind a door that is shut to foreign names, and an end that comes in time.

A page of another site whose name is made to point here (DNS rebinding) is refused, a browser may load nothing from
elsewhere nor show the pages in a frame of another site, figures of use are told to nobody unless asked, and no program
drives the pages: Streamlit's agent API stays shut, however it was turned on. Where long work holds the process up after
SIGTERM, it ends all the same.

References: https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html,
https://www.w3.org/TR/CSP3/, https://docs.streamlit.io/develop/api-reference/app-starter-kits
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import login
from dashboard.i18n import list_languages, write_language_script
from models.settings import settings

LOCAL = ("localhost", "127.0.0.1", "::1")
"""Names under which the app answers where no others are given."""
MEDIA, AGENT = "/media/", "/_stcore/agent/"
PATIENCE_S = 1.0
"""After so long a process that was told to end does, whatever it does."""


def write_content_policy() -> str:
    """Return what a browser may load: from here, and scripts only of files and those that are known by their hash.

    Streamlit builds its components from `blob:` and sets styles in place; pictures and sounds may be `data:` too.
    """
    index = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")
    inline = [*re.findall(r"<script>(.*?)</script>", index, re.S), *map(write_language_script, list_languages())]
    known = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in inline)
    return "; ".join((
        "default-src 'self'",
        f"script-src 'self' blob: {known}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ))  # fmt: skip


class Guard:
    """Adds the headers to every answer, keeps pictures out of the browser's cache, closes what is for no browser."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": write_content_policy(),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                if MEDIA in path:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        closed = AGENT in path or (path.endswith(login.METRICS) and not settings().metrics)
        await (PlainTextResponse("Not Found", 404) if closed else self._app)(scope, receive, guarded)


@asynccontextmanager
async def _ends_in_time(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Hear of the wish to end before the server does, which would wait for requests that nobody finishes."""
    for wish in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(wish)

        def end(number: int, frame: FrameType | None, before: Any = before) -> None:
            timer = threading.Timer(PATIENCE_S, _end)
            timer.daemon = True
            timer.start()
            if callable(before):
                before(number, frame)

        signal.signal(wish, end)
    yield {}


def _end() -> None:
    """End the process now, and with it its decoders where they are of one group."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


hosts = st.get_option("server.allowedHosts") or LOCAL
app = st.App(
    Path(__file__).with_name("app.py"),
    middleware=[
        Middleware(
            TrustedHostMiddleware,
            allowed_hosts=[f"[{host}]" if ":" in host else host for host in hosts],
            www_redirect=False,
        ),
        Middleware(Guard),
        *([Middleware(login.Login)] if login.is_login_asked() else []),
    ],
    secrets=login.write_secrets(),
    lifespan=_ends_in_time,
)
