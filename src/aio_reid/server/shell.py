"""What surrounds every request: who may ask at all, headers of safety, counting, and a plain answer to any failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aio_reid.errors import AioError
from aio_reid.server.access import Access
from aio_reid.server.metrics import Metrics
from aio_reid.server.problems import Refusal, refusal_of

CONTENT_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "connect-src 'self'; img-src 'self' blob:; script-src 'self'; style-src 'self'"
)
"""The page may use what this service serves, and nothing else: no other host, no inline script.
Pictures are asked for with the key in a header, and shown from memory: blob."""

HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_log = logging.getLogger("aio_reid.server")


class Shell:
    """ASGI middleware around the application."""

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics) -> None:
        self._app, self._access, self._metrics = app, access, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._guarded(scope, receive, send_with_headers, lambda: status > 0)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.request(route, scope["method"], status, time.monotonic() - started)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, has_begun: Callable[[], bool]) -> None:
        try:
            self._access.check_origin(Headers(scope=scope), scope["path"])
            await self._app(scope, receive, send)
        except Refusal as refusal:
            await self._refuse(refusal, scope, receive, send)
        except AioError as error:
            await self._refuse(refusal_of(error), scope, receive, send)
        except Exception as error:
            if has_begun():
                raise
            # What was asked is not in the log: only where the program failed.
            _log.error("a bug in aio-reid: %s", type(error).__name__, exc_info=error)
            bug = Refusal(500, "bug", "a bug in aio-reid, not a mistake of yours", "tell whoever runs this service")
            await self._refuse(bug, scope, receive, send)

    async def _refuse(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.refused(refusal.code)
        await refusal.response()(scope, receive, send)
