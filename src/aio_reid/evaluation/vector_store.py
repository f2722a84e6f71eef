"""Embeddings kept from run to run, by content: bytes of the pictures, words, modalities, fusion and weights.

One SQLite file in a folder. A file whose path, size and times are as they were is taken to have the content it had, so
that a second run reads no picture. What the store cannot do costs time and never a result: a file that is damaged, or
of another program, is set aside under another name, and where nothing can be written nothing is kept; both are told
in one line. Embeddings of people are biometric data: folder and file are for their owner only.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError, StorageError
from aio_reid.storage import file_content, is_passing

FILE_NAME = "vectors.sqlite"
APPLICATION_ID = 0x41494F56  # "AIOV"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 20.0

# A file that was changed so shortly before it was read may change again within one tick of its file system's clock.
CLOCK_TICK_NS = 2_000_000_000
_NEVER = -1  # a time that no file has
_ROWS_AT_ONCE = 500  # SQLite's oldest limit for values in one statement is 999
_SCHEMA = (
    "CREATE TABLE files(path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, "
    "ctime_ns INTEGER NOT NULL, content BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE vectors(key BLOB PRIMARY KEY, vector BLOB NOT NULL)",
)
Tell = Callable[[str], None]
Vector = NDArray[np.float32]
Item = TypeVar("Item")


class VectorStore:
    """Vectors by key (any bytes), and contents of files by path.

    Args:
        folder: for the store's file; made where it is missing.
        tell: is told, in one line, that something was set aside or is not kept.

    Raises:
        StorageError: a part of the path is a file.
    """

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.path = folder / FILE_NAME
        self._tell = tell
        self._writes = True
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise StorageError(
                f"{folder} cannot hold embeddings: a part of its path is a file; name a folder"
            ) from None
        except OSError as error:
            self._give_up(error)
        self._connection = self._open()

    def read_contents(self, paths: Sequence[Path]) -> list[bytes]:
        """Return the sha256 of each file (32 bytes); only files that are new, or have changed, are read.

        Raises:
            DataError: a file cannot be read.
        """
        names = [os.fsencode(os.path.abspath(path)) for path in paths]
        known = self._known_files(names)
        contents, fresh = [], []
        for path, name in zip(paths, names, strict=True):
            try:
                now = path.stat()
                state = (now.st_size, now.st_mtime_ns, now.st_ctime_ns)
                kept = known.get(name)
                content = kept[3] if kept is not None and kept[:3] == state else file_content(path)
            except OSError as error:
                raise DataError(f"{path} cannot be read ({error.strerror or error}); complete the data set") from error
            if kept is None or kept != (*state, content):
                is_settled = time.time_ns() - max(state[1:]) > CLOCK_TICK_NS
                fresh.append((name, state[0], state[1] if is_settled else _NEVER, state[2], content))
            contents.append(content)
        self._write("INSERT OR REPLACE INTO files VALUES(?, ?, ?, ?, ?)", fresh)
        return contents

    def find_vectors(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the kept vectors, float32 (E,), of those keys that have one."""
        connection = self._connection
        rows = [
            row
            for chunk in _chunks(keys)
            for row in self._read(f"SELECT key, vector FROM vectors WHERE key IN ({_marks(chunk)})", chunk)
        ]
        if self._connection is not connection:  # the file was set aside, and with it what it held
            return {}
        found = {key: np.frombuffer(stored, "<f4") for key, stored in rows if len(stored) % 4 == 0}
        is_sound = len(found) == len(rows) and len({len(vector) for vector in found.values()}) <= 1
        if not is_sound or any(not abs(float(vector @ vector) - 1) < 1e-3 for vector in found.values()):
            self._set_aside("a kept vector has changed")
            return {}
        return {key: vector.astype(np.float32, copy=False) for key, vector in found.items()}

    def keep_vectors(self, keys: Sequence[bytes], vectors: Vector) -> None:
        """Keep the vectors (N, E) of N keys; all of them or, on a full disk, none."""
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in zip(keys, vectors, strict=True)]
        self._write("INSERT OR REPLACE INTO vectors VALUES(?, ?)", rows)

    def close(self) -> None:
        """Close the file; what was kept stays."""
        self._connection.close()

    def _known_files(self, names: Sequence[bytes]) -> dict[bytes, tuple[int, int, int, bytes]]:
        statement = "SELECT path, size, mtime_ns, ctime_ns, content FROM files WHERE path IN ({})"
        rows = [row for chunk in _chunks(names) for row in self._read(statement.format(_marks(chunk)), chunk)]
        return {name: (size, mtime, ctime, content) for name, size, mtime, ctime, content in rows}

    def _read(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._recover(error)
            return []

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows or not self._writes:
            return
        try:
            with self._connection:
                self._connection.executemany(statement, rows)
        except sqlite3.Error as error:
            self._recover(error)

    def _open(self) -> sqlite3.Connection:
        if not self._writes:
            return _connect(":memory:")
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            return _connect(str(self.path))
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, OSError) or is_passing(error):
                self._give_up(error)
                return _connect(":memory:")
            return self._replace(str(error))

    def _recover(self, error: sqlite3.Error) -> None:
        if is_passing(error):
            self._give_up(error)
        else:
            self._set_aside(str(error))

    def _give_up(self, error: Exception) -> None:
        if self._writes:
            self._writes = False
            self._tell(f"embeddings are not kept: {self.path}: {error}")

    def _set_aside(self, reason: str) -> None:
        self._connection.close()
        self._connection = self._replace(reason)

    def _replace(self, reason: str) -> sqlite3.Connection:
        """Rename the file and what SQLite wrote beside it, and begin another one."""
        aside = next(p for n in range(1, 10_000) if not (p := self.path.with_name(f"{FILE_NAME}.{n}.aside")).exists())
        try:
            self.path.replace(aside)
            for ending in ("-journal", "-wal", "-shm"):
                self.path.with_name(FILE_NAME + ending).unlink(missing_ok=True)
            self._tell(f"the kept embeddings in {self.path} cannot be used ({reason}); set aside as {aside.name}")
            return _connect(str(self.path))
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
            return _connect(":memory:")


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=BUSY_TIMEOUT_S)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    num_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application == 0 and num_tables == 0:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    elif (application, version) != (APPLICATION_ID, SCHEMA_VERSION):
        raise sqlite3.DatabaseError("another program's, or another version's")


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _ROWS_AT_ONCE):
        yield items[start : start + _ROWS_AT_ONCE]
