"""What a client is told when a request fails: problem details (RFC 9457) with a code, a message and a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from aio_reid.errors import (
    AioError,
    ConfigError,
    DataError,
    PictureError,
    StorageError,
    TextError,
    WeightsError,
)

MEDIA_TYPE = "application/problem+json"

_OF_ERROR: tuple[tuple[type[AioError], int, str], ...] = (
    (PictureError, 422, "picture_unreadable"),
    (TextError, 422, "text_unreadable"),
    (DataError, 422, "data_not_allowed"),
    (ConfigError, 422, "option_not_allowed"),
    (WeightsError, 409, "other_weights"),
    (StorageError, 503, "storage_unavailable"),
)
"""The first that fits decides; PictureError stands before its base."""


class Problem(BaseModel):
    """Why a request was not fulfilled (RFC 9457). `code` is stable, for programs; the rest is for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "sketch is no picture that is read here; send JPEG, PNG, WebP, BMP or TIFF",
                "code": "picture_unreadable",
                "message": "sketch is no picture that is read here",
                "remedy": "send JPEG, PNG, WebP, BMP or TIFF",
            }
        }
    )

    type: str = Field(description="Always about:blank: `code` says what kind of problem it is.")
    title: str = Field(description="The name of the HTTP status.")
    status: int
    detail: str = Field(description="Message and remedy in one line.")
    code: str
    message: str
    remedy: str


class Refusal(Exception):
    """A request that is not fulfilled: its HTTP status, and what the client is told."""

    def __init__(
        self, status: int, code: str, message: str, remedy: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{message}; {remedy}")
        self.status, self.code, self.message, self.remedy = status, code, message, remedy
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """Return what is sent."""
        content = Problem(
            type="about:blank",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=str(self),
            code=self.code,
            message=self.message,
            remedy=self.remedy,
        )
        return JSONResponse(content.model_dump(), self.status, self.headers, MEDIA_TYPE)


def refusal_of(error: AioError) -> Refusal:
    """Return what a client is told of one of our errors; its one line ends with the remedy."""
    line = " ".join(str(error).split())
    message, _, remedy = line.rpartition("; ")
    status, code = next(((s, c) for kind, s, c in _OF_ERROR if isinstance(error, kind)), (422, "not_allowed"))
    headers = {"Retry-After": "5"} if status == 503 else {}
    return Refusal(status, code, message or line, remedy if message else "correct the request", headers)


def busy(code: str, message: str, *, retry_after_s: int = 1) -> Refusal:
    """Return the refusal of a request for which there is no room at the moment."""
    return Refusal(429, code, message, "send it again later", {"Retry-After": str(retry_after_s)})


def too_late(message: str) -> Refusal:
    """Return the refusal of a request whose answer took too long."""
    return Refusal(
        504, "time_limit", message, "send fewer or smaller pictures, or repeat when the service is less busy"
    )


def still_running(message: str) -> Refusal:
    """Return the refusal of a request that changes a gallery and goes on after its time is over."""
    remedy = "look into /v1/items, the audit log, or the gallery's folder certificates before you repeat it"
    return Refusal(504, "still_running", f"{message}; it goes on and will be finished", remedy)


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503, 504)
}
"""For OpenAPI: every way in which a request may fail."""
