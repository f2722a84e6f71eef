"""The JSON files of data sets: lists read object by object, for SYNTH-PEDES's of 4.8 million fits no memory as a whole,
and single objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from aio_reid.errors import DataError

_CHUNK = 1 << 20
_LONGEST_OBJECT = 1 << 24
"""Characters. A broken object is told when so many do not complete it, not after the rest of gigabytes was read."""


def read_objects(path: Path) -> Iterator[dict[str, object]]:
    """Yield the objects of a JSON list (UTF-8) in their order, while the file is being read.

    Raises:
        DataError: the file is missing or unreadable, is not JSON, is not a list, or an item is not an object; told when
            that place of the file is reached.
    """
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, item in enumerate(_Scanner(file).items(), start=1):  # noqa: B007
                yield item
    except (OSError, ValueError, RecursionError) as error:
        raise _explain(path, "a JSON list of objects", error, f"after {number} of them: ") from error


def read_object(path: Path) -> dict[str, object]:
    """Return the one JSON object (UTF-8) that a file holds.

    Raises:
        DataError: the file is missing or unreadable, is not JSON, or is not an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(content, dict):
            raise ValueError("it holds something else")
    except (OSError, ValueError, RecursionError) as error:
        raise _explain(path, "a JSON object", error) from error
    return content


def _explain(path: Path, kind: str, error: Exception, place: str = "") -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"there is no {path.name} in {path.parent}; complete the copy or correct the folder")
    reason = getattr(error, "msg", None) or getattr(error, "strerror", None) or error
    return DataError(f"{path} cannot be read as {kind} ({place}{reason}); get the file anew")


class _Scanner:
    """The text of a file from `place` on, completed as the reading needs it."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._text, self._place = file, "", 0
        self._decode = json.JSONDecoder().raw_decode

    def items(self) -> Iterator[dict[str, object]]:
        if self._next() != "[":
            raise ValueError("it does not begin with '['")
        self._place += 1
        if self._next() == "]":
            self._place += 1
        else:
            yield self._object()
            while self._step() == ",":
                yield self._object()
        if self._next():
            raise ValueError("text follows the list")

    def _step(self) -> str:
        """Pass the comma between two items, or the end of the list."""
        character = self._next()
        if character not in (",", "]"):
            raise ValueError("the file ends within the list" if not character else "',' is missing between two items")
        self._place += 1
        return character

    def _object(self) -> dict[str, object]:
        if self._next() != "{":
            raise ValueError("an item is not an object")
        while True:
            try:
                item, self._place = self._decode(self._text, self._place)
            except json.JSONDecodeError:
                if len(self._text) - self._place > _LONGEST_OBJECT or not self._read():
                    raise
            else:
                return dict(item)

    def _next(self) -> str:
        """Return the next character that is not blank, with `place` on it; "" at the end of the file."""
        while True:
            while self._place < len(self._text):
                if self._text[self._place] not in " \t\r\n":
                    return self._text[self._place]
                self._place += 1
            if not self._read():
                return ""

    def _read(self) -> bool:
        more = self._file.read(_CHUNK)
        self._text, self._place = self._text[self._place :] + more, 0
        return bool(more)
