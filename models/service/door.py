"""What stands before every answer: who asks, how often, and how much they send.

A middleware and no dependency of the routes, since FastAPI reads a request's body before it asks those: nobody without
a token can make the server take a gigabyte.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.audit_log import subject
from models.io.pool import user
from models.service.callers import Tokens
from models.words import DISCLAIMER

OPEN = ("/healthz",)
"""Answered to everyone."""
MOST_CALLERS = 10_000
"""Whose requests are counted at a time."""


class Quota:
    """A token bucket a caller: so many requests a minute on average, and as many at once.

    Reference: J. S. Turner, New directions in communications, IEEE Commun Mag 1986, doi 10.1109/MCOM.1986.1092946.
    """

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> float:
        """Count one request; return 0 where it is within the quota, else the seconds until one is."""
        now = time.monotonic()
        left, seen = self._left.pop(who, (float(self._a_minute), now))
        left = min(float(self._a_minute), left + (now - seen) * self._a_minute / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / self._a_minute
        self._left[who] = (left if wait else left - 1), now
        if len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)
        return wait


class Door:
    """Lets in who has a token and asks neither too often nor too much.

    Parameters
    ----------
    most_bytes
        Of one request.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, quota: Quota, most_bytes: int) -> None:
        self._app, self._tokens, self._quota, self._most_bytes = app, tokens, quota, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Intended-Use"] = DISCLAIMER
            await send(message)

        refused = self._refuse(scope)
        if refused is not None:
            await refused(scope, receive, noted)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most_bytes:  # of a body whose length was not said, or was a lie
                raise HTTPException(413, self._too_large())
            return message

        await self._app(scope, counted, noted)

    def _refuse(self, scope: Scope) -> JSONResponse | None:
        """Return what is said to whom is not let in; else note who asks."""
        headers = Headers(scope=scope)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        caller = self._tokens.find(token.strip() if scheme.lower() == "bearer" else "")
        host = scope["client"][0] if scope.get("client") else "nobody"
        wait = self._quota.take(f"caller {caller.name}" if caller else f"host {host}")
        if wait:
            said = f"too many requests. Ask again in {wait:.0f} s."
            return JSONResponse({"error": said}, 429, {"Retry-After": str(max(1, round(wait)))})
        if caller is None:
            said = "this needs a valid token. Send one as `Authorization: Bearer TOKEN`."
            return JSONResponse({"error": said}, 401, {"WWW-Authenticate": "Bearer"})
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._most_bytes:
            return JSONResponse({"error": self._too_large()}, 413)
        scope.setdefault("state", {})["caller"] = caller
        user.set(caller.name)
        subject.set(caller.name)
        return None

    def _too_large(self) -> str:
        return (
            f"the request is larger than {self._most_bytes // 2**20} MB. Send less at once, or have an administrator "
            "raise ORTHOLENS_API_REQUEST_MB."
        )
