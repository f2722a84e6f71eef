"""The embedded store: one SQLite file for what must last, one matrix in memory for what must be fast.

Every change is one transaction, synchronised with the disk before it is acknowledged. One process writes at a time
(`lock.py`); any number read, and notice what was written by a counter that costs them next to nothing.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.sqlite_file import compact
from aio_reid.gallery.store import rows
from aio_reid.gallery.store.approximate.file import INDEX_NAME, Index, drop_index
from aio_reid.gallery.store.approximate.lookup import Request
from aio_reid.gallery.store.approximate.shortcut import Shortcut, Way
from aio_reid.gallery.store.filters import choose_rows
from aio_reid.gallery.store.lock import WriterLock
from aio_reid.gallery.store.protocol import EVERYTHING, About, Added, Found, Item, NewPicture, Store, Where
from aio_reid.gallery.store.resident import Resident, Snapshot
from aio_reid.gallery.store.schema import FILE_NAME, GALLERY, gallery_file, lock_file, open_file, scratch_folder, told
from aio_reid.records import Modality

Rows = NDArray[np.int64]


class EmbeddedStore(Store):
    """A gallery in a folder (or a backup of one, by its file). What has no docstring here is promised by `Store`.

    The vectors are read at the first search. A store that was killed between a deletion and its compaction is compacted
    when it is next opened for writing.

    Raises:
        DataError: there is no gallery.
        StorageError: it is damaged, foreign, or already being written.
    """

    def __init__(self, place: Path, *, write: bool = False, half: bool = False, way: Way = Way.AUTO) -> None:
        self.path = gallery_file(place)
        self._is_backup = self.path.name != FILE_NAME
        self._shortcut = Shortcut(self.index_path, way)
        self._lock = WriterLock(lock_file(self.path)) if write and self.path.is_file() else None
        try:
            self._connection = open_file(self.path, write=write)
        except BaseException:
            self._release()
            raise
        self._resident = Resident(self._connection, self.path, half=half)
        self._turn = threading.RLock()
        try:
            if write and self.is_uncompacted:
                self.compact()
        except BaseException:
            self.close()
            raise

    @property
    def is_uncompacted(self) -> bool:
        """An erasure was interrupted before the file was rewritten; what it erased is gone from every answer."""
        with self.reading():
            return bool(self._connection.execute("SELECT uncompacted FROM gallery").fetchone()[0])

    @property
    def is_backup(self) -> bool:
        """It was opened by the name of a file that `export` has written."""
        return self._is_backup

    @property
    def index_path(self) -> Path | None:
        """Where the approximate index lies, if there is one; a backup has none."""
        return None if self._is_backup else self.path.with_name(INDEX_NAME)

    def about(self) -> About:
        with self.reading():
            row = self._connection.execute(
                "SELECT id, weights, weights_name, preprocess, size, copies, created, version FROM gallery"
            ).fetchone()
            types = dict(self._connection.execute("SELECT name, type FROM columns ORDER BY name"))
        number, weights, name, preprocess, size, copies, created, version = row
        return About(
            str(self.path if self._is_backup else self.path.parent),
            number,
            weights,
            name,
            preprocess,
            size,
            bool(copies),
            created,
            version,
            types,
        )

    def add(self, pictures: Sequence[NewPicture]) -> Added:
        with self.changing() as connection:
            self._check_vectors(connection, pictures)
            return rows.add_rows(connection, pictures)

    def known(self, contents: Iterable[bytes], modality: Modality) -> dict[bytes, Item]:
        with self.reading():
            return rows.read_known(self._connection, contents, modality)

    def get(self, ids: Sequence[int]) -> list[Item]:
        with self.reading():
            return rows.read_items(self._connection, ids)

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        stored: dict[int, bytes] = {}
        with self.reading():
            for chunk in rows.chunks(ids):
                marks = ", ".join("?" * len(chunk))
                statement = f"SELECT id, vector FROM vectors WHERE id IN ({marks})"
                stored.update(self._connection.execute(statement, chunk))
            missing = [number for number in ids if number not in stored]
            if missing:
                raise DataError(f"there is no picture {missing[0]} in this gallery; take an id from a search")
            size = len(stored[ids[0]]) // 4 if ids else 0
            return self._resident.decode([stored[number] for number in ids], size)

    def copy_of(self, content: bytes) -> bytes | None:
        with self.reading():
            row = self._connection.execute("SELECT bytes FROM copies WHERE content = ?", [content]).fetchone()
        return None if row is None else bytes(row[0])

    def remove(self, where: Where) -> int:
        ids = self.ids(where)
        if not ids:
            return 0
        with self.changing() as connection:
            return rows.delete_rows(connection, ids)

    def erase(self, where: Where | None, contents: Sequence[bytes] = (), *, is_last: bool = True) -> int:
        """Erase as `Store.erase` promises; `is_last` forgets what was remembered of erasures (`pending.py`)."""
        with self.reading():
            ids = {*rows.ids_of_contents(self._connection, contents), *(() if where is None else self.ids(where))}
        with self.changing() as connection:
            if is_last:
                connection.execute("DELETE FROM pending")
                connection.execute("DELETE FROM pending_caches")
            num_erased = rows.delete_rows(connection, sorted(ids))
            connection.execute("UPDATE gallery SET uncompacted = 1")
        self.compact()
        return num_erased

    def compact(self) -> None:
        """Rewrite the file without the places of what was deleted, and empty its log; delete the approximate index, in
        which what was erased stands in another form.

        Raises:
            StorageError: another process reads all the time, or the disk is full; repeat.
        """
        with self._turn:
            rmtree(scratch_folder(self.path), ignore_errors=True)
            if self.index_path is not None:
                drop_index(self.index_path)
            compact(GALLERY, self._connection, self.path)
            with told(self.path):
                self._connection.execute("UPDATE gallery SET uncompacted = 0")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def count_copies(self) -> int:
        """Return the number of pictures whose bytes are kept."""
        with self.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM copies").fetchone()[0])

    def count(self, where: Where = EVERYTHING) -> int:
        return len(self._chosen(where))

    def search(
        self,
        vector: NDArray[np.float32],
        *,
        top: int,
        where: Where = EVERYTHING,
        leave_out: Sequence[int] = (),
        by_track: bool = False,
        with_spread: bool = False,
    ) -> Found:
        """Return the nearest pictures, see `Store.search`; exact, also with float16 in memory, but for a large gallery
        with an index (see `approximate`), unless told otherwise.
        """
        with self.reading():
            snapshot = self._resident.refresh(with_vectors=True)
            chosen = self._rows(snapshot, where)
        left_out = np.flatnonzero(np.isin(snapshot.ids, leave_out)) if leave_out else np.empty(0, dtype=np.int64)
        request = Request(vector, chosen, left_out, top, by_track, with_spread)
        return self._shortcut.answer(self.about, snapshot, request, self._stored)

    def index(self) -> Index | None:
        """Return the approximate index, or None where there is no good one; `index_problem` says why."""
        with self.reading():
            snapshot = self._resident.refresh(with_vectors=False)
        return self._shortcut.index(self.about(), snapshot.ids, self._stored)

    @property
    def index_problem(self) -> str | None:
        """Why the index that is there is not used, in one line."""
        return self._shortcut.problem

    def snapshot(self) -> Snapshot:
        """Return all rows with their vectors, as they are now."""
        with self.reading():
            return self._resident.refresh(with_vectors=True)

    def calibrations(self, query: str | None = None) -> list[str]:
        """Return what was kept by `keep_calibrations`, for queries of these letters (None: for all)."""
        with self.reading() as connection:
            return rows.read_calibrations(connection, query)

    def keep_calibrations(self, kept: Sequence[tuple[str, str, str]]) -> None:
        """Keep (letters of the query's modalities, gallery modality, JSON) in place of all that was kept before."""
        with self.changing() as connection:
            rows.replace_calibrations(connection, kept)

    def iterate(self, where: Where = EVERYTHING) -> Iterator[tuple[Item, NDArray[np.float32]]]:
        for chunk in rows.chunks(self.ids(where)):
            items = self.get(chunk)
            yield from zip(items, self.vectors([item.id for item in items]), strict=True)

    def close(self) -> None:
        """Let go of the store; what was acknowledged stays. A backup is left as the one file that it was."""
        if self._is_backup and self._lock is not None:
            with suppress(sqlite3.Error):  # somebody reads it now: it stays as it is
                self._connection.execute("PRAGMA journal_mode=DELETE")
        self._connection.close()
        self._release()

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside one transaction, which counts as one change and is durable at the end.

        Raises:
            StorageError: the store was opened for reading, or cannot be written.
        """
        if self._lock is None:
            raise StorageError(f"gallery {str(self.path)!r} was opened for reading; open it for writing")
        with self._turn, told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("UPDATE gallery SET version = version + 1")
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.rollback()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to read from; what SQLite raises becomes StorageError."""
        with self._turn, told(self.path):
            yield self._connection

    def ids(self, where: Where = EVERYTHING) -> list[int]:
        """Return the ids of pictures, in ascending order."""
        ids: list[int] = self._chosen(where).tolist()
        return ids

    def _chosen(self, where: Where) -> NDArray[np.int64]:
        with self.reading():
            snapshot = self._resident.refresh(with_vectors=False)
            chosen = self._rows(snapshot, where)
        return snapshot.ids if chosen is None else snapshot.ids[chosen]

    def _stored(self, ids: Rows) -> NDArray[np.float32]:
        return self.vectors(ids.tolist())

    def _rows(self, snapshot: Snapshot, where: Where) -> Rows | None:
        return choose_rows(
            snapshot,
            where,
            path_ids=rows.ids_of_paths(self._connection, where.paths),
            types=dict(self._connection.execute("SELECT name, type FROM columns")) if where.columns else {},
            column=lambda name, kind: self._resident.column(snapshot, name, kind),
        )

    def _check_vectors(self, connection: sqlite3.Connection, pictures: Sequence[NewPicture]) -> None:
        (size,) = connection.execute("SELECT size FROM gallery").fetchone()
        connection.execute("UPDATE gallery SET size = ?", [rows.checked_size(size, pictures)])

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
