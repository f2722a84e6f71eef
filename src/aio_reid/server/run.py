"""Listening, until the process is told to end; requests in progress are finished first."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from aio_reid.errors import ConfigError
from aio_reid.server.limits import Limits

_BACKLOG = 128
_KEEP_ALIVE_S = 30


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot listen on {host} port {port} ({reason}); give another --host or --port") from None


def serve(app: FastAPI, listening: socket.socket, limits: Limits, *, started: Callable[[], None]) -> None:
    """Answer requests until SIGTERM or SIGINT; then take no new ones, finish those in progress, and return.

    No line is written per request: addresses hold filters. The audit log knows who asked what.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(limits.upload_s + limits.answer_s) + 5,
    )
    before = signal.signal(signal.SIGTERM, _end)  # uvicorn raises the signal anew when all is finished
    try:
        started()
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        signal.signal(signal.SIGTERM, before)
        listening.close()


def _end(number: int, frame: object) -> None:
    del number, frame
    sys.exit(0)
