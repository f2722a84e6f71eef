"""Files, as every layer keeps them: what is in one, how one is written whole, who alone may write into a folder, and
whose fault an SQLite error is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# The causes that lie outside the file: no space, no permission, someone else's lock. Everything else is damage.
_PASSING = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    )
)


def file_content(path: Path) -> bytes:
    """Return the SHA-256 of a file, 32 bytes.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def contents_of(paths: Iterable[Path]) -> list[bytes]:
    """Return the SHA-256 of those files that can be read."""
    contents: list[bytes] = []
    for path in paths:
        with suppress(OSError):
            contents.append(file_content(path))
    return contents


def unchanged_bytes(path: Path, content: bytes) -> bytes | None:
    """Return the bytes of a file if their SHA-256 still is `content`, else None."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).digest() == content else None


def sync(path: Path) -> None:
    """Return when the disk has the content of a file, or the names in a folder.

    Raises:
        OSError: there is no such file, or the disk is full or fails.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give the name of a file beside `path` to write to; at the end it replaces `path`, on an error it is removed.

    So under its own name the file is at every moment the old one or the new one, also after a power cut.

    Raises:
        OSError: the new file cannot take the place of the old one.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        sync(part)
        part.replace(path)
    except BaseException:
        with suppress(OSError):  # the error that led here is the one to report
            part.unlink()
        raise


_LOOK_AGAIN_S = 0.2


class HeldLock(Exception):
    """Another process holds a lock; the message is its number, or "another one" where that cannot be read."""


class ExclusiveLock:
    """A lock across processes, held from its making until `release`; the system lets go of it when its holder and the
    processes that it forked meanwhile have died, however they die.

    Args:
        mode: of the file, less the umask.
        wait_s: how long another holder is waited for.

    Raises:
        HeldLock: another process holds it.
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path, *, mode: int = 0o600, wait_s: float = 0.0) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
        try:
            self._take(time.monotonic() + wait_s)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace") or "another one"
            os.close(self._descriptor)
            raise HeldLock(holder) from None
        except OSError:
            pass  # a full disk: the lock is held, only the holder's number is missing

    def _take(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_LOOK_AGAIN_S)

    def release(self) -> None:
        """Let the next one have it."""
        with suppress(OSError):  # processes that were forked meanwhile hold the file open too
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's result code without the bits that refine it."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def is_passing(error: sqlite3.Error) -> bool:
    """Tell whether the cause lies outside the file (disk full, read-only, locked) rather than in it."""
    return primary_code(error) in _PASSING
