"""The audit log: JSON lines that are only ever added to, each with the hash of the one before.

    {"n": 2, "time": ..., "who": ..., "what": "search", ..., "previous": HASH OF LINE 1, "hash": HASH OF THIS ONE}

The hash is the SHA-256 of the line without its hash, in canonical JSON. A line is on the disk before the request that
it tells of is answered; lines of requests that come together share one synchronisation. Beside the log lies its head:
number and hash of the last line. What a changed, removed or cut line betrays stands in `audit_check.py`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aio_reid.errors import StorageError

FILE_NAME = "audit.jsonl"
START = "0" * 64
"""Stands for the hash before the first line."""
HEAD_WIDTH = 20
_BLOCK = 1 << 16
_LONGEST_LINE = 1 << 24

Entry = Mapping[str, Any]


def head_file(log: Path) -> Path:
    """Return where the head of a log lies."""
    return log.with_name(log.name + ".head")


def line_hash(entry: Entry) -> str:
    """Return the SHA-256, in hex, of an entry without its own hash, in canonical JSON."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True, eq=False)
class _Line:
    text: bytes
    number: int
    hash: str
    is_done: bool = False
    error: str | None = None


class AuditLog:
    """An open log; one process at a time.

    A line that a killed process left half written was never acknowledged: it is cut off when the log is next opened,
    and the next line says so.

    Raises:
        StorageError: another process writes it, it cannot be written, or it does not go on where its head says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gathering, self._writing = threading.Lock(), threading.Lock()
        self._waiting: list[_Line] = []
        self._log, self._head = _open(path), _open(head_file(path))
        try:
            self._lock()
            torn = self._cut_torn_line()
            self._number, self._hash = self._last()
            self._check_head()
        except BaseException:
            self.close()
            raise
        if torn:
            self.add({"what": "recovered", "cut_bytes": len(torn), "cut_sha256": hashlib.sha256(torn).hexdigest()})

    def add(self, event: Entry) -> int:
        """Add one line, with number, time and hashes, and return its number once it is on the disk.

        Raises:
            StorageError: it could not be written; then nothing of it stays.
        """
        with self._gathering:
            line = self._chained(event)
            self._waiting.append(line)
        with self._writing:  # whoever is first writes for all that wait
            if not line.is_done:
                self._write_waiting()
        if line.error is not None:
            raise StorageError(f"the audit log {str(self.path)!r} cannot be written ({line.error}); free space, repeat")
        return line.number

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in (self._log, self._head):
            os.close(descriptor)

    def _chained(self, event: Entry) -> _Line:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {"n": self._number + 1, "time": now, **event, "previous": self._hash}
        entry["hash"] = line_hash(entry)
        self._number, self._hash = entry["n"], entry["hash"]
        text = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass") + b"\n"
        return _Line(text, entry["n"], entry["hash"])

    def _write_waiting(self) -> None:
        with self._gathering:
            lines, self._waiting = self._waiting, []
        size = os.fstat(self._log).st_size
        try:
            _write_all(self._log, b"".join(line.text for line in lines))
            os.fsync(self._log)
        except OSError as error:
            self._undo(lines, size, error)
            return
        self._write_head(lines[-1].number, lines[-1].hash)
        for line in lines:
            line.is_done = True

    def _undo(self, lines: list[_Line], size: int, error: OSError) -> None:
        """Leave the log as it was, and let all fail whose lines stand on those that are lost."""
        os.ftruncate(self._log, size)
        with self._gathering:
            lost = [*lines, *self._waiting]
            self._waiting = []
            self._number, self._hash = self._last()
        for line in lost:
            line.is_done, line.error = True, error.strerror or str(error)

    def _write_head(self, number: int, last: str) -> None:
        # Not synchronised: after a power cut it may lag behind the log, which is told apart from a log that lost lines.
        # So it may where it cannot be written: the lines are in the log, and the requests they tell of are answered.
        with suppress(OSError):
            os.pwrite(self._head, f"{number:>{HEAD_WIDTH}} {last}\n".encode(), 0)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(
                f"the audit log {str(self.path)!r} is being written by another process; end it, or give --audit FILE"
            ) from None

    def _cut_torn_line(self) -> bytes:
        size = os.fstat(self._log).st_size
        start = self._line_start(size)
        torn = os.pread(self._log, size - start, start)
        if torn:
            os.ftruncate(self._log, start)
            os.fsync(self._log)
        return torn

    def _line_start(self, end: int) -> int:
        """Return where the line begins that the byte before `end` belongs to, or `end` where a line ends there."""
        at = end
        while at > 0:
            block_at = max(at - _BLOCK, 0)
            block = os.pread(self._log, at - block_at, block_at)
            newline = block.rfind(b"\n")
            if newline >= 0:
                return block_at + newline + 1
            at = block_at
            if end - at > _LONGEST_LINE:
                raise self._damaged("a line without an end")
        return 0

    def _last(self) -> tuple[int, str]:
        """Return number and hash of the last line."""
        size = os.fstat(self._log).st_size
        if size == 0:
            return 0, START
        start = self._line_start(size - 1)
        try:
            entry = json.loads(os.pread(self._log, size - start, start))
            if line_hash(entry) != entry["hash"]:
                raise ValueError("its hash is wrong")
            return int(entry["n"]), str(entry["hash"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"the last line cannot be trusted: {error}") from None

    def _check_head(self) -> None:
        """Refuse to go on where lines were cut off: the new ones would hide it."""
        number, last = read_head(self.path) or (0, START)
        if number > self._number or (number == self._number and last != self._hash):
            raise self._damaged(f"its head says {number} lines, {self._number} are there")

    def _damaged(self, reason: str) -> StorageError:
        return StorageError(
            f"the audit log {str(self.path)!r} was changed ({reason}); look with `aio-reid audit verify`, keep it, and "
            "give another --audit FILE"
        )


def read_head(log: Path) -> tuple[int, str] | None:
    """Return number and hash that the head of a log holds; None where there is none, or it is empty.

    Raises:
        StorageError: the head cannot be read.
    """
    try:
        text = head_file(log).read_text(encoding="ascii")
        number, last = text.split() if text.strip() else ("0", START)
        return (int(number), last) if text.strip() else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise StorageError(
            f"the head {str(head_file(log))!r} cannot be read; look with `aio-reid audit verify`"
        ) from None


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        return os.open(path, flags if path.name.endswith(".head") else flags | os.O_APPEND, 0o600)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"the audit log {str(path)!r} cannot be written ({reason}); give --audit FILE") from None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
