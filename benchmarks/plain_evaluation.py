"""What evaluators of the field commonly do, in plain numpy: full matrices, sorted rows, a Python loop over queries.

Written from the definitions, for comparison only; `evaluation.py` measures it beside the package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

MAX_RANK = 50
Precision = Callable[[np.ndarray], np.ndarray]
"""(n,) hits up to each rank -> (n,) precision at each rank."""


@dataclass(frozen=True)
class Data:
    """Unit features (Q, E) and (G, E) float32, and of each the person and the camera, int64."""

    query: np.ndarray
    gallery: np.ndarray
    query_persons: np.ndarray
    gallery_persons: np.ndarray
    query_cameras: np.ndarray
    gallery_cameras: np.ndarray


def precision_at_once(found: np.ndarray) -> np.ndarray:
    """Divide all ranks at once."""
    return found / np.arange(1, len(found) + 1)


def precision_in_a_loop(found: np.ndarray) -> np.ndarray:
    """Divide rank by rank, in a list comprehension, as the released Python evaluators do."""
    return np.asarray([hits / rank for rank, hits in enumerate(found, start=1)])


def rank(data: Data, precision_of: Precision) -> dict[str, float]:
    """Return mAP, mINP and rank-1 under the rule of Market-1501."""
    distances = 1 - data.query @ data.gallery.T  # (Q, G)
    order = np.argsort(distances, axis=1)  # (Q, G)
    matches = data.gallery_persons[order] == data.query_persons[:, None]  # (Q, G)
    curves, precisions, penalties = [], [], []
    for query, found in enumerate(matches):
        junk = found & (data.gallery_cameras[order[query]] == data.query_cameras[query])
        hits = found[~junk]
        if not hits.any():
            continue
        upto = hits.cumsum()
        curves.append(np.minimum(upto[:MAX_RANK], 1))
        precisions.append((precision_of(upto) * hits).sum() / hits.sum())
        penalties.append(hits.sum() / (np.flatnonzero(hits)[-1] + 1))
    cmc = np.mean(curves, axis=0)
    return {"mAP": float(np.mean(precisions)), "mINP": float(np.mean(penalties)), "rank-1": float(cmc[0])}


def euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return (A, B) Euclidean distances of the rows of a and b."""
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    return np.sqrt(np.maximum(squared, 0))


def rerank(query: np.ndarray, gallery: np.ndarray, k1: int, k2: int, lambda_value: float) -> np.ndarray:
    """Return (Q, G) k-reciprocal re-ranked distances, with dense (N, N) matrices."""
    both = np.concatenate([query, gallery])
    N = len(both)
    distances = euclidean(both, both) ** 2
    distances /= distances.max(axis=1, keepdims=True)
    order = np.argpartition(distances, k1, axis=1)[:, : k1 + 1]
    order = np.take_along_axis(order, np.argsort(np.take_along_axis(distances, order, axis=1), axis=1), axis=1)
    weights = np.zeros((N, N), dtype=np.float32)
    for item in range(N):
        near = reciprocal(order, item, k1)
        grown = [near]
        for member in near:
            half = reciprocal(order, member, round(k1 / 2))
            if len(np.intersect1d(half, near)) > 2 / 3 * len(half):
                grown.append(half)
        members = np.unique(np.concatenate(grown))
        weight = np.exp(-distances[item, members])
        weights[item, members] = weight / weight.sum()
    if k2 > 1:
        weights = np.stack([weights[order[item, :k2]].mean(axis=0) for item in range(N)])
    holders = [np.flatnonzero(weights[:, column]) for column in range(N)]
    return np.stack([blend(distances[q], weights, holders, q, lambda_value) for q in range(len(query))])[
        :, len(query) :
    ]


def reciprocal(order: np.ndarray, item: int, k: int) -> np.ndarray:
    """Return the items among the k + 1 nearest of `item` that have it among theirs."""
    forward = order[item, : k + 1]
    return forward[(order[forward, : k + 1] == item).any(axis=1)]


def blend(
    distances: np.ndarray, weights: np.ndarray, holders: Sequence[np.ndarray], query: int, lambda_value: float
) -> np.ndarray:
    """Return (N,) the final distances of one query."""
    shared = np.zeros(len(weights), dtype=np.float32)
    for column in np.flatnonzero(weights[query]):
        others = holders[column]
        shared[others] += np.minimum(weights[query, column], weights[others, column])
    return (1 - lambda_value) * (1 - shared / (2 - shared)) + lambda_value * distances


def expand(query: np.ndarray, gallery: np.ndarray, times: int, k: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return query and gallery after alpha query expansion, with the dense (N, N) matrix of cosines."""
    both = np.concatenate([query, gallery])
    for _ in range(times):
        directions = both / np.linalg.norm(both, axis=1, keepdims=True)
        cosines = directions @ directions.T
        expanded = []
        for row in cosines:
            nearest = np.argpartition(-row, k)[:k]
            expanded.append((row[nearest, None] ** alpha * both[nearest]).mean(axis=0))
        both = np.stack(expanded)
    return both[: len(query)], both[len(query) :]


def verify(data: Data, rates: Sequence[float]) -> dict[str, float]:
    """Return AUC and the true accept rate at false accept rates, from one sort of all pairs."""
    distances = 1 - data.query @ data.gallery.T
    matches = data.query_persons[:, None] == data.gallery_persons
    kept = ~(matches & (data.query_cameras[:, None] == data.gallery_cameras))
    scores, genuine = distances[kept], matches[kept]
    order = np.argsort(scores, kind="stable")
    scores, genuine = scores[order], genuine[order]
    last = np.append(scores[1:] != scores[:-1], True)  # of equal distances only the last is a threshold
    true_accepts = np.append(0, np.cumsum(genuine)[last] / genuine.sum())
    false_accepts = np.append(0, np.cumsum(~genuine)[last] / (~genuine).sum())
    found = {f"TPR at {rate:g}": float(true_accepts[false_accepts <= rate].max()) for rate in rates}
    return {"AUC": float(np.trapezoid(true_accepts, false_accepts)), **found}
