"""From the fields of a request to what a gallery is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aio_reid.errors import ConfigError
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.store.names import read_frame, read_number, read_time
from aio_reid.gallery.store.protocol import Value, Where, parse_condition
from aio_reid.gallery.store.search import Question
from aio_reid.records import FUSIONS, VISUAL_MODALITIES, Modality, parse_modality
from aio_reid.server.limits import Limits
from aio_reid.server.pictures import check_picture
from aio_reid.server.problems import Refusal
from aio_reid.server.uploads import Part, text_of

LARGEST_ID = 2**63 - 1
PICTURES = tuple(m.value for m in VISUAL_MODALITIES)
FILTERS = ("id", "camera", "track", "modality", "since", "until", "where")
SEARCH = ("gallery", "text", "weight", "like", "unlike", "by_track", "top", "expected", "raw", "fusion", *FILTERS)
EMBED = ("text", "fusion", "encoding")
ENROL = ("gallery", "modality", "camera", "time", "track", "source", "frame", "columns")
SEPARATE = "separate"
ENCODINGS = ("list", "base64")
FLAGS = ("false", "true")


class Form:
    """The parts of a form, read by name."""

    def __init__(self, parts: Mapping[str, Sequence[Part]], limits: Limits) -> None:
        self._parts, self._limits = parts, limits

    def texts(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [text_of(part, self._limits) for part in self._parts.get(name, ())]

    def text(self, name: str) -> str | None:
        """Return the value of a field that may stand once; None where it is not given.

        Raises:
            Refusal: it stands several times.
        """
        values = self.texts(name)
        if len(values) > 1:
            raise Refusal(422, "field_repeated", f"field {name} stands {len(values)} times", "send it once")
        return values[0] if values else None

    def whole(self, name: str, *, default: int, most: int) -> int:
        """Return a whole number from 1 to `most`.

        Raises:
            Refusal: it is none.
        """
        text = self.text(name)
        return default if text is None else whole_number(name, text, most)

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Return one of some words.

        Raises:
            Refusal: another one.
        """
        text = self.text(name)
        if text is not None and text not in allowed:
            message = f"field {name} is {text[:80]!r}"
            raise Refusal(422, "option_not_allowed", message, f"choose one of: {', '.join(allowed)}")
        return text or default

    def flag(self, name: str) -> bool:
        """Return whether a field says "true"; it need not be given.

        Raises:
            Refusal: it says something else than "true" or "false".
        """
        return self.choice(name, FLAGS, FLAGS[0]) == "true"

    def evidence(self) -> tuple[QueryPart, ...]:
        """Return sentences and pictures in fusion order, each picture checked by its header.

        Raises:
            Refusal: one that is not allowed.
            DataError: an empty sentence.
        """
        found: list[QueryPart] = []
        for modality in Modality:
            for part in self._parts.get(modality.value, ()):
                if modality.is_visual:
                    check_picture(part.data, modality.value, self._limits)
                    found.append(QueryPart(modality, part.data))
                else:
                    found.append(QueryPart(modality, text_of(part, self._limits)))
        return tuple(found)

    def picture(self) -> Part:
        """Return the one picture to enrol, checked by its header.

        Raises:
            Refusal: there is none, or several, or it is not allowed.
        """
        parts = self._parts.get("picture", ())
        if len(parts) != 1:
            raise Refusal(422, "picture_needed", f"the form has {len(parts)} fields picture", "send one picture")
        check_picture(parts[0].data, "picture", self._limits)
        return parts[0]


def whole_number(name: str, text: str, most: int) -> int:
    """Return a whole number from 1 to `most`.

    Raises:
        Refusal: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= most):
        message = f"field {name} is {text[:80]!r}"
        raise Refusal(422, "option_not_allowed", message, f"give a whole number from 1 to {most}")
    return int(text)


def make_where(values: Mapping[str, Sequence[str]]) -> Where:
    """Return the filter that fields of the names in FILTERS describe.

    Raises:
        Refusal: an id that is none.
        DataError, ConfigError: a value that cannot be read.
    """
    return Where(
        ids=tuple(whole_number("id", text, LARGEST_ID) for text in values.get("id", ())),
        cameras=tuple(values.get("camera", ())),
        tracks=tuple(values.get("track", ())),
        modalities=tuple(parse_modality(name) for name in values.get("modality", ())),
        since=_time("since", values.get("since", ())),
        until=_time("until", values.get("until", ())),
        columns=tuple(parse_condition(text) for text in values.get("where", ())),
    )


def read_question(form: Form, limits: Limits, preferred_fusion: str) -> Question:
    """Return what a form asks.

    Raises:
        Refusal, AioError: a field that cannot be read.
    """
    weights = dict(_weight(text) for text in form.texts("weight"))
    fusion = form.choice("fusion", FUSIONS, "late" if weights else preferred_fusion)
    if weights and fusion == "early":
        raise ConfigError("weights add vectors of modalities, which is late fusion; leave out fusion=early")
    return Question(
        parts=form.evidence(),
        fusion=fusion,
        weights=weights,
        like=tuple(whole_number("like", text, LARGEST_ID) for text in form.texts("like")),
        unlike=tuple(whole_number("unlike", text, LARGEST_ID) for text in form.texts("unlike")),
        where=make_where({name: form.texts(name) for name in FILTERS}),
        by_track=form.flag("by_track"),
        top=form.whole("top", default=20, most=limits.top),
        expected=read_number(form.text("expected") or "1", "expected"),
        is_raw=form.flag("raw"),
    )


def read_description(form: Form) -> dict[str, Any]:
    """Return what a form says of a picture to enrol: the fields of `protocol.Picture` but content and path.

    Raises:
        Refusal, AioError: a field that cannot be read.
    """
    time, frame = form.text("time"), form.text("frame")
    modality = parse_modality(form.text("modality") or Modality.RGB.value)
    if not modality.is_visual:
        raise ConfigError(f"a picture cannot be {modality.value!r}; choose one of: {', '.join(PICTURES)}")
    return {
        "modality": modality,
        "camera": form.text("camera"),
        "time": None if time is None else read_time(time),
        "track": form.text("track"),
        "source": form.text("source"),
        "frame": None if frame is None else read_frame(frame),
        "columns": _columns(form.text("columns")),
    }


def upload_path(part: Part) -> Path:
    """Return the name that an uploaded picture is enrolled under: no file lies there, the gallery has its bytes."""
    name = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in part.filename)[-100:]
    return Path("/uploaded") / (name if name.strip(". ") else "picture")


def _columns(text: str | None) -> dict[str, Value]:
    """Return the user's own columns, from a JSON object of texts and numbers."""
    wrong = Refusal(
        422, "columns_unreadable", "field columns is no JSON object of texts and numbers", 'send {"a": "b"}'
    )
    if text is None:
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(given, dict):
        raise wrong
    columns: dict[str, Value] = {}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise wrong
        if isinstance(value, str) and not _is_storable(value):
            raise wrong
        columns[name] = value if isinstance(value, str) else read_number(str(value), name)
    return columns


def _is_storable(text: str) -> bool:
    """JSON can spell characters that no text has: halves of pairs, and the null that ends texts elsewhere."""
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _weight(text: str) -> tuple[Modality, float]:
    name, _, value = text.partition("=")
    try:
        return parse_modality(name), float(value)
    except ValueError:
        raise ConfigError(f"cannot read the weight {text[:80]!r}; write e.g. sketch=0.5") from None


def _time(name: str, values: Sequence[str]) -> datetime | None:
    if len(values) > 1:
        raise Refusal(422, "field_repeated", f"field {name} stands {len(values)} times", "send it once")
    return read_time(values[0]) if values else None
