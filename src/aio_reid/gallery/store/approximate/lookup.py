"""From a query to its nearest pictures by the index: candidates from the cells, and from the rows that are newer than
the index, all ranked by their true vectors.

So a score is always the true one, and what can be wrong is only that a near picture was not a candidate. Rows that are
gone from the gallery are no candidates, whatever the index holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.ranking import best_first, contenders, score_spread
from aio_reid.gallery.result import ScoreSpread
from aio_reid.gallery.store.answer import Stored, exact_vectors, track_groups
from aio_reid.gallery.store.approximate.build import num_candidates
from aio_reid.gallery.store.approximate.file import Index
from aio_reid.gallery.store.nearest import exact_scores, rough_scores, score_error
from aio_reid.gallery.store.protocol import Found
from aio_reid.gallery.store.resident import Matrix, Snapshot

Rows = NDArray[np.int64]

LEAST_SHARE = 0.25
"""Filters that choose a smaller share of the rows are answered exactly: that reads little, and cells read for few rows
lose most.
"""

SPREAD_SAMPLE = 8192
"""Rows whose scores stand for those of all."""

GONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What is asked: the `top` nearest of the `chosen` rows, int64 ascending (None: all), without those `left_out`,
    int64, of a query, float32 (E,).
    """

    vector: NDArray[np.float32]
    chosen: Rows | None
    left_out: Rows
    top: int
    by_track: bool
    with_spread: bool


class Matched:
    """An index beside one snapshot, which must have vectors: where each row of the index stands in it now."""

    def __init__(self, index: Index, snapshot: Snapshot, vectors: Matrix, stored: Stored) -> None:
        self.index, self.snapshot, self._vectors = index, snapshot, vectors
        places = np.searchsorted(snapshot.ids, index.ids)
        inside = np.minimum(places, max(len(snapshot.ids) - 1, 0))
        self._rows = np.where(snapshot.ids[inside] == index.ids, inside, GONE) if len(snapshot.ids) else places * 0 - 1
        self._first_newer = int(np.searchsorted(snapshot.ids, index.ids[-1], side="right"))  # ids only ever grow
        self._exact = exact_vectors(vectors, None, snapshot.ids, stored)

    @property
    def num_newer(self) -> int:
        """The number of pictures that were added after the index was made."""
        return len(self.snapshot.ids) - self._first_newer

    def look_up(self, request: Request) -> Found | None:
        """Return the nearest, or None where an exact search does better: few rows, or more wanted than cells give."""
        N = len(self.snapshot.ids)
        num_chosen = N if request.chosen is None else len(request.chosen)
        if num_chosen < max(LEAST_SHARE * N, 2):
            return None
        newer, allowed = self._newer(request), self._allowed(request)
        groups = track_groups(self.snapshot, None) if request.by_track else None
        count = num_candidates(request.top) + len(request.left_out)
        num_probes = self.index.label.num_probes * -(-N // num_chosen)
        while count < num_chosen:
            near = self.index.cells.near(request.vector[np.newaxis], count, num_probes, allowed)[0]
            near = self._rows[near[near >= 0]]
            rows = np.concatenate([near[near != GONE], self._best_of(newer, request, count)])
            rows = rows[~np.isin(rows, request.left_out)]
            scores = exact_scores(self._exact(rows), request.vector)
            order = best_first(scores, self.snapshot.ids[rows].tolist(), len(rows))
            if groups is not None:
                order = order[np.sort(np.unique(groups[rows[order]], return_index=True)[1])]
            if len(order) >= request.top:
                order = order[: request.top]
                return self._found(request, rows[order], scores[order], groups)
            count, num_probes = 4 * count, 2 * num_probes
        return None

    def _newer(self, request: Request) -> Rows:
        if request.chosen is None:
            return np.arange(self._first_newer, len(self.snapshot.ids))
        return request.chosen[np.searchsorted(request.chosen, self._first_newer) :]

    def _allowed(self, request: Request) -> NDArray[np.bool_] | None:
        """Return which rows of the index are chosen, bool; None for all."""
        if request.chosen is None:
            return None
        is_chosen = np.zeros(len(self.snapshot.ids) + 1, dtype=np.bool_)  # the last place stands for GONE
        is_chosen[request.chosen] = True
        return is_chosen[self._rows]

    def _best_of(self, newer: Rows, request: Request, count: int) -> Rows:
        if not len(newer):
            return newer
        rough = rough_scores(self._vectors, request.vector, newer)
        return newer[contenders(rough, count, error=score_error(self._vectors))]

    def _found(self, request: Request, rows: Rows, scores: NDArray[np.float32], groups: Rows | None) -> Found:
        snapshot = self.snapshot
        searched = np.arange(len(snapshot.ids)) if request.chosen is None else request.chosen
        searched = searched[~np.isin(searched, request.left_out)] if len(request.left_out) else searched
        sizes = np.ones(len(rows), dtype=np.int64)
        if groups is not None:
            found_groups, counts = np.unique(groups[searched], return_counts=True)
            sizes = counts[np.searchsorted(found_groups, groups[rows])].astype(np.int64)
        recall = self.index.label.recall
        found = Found(snapshot.ids[rows], scores, len(searched), sizes, recall=recall, notes=(_note(self.index),))
        if not request.with_spread:
            return found
        spread, lower = self._estimated_spread(searched, request.vector, scores)
        return replace(found, spread=spread, lower=lower)

    def _estimated_spread(
        self, searched: Rows, vector: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> tuple[ScoreSpread | None, NDArray[np.float32]]:
        """Return the spread of all scores and the share below each of some, float32 (K,), from rows evenly spread."""
        num_all = len(searched)
        sample = searched[np.linspace(0, num_all - 1, min(SPREAD_SAMPLE, num_all)).astype(np.int64)]
        rough = rough_scores(self._vectors, vector, sample)
        lower = (np.searchsorted(np.sort(rough), scores, side="left") / len(rough)).astype(np.float32)
        return score_spread(np.append(rough, scores[:1]), num_all=num_all), lower


def _note(index: Index) -> str:
    known = index.label
    return (
        f"approximate search: of the true nearest {known.top}, {100 * known.recall:.1f}% were found when the index was "
        f"made, for {known.num_queries} of the gallery's own vectors; queries of another kind may find fewer. The "
        "spread of the scores is estimated. --exact misses nothing"
    )
