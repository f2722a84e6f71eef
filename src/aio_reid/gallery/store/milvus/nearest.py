"""Exact search in a cluster: Milvus compares every row, and the first of its answers are computed once more here.

Its products are float32 sums, so its order is right but for a known little. What lies clearly above the last row of an
answer is certain; where that is not enough, more is asked for, and beyond Milvus's limit all rows are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.ranking import best_first, score_spread
from aio_reid.gallery.result import ScoreSpread
from aio_reid.gallery.store.milvus.engine import BATCH, LARGEST_LIMIT, Engine, Row
from aio_reid.gallery.store.milvus.expressions import texts_expression
from aio_reid.gallery.store.milvus.pictures import DRAW_RANGE
from aio_reid.gallery.store.nearest import exact_scores
from aio_reid.gallery.store.protocol import Found

SPREAD_SAMPLE = 10_000
"""Pictures whose scores stand for those of all, where there are more."""

_MARGIN = 16
_FIELDS = ("vector", "camera", "track")


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Rows, best first: ids int64 (K,), exact scores float32 (K,), and the group of each."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    groups: list[Hashable]

    def first(self, num: int, *, by_group: bool) -> Ranked:
        """Return the first rows, or the first of each of the first groups."""
        places = list(range(len(self.ids)))
        if by_group:
            seen: dict[Hashable, int] = {}
            for place in places:
                seen.setdefault(self.groups[place], place)
            places = list(seen.values())
        places = places[:num]
        return Ranked(self.ids[places], self.scores[places], [self.groups[place] for place in places])


def find_nearest(
    engine: Engine, vector: NDArray[np.float32], expression: str, *, top: int, by_track: bool, with_spread: bool
) -> Found:
    """Return the `top` nearest of the rows that fulfil an expression; see `protocol.Store.search`."""
    collection = engine.url.gallery
    num_searched = engine.count(collection, expression)
    if num_searched == 0:
        nothing = np.empty(0, dtype=np.int64)
        return Found(nothing, np.empty(0, dtype=np.float32), 0, nothing)
    ranked = _ranked(engine, vector, expression, top, by_track)
    sizes = np.ones(len(ranked.ids), dtype=np.int64)
    if by_track:
        sizes = _group_sizes(engine, expression, ranked.groups)
    if not with_spread:
        return Found(ranked.ids, ranked.scores, num_searched, sizes)
    spread, lower = _spread(engine, vector, expression, num_searched, ranked.scores)
    notes: tuple[str, ...] = ()
    if num_searched > SPREAD_SAMPLE:
        notes = (f"the spread of the scores is estimated from about {SPREAD_SAMPLE:,} pictures",)
    return Found(ranked.ids, ranked.scores, num_searched, sizes, spread, lower, notes=notes)


def _ranked(engine: Engine, vector: NDArray[np.float32], expression: str, top: int, by_track: bool) -> Ranked:
    limit = (4 * top if by_track else top) + _MARGIN
    error = len(vector) * 2.0**-23
    while limit <= LARGEST_LIMIT:
        rows = engine.nearest(engine.url.gallery, vector.tolist(), expression, limit, _FIELDS)
        ranked = _rank(iter(rows), vector)
        if len(rows) < limit:
            return ranked.first(top, by_group=by_track)
        certain = int(np.count_nonzero(ranked.scores > rows[-1]["distance"] + 2.0 * error))
        found = Ranked(ranked.ids[:certain], ranked.scores[:certain], ranked.groups[:certain])
        found = found.first(top, by_group=by_track)
        if len(found.ids) == top:
            return found
        limit *= 4
    return _rank(engine.rows(engine.url.gallery, expression, ("id", *_FIELDS)), vector).first(top, by_group=by_track)


def _rank(rows: Iterator[Row], vector: NDArray[np.float32]) -> Ranked:
    """Rank rows by exact scores, equal ones by id; their vectors are let go of a batch at a time."""
    ids: list[int] = []
    groups: list[Hashable] = []
    scores = [np.empty(0, dtype=np.float32)]
    while batch := list(islice(rows, BATCH)):
        ids += [int(row["id"]) for row in batch]
        groups += [_group(row) for row in batch]
        scores.append(exact_scores(np.array([row["vector"] for row in batch], dtype=np.float32), vector))
    joined = np.concatenate(scores)
    order = best_first(joined, ids, len(ids))
    return Ranked(np.array(ids, dtype=np.int64)[order], joined[order], [groups[place] for place in order])


def _group(row: Row) -> Hashable:
    return (row["camera"], row["track"]) if row["track"] else int(row["id"])


def _group_sizes(engine: Engine, expression: str, groups: Sequence[Hashable]) -> NDArray[np.int64]:
    tracks = sorted({group[1] for group in groups if isinstance(group, tuple)})
    counts: Counter[Hashable] = Counter()
    if tracks:
        wanted = f"({expression}) and {texts_expression('track', tracks)}"
        counts.update(_group(row) for row in engine.rows(engine.url.gallery, wanted, ("id", "camera", "track")))
    return np.array([counts.get(group, 1) for group in groups], dtype=np.int64)


def _spread(
    engine: Engine, vector: NDArray[np.float32], expression: str, num_all: int, scores: NDArray[np.float32]
) -> tuple[ScoreSpread | None, NDArray[np.float32]]:
    """Return the spread, and the share below each of the scores; pictures are drawn by the hash of their content."""
    if num_all > SPREAD_SAMPLE:
        expression = f"({expression}) and draw < {DRAW_RANGE * SPREAD_SAMPLE // num_all}"
    rows: list[dict[str, Any]] = engine.nearest(engine.url.gallery, vector.tolist(), expression, LARGEST_LIMIT, ())
    sample = np.sort(np.array([row["distance"] for row in rows], dtype=np.float32))
    error = len(vector) * 2.0**-23  # a picture is not below itself for a rounding
    lower = (np.searchsorted(sample, scores - error, side="left") / max(len(sample), 1)).astype(np.float32)
    return score_spread(np.append(sample, scores[:1]) if num_all > len(sample) else sample, num_all=num_all), lower
