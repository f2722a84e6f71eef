"""Ranking and scoring: distances and two boolean masks in, retrieval scores out.

Definitions (AP without interpolation, CMC per image, INP): Ye et al., "Deep Learning for Person Re-identification: A
Survey and Outlook", TPAMI 2021. Equal distances keep the order of the gallery, so no result depends on the machine.

Nothing is sorted: the scores need the ranks of the true matches only, and the rank of an entry is one more than the
number of entries before it, which are those that are nearer, or as near and earlier in the gallery.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.evaluation.neighbours import FloatArray, check_features, row_blocks
from aio_reid.evaluation.scores import DEFAULT_RANKS, NOT_SCORED, QueryOutcome, RetrievalScores, summarise

BoolArray = NDArray[np.bool_]
Masks = Callable[[slice], tuple[BoolArray, BoolArray]]
"""A slice of the queries -> `matches` and `ignore` of those queries, each bool (block, G)."""

BLOCK_ENTRIES = 2**22
"""Of a full distance matrix, so many entries are copied at a time."""
MOST_COUNTED = 256
"""With more matches than this in a row, one sort costs less than a count for each of them."""


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
    check_masks(distances, matches, ignore)

    def masks(rows: slice) -> tuple[BoolArray, BoolArray]:
        return matches[rows], ignore[rows]

    return rank_distances(distances, masks, gallery_persons=gallery_persons, ranks=ranks)


def rank_distances(
    distances: FloatArray,
    masks: Masks,
    *,
    gallery_persons: NDArray[np.int64] | None = None,
    ranks: Sequence[int] = DEFAULT_RANKS,
) -> RetrievalScores:
    """Score a full distance matrix whose masks are made a block of queries at a time.

    Args and raises: as `score_ranking` and `rank_features`.
    """
    num_gallery = distances.shape[1]
    outcomes: list[QueryOutcome] = []
    for rows in row_blocks(len(distances), max(1, BLOCK_ENTRIES // max(1, num_gallery))):
        block = np.array(distances[rows], dtype=np.result_type(distances, np.float32))  # a copy: it is overwritten
        matches, ignore = masks(rows)
        check_masks(block, matches, ignore)
        outcomes.extend(_rank_block(block, matches, ignore, gallery_persons))
    return summarise(outcomes, num_gallery=num_gallery, ranks=ranks)


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

    The distance is the negative cosine. It orders as 1 - cosine does, but does not round near cosines into one.

    Args:
        query: (Q, E) float32, unit rows.
        gallery: (G, E) float32, unit rows.
        masks: called once for each block, in order.
        gallery_persons: as `score_ranking`.
        block: queries at a time; memory is about block * G * 8 bytes, the masks included.
        ranks: the k of the rank-k scores.

    Raises:
        DataError: as `score_ranking`, for the masks and distances of any block, and for vectors of different widths.
    """
    check_features(query, gallery)
    blocks = row_blocks(len(query), block)
    held = np.empty((min(block, len(query)), len(gallery)), dtype=np.result_type(query, gallery))  # (block, G)
    outcomes: list[QueryOutcome] = []
    for rows in blocks:
        distances = np.matmul(-query[rows], gallery.T, out=held[: rows.stop - rows.start])  # (b, G)
        matches, ignore = masks(rows)
        check_masks(distances, matches, ignore)
        outcomes.extend(_rank_block(distances, matches, ignore, gallery_persons))
    return summarise(outcomes, num_gallery=len(gallery), ranks=ranks)


def check_masks(distances: FloatArray, matches: BoolArray, ignore: BoolArray) -> None:
    """Check that distances and the two masks are (Q, G), and that the masks are bool.

    Raises:
        DataError: they are not.
    """
    if distances.ndim != 2 or distances.shape != matches.shape or distances.shape != ignore.shape:
        raise DataError(
            f"distances {distances.shape}, matches {matches.shape} and ignore {ignore.shape} must all be (Q, G)"
        )
    if matches.dtype != np.bool_ or ignore.dtype != np.bool_:
        raise DataError(f"matches ({matches.dtype}) and ignore ({ignore.dtype}) must be bool")


def check_finite(distances: FloatArray) -> None:
    """Check that no distance is NaN or infinite.

    Raises:
        DataError: one is.
    """
    finite = np.isfinite(distances)
    if not finite.all():
        bad = int(finite.size - np.count_nonzero(finite))
        raise DataError(f"{bad} of {finite.size} distances are NaN or infinite; check the embeddings behind them")


def _rank_block(
    distances: FloatArray, matches: BoolArray, ignore: BoolArray, persons: NDArray[np.int64] | None
) -> list[QueryOutcome]:
    """Return the outcomes of B queries; `distances` (B, G) is overwritten."""
    B, G = distances.shape
    check_finite(distances)
    distances[ignore] = np.inf  # behind all others: it is before no entry
    rows, columns = np.divmod(np.flatnonzero(matches & ~ignore), G)  # (M,) each, of all true matches
    num_matches = np.bincount(rows, minlength=B)  # (B,)
    ends = np.cumsum(num_matches)  # (B,)
    ranks = np.concatenate(
        [np.zeros(0, np.int64)]
        + [_ranks(row, columns[end - n : end]) for row, end, n in zip(distances, ends, num_matches, strict=True) if n]
    )  # (M,)
    order = np.lexsort((ranks, rows))  # the matches of each row by rank
    ranks, columns = ranks[order], columns[order]
    nth = np.arange(1, len(ranks) + 1) - np.repeat(ends - num_matches, num_matches)  # 1, 2, .. within each row
    precision = np.bincount(rows, weights=nth / ranks, minlength=B)  # (B,) sums
    outcomes = []
    for row, (end, n) in enumerate(zip(ends.tolist(), num_matches.tolist(), strict=True)):
        if n == 0:
            outcomes.append(NOT_SCORED)
            continue
        first = int(ranks[end - n])
        if persons is not None and first > 1:
            first = _count_persons(distances[row], int(columns[end - n]), persons)
        outcomes.append(
            QueryOutcome(
                first_match=first,
                average_precision=float(precision[row] / n),
                inverse_penalty=float(n / ranks[end - 1]),
            )
        )
    return outcomes


def _ranks(row: FloatArray, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (M,), for every column 1 + the number of entries that a stable sort of the row (G,) puts before it."""
    if len(columns) > MOST_COUNTED:
        ranks = np.empty(len(row), dtype=np.int64)
        ranks[np.argsort(row, kind="stable")] = np.arange(1, len(row) + 1)
        return ranks[columns]
    values = row[columns][:, None]  # (M, 1)
    before = row < values  # (M, G)
    ranks = np.array([1 + np.count_nonzero(nearer) for nearer in before])
    equal = np.equal(row, values, out=before)
    if np.count_nonzero(equal) > len(columns):  # more than each match itself
        ranks += [np.count_nonzero(as_near[:column]) for as_near, column in zip(equal, columns.tolist(), strict=True)]
    return ranks


def _count_persons(row: FloatArray, column: int, persons: NDArray[np.int64]) -> int:
    """Return the number of persons among the entries up to the one in this column, itself included, as ranked."""
    before = row[: column + 1] <= row[column]  # (column + 1,), itself included
    after = row[column + 1 :] < row[column]  # (G - column - 1,)
    return len(np.unique(np.concatenate([persons[: column + 1][before], persons[column + 1 :][after]])))
