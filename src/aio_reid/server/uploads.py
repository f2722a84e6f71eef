"""Requests with files, read into memory within bounds; nothing of them is ever written to a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from aio_reid.server.limits import MIB, Limits
from aio_reid.server.problems import Refusal

_CLOSE = {"Connection": "close"}
"""The rest of a body that is refused is not read, so the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; `filename` is empty where there is none."""

    name: str
    filename: str
    data: bytes


@dataclass(slots=True)
class _Gathering:
    """What the parser has reported so far."""

    parts: list[Part] = field(default_factory=list)
    headers: dict[bytes, bytes] = field(default_factory=dict)
    header_name: bytearray = field(default_factory=bytearray)
    header_value: bytearray = field(default_factory=bytearray)
    pieces: list[bytes] = field(default_factory=list)
    is_ended: bool = False


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the whole body.

    Raises:
        Refusal: it is larger than allowed, does not arrive in time, or the client went away.
    """
    too_large = Refusal(
        413, "body_too_large", f"the request has more than {limits.body_bytes / MIB:.0f} MiB", "send less", _CLOSE
    )
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limits.body_bytes:
        raise too_large
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.upload_s):
            async for piece in request.stream():
                size += len(piece)
                if size > limits.body_bytes:
                    raise too_large
                pieces.append(piece)
    except TimeoutError:
        message = f"the request did not arrive within {limits.upload_s:g} s"
        raise Refusal(408, "upload_too_slow", message, "send it again, or less at a time", _CLOSE) from None
    except ClientDisconnect:
        raise Refusal(400, "disconnected", "the connection ended within the request", "send it again") from None
    return b"".join(pieces)


def parse_form(content_type: str, body: bytes, limits: Limits) -> list[Part]:
    """Return the parts of a multipart/form-data body in their order.

    Raises:
        Refusal: another type, damaged or cut short, a part without a name, or too many parts.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data":
        shown = kind.decode("latin-1")[:80] or "nothing"
        raise Refusal(415, "not_a_form", f"the body is said to be {shown!r}", "send multipart/form-data")
    if not boundary or len(boundary) > 70:  # RFC 2046, 5.1.1
        raise Refusal(400, "form_damaged", "the form has no boundary of 1 to 70 characters", "correct the Content-Type")
    gathering = _Gathering()
    try:
        parser = MultipartParser(boundary, _callbacks(gathering, limits))  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise _damaged(str(error)) from None
    if not gathering.is_ended:
        raise _damaged("its end is missing")
    return gathering.parts


def split_parts(parts: Sequence[Part], *, texts: Sequence[str], files: Sequence[str]) -> Mapping[str, list[Part]]:
    """Return the parts by name.

    Raises:
        Refusal: a name that is not known here.
    """
    found: dict[str, list[Part]] = {}
    for part in parts:
        if part.name not in texts and part.name not in files:
            known = ", ".join((*files, *texts))
            raise Refusal(422, "unknown_field", f"there is no field {part.name[:80]!r}", f"the fields are: {known}")
        found.setdefault(part.name, []).append(part)
    return found


def text_of(part: Part, limits: Limits) -> str:
    """Return a part as text.

    Raises:
        Refusal: it is no UTF-8, too long, or has a null character.
    """
    try:
        text = part.data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(422, "text_unreadable", f"field {part.name} is no UTF-8", "encode it as UTF-8") from None
    if len(text) > limits.text_length:
        message = f"field {part.name} has {len(text):,} characters"
        raise Refusal(422, "text_too_long", message, f"send at most {limits.text_length:,}")
    if "\0" in text:
        raise Refusal(422, "text_unreadable", f"field {part.name} has a null character", "leave it out")
    return text


def _callbacks(gathering: _Gathering, limits: Limits) -> dict[str, object]:
    def header_end() -> None:
        gathering.headers[bytes(gathering.header_name).lower()] = bytes(gathering.header_value)
        gathering.header_name.clear()
        gathering.header_value.clear()

    def part_begin() -> None:
        if len(gathering.parts) >= limits.parts:
            raise Refusal(413, "too_many_parts", f"the form has more than {limits.parts} parts", "send fewer")
        gathering.headers.clear()
        gathering.pieces.clear()

    def part_end() -> None:
        gathering.parts.append(_part(gathering))

    def end() -> None:
        gathering.is_ended = True

    return {
        "on_part_begin": part_begin,
        "on_header_field": lambda data, start, stop: gathering.header_name.extend(data[start:stop]),
        "on_header_value": lambda data, start, stop: gathering.header_value.extend(data[start:stop]),
        "on_header_end": header_end,
        "on_part_data": lambda data, start, stop: gathering.pieces.append(data[start:stop]),
        "on_part_end": part_end,
        "on_end": end,
    }


def _part(gathering: _Gathering) -> Part:
    kind, options = parse_options_header(gathering.headers.get(b"content-disposition", b""))
    name = options.get(b"name", b"").decode("utf-8", "replace")
    if kind != b"form-data" or not name:
        raise _damaged("a part has no name")
    return Part(name, options.get(b"filename", b"").decode("utf-8", "replace"), b"".join(gathering.pieces))


def _damaged(reason: str) -> Refusal:
    reason = " ".join(reason.split())[:200]
    return Refusal(400, "form_damaged", f"the form cannot be read ({reason})", "send it again as multipart/form-data")
