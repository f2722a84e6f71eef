"""SQLite files of this program: made privately, checked to be ours, and free of what was deleted from them.

What the cache of a search (`database.py`) and a lasting gallery (`store/`) share. Embeddings of people are biometric
data: a folder is made with mode 0700, a file with 0600, and what is deleted is overwritten (secure_delete).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aio_reid.errors import StorageError
from aio_reid.storage import primary_code

_RETRY_S = 0.01


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file: how it is called in messages, how it is told apart, its tables, and what to do when it is
    damaged.

    `synchronous` NORMAL survives a killed process, FULL also a power cut. `upgrades` holds, for each older version, the
    statements that make it the next one; they are run when a file is first opened for writing, in one transaction.
    """

    what: str
    application_id: int
    schema_version: int
    schema: str
    remedy: str
    synchronous: str = "NORMAL"
    page_size: int = 4096
    upgrades: Mapping[int, str] = field(default_factory=dict)


def damaged(kind: FileKind, path: Path | str | None, reason: object) -> StorageError:
    """Return the error for a file that cannot be trusted."""
    return StorageError(f"{kind.what} {str(path)!r} is damaged or not made by aio-reid ({reason}); {kind.remedy}")


def create_privately(path: Path) -> None:
    """Make an empty file with mode 0600 in a folder with mode 0700, or take away what others may do with it.

    Raises:
        OSError: it cannot be made.
    """
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.chmod(path, 0o600)
    finally:
        os.close(descriptor)


def connect(
    kind: FileKind,
    name: str,
    *,
    timeout_s: float,
    fill: Callable[[sqlite3.Connection], None] | None = None,
    make: bool = True,
) -> sqlite3.Connection:
    """Open a file (or ":memory:") for reading and writing; an empty one gets its tables, and `fill` its first rows,
    all in one transaction, unless `make` is false.

    Raises:
        StorageError: the file is another program's, or a newer version's, or is empty and stays so.
        sqlite3.Error: anything else.
    """
    connection = sqlite3.connect(name, timeout=timeout_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA secure_delete=ON")
        check_ours(kind, connection, name)
        if not make and number(connection, "application_id") != kind.application_id:
            raise damaged(kind, name, "an empty database")
        connection.execute(f"PRAGMA page_size={kind.page_size}")
        _log_ahead(connection, timeout_s)
        connection.execute(f"PRAGMA synchronous={kind.synchronous}")
        if number(connection, "application_id") != kind.application_id:
            _make_tables(kind, connection, fill)
        elif number(connection, "user_version") < kind.schema_version:
            _upgrade(kind, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _log_ahead(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Switch to a write-ahead log. SQLite does not wait for a lock here, whatever the connection's timeout: of
    processes that make one file together, those that come second would be refused at once."""
    give_up_s = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_s:
                raise
        time.sleep(_RETRY_S)


def _make_tables(
    kind: FileKind, connection: sqlite3.Connection, fill: Callable[[sqlite3.Connection], None] | None
) -> None:
    connection.execute("BEGIN IMMEDIATE")  # of two processes that start together one makes the tables, the other waits
    if number(connection, "application_id") == 0:
        for statement in kind.schema.split(";"):
            connection.execute(statement)
        if fill is not None:
            fill(connection)
        connection.execute(f"PRAGMA application_id={kind.application_id}")
        connection.execute(f"PRAGMA user_version={kind.schema_version}")
    connection.execute("COMMIT")


def _upgrade(kind: FileKind, connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for version in range(number(connection, "user_version"), kind.schema_version):  # another process may have done it
        for statement in kind.upgrades[version].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={version + 1}")
    connection.execute("COMMIT")


def check_ours(kind: FileKind, connection: sqlite3.Connection, name: str) -> None:
    """Refuse what another program or a newer version wrote; an empty database passes.

    Raises:
        StorageError: it is not ours.
    """
    was_empty = is_empty(connection)  # first: tables and their mark come together, perhaps between two of these lines
    application, version = number(connection, "application_id"), number(connection, "user_version")
    if not was_empty and application != kind.application_id:
        raise damaged(kind, name, "another program's database")
    if version > kind.schema_version:
        raise StorageError(
            f"{kind.what} {name!r} was written by a newer aio-reid (format {version}, this one knows "
            f"{kind.schema_version}); update aio-reid, or {kind.remedy.split(', or ')[-1]}"
        )


def is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether nobody has made a table yet, or marked the file as theirs."""
    num_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return num_tables == 0 and number(connection, "application_id") == 0


def compact(kind: FileKind, connection: sqlite3.Connection, path: Path | None) -> None:
    """Give freed space back to the disk and empty the write-ahead log, so that erased rows are nowhere left.

    Raises:
        StorageError: when another process is using the file, or the disk is full.
    """
    try:
        connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error as error:
        raise StorageError(f"{kind.what} {str(path)!r} is not compacted ({error}); free disk space, repeat") from None
    if busy:
        raise StorageError(f"{kind.what} {str(path)!r} is in use by another process; repeat after that")


def number(connection: sqlite3.Connection, pragma: str) -> int:
    """Return the value of a pragma that is a whole number."""
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
