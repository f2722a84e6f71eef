"""What all that starts from feature vectors shares: checks, blocks of rows, and the nearest columns of every row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError

FloatArray = NDArray[np.float32] | NDArray[np.float64]
COLUMNS_PER_GROUP = 64


def check_features(query: FloatArray, gallery: FloatArray) -> None:
    """Check that queries (Q, E) and gallery (G, E) are finite vectors of one width.

    Raises:
        DataError: they are not; with the first row that is wrong.
    """
    if query.ndim != 2 or gallery.ndim != 2 or query.shape[1] != gallery.shape[1]:
        raise DataError(f"queries {query.shape} and gallery {gallery.shape} must be (Q, E) and (G, E) with the same E")
    for name, vectors in (("query", query), ("gallery", gallery)):
        # A length is NaN or infinite where any entry is, and where a distance would overflow.
        bad = np.flatnonzero(~np.isfinite(np.einsum("ne,ne->n", vectors, vectors)))
        if len(bad):
            raise DataError(
                f"{len(bad)} of {len(vectors)} {name} vectors are NaN, infinite or too long, the first is row "
                f"{bad[0]}; check the embeddings"
            )


def row_blocks(num_rows: int, block: int) -> list[slice]:
    """Return slices of at most `block` rows that cover `num_rows` rows in order.

    Raises:
        DataError: `block` is less than 1.
    """
    if block < 1:
        raise DataError(f"block is {block}; give at least 1 row at a time")
    return [slice(start, min(start + block, num_rows)) for start in range(0, num_rows, block)]


def nearest_columns(distances: FloatArray, k: int) -> NDArray[np.int64]:
    """Return the columns of the k smallest values of every row, ascending; equal values keep the order of columns.

    The result is that of a stable sort, cut after k; only what may belong to it is sorted.

    Args:
        distances: (B, N) float, finite.
        k: 1..N.

    Returns:
        (B, k) int64.
    """
    B, N = distances.shape
    at = np.flatnonzero(distances <= _limits(distances, k)[:, None])  # (M,) candidates, row by row, at least k each
    rows = at // N
    order = np.lexsort((distances.ravel()[at], rows))  # stable, so that equals stay in the order of columns
    starts = np.searchsorted(rows, np.arange(B))
    columns: NDArray[np.int64] = (at % N)[order[starts[:, None] + np.arange(k)]]  # (B, k)
    return columns


def _limits(distances: FloatArray, k: int) -> NDArray[np.floating]:
    """Return (B,), for every row a value that at least k of its entries do not exceed, and few more do.

    The columns fall into groups. The k-th smallest of the groups' minima is such a value: each of the first k groups
    has an entry that small. It costs one pass over the block, where a partition of each row costs many.
    """
    B, N = distances.shape
    minima: NDArray[np.floating] = distances
    depth = min(COLUMNS_PER_GROUP, N // (4 * k))
    if depth > 1:
        width = N // depth
        minima = distances[:, : depth * width].reshape(B, depth, width).min(axis=1)  # (B, width)
    return np.partition(minima, k - 1, axis=1)[:, k - 1]
