"""What a retrieval evaluation returns: the usual scores, the counts behind them, and the values of every query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError

DEFAULT_RANKS: tuple[int, ...] = (1, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """The result of one query; ranks count from 1 among the gallery entries that are not ignored.

    Attributes:
        first_match: rank of the nearest true match; 0 when the query has none and so is not scored.
        average_precision: mean over the matches of the precision at each match; NaN when not scored.
        inverse_penalty: number of matches divided by the rank of the last one (INP); NaN when not scored.
    """

    first_match: int
    average_precision: float
    inverse_penalty: float


NOT_SCORED = QueryOutcome(first_match=0, average_precision=float("nan"), inverse_penalty=float("nan"))


@dataclass(frozen=True)
class RetrievalScores:
    """Scores of one protocol as fractions in 0..1; queries without a true match are counted and never scored.

    Attributes:
        rank: k -> share of the scored queries with a true match among the first k (CMC per image).
        mAP: mean average precision over the scored queries.
        mINP: mean inverse negative penalty over the scored queries.
        num_queries: Q, all queries; `num_scored` + `num_without_match`.
        num_gallery: G, gallery entries before anything is ignored.
        first_match: (Q,) int64, rank of the nearest match, 0 where not scored; kept for resampling.
        average_precision: (Q,) float64, NaN where not scored.
        inverse_penalty: (Q,) float64, NaN where not scored.
    """

    rank: Mapping[int, float]
    mAP: float
    mINP: float
    num_queries: int
    num_scored: int
    num_without_match: int
    num_gallery: int
    first_match: NDArray[np.int64] = field(repr=False, compare=False)
    average_precision: NDArray[np.float64] = field(repr=False, compare=False)
    inverse_penalty: NDArray[np.float64] = field(repr=False, compare=False)


def summarise(
    outcomes: Sequence[QueryOutcome], *, num_gallery: int, ranks: Sequence[int] = DEFAULT_RANKS
) -> RetrievalScores:
    """Average the outcomes of all queries of a protocol.

    A k beyond the end of a ranking holds the last value: a short gallery does not lower or cut the curve.

    Raises:
        DataError: no query has a true match, so that every mean would be 0 / 0.
    """
    first = np.array([o.first_match for o in outcomes], dtype=np.int64)  # (Q,)
    precision = np.array([o.average_precision for o in outcomes], dtype=np.float64)  # (Q,)
    penalty = np.array([o.inverse_penalty for o in outcomes], dtype=np.float64)  # (Q,)
    scored = first > 0  # (Q,)
    num_scored = int(scored.sum())
    if num_scored == 0:
        raise DataError(
            f"none of the {len(outcomes)} queries has a true match among the {num_gallery} gallery entries "
            "that count for it; check the person ids, and the camera ids (is one camera given for everything?)"
        )
    return RetrievalScores(
        rank={k: float((first[scored] <= k).mean()) for k in ranks},
        mAP=float(precision[scored].mean()),
        mINP=float(penalty[scored].mean()),
        num_queries=len(outcomes),
        num_scored=num_scored,
        num_without_match=len(outcomes) - num_scored,
        num_gallery=num_gallery,
        first_match=first,
        average_precision=precision,
        inverse_penalty=penalty,
    )


@dataclass(frozen=True, slots=True)
class MeanScores:
    """The arithmetic mean of several scores, as fractions; see `trials.average`.

    Attributes:
        rank: k -> mean of the rank-k scores.
        num_averaged: how many scores were averaged.
    """

    rank: Mapping[int, float]
    mAP: float
    mINP: float
    num_averaged: int


@dataclass(frozen=True, slots=True)
class TaskScores:
    """The scores of one row of a protocol's table.

    Attributes:
        task: what was asked, e.g. "RIST" (letters of the modalities in the query) or "sketch to photo".
        fusion: "early" or "late"; "single" where every query is one record and fusion means nothing.
        scores: of the task; where it has trials, their mean, as `trials.average_trials` makes it.
        trials: of protocols that draw their gallery or their persons several times, the scores of each draw.
    """

    task: str
    fusion: str
    scores: RetrievalScores
    trials: tuple[RetrievalScores, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskAverage:
    """A row that averages other rows, each counting the same.

    Attributes:
        name: which tasks, e.g. "average of one modality".
        fusion: as `TaskScores`.
    """

    name: str
    fusion: str
    scores: MeanScores


@dataclass(frozen=True, slots=True)
class ProtocolScores:
    """All that one protocol returns.

    Attributes:
        protocol: the name of the protocol; `version` changes whenever its numbers would.
        tasks: the rows, in the order of the table.
        left_out: task -> why it could not be scored.
        averages: rows that average other rows.
        gallery: what the gallery's entries are called in tables.
    """

    protocol: str
    version: str
    tasks: tuple[TaskScores, ...]
    left_out: Mapping[str, str]
    averages: tuple[TaskAverage, ...] = ()
    gallery: str = "photos"
