"""Exact nearest neighbours: one matrix product, a partial selection, and the selected few computed once more.

A matrix product of float32 (or float16) rows is off by a known little, and by different amounts for equal rows at
different places. So what lies within twice that error of the last place is a candidate, and candidates are ranked by
products in float64 that depend on the row alone: the ranking is that of the stored vectors, and equal vectors tie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.ranking import best_first, contenders
from aio_reid.gallery.store.resident import Matrix

_BLOCK_ROWS = 8192  # widened at a time: 16 MB at 512 numbers
_SPARSE = 0.5
Exact = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Called with rows, int64 (B,); returns the stored vectors, float32 (B, E)."""


def rough_scores(vectors: Matrix, query: NDArray[np.float32], rows: NDArray[np.int64] | None) -> NDArray[np.float32]:
    """Return the products of the query, float32 (E,), with all rows of (N, E), or with the chosen ones: float32.

    Few rows are gathered first; many are cheaper to compute with all.
    """
    if rows is not None and len(rows) < _SPARSE * len(vectors):
        return _products(np.take(vectors, rows, axis=0), query)
    scores = _products(vectors, query)
    return scores if rows is None else scores[rows]


def _products(vectors: NDArray[Any], query: NDArray[np.float32]) -> NDArray[np.float32]:
    if vectors.dtype == np.float32:
        scores: NDArray[np.float32] = vectors @ query
        return scores
    scores = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK_ROWS):
        scores[start : start + _BLOCK_ROWS] = vectors[start : start + _BLOCK_ROWS].astype(np.float32) @ query
    return scores


def score_error(vectors: Matrix) -> float:
    """Return a bound on how far a rough score of unit vectors lies from the true one."""
    rounding = float(vectors.shape[1]) * 2.0**-23  # summing float32 products, each of at most 1 in total
    return rounding + (2.0**-11 if vectors.dtype == np.float16 else 0.0)


def exact_scores(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return cosine similarities, float32 (B,), each rounded once from a float64 sum that depends on its row only."""
    products = vectors.astype(np.float64) * query.astype(np.float64)  # (B, E)
    similarities: NDArray[np.float32] = np.clip(products.sum(axis=1), -1.0, 1.0).astype(np.float32)  # (B,)
    return similarities


def nearest(
    rough: NDArray[np.float32],
    query: NDArray[np.float32],
    ids: NDArray[np.int64],
    *,
    top: int,
    error: float,
    exact: Exact,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the positions, int64 (K,), of the `top` nearest and their scores, float32 (K,), best first, equal ones in
    the order of `ids` int64 (N,).

    `rough` float32 (N,) are off by at most `error`; `exact` gives the vectors at positions.
    """
    candidates = contenders(rough, top, error=error)
    blocks = [candidates[start : start + _BLOCK_ROWS] for start in range(0, len(candidates), _BLOCK_ROWS)]
    scores = np.concatenate([exact_scores(exact(block), query) for block in blocks] or [rough[:0]])
    order = best_first(scores, ids[candidates].tolist(), top)
    return candidates[order], scores[order]


def nearest_of_groups(
    rough: NDArray[np.float32],
    query: NDArray[np.float32],
    ids: NDArray[np.int64],
    groups: NDArray[np.int64],
    *,
    top: int,
    error: float,
    exact: Exact,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the same as `nearest`, but of each group, int64 (N,), only the first."""
    (N,) = rough.shape
    reach = 4 * top
    while True:
        found, scores = nearest(rough, query, ids, top=reach, error=error, exact=exact)
        _, first = np.unique(groups[found], return_index=True)
        if len(first) >= top or reach >= N:
            first = np.sort(first)[:top]
            return found[first], scores[first]
        reach *= 4
