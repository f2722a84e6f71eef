"""Whether a search goes by the index: what the user wants, how large the gallery is, and whether the index is good.

An index that is damaged, foreign or unreadable is told of in one line and not used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import AioError, DataError
from aio_reid.gallery.store.answer import Stored, answer
from aio_reid.gallery.store.approximate.file import Index, check_belongs, read_index
from aio_reid.gallery.store.approximate.lookup import Matched, Request
from aio_reid.gallery.store.protocol import About, Found
from aio_reid.gallery.store.resident import Snapshot

APPROXIMATE_FROM = 1_000_000
"""Smaller galleries are searched exactly, unless the index is asked for."""

LEAST_RECALL = 0.95
"""An index that was measured to find less than this is used only when it is asked for."""

REMEDY = "`aio-reid gallery index` makes it anew"
MOST_NEWER = 0.1
"""Where more than this share of the pictures is newer than the index, a search says so."""


class Way(StrEnum):
    """How to search: as the size of the gallery suggests, or in one way always."""

    AUTO = "auto"
    EXACT = "exact"
    APPROXIMATE = "approximate"


@dataclass(frozen=True, slots=True)
class _Seen:
    """Tells one file from another that took its place."""

    inode: int
    size: int
    changed_ns: int


class Shortcut:
    """The index of one open gallery, read when it is first needed, and again when another one lies there.

    `path` is where it would lie, None where there cannot be one (a backup).
    """

    def __init__(self, path: Path | None, way: Way) -> None:
        self._path, self._way = path, way
        self._seen: _Seen | None = None
        self._index: Index | None = None
        self._matched: Matched | None = None
        self._problem: str | None = None
        self._turn = threading.RLock()

    def answer(self, about: Callable[[], About], snapshot: Snapshot, request: Request, stored: Stored) -> Found:
        """Return the nearest, by the index or exactly; the notes say what the user should know of it.

        Raises:
            DataError: the index is asked for, and there is no good one; or the query has another size.
        """
        notes: tuple[str, ...] = ()
        if self._is_wanted(len(snapshot.ids)) and snapshot.vectors is not None:
            with self._turn:
                matched = self._match(about, snapshot, stored)
                problem = self._problem
            if matched is not None and request.vector.shape == snapshot.vectors.shape[1:]:
                found = matched.look_up(request)
                if found is not None:
                    return replace(found, notes=(*found.notes, *_age(matched)))
            notes = () if problem is None else (problem,)
        return replace(_exactly(snapshot, request, stored), notes=notes)

    def index(self, about: About, ids: NDArray[np.int64], stored: Stored) -> Index | None:
        """Return the index, or None where there is none or no good one (see `problem`)."""
        with self._turn:
            self._problem = None
            seen = None if self._path is None else _look_at(self._path)
            if self._path is None or seen is None:
                self._index, self._seen = None, None
                return None
            try:
                if self._index is None or seen != self._seen:
                    self._index, self._seen = read_index(self._path), seen
                check_belongs(self._index, about, ids, stored)
            except (AioError, OSError) as error:
                self._index = None
                self._problem = f"the approximate index {str(self._path)!r} is not used: {error}; {REMEDY}"
            return self._index

    @property
    def problem(self) -> str | None:
        """Why the index that is there is not used, in one line."""
        return self._problem

    def _is_wanted(self, num_rows: int) -> bool:
        is_large = num_rows >= APPROXIMATE_FROM and self._way is Way.AUTO
        return num_rows > 0 and (self._way is Way.APPROXIMATE or is_large)

    def _match(self, about: Callable[[], About], snapshot: Snapshot, stored: Stored) -> Matched | None:
        """Return the index beside this snapshot; looked at anew for every search, computed anew for a new one."""
        kept = self._matched
        is_same = kept is not None and kept.snapshot is snapshot
        if is_same and self._path is not None and _look_at(self._path) == self._seen:
            return kept
        self._matched = None
        index = self.index(about(), snapshot.ids, stored)
        if index is not None and self._way is Way.AUTO and index.label.recall < LEAST_RECALL:
            self._problem = (
                f"searched exactly: the approximate index finds only {100 * index.label.recall:.1f}% of the nearest"
            )
            return None
        if index is not None and snapshot.vectors is not None:
            self._matched = Matched(index, snapshot, snapshot.vectors, stored)
        elif self._way is Way.APPROXIMATE:
            reason = self._problem or "this gallery has no approximate index; make one with `aio-reid gallery index`"
            raise DataError(f"{reason}, or leave out --approximate")
        elif self._problem is None and self._path is not None:
            self._problem = f"{len(snapshot.ids):,} pictures were searched exactly; `aio-reid gallery index` is faster"
        return self._matched


def _exactly(snapshot: Snapshot, request: Request, stored: Stored) -> Found:
    chosen = request.chosen
    if len(request.left_out):
        chosen = np.arange(len(snapshot.ids)) if chosen is None else chosen
        chosen = chosen[~np.isin(chosen, request.left_out)]
    return answer(
        snapshot,
        chosen,
        request.vector,
        top=request.top,
        by_track=request.by_track,
        with_spread=request.with_spread,
        stored=stored,
    )


def _age(matched: Matched) -> tuple[str, ...]:
    if matched.num_newer <= MOST_NEWER * len(matched.snapshot.ids):
        return ()
    return (f"{matched.num_newer:,} pictures are newer than the index and were searched one by one; {REMEDY}",)


def _look_at(path: Path) -> _Seen | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return _Seen(status.st_ino, status.st_size, status.st_mtime_ns)
