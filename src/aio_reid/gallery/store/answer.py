"""From a snapshot and the rows that a filter has chosen to the nearest of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.gallery.ranking import score_spread
from aio_reid.gallery.store.nearest import nearest, nearest_of_groups, rough_scores, score_error
from aio_reid.gallery.store.protocol import Found
from aio_reid.gallery.store.resident import NOT_GIVEN, Matrix, Snapshot

Rows = NDArray[np.int64]
Stored = Callable[[Rows], NDArray[np.float32]]
"""Called with ids, int64 (B,); returns the vectors as they were stored, float32 (B, E)."""


def answer(
    snapshot: Snapshot,
    chosen: Rows | None,
    vector: NDArray[np.float32],
    *,
    top: int,
    by_track: bool,
    with_spread: bool,
    stored: Stored,
) -> Found:
    """Return the `top` nearest of the chosen rows (None: all); see `protocol.Store.search`. Exact, also with float16.

    Raises:
        DataError: the query has another size than the vectors.
    """
    ids = snapshot.ids if chosen is None else snapshot.ids[chosen]
    if not len(ids) or snapshot.vectors is None:
        nothing = np.empty(0, dtype=np.int64)
        return Found(nothing, np.empty(0, dtype=np.float32), 0, nothing)
    if vector.shape != snapshot.vectors.shape[1:]:
        raise DataError(f"the gallery's vectors have {snapshot.vectors.shape[1]} numbers, not {len(vector)}")
    rough = rough_scores(snapshot.vectors, vector, chosen)
    exact = exact_vectors(snapshot.vectors, chosen, ids, stored)
    error = score_error(snapshot.vectors)
    if by_track:
        groups = track_groups(snapshot, chosen)
        best, scores = nearest_of_groups(rough, vector, ids, groups, top=top, error=error, exact=exact)
        sizes = np.array([np.count_nonzero(groups == group) for group in groups[best]], dtype=np.int64)
    else:
        best, scores = nearest(rough, vector, ids, top=top, error=error, exact=exact)
        sizes = np.ones(len(best), dtype=np.int64)
    if not with_spread:
        return Found(ids[best], scores, len(ids), sizes)
    lower = (np.searchsorted(np.sort(rough), rough[best], side="left") / len(rough)).astype(np.float32)
    return Found(ids[best], scores, len(ids), sizes, score_spread(rough), lower)


def exact_vectors(vectors: Matrix, chosen: Rows | None, ids: Rows, stored: Stored) -> Stored:
    """Return what gives the true vectors at positions among the chosen rows."""

    def exact(positions: Rows) -> NDArray[np.float32]:
        if vectors.dtype != np.float32:
            return stored(ids[positions])
        return vectors[positions if chosen is None else chosen[positions]].astype(np.float32, copy=False)

    return exact


def track_groups(snapshot: Snapshot, chosen: Rows | None) -> Rows:
    """Return a number for each row, int64, the same for rows of one track of one camera; without a track, alone."""
    tracks = snapshot.tracks.codes.astype(np.int64)
    cameras = snapshot.cameras.codes.astype(np.int64)
    own = -1 - np.arange(len(tracks))
    groups = np.where(tracks == NOT_GIVEN, own, (cameras + 1) * (len(snapshot.tracks.names) + 1) + tracks)
    return groups if chosen is None else groups[chosen]
