"""Average query expansion: every feature becomes a mean of its neighbours, near ones weighing more (alpha-QE).

Radenovic et al., "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2019, in the form of fast-reid:
queries and gallery are one pool, all of which is expanded, and the weighted sum is divided by k, not by the weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.neighbours import check_features, nearest_columns, row_blocks

FloatMatrix = NDArray[np.float32]
SHORTEST = 1e-12
"""A vector shorter than this has no direction; its cosines are 0 instead of 0 / 0."""


def expand_features(
    query: FloatMatrix,
    gallery: FloatMatrix,
    *,
    qe_times: int = 1,
    k: int = 5,
    alpha: float = 3.0,
    block: int = 256,
) -> tuple[FloatMatrix, FloatMatrix]:
    """Return queries (Q, E) and gallery (G, E) after expansion; lengths are as they come, not 1.

    Each feature is replaced by the mean, over its k nearest by cosine (itself included), of cosine^alpha times the
    neighbour as it is, not normalised. Divide the rows by their lengths before `rank_features`.

    Args:
        query: (Q, E) float32.
        gallery: (G, E) float32.
        qe_times: how often the whole is done, at least 1.
        k: neighbours, at least 1; more than there are means all.
        alpha: at least 0. A negative cosine counts as 0, so that such a neighbour has no say (unless alpha is 0).
        block: items at a time; memory is about block * (Q + G) * 5 bytes and three copies of the features.

    Raises:
        DataError: widths differ, a vector is not finite, or there is no query and no gallery.
        ConfigError: a setting is out of its range.
    """
    if qe_times < 1 or k < 1 or not alpha >= 0:
        raise ConfigError(
            f"qe_times is {qe_times}, k is {k}, alpha is {alpha}; give at least 1, at least 1, and at least 0"
        )
    check_features(query, gallery)
    pool = np.concatenate([query, gallery]).astype(np.float32, copy=False)  # (N, E)
    if len(pool) == 0:
        raise DataError("there is no feature to expand; give at least one query or gallery entry")
    for _ in range(qe_times):
        pool = _expand_once(pool, min(k, len(pool)), alpha, block)
    return pool[: len(query)], pool[len(query) :]


def _expand_once(pool: FloatMatrix, k: int, alpha: float, block: int) -> FloatMatrix:
    lengths = np.sqrt(np.einsum("ne,ne->n", pool, pool))  # (N,)
    directions = pool / np.maximum(lengths, SHORTEST)[:, None]  # (N, E)
    expanded = np.empty_like(pool)
    for rows in row_blocks(len(pool), block):
        distances = -directions[rows] @ directions.T  # (b, N), the negative cosine
        nearest = nearest_columns(distances, k)  # (b, k)
        cosines = np.maximum(-np.take_along_axis(distances, nearest, axis=1), 0)  # (b, k)
        weights = (cosines**alpha / k).astype(np.float32)
        expanded[rows] = np.einsum("bk,bke->be", weights, pool[nearest])  # (b, E)
    return expanded
