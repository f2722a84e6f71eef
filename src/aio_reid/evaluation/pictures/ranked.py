"""What pictures are drawn from: rankings as they were scored, with the nearest gallery entries of every query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aio_reid.evaluation.neighbours import nearest_columns
from aio_reid.evaluation.ranking import BoolArray
from aio_reid.evaluation.scores import RetrievalScores
from aio_reid.evaluation.tasks import Asked, rank_plainly
from aio_reid.records import Query, Record

NUM_NEAREST = 10


@dataclass(frozen=True)
class RankedTask:
    """One task and its ranking; of a task with trials, the first.

    Attributes:
        task, fusion: as `TaskScores`.
        queries: Q queries.
        query_vectors: (Q, E) float32, unit rows; None where no map needs them.
        gallery: G records; `gallery_vectors` (G, E) float32, unit rows.
        scores: of this ranking.
        nearest: (Q, K) int64, rows of the gallery, the nearest first, those that the protocol ignores left out; -1
            where the ranking has ended.
        cosines: (Q, K) float32, NaN where the ranking has ended.
        is_match: (Q, K) bool, the entry is a true match.
        trials: the scores of all trials, this one first.
    """

    task: str
    fusion: str
    queries: Sequence[Query]
    gallery: Sequence[Record]
    query_vectors: NDArray[np.float32] | None
    gallery_vectors: NDArray[np.float32]
    scores: RetrievalScores
    nearest: NDArray[np.int64]
    cosines: NDArray[np.float32]
    is_match: BoolArray
    trials: tuple[RetrievalScores, ...]


class NearestKeeper:
    """Ranks as `rank_plainly` does, and keeps the nearest entries of every query; give its `rank` to `ranking_by`.

    Of each task (Q, num_nearest) entries are kept, never the (Q, G) matrix; its distances are computed a second time, a
    block of queries at a time. The vectors of queries are kept where they are of single records, or the first on their
    gallery: a map needs no others, and the 64 tasks of ORBench would fill the memory.
    """

    def __init__(self, num_nearest: int = NUM_NEAREST) -> None:
        self._num_nearest = num_nearest
        self._tasks: dict[tuple[str, str], RankedTask] = {}

    @property
    def tasks(self) -> tuple[RankedTask, ...]:
        """The tasks that were ranked, in their order; what was ranked again under its name counts as a trial."""
        return tuple(self._tasks.values())

    def rank(self, asked: Asked) -> RetrievalScores:
        """Return the scores; raises as `rank_plainly`."""
        key = (asked.task, asked.fusion)
        known = self._tasks.get(key)
        if known is not None:
            scores = rank_plainly(asked)
            self._tasks[key] = replace(known, trials=(*known.trials, scores))
            return scores
        blocks: list[_Nearest] = []

        def masks(rows: slice) -> tuple[BoolArray, BoolArray]:
            matches, ignore = asked.masks(rows)
            distances = np.matmul(-asked.query_vectors[rows], asked.gallery_vectors.T)  # (b, G), as they are ranked by
            distances[ignore] = np.inf
            blocks.append(_find_nearest(distances, matches, self._num_nearest))
            return matches, ignore

        scores = rank_plainly(replace(asked, masks=masks))
        self._tasks[key] = RankedTask(
            task=asked.task,
            fusion=asked.fusion,
            queries=asked.queries,
            gallery=asked.gallery,
            query_vectors=asked.query_vectors if self._is_mapped(asked) else None,
            gallery_vectors=asked.gallery_vectors,
            scores=scores,
            nearest=np.concatenate([block.rows for block in blocks]),  # (Q, K), as the two below
            cosines=np.concatenate([block.cosines for block in blocks]),
            is_match=np.concatenate([block.is_match for block in blocks]),
            trials=(scores,),
        )
        return scores

    def _is_mapped(self, asked: Asked) -> bool:
        others = [task for task in self.tasks if task.gallery is asked.gallery and task.query_vectors is not None]
        return not others or any(len(query) == 1 for query in asked.queries)


@dataclass(frozen=True, slots=True)
class _Nearest:
    """Of b queries: (b, K) each, as in `RankedTask`."""

    rows: NDArray[np.int64]
    cosines: NDArray[np.float32]
    is_match: BoolArray


def _find_nearest(distances: NDArray[np.float32], matches: BoolArray, num_nearest: int) -> _Nearest:
    columns = nearest_columns(distances, min(num_nearest, distances.shape[1]))  # (b, K)
    values = np.take_along_axis(distances, columns, axis=1)
    ended = np.isinf(values)
    return _Nearest(
        rows=np.where(ended, -1, columns),
        cosines=np.where(ended, np.float32(np.nan), -values),
        is_match=np.take_along_axis(matches, columns, axis=1) & ~ended,
    )
