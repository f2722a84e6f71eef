"""Ranking and scoring: distances and two boolean masks in, retrieval scores out.

Definitions (AP without interpolation, CMC per image, INP): Ye et al., "Deep Learning for Person Re-identification: A
Survey and Outlook", TPAMI 2021. Equal distances keep the order of the gallery, so no result depends on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.scores import DEFAULT_RANKS, NOT_SCORED, QueryOutcome, RetrievalScores, summarise

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32] | NDArray[np.float64]
Masks = Callable[[slice], tuple[BoolArray, BoolArray]]
"""A slice of the queries -> `matches` and `ignore` of those queries, each bool (block, G)."""


def score_ranking(
    distances: FloatArray,
    matches: BoolArray,
    ignore: BoolArray,
    *,
    gallery_persons: NDArray[np.int64] | None = None,
    ranks: Sequence[int] = DEFAULT_RANKS,
) -> RetrievalScores:
    """Score a full distance matrix.

    Args:
        distances: (Q, G) float, smaller is nearer.
        matches: (Q, G) bool, the gallery entry shows the query's person.
        ignore: (Q, G) bool, the entry is taken out of this query's ranking: it neither helps, hurts nor holds a rank.
        gallery_persons: (G,) int64; given, rank-k counts persons, each where it first occurs (CMC per identity, as
            SYSU-MM01 and LLCM have it). mAP and mINP count pictures always.
        ranks: the k of the rank-k scores.

    Raises:
        DataError: shapes differ, a distance is NaN or infinite, or no query has a true match left.
    """
    _check_shapes(distances, matches, ignore)
    return summarise(
        _rank_rows(distances, matches, ignore, gallery_persons), num_gallery=distances.shape[1], ranks=ranks
    )


def rank_features(
    query: NDArray[np.float32],
    gallery: NDArray[np.float32],
    masks: Masks,
    *,
    gallery_persons: NDArray[np.int64] | None = None,
    block: int = 256,
    ranks: Sequence[int] = DEFAULT_RANKS,
) -> RetrievalScores:
    """Score unit vectors by cosine distance, `block` queries at a time: the (Q, G) matrix is never held.

    Args:
        query: (Q, E) float32, unit rows.
        gallery: (G, E) float32, unit rows.
        masks: called once for each block, in order.
        gallery_persons: as `score_ranking`.
        block: queries at a time; memory is about block * G * 6 bytes.
        ranks: the k of the rank-k scores.

    Raises:
        DataError: as `score_ranking`, for the masks and distances of any block.
    """
    if query.ndim != 2 or gallery.ndim != 2 or query.shape[1] != gallery.shape[1]:
        raise DataError(f"queries {query.shape} and gallery {gallery.shape} must be (Q, E) and (G, E) with the same E")
    if block < 1:
        raise DataError(f"block is {block}; give at least 1 query at a time")
    outcomes: list[QueryOutcome] = []
    for start in range(0, len(query), block):
        rows = slice(start, min(start + block, len(query)))
        distances = 1 - query[rows] @ gallery.T  # (block, G)
        matches, ignore = masks(rows)
        _check_shapes(distances, matches, ignore)
        outcomes.extend(_rank_rows(distances, matches, ignore, gallery_persons))
    return summarise(outcomes, num_gallery=len(gallery), ranks=ranks)


def _rank_rows(
    distances: FloatArray, matches: BoolArray, ignore: BoolArray, persons: NDArray[np.int64] | None
) -> list[QueryOutcome]:
    return [_rank_one(*row, persons) for row in zip(distances, matches, ignore, strict=True)]


def _rank_one(
    distances: FloatArray, matches: BoolArray, ignore: BoolArray, persons: NDArray[np.int64] | None
) -> QueryOutcome:
    kept = np.flatnonzero(~ignore)  # gallery order, which the stable sort keeps among equals
    order = kept[np.argsort(distances[kept], kind="stable")]
    hits = np.flatnonzero(matches[order]) + 1  # (M,) ranks of the true matches, ascending
    if len(hits) == 0:
        return NOT_SCORED
    precision = np.arange(1, len(hits) + 1) / hits
    first = int(hits[0]) if persons is None else len(np.unique(persons[order[: hits[0]]]))
    return QueryOutcome(
        first_match=first, average_precision=float(precision.mean()), inverse_penalty=float(precision[-1])
    )


def _check_shapes(distances: FloatArray, matches: BoolArray, ignore: BoolArray) -> None:
    if distances.ndim != 2 or distances.shape != matches.shape or distances.shape != ignore.shape:
        raise DataError(
            f"distances {distances.shape}, matches {matches.shape} and ignore {ignore.shape} must all be (Q, G)"
        )
    if matches.dtype != np.bool_ or ignore.dtype != np.bool_:
        raise DataError(f"matches ({matches.dtype}) and ignore ({ignore.dtype}) must be bool")
    if not np.isfinite(distances).all():
        bad = int((~np.isfinite(distances)).sum())
        raise DataError(f"{bad} of {distances.size} distances are NaN or infinite; check the embeddings behind them")
