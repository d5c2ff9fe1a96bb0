"""The application: routes, what is said of errors, health and figures of use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import (
    BadWeights,
    Cancelled,
    CannotRead,
    InputError,
    OrthoLensError,
    ReplicaDied,
    TooLarge,
    UnknownCard,
    Unreachable,
    UnsupportedFormat,
)
from models.service import motion, questions
from models.service.callers import Caller, Role, Tokens
from models.service.door import Door, Quota
from models.service.metrics import Metrics
from models.service.motion import Measurements
from models.service.records import Health, Problem
from models.settings import Settings
from models.words import DISCLAIMER

STATUS: tuple[tuple[type[OrthoLensError], int], ...] = (
    (TooLarge, 413),
    (UnsupportedFormat, 415),
    (InputError, 422),
    (UnknownCard, 404),
    (Cancelled, 409),
    (BadWeights, 503),
    (ReplicaDied, 503),
    (Unreachable, 503),
    (CannotRead, 503),
)
"""The status of each error, the narrowest class first; of any other 500."""
SAID = {
    401: "No valid token.",
    404: "No such card, task, method, label or job.",
    413: "Too large.",
    415: "Not an image that is read here.",
    422: "Something that was sent cannot be used.",
    429: "Too many requests.",
    503: "The model's weights are missing, or the processes that compute.",
}


def create_app(limits: Settings, hosts: Sequence[str] = ("*",)) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    hosts
        Names under which it answers.

    Raises
    ------
    CannotRead
        Where the file of tokens cannot be read.
    """
    measurements = Measurements(limits.api_jobs, limits.idle_minutes)
    app = FastAPI(
        title="OrthoLens",
        version=version("ortholens"),
        description=f"What `ortholens` answers on the command line, over HTTP. {DISCLAIMER}",
        docs_url=None,  # both would load scripts of another site
        redoc_url=None,
        lifespan=_forget_at_the_end,
        responses={status: {"model": Problem, "description": said} for status, said in SAID.items()},
        separate_input_output_schemas=False,
    )
    app.state.measurements = measurements
    app.state.metrics = Metrics(measurements.count_unfinished)
    bearer = [Depends(HTTPBearer(auto_error=False, description="As `ortholens api token` prints it."))]
    app.include_router(questions.router, dependencies=bearer)
    app.include_router(motion.router, dependencies=bearer)
    app.add_api_route("/healthz", _say_health, response_model=Health, tags=["service"], responses={})
    app.add_api_route(
        "/metrics",
        _write_metrics,
        response_class=Response,
        tags=["service"],
        dependencies=bearer,
        responses={
            200: {"content": {"text/plain": {}}},
            403: {"model": Problem, "description": "Not an administrator."},
        },
    )
    app.add_exception_handler(OrthoLensError, _say_error)
    app.add_exception_handler(RequestValidationError, _say_invalid)
    app.add_exception_handler(StarletteHTTPException, _say_refused)
    app.add_exception_handler(Exception, _say_fault)
    quota = Quota(limits.api_requests_a_minute)
    app.add_middleware(Door, tokens=Tokens(limits.api_tokens), quota=quota, most_bytes=limits.api_request_mb * 2**20)
    app.add_middleware(Counting, metrics=app.state.metrics)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)  # added last, asked first
    return app


@asynccontextmanager
async def _forget_at_the_end(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.measurements.close()


def _say_health() -> Health:
    """Say that the service answers."""
    return Health(ok=True, version=version("ortholens"))


def _write_metrics(request: Request) -> Response:
    """Return figures of use for Prometheus; needs the role admin."""
    caller: Caller = request.state.caller
    if not caller.role.may(Role.ADMIN):
        raise HTTPException(403, "this needs the role admin. Ask with an administrator's token.")
    return Response(request.app.state.metrics.write(), media_type="text/plain; version=0.0.4")


class Counting:
    """Counts what is answered, by the pattern of its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.count(route, scope["method"], message["status"])
            await send(message)

        await self._app(scope, receive, counted)


def _say_error(_: Request, error: Exception) -> JSONResponse:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return _problem(str(error), status)


def _say_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return _problem(f"{where}: {first['msg'].lower()}. See /openapi.json for what is expected.", 422)


def _say_refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    said = {404: "there is nothing here. See /openapi.json.", 405: "this is not asked in this way. See /openapi.json."}
    spoken = error.detail if error.detail[:1].islower() else said.get(error.status_code, error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 405:  # of a path with several routes, each knows its own methods alone
        known = request.app.openapi()["paths"].get(_find_path(request), {})
        headers["Allow"] = ", ".join(sorted(method.upper() for method in known)) or headers.get("Allow", "")
    return _problem(spoken, error.status_code, headers)


def _find_path(request: Request) -> str:
    """Return the pattern of the path that is asked for."""
    return str(getattr(request.scope.get("route"), "path", request.url.path))


def _say_fault(request: Request, error: Exception) -> JSONResponse:
    structlog.get_logger().error("a request was not answered", kind=type(error).__name__, path=request.url.path)
    return _problem(f"could not be answered ({type(error).__name__}). Please report this as a fault of OrthoLens.", 500)


def _problem(said: str, status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(Problem(error=said).model_dump(), status, headers)
