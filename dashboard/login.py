"""Who may see the dashboard: a login by OpenID Connect before everything that the server answers.

`st.login` tells pages who somebody is; Streamlit serves its scripts, media, uploads and the WebSocket to everybody all
the same. So a middleware stands before all of it, which reads the cookie that the login leaves (signed by Streamlit
with a secret of this server) and lets nobody else through but to the login itself. A login ends with idleness, of which
the browser tells by `HERE` as long as hands move.

Reference: OpenID Connect Core 1.0 (openid.net/specs/openid-connect-core-1_0.html);
docs.streamlit.io/develop/concepts/connections/authentication
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from threading import Lock
from typing import Any

import streamlit as st
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.runtime.secrets import SecretsValue
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.server_util import get_cookie_secret

from dashboard.i18n import ENGLISH, later, list_languages, speak
from models.audit_log import record
from models.service.callers import Role
from models.settings import settings
from models.words import DISCLAIMER

COOKIE = "_streamlit_user"
LOGIN, LOGOUT, CALLBACK, HEALTH = "/auth/login", "/auth/logout", "/oauth2callback", "/_stcore/health"
METRICS = "/_stcore/metrics"
BEGIN, HERE, LEFT = "/login", "/here", "/left"
"""Own addresses: where a login begins, and where a browser says that hands move, and that none has for too long."""
HERE_S, LOOK_S = 60.0, 5.0
"""How often a browser says so at most, and how often an open page's login is looked at."""
MOST_LOGINS = 10_000
NO_LOGIN = 4401
"""Code that closes a WebSocket; from the range that applications choose (RFC 6455, 7.4.2)."""


def is_login_asked() -> bool:
    """Whether nobody sees anything without a login."""
    return bool(settings().oidc_url)


def write_secrets() -> Mapping[str, SecretsValue]:
    """Return what `st.login` needs, from the settings; nothing where no login is asked for.

    Cookies are signed with a key made from the provider's secret: whoever renews that ends every login.
    """
    if not is_login_asked():
        return {}
    limits = settings()
    secret = limits.oidc_secret.get_secret_value()
    return {
        "auth": {
            "redirect_uri": f"{limits.public_url.rstrip('/')}{CALLBACK}",
            "cookie_secret": hmac.digest(secret.encode(), b"OrthoLens cookies", "sha256").hex(),
            "client_id": limits.oidc_client,
            "client_secret": secret,
            "server_metadata_url": limits.oidc_url,
        }
    }


def find_role(claims: Mapping[str, Any]) -> Role | None:
    """Return the highest role that somebody's claims give; None where they give none.

    The claim may lie deeper, as in "realm_access.roles", and be one text or a list of them.
    """
    found: Any = claims
    for part in settings().roles_claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    named = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    given = [settings().roles[name] for name in named if isinstance(name, str) and name in settings().roles]
    return next((role for role in reversed(Role) if role.value in given), None)


def may(needed: Role) -> bool:
    """Whether the user of the page may do what needs a role; everybody may everything where nobody logs in."""
    if not is_login_asked():
        return True
    visitor = find_visitor(st.context.cookies)  # as the middleware reads it; `st.user` also wants a token of the page's
    return visitor is not None and visitor.role is not None and visitor.role.may(needed)


def find_subject() -> str:
    """Return who the user of the page is to the provider; "anyone" where nobody logs in."""
    visitor = find_visitor(st.context.cookies) if is_login_asked() else None
    return visitor.subject if visitor else "anyone"


@dataclass(frozen=True)
class Visitor:
    """Somebody who is logged in.

    Attributes
    ----------
    key
        Of this login: the hash of its cookie.
    issued
        When it began, in seconds since 1970.
    """

    key: str
    subject: str
    role: Role | None
    issued: float


def find_visitor(cookies: Mapping[str, str]) -> Visitor | None:
    """Return who a request's cookies say is logged in; None where their signature does not."""
    secret = get_cookie_secret()

    def unsign(name: str) -> bytes | None:
        try:
            value = URLSafeTimedSerializer(secret, salt=name).loads(cookies.get(name, ""))
        except BadSignature:
            return None
        return str(value).encode()

    if not (said := get_cookie_with_chunks(unsign, COOKIE)):
        return None
    claims = json.loads(said)
    if not claims.get("is_logged_in") or not claims.get("sub"):
        return None
    _, issued = URLSafeTimedSerializer(secret, salt=COOKIE).loads(cookies[COOKIE], return_timestamp=True)
    key = hashlib.sha256(cookies[COOKIE].encode()).hexdigest()
    return Visitor(key, str(claims["sub"]), find_role(claims), issued.timestamp())


class Logins:
    """When each login was seen last, so that one that is left alone ends, and one that was ended does not come back."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._lock = Lock()
        self._seen: dict[str, float] = {}

    def is_alive(self, one: Visitor) -> bool:
        """Whether it goes on."""
        with self._lock:
            seen = self._seen.get(one.key, one.issued)
        return seen > 0 and (not self._idle_s or time.time() - seen <= self._idle_s + HERE_S)

    def touch(self, one: Visitor) -> bool:
        """Take note of a sign of life, and return whether it is the first."""
        now = time.time()
        with self._lock:
            new = one.key not in self._seen
            self._seen[one.key] = now
            if len(self._seen) > MOST_LOGINS:  # what is forgotten ended by its cookie's age, or will
                for key in sorted(self._seen, key=self._seen.__getitem__)[: MOST_LOGINS // 10]:
                    del self._seen[key]
        return new

    def end(self, one: Visitor) -> None:
        """End it for good, whoever still has its cookie."""
        with self._lock:
            self._seen[one.key] = -1.0


class Login:
    """Lets in who is logged in and has a role; all others to the login alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._logins = Logins(60 * settings().idle_minutes)
        self._secure = settings().public_url.startswith("https://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path, visitor = scope["path"], find_visitor(HTTPConnection(scope).cookies)
        if visitor and path in (LOGOUT, LEFT):
            self._logins.end(visitor)
        if scope["type"] == "http" and path in (LOGIN, LOGOUT, CALLBACK, HEALTH):
            await self._app(scope, receive, self._secured(send))
        elif scope["type"] == "http" and path == BEGIN:
            await RedirectResponse(generate_login_redirect_url("default"), 302)(scope, receive, send)
        elif visitor is None or not self._logins.is_alive(visitor):
            await self._refuse(scope, receive, send)
        elif visitor.role is None or (path == METRICS and not visitor.role.may(Role.ADMIN)):
            await self._refuse(scope, receive, send, 403)
        else:
            if self._logins.touch(visitor):
                record("login", visitor.subject)
            if path == HERE:
                await Response(status_code=204)(scope, receive, send)
            elif scope["type"] == "websocket":
                await self._watch(visitor, scope, receive, send)
            else:
                await self._app(scope, receive, self._secured(send))

    def _secured(self, send: Send) -> Send:
        """Return what sends cookies that a browser gives back over TLS alone, where users come by TLS."""

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start" and self._secure:
                headers = MutableHeaders(scope=message)
                cookies = headers.getlist("set-cookie")
                del headers["set-cookie"]
                for cookie in cookies:
                    headers.append("set-cookie", cookie if "; secure" in cookie.lower() else f"{cookie}; Secure")
            await send(message)

        return secured

    async def _watch(self, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page for as long as its login goes on; what the page says is a sign of life."""
        coming: asyncio.Task[Message] | None = None
        closed = False

        async def watched() -> Message:
            nonlocal coming, closed
            coming = coming or asyncio.ensure_future(receive())
            while not (await asyncio.wait({coming}, timeout=LOOK_S))[0]:
                if not self._logins.is_alive(visitor):
                    closed = True
                    await send({"type": "websocket.close", "code": NO_LOGIN})
                    return {"type": "websocket.disconnect", "code": NO_LOGIN}
            message, coming = coming.result(), None
            if message["type"] == "websocket.receive" and self._logins.is_alive(visitor):
                self._logins.touch(visitor)
            return message

        async def sent(message: Message) -> None:
            if not closed:
                await send(message)

        try:
            await self._app(scope, watched, sent)
        finally:
            if coming is not None:
                coming.cancel()

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int = 401) -> None:
        """Show the login to a browser that wants a page, and refuse all else."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": NO_LOGIN})
            return
        headers = Headers(scope=scope)
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            answer: Response = HTMLResponse(write_login_page(headers.get("accept-language", ""), status), status)
        else:
            answer = PlainTextResponse("Log in first." if status == 401 else "Your role does not allow this.", status)
        answer.headers["Cache-Control"] = "no-store"
        await answer(scope, receive, send)


def write_login_page(languages: str, status: int = 401) -> str:
    """Return the page that stands before all others, in the first language of a browser that is known here."""
    asked = [one.partition(";")[0].partition("-")[0].strip().lower() for one in languages.split(",")]
    code = next((one for one in asked if one in list_languages()), ENGLISH)
    say = speak(code)
    if status == 401:
        said, target, label = later("Log in to go on."), BEGIN, later("Log in")
    else:
        said = later("Nobody has given you a role here. Ask those who look after it.")
        target, label = LOGOUT, later("Log out")
    return (
        f'<!doctype html><html lang="{code}"><head><meta charset="utf-8"><title>OrthoLens</title>'
        '<meta name="viewport" content="width=device-width"><style>'
        ":root{color-scheme:light dark}body{font:1.125rem/1.5 system-ui,sans-serif;max-width:26rem;margin:18vh auto;"
        "padding:0 1.25rem}a{display:inline-block;padding:.6rem 1.2rem;border-radius:.5rem;background:#0F766E;"
        "color:#fff;font-weight:600;text-decoration:none}footer{margin-top:3rem;font-size:.875rem}</style></head>"
        f'<body><h1>OrthoLens</h1><p>{escape(say(said))}</p><p><a href="{target}">{escape(say(label))}</a></p>'
        f"<footer>{escape(say(later(DISCLAIMER)))}</footer></body></html>"
    )
