"""The application: addresses, health, the page, and how everything that goes wrong is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from aio_reid import __version__
from aio_reid.gallery.result import STATEMENT
from aio_reid.server import metrics
from aio_reid.server.answers import StateAnswer
from aio_reid.server.problems import RESPONSES, Refusal
from aio_reid.server.routes import KEY, make_router
from aio_reid.server.service import Service, Work
from aio_reid.server.shell import Shell

ABOUT = f"""Search galleries of person pictures by photos, infrared frames, sketches, sentences and any combination.

{STATEMENT}

Errors are problem details (RFC 9457) with `code`, `message` and `remedy`."""

_NO_TELEMETRY = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI can report what it does to a collector, and be told to by the environment: not here."""


def page_folder() -> Path | None:
    """Return where the files of the page lie in this installation; None where it has none."""
    folder = Path(__file__).parents[1] / "web"
    return folder if folder.is_dir() else None


def make_app(service: Service) -> FastAPI:
    """Return the application; when it ends, it closes the service."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="AIO-ReID",
        version=__version__,
        description=ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # FastAPI's pages of documentation load scripts from another host
        redoc_url=None,
        lifespan=lifespan,
        telemetry=_NO_TELEMETRY,  # type: ignore[arg-type]  # older versions of FastAPI have no such type
    )
    app.include_router(make_router(service))
    _add_state(app, service)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(HTTPException, _tell_http)
    if service.web is not None:
        app.mount("/", StaticFiles(directory=service.web, html=True), name="web")
    app.add_middleware(Shell, access=service.access, metrics=service.metrics)
    return app


def _add_state(app: FastAPI, service: Service) -> None:
    forbidden: dict[int | str, dict[str, Any]] = {
        status: RESPONSES[status] for status in (401, 403, 405, 429, 500, 503, 504)
    }

    @app.get("/healthz", response_model=StateAnswer, responses={status: RESPONSES[status] for status in (403, 405)})
    async def healthz() -> Response:
        """Tell that the process answers."""
        return JSONResponse({"state": "alive", "problems": {}})

    @app.get(
        "/readyz",
        response_model=StateAnswer,
        responses={**forbidden, 503: {"model": StateAnswer, "description": "It cannot answer searches now."}},
    )
    def readyz() -> Response:  # in a thread: a gallery may be read anew at this moment
        """Tell whether searches can be answered; 503 where a gallery cannot be read, or the service ends."""
        problems = dict.fromkeys(service.galleries.problems(service.model.weights_hash), "cannot be searched now")
        if service.is_ending:
            problems["service"] = "it ends"
        state = {"state": "not ready" if problems else "ready", "problems": problems}
        return JSONResponse(state, 503 if problems else 200)

    @app.get(
        "/metrics",
        response_class=Response,
        responses={**forbidden, 200: {"content": {"text/plain": {}}}},
        dependencies=[Security(KEY)],
    )
    async def show_metrics(request: Request) -> Response:
        """Return numbers for Prometheus; with keys, one with the scope admin is needed."""

        def work(task: Work) -> str:
            return service.metrics.text(service.gauges())

        return Response(await service.answer(request, "admin", work), media_type=metrics.MEDIA_TYPE)


async def _tell_invalid(request: Request, error: Exception) -> Response:
    """Tell the first thing that is wrong with path or query."""
    found = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    where = ".".join(str(part) for part in found.get("loc", ())[1:])
    message = f"{where[:80] or 'the request'}: {found.get('msg', 'is not allowed')}"
    return Refusal(422, "parameter_not_allowed", message, "see /v1/openapi.json for what is").response()


def _methods_of(request: Request) -> list[str]:
    """Return the methods that an address has, from the description of all of them."""
    known = request.app.openapi()["paths"]
    asked = request.url.path.split("/")
    found: set[str] = set()
    for path, methods in known.items():
        parts = path.split("/")
        if len(parts) == len(asked) and all(p == a or p.startswith("{") for p, a in zip(parts, asked, strict=True)):
            found |= {method.upper() for method in methods}
    return sorted(found)


async def _tell_http(request: Request, error: Exception) -> Response:
    """Tell what the framework refuses: unknown addresses and methods."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    # Of an address with several handlers the framework names the methods of the first only, and where there is a page
    # it takes every address for one of its files.
    methods = _methods_of(request)
    if status in (404, 405):
        status = 405 if methods and request.method not in methods else 404
    headers = {"Allow": ", ".join(methods)} if status == 405 else {}
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    remedy = "see /v1/openapi.json for the addresses and their methods"
    message = f"{request.method} {request.url.path[:200]}: {HTTPStatus(status).phrase.lower()}"
    return Refusal(status, code, message, remedy, headers).response()
