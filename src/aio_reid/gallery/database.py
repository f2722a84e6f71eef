"""The SQLite file of the embedding cache: never trusted to be writable.

A cache that cannot be written is a slower search, not a failed one: `stop_writing` notes the reason once and the search
goes on. A file that is damaged or not ours is an error, never removed by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aio_reid.errors import StorageError
from aio_reid.gallery.sqlite_file import FileKind, compact, connect, create_privately, damaged
from aio_reid.storage import is_passing

FILE_NAME = "embeddings.sqlite"
BUSY_TIMEOUT_S = 20.0

_SCHEMA = """
CREATE TABLE files(path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
                   content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE spaces(id INTEGER PRIMARY KEY, weights TEXT NOT NULL, modality TEXT NOT NULL, preprocess INTEGER NOT NULL,
                    UNIQUE(weights, modality, preprocess));
CREATE TABLE embeddings(content BLOB NOT NULL, space INTEGER NOT NULL, vector BLOB, error TEXT, reader TEXT,
                        UNIQUE(content, space), CHECK((vector IS NULL) <> (error IS NULL)));
CREATE TABLE queries(key BLOB PRIMARY KEY, weights TEXT NOT NULL, vector BLOB NOT NULL, unread TEXT NOT NULL);
"""

CACHE = FileKind(
    what="cache",
    application_id=0x41494F52,  # "AIOR"
    schema_version=1,
    schema=_SCHEMA,
    remedy="remove it, or give another --cache DIR",
)


class Database:
    """One open connection; `path` is None for a database in memory. `warnings` holds at most one line."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None, warning: str | None = None) -> None:
        self.path = path
        self.warnings: list[str] = [] if warning is None else [warning]
        self._connection = connection
        self._writes = True

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows, or none where the disk cannot be read for the moment (a warning is noted).

        Raises:
            StorageError: when the file is damaged.
        """
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self.stop_writing(error)
            return []

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection | None]:
        """Give a connection whose changes are kept together or not at all; None once writing has been given up.

        Raises:
            StorageError: when the file is damaged.
        """
        self._begin()
        if not self._writes:
            yield None
            return
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.stop_writing(error)
        finally:
            self._roll_back()

    def stop_writing(self, error: sqlite3.Error) -> None:
        """Note why nothing more is kept, or raise StorageError when the cause is a damaged file."""
        if not is_passing(error):
            raise damaged(CACHE, self.path, error) from None
        if self._writes:
            self._writes = False
            self.warnings.append(f"embeddings are not kept for the next search: {self.path}: {error}")

    def compact(self) -> None:
        """Give freed space back to the disk and empty the write-ahead log, so that erased rows are nowhere left.

        Raises:
            StorageError: when another process is using the cache, or the disk is full.
        """
        compact(CACHE, self._connection, self.path)

    def close(self) -> None:
        """Close the connection; what was committed stays."""
        self._connection.close()

    def _begin(self) -> None:
        try:
            if self._writes:
                self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self.stop_writing(error)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.rollback()


def open_database(folder: Path | None) -> Database:
    """Open or create the cache file in a folder; None for one in memory that is forgotten at the end.

    Where the folder cannot be used for a reason outside the file (permission, space, lock), it is in memory and
    has a warning.

    Raises:
        StorageError: when the path is no folder, or the file is damaged, foreign, or written by a newer version.
    """
    if folder is None:
        return Database(_connect(":memory:"), None)
    path = folder / FILE_NAME
    try:
        create_privately(path)
        return Database(_connect(str(path)), path)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise StorageError(f"cache {str(path)!r}: a part of the path is no folder; give another --cache DIR") from None
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, sqlite3.Error) and not is_passing(error):
            raise damaged(CACHE, path, error) from None
        return Database(_connect(":memory:"), None, f"searching without a cache: {path}: {error}")


def _connect(name: str) -> sqlite3.Connection:
    return connect(CACHE, name, timeout_s=BUSY_TIMEOUT_S)
