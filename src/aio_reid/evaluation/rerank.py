"""k-reciprocal re-ranking: distances that also ask whether two pictures have the same neighbours.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017, in the form that the field's
evaluators share. With N = Q + G items, queries first, squared Euclidean distances d(i, j), and o(i, j) = d(i, j) / max
over j of d(i, j):

1. i and j are k-reciprocal when each is among the k + 1 nearest of the other; an item is its own nearest.
2. R(i) holds the k1-reciprocal items of i. For each j in it, the h-reciprocal items of j join, h = k1 / 2 rounded half
   to even, where more than 2/3 of them lie in R(i) as it was before any joined.
3. i is described by weights exp(-o(i, j)) for j in that set, scaled to the sum 1; then by the mean over the
   descriptions of its k2 nearest, itself included.
4. Two items share s = sum over columns of the smaller weight; their Jaccard distance is 1 - s / (2 - s).
5. The result is (1 - lambda) * Jaccard distance + lambda * o.

A description has a few dozen weights, not N: here they are sparse rows, and distances are computed in blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.neighbours import FloatArray, check_features, nearest_columns, row_blocks
from aio_reid.evaluation.sparse import SparseRows, from_entries, join_blocks

FloatMatrix = NDArray[np.float32]


def rerank(
    query: FloatMatrix,
    gallery: FloatMatrix,
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
    block: int = 256,
) -> FloatMatrix:
    """Return re-ranked distances of feature vectors, by their Euclidean distance.

    Args:
        query: (Q, E) float32.
        gallery: (G, E) float32.
        k1: neighbours that describe an item, at least 1; more than there are means all.
        k2: nearest items whose descriptions are averaged, at least 1.
        lambda_value: 0..1, the weight of the original distance.
        block: items at a time; memory is that of the result and of a copy of the features, and about
            block * (Q + G) * 12 bytes.

    Returns:
        (Q, G) float32 in 0..1, smaller is nearer.

    Raises:
        DataError: widths differ, a vector is not finite, or there is no query or no gallery.
        ConfigError: a setting is out of its range.
    """
    settings = _Settings(k1, k2, lambda_value, block)
    check_features(query, gallery)
    vectors = np.concatenate([query, gallery]).astype(np.float32, copy=False)  # (N, E), N = Q + G
    return _rerank(_OfFeatures(vectors), len(query), settings)


def rerank_distances(
    query_gallery: FloatArray,
    query_query: FloatArray,
    gallery_gallery: FloatArray,
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
) -> FloatMatrix:
    """Return re-ranked distances where plain Euclidean distances (not squared: they are squared here) are at hand.

    Args:
        query_gallery: (Q, G) float.
        query_query: (Q, Q) float.
        gallery_gallery: (G, G) float.
        k1, k2, lambda_value: as `rerank`.

    Returns:
        (Q, G) float32 in 0..1, smaller is nearer.

    Raises:
        DataError: shapes do not fit, a distance is not finite, or there is no query or no gallery.
        ConfigError: a setting is out of its range.
    """
    settings = _Settings(k1, k2, lambda_value)
    Q, G = query_gallery.shape if query_gallery.ndim == 2 else (-1, -1)
    if query_query.shape != (Q, Q) or gallery_gallery.shape != (G, G):
        raise DataError(
            f"query to gallery {query_gallery.shape}, query to query {query_query.shape} and gallery to gallery "
            f"{gallery_gallery.shape} must be (Q, G), (Q, Q) and (G, G)"
        )
    for distances in (query_gallery, query_query, gallery_gallery):
        if not np.isfinite(distances).all():
            raise DataError("a distance is NaN or infinite; check the embeddings behind it")
    return _rerank(_OfMatrices(query_gallery, query_query, gallery_gallery), Q, settings)


@dataclass(frozen=True, slots=True)
class _Settings:
    k1: int
    k2: int
    lambda_value: float
    block: int = 256

    def __post_init__(self) -> None:
        for name, value in (("k1", self.k1), ("k2", self.k2)):
            if value < 1:
                raise ConfigError(f"{name} is {value}; give a number of neighbours, at least 1")
        if not 0 <= self.lambda_value <= 1:
            raise ConfigError(f"lambda_value is {self.lambda_value}; give a share of the original distance, 0 to 1")


class _Distances(Protocol):
    """Squared Euclidean distances d(i, j) between all N items."""

    def __len__(self) -> int: ...

    def of_rows(self, rows: slice) -> FloatMatrix:
        """Return d of these items to all, (b, N), the caller's own."""

    def of_pairs(self, item: int, others: NDArray[np.int64]) -> FloatMatrix:
        """Return d of one item to others, (len(others),)."""


class _OfFeatures:
    """Distances that are computed when they are asked for."""

    def __init__(self, vectors: FloatMatrix) -> None:
        self._vectors = vectors
        self._squares = np.einsum("ne,ne->n", vectors, vectors)  # (N,)

    def __len__(self) -> int:
        return len(self._vectors)

    def of_rows(self, rows: slice) -> FloatMatrix:
        distances: FloatMatrix = (-2 * self._vectors[rows]) @ self._vectors.T  # (b, N)
        distances += self._squares
        distances += self._squares[rows, None]
        np.maximum(distances, 0, out=distances)
        items = np.arange(rows.start, rows.stop)
        distances[items - rows.start, items] = 0
        return distances

    def of_pairs(self, item: int, others: NDArray[np.int64]) -> FloatMatrix:
        products = self._vectors[others] @ self._vectors[item]
        distances: FloatMatrix = np.maximum(self._squares[others] + self._squares[item] - 2 * products, 0)
        distances[others == item] = 0
        return distances


class _OfMatrices:
    """Distances from the three given matrices; where they are not symmetric, d(i, j) is read in column i."""

    def __init__(self, query_gallery: FloatArray, query_query: FloatArray, gallery_gallery: FloatArray) -> None:
        self._all = np.block([[query_query, query_gallery], [query_gallery.T, gallery_gallery]]).astype(np.float32)
        np.square(self._all, out=self._all)

    def __len__(self) -> int:
        return len(self._all)

    def of_rows(self, rows: slice) -> FloatMatrix:
        return np.array(self._all[:, rows].T, order="C")  # (b, N)

    def of_pairs(self, item: int, others: NDArray[np.int64]) -> FloatMatrix:
        distances: FloatMatrix = self._all[others, item]
        return distances


def _rerank(distances: _Distances, num_queries: int, settings: _Settings) -> FloatMatrix:
    Q, N = num_queries, len(distances)
    if Q == 0 or N == Q:
        raise DataError(f"{Q} queries and {N - Q} gallery entries cannot be ranked; give at least one of each")
    result = np.empty((Q, N - Q), dtype=np.float32)
    k1 = min(settings.k1 + 1, N)
    nearest = np.empty((N, max(k1, min(settings.k2, N))), dtype=np.int64)
    largest = np.empty(N, dtype=np.float32)
    for rows in row_blocks(N, settings.block):
        block = distances.of_rows(rows)  # (b, N)
        largest[rows] = np.maximum(block.max(axis=1), np.finfo(np.float32).tiny)  # all at one place: no 0 / 0
        queries = slice(rows.start, min(rows.stop, Q))
        if rows.start < Q:
            scale = settings.lambda_value / largest[queries, None]
            result[queries] = block[: queries.stop - queries.start, Q:] * scale
        items = np.arange(rows.start, rows.stop)
        block[items - rows.start, items] = -1  # its own nearest, before all that look the same
        nearest[rows] = nearest_columns(block, nearest.shape[1])
    described = _describe(distances, nearest[:, :k1], largest, settings)
    if settings.k2 > 1:
        described = _average(described, nearest[:, : settings.k2], settings.block)
    _add_jaccard(result, described, 1 - settings.lambda_value)
    return result


def _describe(
    distances: _Distances, nearest: NDArray[np.int64], largest: FloatMatrix, settings: _Settings
) -> SparseRows:
    """Return the weights of every item over its expanded k-reciprocal set (steps 1 to 3), N rows."""
    N = len(nearest)
    blocks = row_blocks(N, settings.block)
    near_half = nearest[:, : min(round(settings.k1 / 2) + 1, N)]  # (N, h + 1)
    mutual = np.concatenate([_mutual(nearest, rows) for rows in blocks])  # (N, k1 + 1) bool
    mutual_half = np.concatenate([_mutual(near_half, rows) for rows in blocks])  # (N, h + 1) bool
    parts = []
    for rows in blocks:
        members = np.zeros((rows.stop - rows.start, N), dtype=np.bool_)  # (b, N), R of each item
        of_item, at = np.nonzero(mutual[rows])
        candidates = nearest[rows][of_item, at]  # (M,)
        members[of_item, candidates] = True
        joining, valid = near_half[candidates], mutual_half[candidates]  # (M, h + 1)
        known = members[of_item[:, None], joining] & valid
        accepted = 3 * known.sum(axis=1) > 2 * valid.sum(axis=1)  # (M,)
        chosen = valid & accepted[:, None]
        members[np.broadcast_to(of_item[:, None], chosen.shape)[chosen], joining[chosen]] = True
        parts.append(_weigh(distances, members, rows.start, largest))
    return join_blocks(parts)


def _mutual(nearest: NDArray[np.int64], rows: slice) -> NDArray[np.bool_]:
    """Return (b, k) bool: the item is among the k nearest of this one of its own k nearest."""
    items = np.arange(rows.start, rows.stop)
    mutual: NDArray[np.bool_] = (nearest[nearest[rows]] == items[:, None, None]).any(axis=2)  # (b, k, k) -> (b, k)
    return mutual


def _weigh(distances: _Distances, members: NDArray[np.bool_], first: int, largest: FloatMatrix) -> SparseRows:
    """Return exp(-o) over the members (b, N) of items from `first` on, each row scaled to the sum 1."""
    b, N = members.shape
    rows, columns = np.divmod(np.flatnonzero(members), N)
    ends = np.cumsum(np.bincount(rows, minlength=b))
    values = np.empty(len(rows), dtype=np.float32)
    start = 0
    for row, end in enumerate(ends.tolist()):
        item = first + row
        values[start:end] = distances.of_pairs(item, columns[start:end]) / largest[item]
        start = end
    values = np.exp(-values)
    values /= np.bincount(rows, weights=values, minlength=b).astype(np.float32)[rows]
    return from_entries(rows, columns, values, num_rows=b)


def _average(described: SparseRows, nearest: NDArray[np.int64], block: int) -> SparseRows:
    """Return for every item the mean over the descriptions of its nearest (N, k2)."""
    N, k2 = nearest.shape
    parts = []
    for rows in row_blocks(N, block):
        sums = np.zeros((rows.stop - rows.start, N), dtype=np.float32)  # (b, N)
        for members in nearest[rows].T:  # (b,) each, of k2
            taken = described.take(members)
            sums[taken.position, taken.columns] += taken.values / np.float32(k2)  # no pair occurs twice in `taken`
        at = np.flatnonzero(sums > 0)
        parts.append(from_entries(at // N, at % N, sums.ravel()[at], num_rows=len(sums)))
    return join_blocks(parts)


def _add_jaccard(result: FloatMatrix, described: SparseRows, weight: float) -> None:
    """Add the weighted Jaccard distance of queries and gallery to `result` (Q, G)."""
    Q, G = result.shape
    holders = described.take(np.arange(Q, Q + G))
    by_column = from_entries(holders.position, holders.columns, holders.values, num_rows=G).transposed(Q + G)
    result += np.float32(weight)
    for query in range(Q):
        own = described.take(np.array([query]))
        theirs = by_column.take(own.columns)  # all gallery items with a weight in a column of the query's
        smaller = np.minimum(theirs.values, own.values[theirs.position])
        shared = np.bincount(theirs.columns, weights=smaller, minlength=G)  # (G,)
        at = np.flatnonzero(shared > 0)
        result[query, at] -= (weight * shared[at] / (2 - shared[at])).astype(np.float32)
    np.clip(result, 0, 1, out=result)  # rounding
