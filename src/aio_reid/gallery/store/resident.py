"""What of a gallery lies in memory: all vectors in one matrix, and beside it what filters ask for, column by column.

A `Snapshot` never changes, so a search in one thread is not disturbed by a refresh in another. New rows are read into
the free end of the matrix; a removal or an update reads everything anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.sqlite_file import damaged
from aio_reid.gallery.store.schema import GALLERY
from aio_reid.records import Modality, parse_modality

Matrix = NDArray[np.float32] | NDArray[np.float16]
NO_TIME = np.iinfo(np.int64).min
NOT_GIVEN = -1
_EPOCH = datetime(1970, 1, 1)
_ROWS_AT_ONCE = 4096
_MICROSECOND = timedelta(microseconds=1)
_LENGTH_ERROR = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """A column of text as numbers: int32 (N,), NOT_GIVEN where there is none; `names[code]` is the text."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The rows of one version, in the order of their ids, int64 (N,).

    `vectors` (N, E), float32 or float16, is None where only the rest was asked for. `times` int64 (N,) counts
    microseconds, NO_TIME where there is none. `modalities` has the codes of `tuple(Modality)`. `own` holds those of
    the user's columns that were asked for so far: numbers as float64 (N,) with NaN where there is none, texts as Names.
    """

    version: int
    rewrites: int
    ids: NDArray[np.int64]
    cameras: Names
    tracks: Names
    modalities: NDArray[np.int8]
    times: NDArray[np.int64]
    vectors: Matrix | None
    own: dict[str, Names | NDArray[np.float64]] = field(default_factory=dict)


def time_number(time: datetime | None) -> int | None:
    """Return microseconds since 1970, on the same clock."""
    return None if time is None else (time - _EPOCH) // _MICROSECOND


def number_time(number: int | None) -> datetime | None:
    """Return what `time_number` was given."""
    return None if number is None else _EPOCH + number * _MICROSECOND


class Resident:
    """Keeps the snapshot of one connection up to date.

    `dtype` float16 halves the memory; its scores are rough, and the nearest are computed anew (see `nearest.py`).
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, *, half: bool) -> None:
        self._connection = connection
        self._path = path
        self._dtype: type[np.float32] | type[np.float16] = np.float16 if half else np.float32
        self._snapshot: Snapshot | None = None
        self._data_version = NOT_GIVEN
        self._changes = NOT_GIVEN
        self._buffer: Matrix | None = None

    def refresh(self, *, with_vectors: bool) -> Snapshot:
        """Return the newest version; cheap where nothing has changed.

        Raises:
            StorageError: a stored vector is not what was once written.
            sqlite3.Error: the file cannot be read.
        """
        data_version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        kept = self._snapshot
        is_enough = kept is not None and not (with_vectors and kept.vectors is None)
        # The counter of SQLite tells of other connections; our own changes are counted by it as well.
        if (
            kept is not None
            and is_enough
            and (data_version, self._own_changes()) == (self._data_version, self._changes)
        ):
            return kept
        self._connection.execute("BEGIN")
        try:
            snapshot = self._read(kept if is_enough else None, with_vectors)
        finally:
            self._connection.execute("ROLLBACK")
        self._data_version, self._changes, self._snapshot = data_version, self._own_changes(), snapshot
        return snapshot

    def column(self, snapshot: Snapshot, name: str, kind: str) -> Names | NDArray[np.float64]:
        """Return one of the user's columns for the rows of a snapshot, as its `own` describes them."""
        if name not in snapshot.own:
            rows = self._connection.execute(
                "SELECT id, json_extract(columns, ?) FROM items WHERE columns IS NOT NULL",
                [f'$."{name}"'],
            ).fetchall()
            values = {number: value for number, value in rows if value is not None}
            cells = [values.get(number) for number in snapshot.ids.tolist()]
            if kind == "number":
                snapshot.own[name] = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
            else:
                snapshot.own[name] = _encode(cells, ())
        return snapshot.own[name]

    def _own_changes(self) -> int:
        return self._connection.total_changes

    def _read(self, kept: Snapshot | None, with_vectors: bool) -> Snapshot:
        version, rewrites = self._connection.execute("SELECT version, rewrites FROM gallery").fetchone()
        if kept is not None and kept.version == version:
            return kept
        start = kept if kept is not None and kept.rewrites == rewrites else None
        after = int(start.ids[-1]) if start is not None and len(start.ids) else 0
        rows = self._connection.execute(
            "SELECT id, camera, track, modality, time FROM items WHERE id > ? ORDER BY id", [after]
        ).fetchall()
        ids, cameras, tracks, modalities, times = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        code = {modality.value: number for number, modality in enumerate(Modality)}
        new_ids = np.array(ids, dtype=np.int64)
        new_times = np.array([NO_TIME if time is None else time for time in times], dtype=np.int64)
        new_modalities = np.array([code[name] for name in modalities], dtype=np.int8)
        has_vectors = with_vectors or (start is not None and start.vectors is not None)
        return Snapshot(
            version,
            rewrites,
            new_ids if start is None else np.concatenate([start.ids, new_ids]),
            _encode(cameras, ()) if start is None else _extend(start.cameras, cameras),
            _encode(tracks, ()) if start is None else _extend(start.tracks, tracks),
            new_modalities if start is None else np.concatenate([start.modalities, new_modalities]),
            new_times if start is None else np.concatenate([start.times, new_times]),
            self._read_vectors(start, len(new_ids), after) if has_vectors else None,
        )

    def _read_vectors(self, start: Snapshot | None, num_new: int, after: int) -> Matrix:
        """Return the matrix with the new rows at its end; the rows of older snapshots stay where they are."""
        size = self._connection.execute("SELECT size FROM gallery").fetchone()[0] or 0
        num_kept = 0 if start is None else len(start.ids)
        if start is None or self._buffer is None or len(self._buffer) < num_kept + num_new:
            before = None if start is None else start.vectors
            room = num_kept + num_new + (num_kept + num_new) // 8  # so that a few new rows copy nothing
            self._buffer = np.empty((room, size), dtype=self._dtype)
            if before is not None and num_kept:
                self._buffer[:num_kept] = before
        cursor = self._connection.execute("SELECT vector FROM vectors WHERE id > ? ORDER BY id", [after])
        at = num_kept
        while blobs := cursor.fetchmany(_ROWS_AT_ONCE):
            if at + len(blobs) > num_kept + num_new:
                raise damaged(GALLERY, self._path, "vectors without a picture")
            self._buffer[at : at + len(blobs)] = self.decode([blob for (blob,) in blobs], size)
            at += len(blobs)
        if at != num_kept + num_new:
            raise damaged(GALLERY, self._path, "pictures without a vector")
        return self._buffer[:at]

    def decode(self, blobs: Sequence[bytes], size: int) -> NDArray[np.float32]:
        """Return stored vectors as float32 (B, E).

        Raises:
            StorageError: one has another length than all, or is not a unit vector.
        """
        joined = b"".join(blobs)
        if len(joined) != 4 * size * len(blobs):
            raise damaged(GALLERY, self._path, "a stored vector has another size")
        vectors = np.frombuffer(joined, dtype="<f4").reshape(len(blobs), size).astype(np.float32, copy=False)
        lengths = np.einsum("ij,ij->i", vectors, vectors)  # (B,)
        if not (np.abs(lengths - 1.0) < _LENGTH_ERROR).all():  # also catches NaN
            raise damaged(GALLERY, self._path, "a stored vector has changed; `aio-reid gallery verify` tells which")
        return vectors


def _encode(cells: Sequence[Any], names: Sequence[str]) -> Names:
    code: dict[str, int] = {name: number for number, name in enumerate(names)}
    codes = [NOT_GIVEN if cell is None else code.setdefault(cell, len(code)) for cell in cells]
    return Names(np.array(codes, dtype=np.int32), tuple(code))


def _extend(start: Names, cells: Sequence[str | None]) -> Names:
    added = _encode(cells, start.names)
    return Names(np.concatenate([start.codes, added.codes]), added.names)


def modality_code(name: str | Modality) -> int:
    """Return the position of a modality in `tuple(Modality)`."""
    return list(Modality).index(parse_modality(str(name)))
