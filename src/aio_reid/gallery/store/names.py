"""Camera, time and more from the names of files, by a pattern that the user gives.

"{camera}_{time:%Y%m%d%H%M%S}_*" reads "north_20260412120000_0001.jpg". A field takes what stands up to the next
literal character, "*" any text; neither crosses a "/". A pattern with "/" is compared with as many parts of the path as
it has; one that does not end in "*" with the name without its suffix as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aio_reid.errors import ConfigError, DataError
from aio_reid.gallery.store.protocol import Value
from aio_reid.records import Modality, parse_visual_modality

FIELDS = ("camera", "time", "track", "frame", "source", "modality")
_PIECE = re.compile(r"\{(?P<name>[^{}:]*)(?::(?P<format>[^{}]*))?\}|(?P<any>\*)|(?P<literal>[^{}*]+)")
_LARGEST_FRAME = 2**63 - 1
_DIGITS = {"Y": r"\d{4}", "f": r"\d{1,6}", "j": r"\d{3}", **dict.fromkeys("mdHMSyI", r"\d{2}"), "p": "[AaPp][Mm]"}


@dataclass(frozen=True, slots=True)
class Description:
    """What a name or a row of a manifest says of a picture; own columns beside the fields that every gallery has."""

    modality: Modality | None
    camera: str | None
    time: datetime | None
    track: str | None
    source: str | None
    frame: int | None
    columns: dict[str, Value]


class NamePattern:
    """A pattern, parsed once.

    Raises:
        ConfigError: a brace without its counterpart, a field twice, or a time whose format cannot be read.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._formats: dict[str, str | None] = {}
        pieces = [self._piece(piece) for piece in self._split(pattern)]
        self._expression = re.compile("".join(pieces))
        self._num_parts = pattern.count("/") + 1
        if not self._formats:
            raise ConfigError(f"name pattern {pattern!r} has no field; write e.g. '{{camera}}_{{time:%Y%m%d%H%M%S}}_*'")

    def read(self, path: Path) -> Description:
        """Return what the name of a file says.

        Raises:
            DataError: it does not fit the pattern, in one line without the path.
        """
        parts = path.parts[-self._num_parts :]
        whole = "/".join(parts)
        stem = "/".join((*parts[:-1], path.stem))
        found = self._expression.fullmatch(whole)
        if not self.pattern.endswith("*"):
            found = self._expression.fullmatch(stem) or found
        if found is None:
            raise DataError(f"its name does not fit the pattern {self.pattern!r}")
        return self._describe({name: _readable(value) for name, value in found.groupdict().items()})

    def _split(self, pattern: str) -> list[re.Match[str]]:
        pieces = list(_PIECE.finditer(pattern))
        if sum(len(piece[0]) for piece in pieces) != len(pattern):
            raise ConfigError(
                f"name pattern {pattern!r} has a brace without its counterpart; write fields as {{camera}}"
            )
        return pieces

    def _piece(self, piece: re.Match[str]) -> str:
        if piece["any"]:
            return "[^/]*"
        if piece["literal"]:
            return re.escape(piece["literal"])
        name, form = piece["name"], piece["format"]
        if not name.isidentifier() or name in self._formats:
            raise ConfigError(f"name pattern {self.pattern!r}: the field {name!r} is no name, or stands twice")
        self._formats[name] = form
        if name == "time":
            return f"(?P<time>{self._time_expression(form)})"
        if form not in (None, "number"):
            raise ConfigError(
                f"name pattern {self.pattern!r}: {form!r} is no kind; write {{{name}}} or {{{name}:number}}"
            )
        return rf"(?P<{name}>\d+)" if name == "frame" else f"(?P<{name}>[^/]+?)"

    def _time_expression(self, form: str | None) -> str:
        """Return what matches times of a format, so that digits beside it are not taken for a part of it."""
        if not form or not re.search(r"%Y|%y", form):
            raise ConfigError(
                f"name pattern {self.pattern!r}: give the time a format with a year, {{time:%Y%m%d%H%M%S}}"
            )
        pieces = re.split(r"%(.)", form)
        unknown = [letter for letter in pieces[1::2] if letter not in _DIGITS]
        if unknown:
            raise ConfigError(
                f"name pattern {self.pattern!r}: %{unknown[0]} is not read; use "
                f"{' '.join(f'%{letter}' for letter in _DIGITS)}"
            )
        return "".join(re.escape(p) if n % 2 == 0 else _DIGITS[p] for n, p in enumerate(pieces))

    def _describe(self, values: dict[str, str]) -> Description:
        own = {name: value for name, value in values.items() if name not in FIELDS}
        columns: dict[str, Value] = {
            name: read_number(value, name) if self._formats[name] == "number" else value for name, value in own.items()
        }
        return Description(
            parse_visual_modality(values["modality"]) if "modality" in values else None,
            values.get("camera"),
            self._time(values["time"]) if "time" in values else None,
            values.get("track"),
            values.get("source"),
            read_frame(values["frame"]) if "frame" in values else None,
            columns,
        )

    def _time(self, text: str) -> datetime:
        form = self._formats["time"] or ""
        try:
            return datetime.strptime(text, form)
        except ValueError:
            raise DataError(f"{text!r} in its name is no time of the form {form!r}") from None


def read_frame(text: str) -> int:
    """Return the number of a frame.

    Raises:
        DataError: it is none, or too large.
    """
    if not text.isdecimal() or int(text) > _LARGEST_FRAME:
        raise DataError(f"frame is {text!r}; give a whole number from 0 to {_LARGEST_FRAME}")
    return int(text)


def _readable(text: str) -> str:
    """Replace what is no UTF-8 in the name of a file: the path keeps it, a text that is stored cannot."""
    return os.fsencode(text).decode("utf-8", "replace")


def read_number(text: str, name: str) -> float:
    """Return a number that a column holds.

    Raises:
        DataError: it is none, or not finite.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise DataError(f"{name} is {text!r}, which is no number")
    return value


def read_time(text: str) -> datetime:
    """Return a time that is written as ISO 8601, without a zone: what the camera's clock showed.

    Raises:
        DataError: it is none, or has a zone.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"time {text!r} cannot be read; write it as 2026-04-12T12:00:00") from None
    if time.tzinfo is not None:
        raise DataError(
            f"time {text!r} has a zone; a gallery keeps what its cameras' clocks showed, leave the zone out"
        )
    return time


Describe = Callable[[Path], Description]
