"""What is wrong with an audit log, if anything.

A changed, removed, added or moved line breaks the chain of hashes. Lines cut off at the end leave a chain that is
whole: the head tells, as long as nobody has changed the head as well. Who can write the log can write the head, and
could make the whole log anew. Only a number and a hash that were kept elsewhere (printed, mailed, on another machine)
settle it: an anchor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aio_reid.errors import ConfigError, DataError, StorageError
from aio_reid.server.audit import START, line_hash, read_head

_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """The result: `num_lines` that are whole, the hash of the last one, and the problems, each in one line. `is_torn`
    tells that a line was being written when a process was killed, which is no problem.
    """

    num_lines: int
    last_hash: str
    problems: tuple[str, ...]
    is_torn: bool

    @property
    def anchor(self) -> str:
        """What to keep elsewhere: number and hash of the last line."""
        return f"{self.num_lines}:{self.last_hash}"


def check_audit(log: Path, anchor: str | None = None) -> AuditCheck:
    """Read a log from its beginning; `anchor` is what an earlier check gave.

    Raises:
        DataError: there is no log.
        ConfigError: the anchor cannot be read.
        StorageError: the file cannot be read.
    """
    wanted = None if anchor is None else parse_anchor(anchor)
    end = _end_of(log)  # before the lines: a service that runs may add some meanwhile
    problems: list[str] = []
    number, previous, is_torn = 0, START, False
    seen = START if wanted is not None and wanted[0] == 0 else ""
    for at, line in enumerate(_lines(log), start=1):
        if not line.endswith(b"\n"):
            is_torn = True
            break
        problem, number, previous = _check_line(line, number, previous)
        if problem:
            problems.append(f"line {at}: {problem}")
        if wanted is not None and number == wanted[0]:
            seen = previous
    problems += _check_end(end, number, previous)
    if wanted is not None and seen != wanted[1]:
        problems.append(f"line {wanted[0]} is not the one of the anchor: the log was cut or made anew")
    more = len(problems) - _MOST_PROBLEMS
    shown = problems if more <= 0 else [*problems[:_MOST_PROBLEMS], f"{more} more problems"]
    return AuditCheck(number, previous, tuple(shown), is_torn)


def parse_anchor(text: str) -> tuple[int, str]:
    """Return number and hash of an anchor.

    Raises:
        ConfigError: it is none.
    """
    number, _, last = text.partition(":")
    if not number.isdecimal() or len(last) != 64:
        raise ConfigError(
            f"the anchor {text[:100]!r} cannot be read; give NUMBER:HASH, as `aio-reid audit verify` prints"
        )
    return int(number), last.lower()


def _lines(log: Path) -> Iterator[bytes]:
    try:
        with log.open("rb") as file:
            yield from file
    except FileNotFoundError:
        raise DataError(f"there is no audit log {str(log)!r}; check the path") from None
    except OSError as error:
        raise StorageError(f"the audit log {str(log)!r} cannot be read ({error.strerror}); check the path") from None


def _check_line(line: bytes, number: int, previous: str) -> tuple[str, int, str]:
    """Return what is wrong with a line after one of that number and hash, and its own number and hash."""
    try:
        entry = json.loads(line)
        own_number, own_hash, own_previous = int(entry["n"]), str(entry["hash"]), str(entry["previous"])
        true_hash = line_hash(entry)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "is no line of an audit log", number + 1, ""
    problem = ""
    if true_hash != own_hash:
        problem = "was changed"
    elif own_number != number + 1:
        problem = f"has the number {own_number} after {number}: lines were removed, added or moved"
    elif own_previous != previous:
        problem = "does not follow the line before: that one was changed, or lines were exchanged"
    return problem, own_number, own_hash


def _end_of(log: Path) -> tuple[int, str] | str | None:
    """Return number and hash that the head names, None where there is none, or what is wrong with it."""
    try:
        return read_head(log)
    except StorageError:
        return "the head is damaged, so that lines missing at the end are not noticed"


def _check_end(head: tuple[int, str] | str | None, number: int, previous: str) -> list[str]:
    if isinstance(head, str):
        return [head]
    if head is None:
        return ["the head is missing, so that lines missing at the end are not noticed"] if number else []
    if head[0] > number:
        return [f"the head says {head[0]} lines, {number} are there: the end was cut off"]
    if head[0] == number and head[1] != previous:
        return ["the last line is not the one that the head names"]
    return []
