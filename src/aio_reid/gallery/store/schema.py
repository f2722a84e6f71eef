"""The file of an embedded gallery: its tables, how it is made and opened, and how SQLite's errors are told.

Everything lies in one file, the copies of pictures too, so that a change of vectors, descriptions and copies is one
transaction, a backup is one file, and nothing is left beside it when it is erased. A user's own columns are one JSON
text per picture: filters are computed in memory (see `resident.py`), so an index in the file would have no reader, and
a row in a side table would be one more place to erase from. The type of each column stands in `columns`.

Descriptions and vectors are two tables, so that the former can be read without the latter. Pages of 16 KiB hold seven
vectors of 512 numbers; pages of 4 KiB would hold one, and waste half of the file.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.embedder import PREPROCESS_VERSION
from aio_reid.gallery.scan import GALLERY_FILE, absolute
from aio_reid.gallery.sqlite_file import (
    FileKind,
    check_ours,
    connect,
    create_privately,
    damaged,
    is_empty,
    number,
)
from aio_reid.storage import is_passing, primary_code

FILE_NAME = GALLERY_FILE
BUSY_TIMEOUT_S = 20.0

_CALIBRATIONS = """
CREATE TABLE calibrations(query TEXT NOT NULL, gallery TEXT NOT NULL, content TEXT NOT NULL,
                          PRIMARY KEY(query, gallery)) WITHOUT ROWID
"""
"""One row a pairing of query modalities (their letters) and gallery modality; `content` is JSON, see `calibration/`."""

_PENDING = """
CREATE TABLE pending(content BLOB NOT NULL, modality TEXT NOT NULL, PRIMARY KEY(content, modality)) WITHOUT ROWID;
CREATE TABLE pending_caches(path BLOB PRIMARY KEY) WITHOUT ROWID
"""
"""What erasures that are not complete have to look for, and in which caches; see `pending.py`."""

_SCHEMA = f"""
CREATE TABLE gallery(only_row INTEGER PRIMARY KEY CHECK(only_row = 1), id TEXT NOT NULL, weights TEXT NOT NULL,
                     weights_name TEXT NOT NULL, preprocess INTEGER NOT NULL, size INTEGER, copies INTEGER NOT NULL,
                     created TEXT NOT NULL, next_id INTEGER NOT NULL, version INTEGER NOT NULL,
                     rewrites INTEGER NOT NULL, uncompacted INTEGER NOT NULL);
CREATE TABLE items(id INTEGER PRIMARY KEY, content BLOB NOT NULL, modality TEXT NOT NULL, path BLOB NOT NULL,
                   camera TEXT, time INTEGER, track TEXT, source TEXT, frame INTEGER, columns TEXT,
                   UNIQUE(content, modality));
CREATE TABLE vectors(id INTEGER PRIMARY KEY REFERENCES items(id), vector BLOB NOT NULL);
CREATE TABLE copies(content BLOB PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE columns(name TEXT PRIMARY KEY, type TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE backups(path BLOB PRIMARY KEY, gallery TEXT NOT NULL, made TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE next_vectors(id INTEGER PRIMARY KEY REFERENCES items(id), vector BLOB NOT NULL);
CREATE TABLE next_weights(weights TEXT NOT NULL, preprocess INTEGER NOT NULL);
{_CALIBRATIONS};
{_PENDING};
"""

GALLERY = FileKind(
    what="gallery",
    application_id=0x41494F47,  # "AIOG"
    schema_version=3,
    schema=_SCHEMA,
    remedy="restore it with `aio-reid gallery import` from a file that `aio-reid gallery export` wrote",
    synchronous="FULL",
    page_size=16384,
    upgrades={1: _CALIBRATIONS, 2: _PENDING},
)


def gallery_file(place: Path) -> Path:
    """Return the file of a gallery that is named by its folder, or by the file itself (a backup)."""
    path = absolute(place)
    return path if path.is_file() else path / FILE_NAME


def scratch_folder(path: Path) -> Path:
    """Return where copies of pictures lie while `reembed` reads them; what a killed one left goes with a compaction."""
    return path.with_name(f".{path.name}.reembed")


def lock_file(path: Path) -> Path:
    """Return what the writer of a gallery's file locks."""
    return path.with_suffix(".lock")


def create_file(folder: Path, weights_hash: str, weights_name: str, *, keep_copies: bool) -> None:
    """Make an empty gallery in a folder that is new or empty.

    Raises:
        StorageError: there is something already, or it cannot be made.
    """
    path = absolute(folder) / FILE_NAME
    if path.is_file() and not is_unmade(path):
        raise StorageError(f"{str(folder)!r} is a gallery already; add to it, or give another folder")
    if folder.is_file() or (folder.is_dir() and {entry.name for entry in folder.iterdir()} - _leftovers()):
        raise StorageError(
            f"{str(folder)!r} is a file, or a folder with other things in it; give the name of a new one"
        )
    row = (uuid.uuid4().hex, weights_hash, weights_name, PREPROCESS_VERSION, int(keep_copies), now_text())

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO gallery VALUES(1, ?, ?, ?, ?, NULL, ?, ?, 1, 1, 1, 0)", row)

    with told(path):
        try:
            create_privately(path)
        except OSError as error:
            reason = error.strerror or error
            raise StorageError(f"gallery {str(folder)!r} cannot be made ({reason}); choose another place") from None
        connect(GALLERY, str(path), timeout_s=BUSY_TIMEOUT_S, fill=fill).close()


def open_file(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the file of a gallery.

    A reader on a medium that cannot be written opens it as unchanging, which SQLite allows once no log lies beside it.

    Raises:
        DataError: there is no gallery.
        StorageError: it is damaged, foreign, of a newer version, or cannot be read or written.
    """
    if not path.is_file():
        raise DataError(
            f"there is no gallery in {str(path.parent)!r}; make one with `aio-reid gallery create`, or check the path"
        )
    with told(path):
        if path.stat().st_size == 0:
            raise damaged(GALLERY, path, "the file is empty")
        if write:
            connection = connect(GALLERY, str(path), timeout_s=BUSY_TIMEOUT_S, make=False)
        else:
            connection = _open_to_read(path)
        try:
            _check_whole(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into one line that says what is wrong with this gallery and what to do.

    Raises:
        StorageError: in place of sqlite3.Error.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _describe(path, error) from None


def now_text() -> str:
    """Return the present time in UTC, to the second, as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def is_unmade(path: Path) -> bool:
    """Tell whether a file is what a `create` leaves that was killed or found the disk full: no table yet."""
    if path.stat().st_size == 0:
        return True
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            return is_empty(connection)
    except sqlite3.Error:
        return False


def _leftovers() -> set[str]:
    """Return what a `create` that was killed may have left, without a gallery in it."""
    return {lock_file(Path(FILE_NAME)).name, FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", f"{FILE_NAME}-journal"}


def _open_to_read(path: Path) -> sqlite3.Connection:
    try:
        return _connect_to_read(path, "mode=ro")
    except sqlite3.OperationalError as error:
        log = path.with_name(path.name + "-wal")
        if not is_passing(error) or (log.exists() and log.stat().st_size > 0):
            raise
        return _connect_to_read(path, "mode=ro&immutable=1")


def _connect_to_read(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?{options}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        check_ours(GALLERY, connection, str(path))
    except BaseException:
        connection.close()
        raise
    return connection


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Find a truncated file now, not at the first row that is gone."""
    if number(connection, "application_id") != GALLERY.application_id:
        raise damaged(GALLERY, path, "an empty database")
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > 0:
        return  # the newest pages lie in the log, and SQLite finds out by itself
    needed = number(connection, "page_count") * number(connection, "page_size")
    if path.stat().st_size < needed:
        raise damaged(GALLERY, path, f"{path.stat().st_size:,} bytes of {needed:,} are there")


def _describe(path: Path, error: sqlite3.Error) -> StorageError:
    name = str(path.parent if path.name == FILE_NAME else path)
    code = primary_code(error)
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return StorageError(
            f"gallery {name!r}: the disk is full or fails ({error}); free space and repeat, what was finished is kept"
        )
    if code == sqlite3.SQLITE_BUSY:
        return StorageError(f"gallery {name!r} is in use by another process ({error}); repeat after that")
    if is_passing(error):
        return StorageError(f"gallery {name!r} cannot be opened or written ({error}); check the permissions")
    return damaged(GALLERY, name, error)
