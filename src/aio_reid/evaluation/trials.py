"""Means of scores: of the trials of one task, and of the tasks of one group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aio_reid.errors import DataError
from aio_reid.evaluation.scores import MeanScores, RetrievalScores, TaskScores


def average(scores: Sequence[RetrievalScores]) -> MeanScores:
    """Return the arithmetic mean, each of the scores counting the same however many queries are behind it.

    Rank-k is averaged element by element.

    Raises:
        DataError: there is nothing to average, or rank-k was taken at different k.
    """
    if not scores:
        raise DataError("there are no scores to average; evaluate at least one trial")
    ranks = list(scores[0].rank)
    if any(list(one.rank) != ranks for one in scores):
        raise DataError(f"rank-k of different k cannot be averaged: {[list(one.rank) for one in scores]}")
    return MeanScores(
        rank={k: float(np.mean([one.rank[k] for one in scores])) for k in ranks},
        mAP=float(np.mean([one.mAP for one in scores])),
        mINP=float(np.mean([one.mINP for one in scores])),
        num_averaged=len(scores),
    )


def average_trials(task: str, fusion: str, trials: Sequence[RetrievalScores]) -> TaskScores:
    """Return one row of a table from the scores of its trials.

    Of the row's `scores`, rank-k, mAP and mINP are the means over the trials; queries are counted, and their values
    listed, trial after trial; `num_gallery` is the size of the largest gallery.

    Raises:
        DataError: as `average`.
    """
    mean = average(trials)
    scores = RetrievalScores(
        rank=mean.rank,
        mAP=mean.mAP,
        mINP=mean.mINP,
        num_queries=sum(trial.num_queries for trial in trials),
        num_scored=sum(trial.num_scored for trial in trials),
        num_without_match=sum(trial.num_without_match for trial in trials),
        num_gallery=max(trial.num_gallery for trial in trials),
        first_match=np.concatenate([trial.first_match for trial in trials]),  # (sum of Q,), as the two below
        average_precision=np.concatenate([trial.average_precision for trial in trials]),
        inverse_penalty=np.concatenate([trial.inverse_penalty for trial in trials]),
    )
    return TaskScores(task, fusion, scores, tuple(trials))
