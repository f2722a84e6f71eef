"""The SQLite file of the embedding cache: opened privately, checked to be ours, and never trusted to be writable.

Embeddings of people are biometric data: the folder is made with mode 0700, the file with 0600, and what is deleted is
overwritten (secure_delete). A cache that cannot be written is a slower search, not a failed one: `stop_writing` notes
the reason once and the search goes on. A file that is damaged or not ours is an error, never removed by itself.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aio_reid.errors import StorageError

FILE_NAME = "embeddings.sqlite"
APPLICATION_ID = 0x41494F52  # "AIOR"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 20.0

SCHEMA = """
CREATE TABLE files(path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
                   content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE spaces(id INTEGER PRIMARY KEY, weights TEXT NOT NULL, modality TEXT NOT NULL, preprocess INTEGER NOT NULL,
                    UNIQUE(weights, modality, preprocess));
CREATE TABLE embeddings(content BLOB NOT NULL, space INTEGER NOT NULL, vector BLOB, error TEXT, reader TEXT,
                        UNIQUE(content, space), CHECK((vector IS NULL) <> (error IS NULL)));
CREATE TABLE queries(key BLOB PRIMARY KEY, weights TEXT NOT NULL, vector BLOB NOT NULL, unread TEXT NOT NULL);
"""

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
            raise damaged(self.path, error) from None
        if self._writes:
            self._writes = False
            self.warnings.append(f"embeddings are not kept for the next search: {self.path}: {error}")

    def compact(self) -> None:
        """Give freed space back to the disk and empty the write-ahead log, so that erased rows are nowhere left.

        Raises:
            StorageError: when another process is using the cache, or the disk is full.
        """
        try:
            self._connection.execute("VACUUM")
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            raise StorageError(
                f"cache {str(self.path)!r} is not compacted ({error}); free disk space, repeat"
            ) from None
        if busy:
            raise StorageError(f"cache {str(self.path)!r} is in use by another process; repeat after that")

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
        _create_privately(path)
        return Database(_connect(str(path)), path)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise StorageError(f"cache {str(path)!r}: a part of the path is no folder; give another --cache DIR") from None
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, sqlite3.Error) and not is_passing(error):
            raise damaged(path, error) from None
        return Database(_connect(":memory:"), None, f"searching without a cache: {path}: {error}")


def is_passing(error: sqlite3.Error) -> bool:
    """Tell whether the cause lies outside the file (disk full, read-only, locked) rather than in it."""
    return (getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF) in _PASSING


def damaged(path: Path | None, reason: object) -> StorageError:
    """Return the error for a cache file that cannot be trusted."""
    return StorageError(
        f"cache {str(path)!r} is damaged or not made by aio-reid ({reason}); remove it, or give another --cache DIR"
    )


def _create_privately(path: Path) -> None:
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.chmod(path, 0o600)
    finally:
        os.close(descriptor)


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        _prepare(connection, name)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("PRAGMA secure_delete=ON")
    _check_ours(connection, name)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    if _number(connection, "application_id") == APPLICATION_ID:
        return
    connection.execute("BEGIN IMMEDIATE")  # of two processes that start together one makes the tables, the other waits
    if _number(connection, "application_id") == 0:
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _check_ours(connection: sqlite3.Connection, name: str) -> None:
    application, version = _number(connection, "application_id"), _number(connection, "user_version")
    num_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    is_new = application == 0 and num_tables == 0
    if not is_new and application != APPLICATION_ID:
        raise damaged(Path(name), "another program's database")
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"cache {name!r} was written by a newer aio-reid (format {version}, this one knows {SCHEMA_VERSION}); "
            "update aio-reid, or give another --cache DIR"
        )


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
