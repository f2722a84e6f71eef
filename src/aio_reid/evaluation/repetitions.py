"""Protocols that draw at random, run with several seeds: the means, and how far the repetitions lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aio_reid.evaluation.scores import ProtocolScores, RetrievalScores, TaskScores
from aio_reid.evaluation.trials import average_trials

Deviation = dict[str, object]
"""Of one row: "task", "fusion", "rank" (k as text -> deviation), "mAP", "mINP", "num_repetitions"."""


def merge_repetitions(runs: Sequence[ProtocolScores]) -> ProtocolScores:
    """Return the means of several runs of one protocol; a single run as it is.

    The trials of a row are those of all its repetitions, each of which has the same number. A task that a repetition
    left out is left out.
    """
    if len(runs) == 1:
        return runs[0]
    first, tasks = runs[0], []
    left_out = {task: why for run in runs for task, why in run.left_out.items()}
    for row in first.tasks:
        if row.task not in left_out:
            same = _same_row(runs, row)
            trials = [trial for one in same for trial in one.trials or (one.scores,)]
            tasks.append(average_trials(row.task, row.fusion, trials))
    return ProtocolScores(first.protocol, first.version, tuple(tasks), left_out, gallery=first.gallery)


def find_deviations(runs: Sequence[ProtocolScores]) -> list[Deviation]:
    """Return the standard deviation between the runs (divisor N - 1) of every row that all have; none of one run."""
    if len(runs) < 2:
        return []
    left_out = {task for run in runs for task in run.left_out}
    return [
        _deviation(row, [one.scores for one in _same_row(runs, row)])
        for row in runs[0].tasks
        if row.task not in left_out
    ]


def _same_row(runs: Sequence[ProtocolScores], row: TaskScores) -> list[TaskScores]:
    return [one for run in runs for one in run.tasks if (one.task, one.fusion) == (row.task, row.fusion)]


def _deviation(row: TaskScores, scores: Sequence[RetrievalScores]) -> Deviation:
    return {
        "task": row.task,
        "fusion": row.fusion,
        "rank": {str(k): float(np.std([one.rank[k] for one in scores], ddof=1)) for k in scores[0].rank},
        "mAP": float(np.std([one.mAP for one in scores], ddof=1)),
        "mINP": float(np.std([one.mINP for one in scores], ddof=1)),
        "num_repetitions": len(scores),
    }
