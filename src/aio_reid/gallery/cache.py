"""Embeddings that are kept: by content of the picture, weights, modality and preprocessing, never by name alone.

A file whose path, size and times are as they were is taken to have the content it had, so a second search reads no
picture. A content that could not be read is remembered as well, until the reader (Pillow) changes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import __version__ as pillow_version

from aio_reid.errors import StorageError
from aio_reid.gallery.database import CACHE, FILE_NAME, Database, open_database
from aio_reid.gallery.embedder import PREPROCESS_VERSION, QueryEmbedding
from aio_reid.gallery.scan import PictureFile, absolute
from aio_reid.gallery.sqlite_file import damaged
from aio_reid.records import Modality

# A file that was changed so shortly before it was read may change again within one tick of its file system's clock.
CLOCK_TICK_NS = 2_000_000_000
_NEVER = -1  # a time that no file has
_ROWS_AT_ONCE = 500  # SQLite's oldest limit for values in one statement is 999

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Space:
    """Vectors are comparable, and reusable, only within one space."""

    weights_hash: str
    modality: Modality
    preprocess_version: int = PREPROCESS_VERSION


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What a content became: a vector, float32 (E,), or the error in one line ("{path}" stands for the file's path).
    One that `is_passing` says nothing of the content and is not kept.
    """

    vector: NDArray[np.float32] | None
    error: str | None = None
    is_passing: bool = False


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What the cache holds; `weights` gives the number of vectors per weights hash."""

    path: Path | None
    num_files: int
    num_embeddings: int
    num_failures: int
    num_queries: int
    size_bytes: int
    weights: tuple[tuple[str, int], ...]


class EmbeddingCache:
    """The kept embeddings; made by `open_cache`. Contents are SHA-256 digests (32 bytes)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = False

    @property
    def folder(self) -> Path | None:
        """Where the cache lies; None in memory."""
        return None if self._database.path is None else self._database.path.parent

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why nothing is kept, in one line, if so."""
        return tuple(self._database.warnings)

    def contents(self, files: Sequence[PictureFile]) -> dict[bytes, bytes]:
        """Return {file key: content} for the files that are as they were when they were last read."""
        found: dict[bytes, bytes] = {}
        for chunk in _chunks(files):
            rows = self._database.read(
                f"SELECT path, size, mtime_ns, ctime_ns, content FROM files WHERE path IN ({_marks(chunk)})",
                [file.key for file in chunk],
            )
            kept = {path: (size, mtime, ctime, content) for path, size, mtime, ctime, content in rows}
            for file in chunk:
                row = kept.get(file.key)
                if row is not None and row[:3] == (file.size, file.mtime_ns, file.ctime_ns):
                    found[file.key] = row[3]
        return found

    def keep_contents(self, items: Iterable[tuple[PictureFile, bytes]]) -> None:
        """Keep which content each file had just now."""
        now_ns = time.time_ns()
        rows = []
        for file, content in items:
            is_settled = now_ns - max(file.mtime_ns, file.ctime_ns) > CLOCK_TICK_NS
            rows.append((file.key, file.size, file.mtime_ns if is_settled else _NEVER, file.ctime_ns, content))
        with self._database.transaction() as connection:
            if connection is not None:
                connection.executemany("INSERT OR REPLACE INTO files VALUES(?, ?, ?, ?, ?)", rows)
                self._changed = True

    def embeddings(self, space: Space, contents: Sequence[bytes]) -> dict[bytes, Embedded]:
        """Return what is known of these contents in one space.

        Raises:
            StorageError: when a stored vector is not what was once written.
        """
        found: dict[bytes, Embedded] = {}
        for chunk in _chunks(contents):
            rows = self._database.read(
                "SELECT content, vector, error, reader FROM embeddings JOIN spaces ON space = id WHERE weights = ? AND "
                f"modality = ? AND preprocess = ? AND content IN ({_marks(chunk)})",
                [space.weights_hash, space.modality.value, space.preprocess_version, *chunk],
            )
            for content, vector, error, reader in rows:
                if vector is not None:
                    found[content] = Embedded(self._vector(vector))
                elif reader == _reader():
                    found[content] = Embedded(None, error)
        return found

    def keep_embeddings(self, space: Space, items: Iterable[tuple[bytes, Embedded]]) -> None:
        """Keep what these contents became; all of them or, on a full disk, none."""
        key = (space.weights_hash, space.modality.value, space.preprocess_version)
        with self._database.transaction() as connection:
            if connection is None:
                return
            connection.execute("INSERT OR IGNORE INTO spaces(weights, modality, preprocess) VALUES(?, ?, ?)", key)
            wanted = "SELECT id FROM spaces WHERE weights = ? AND modality = ? AND preprocess = ?"
            number = connection.execute(wanted, key).fetchone()[0]
            connection.executemany(
                "INSERT OR REPLACE INTO embeddings(content, space, vector, error, reader) VALUES(?, ?, ?, ?, ?)",
                [(content, number, _bytes(item.vector), item.error, _reader()) for content, item in items],
            )

    def query(self, key: bytes) -> QueryEmbedding | None:
        """Return the kept vector of a query, or None."""
        rows = self._database.read("SELECT vector, unread FROM queries WHERE key = ?", [key])
        return QueryEmbedding(self._vector(rows[0][0]), tuple(json.loads(rows[0][1]))) if rows else None

    def keep_query(self, key: bytes, weights_hash: str, embedding: QueryEmbedding) -> None:
        """Keep the vector of a query; its sentence and pictures are not stored, only their digest."""
        row = (key, weights_hash, _bytes(embedding.vector), json.dumps(embedding.unread_words))
        with self._database.transaction() as connection:
            if connection is not None:
                connection.execute("INSERT OR REPLACE INTO queries VALUES(?, ?, ?, ?)", row)

    def forget_absent(self, folder: Path, present: Iterable[PictureFile]) -> None:
        """Forget the files of a folder that are no longer there, and every embedding that no file has any more."""
        there = {file.key for file in present}
        kept = self._database.read("SELECT path FROM files WHERE path >= ? AND path < ?", _range(folder))
        gone = [row for row in kept if row[0] not in there]
        if not gone and not self._changed:
            return
        with self._database.transaction() as connection:
            if connection is not None:
                connection.executemany("DELETE FROM files WHERE path = ?", gone)
                connection.execute("DELETE FROM embeddings WHERE content NOT IN (SELECT content FROM files)")
                self._changed = False

    def erase(self, folder: Path | None = None) -> int:
        """Erase everything, or what belongs to the pictures of one folder, and return how many embeddings were erased.

        Kept queries go in both cases: what they were made of is not stored, so they cannot be told apart. A picture
        that also lies in another folder keeps its embedding there.

        Raises:
            StorageError: when the cache cannot be written, or is in use by another process.
        """
        before = self.stats().num_embeddings
        inside = "" if folder is None else " WHERE path >= ? AND path < ?"
        with self._database.transaction() as connection:
            if connection is not None:
                connection.execute(f"DELETE FROM files{inside}", () if folder is None else _range(absolute(folder)))
                connection.execute("DELETE FROM queries")
                connection.execute("DELETE FROM embeddings WHERE content NOT IN (SELECT content FROM files)")
        self._compact_erased()
        return before - self.stats().num_embeddings

    def erase_contents(self, contents: Iterable[bytes]) -> int:
        """Erase what is kept of these contents, and all queries, and return how many embeddings were erased.

        Raises:
            StorageError: when the cache cannot be written, or is in use by another process.
        """
        before = self.stats().num_embeddings
        with self._database.transaction() as connection:
            if connection is not None:
                gone = set(contents)
                # Files are found by path: one look at all of them is far less than a look for each content.
                held = connection.execute("SELECT path, content FROM files")
                paths = [(path,) for path, content in held if content in gone]
                connection.executemany("DELETE FROM files WHERE path = ?", paths)
                connection.executemany("DELETE FROM embeddings WHERE content = ?", [(content,) for content in gone])
                connection.execute("DELETE FROM queries")
        self._compact_erased()
        return before - self.stats().num_embeddings

    def stats(self) -> CacheStats:
        """Return what the cache holds; nothing where it cannot be read for the moment, as `warnings` then say."""
        counts = (
            "SELECT (SELECT count(*) FROM files), (SELECT count(vector) FROM embeddings), "
            "(SELECT count(error) FROM embeddings), (SELECT count(*) FROM queries)"
        )
        files, embeddings, failures, queries = (self._database.read(counts) or [(0, 0, 0, 0)])[0]
        weights = self._database.read(
            "SELECT weights, count(vector) FROM embeddings JOIN spaces ON space = id GROUP BY weights ORDER BY weights"
        )
        path = self._database.path
        on_disk = [] if path is None else [path, path.with_name(path.name + "-wal")]
        size = sum(file.stat().st_size for file in on_disk if file.exists())
        return CacheStats(path, files, embeddings, failures, queries, size, tuple((name, n) for name, n in weights))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _compact_erased(self) -> None:
        if self.warnings:
            raise StorageError(f"nothing was erased: {self.warnings[0]}; make the cache writable and repeat")
        self._database.compact()

    def _vector(self, stored: bytes) -> NDArray[np.float32]:
        vector = np.frombuffer(stored, dtype="<f4").astype(np.float32, copy=False) if len(stored) % 4 == 0 else None
        if vector is None or not abs(float(vector @ vector) - 1.0) < 1e-3:  # also catches NaN
            raise damaged(CACHE, self._database.path, "a stored vector has changed")
        return vector


def default_cache_folder() -> Path:
    """Return the folder for this user's cache: XDG_CACHE_HOME or ~/.cache, then aio-reid."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path("~/.cache").expanduser()) / "aio-reid"


def open_cache(folder: Path | None = None, *, enabled: bool = True, make: bool = True) -> EmbeddingCache:
    """Open the cache in a folder (None: this user's own); not enabled, nothing outlives the process. Where there is
    none, it is made, or without `make` stands for an empty one in memory.

    Raises:
        StorageError: when the cache file is damaged, foreign, newer than this program, or its folder is a file.
    """
    if not enabled:
        return EmbeddingCache(open_database(None))
    try:
        place = default_cache_folder() if folder is None else absolute(folder)
    except RuntimeError:  # no home folder
        raise StorageError("no home folder to keep embeddings in; give --cache DIR or --no-cache") from None
    return EmbeddingCache(open_database(place if make or not _is_missing(place / FILE_NAME) else None))


def _is_missing(file: Path) -> bool:
    try:
        file.stat()
    except OSError as error:  # what cannot be asked may be there: opening it says why
        return isinstance(error, FileNotFoundError)
    return False


def _reader() -> str:
    return f"Pillow {pillow_version}"


def _bytes(vector: NDArray[np.float32] | None) -> bytes | None:
    return None if vector is None else vector.astype("<f4", copy=False).tobytes()


def _range(folder: Path) -> tuple[bytes, bytes]:
    """Return the bounds between which every path inside a folder sorts, and no other."""
    inside = os.fsencode(folder).rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
    return inside, inside[:-1] + bytes([inside[-1] + 1])


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _chunks(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), _ROWS_AT_ONCE):
        yield items[start : start + _ROWS_AT_ONCE]
