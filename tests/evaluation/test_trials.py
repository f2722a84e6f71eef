"""Means over trials: element by element, and every trial counts the same."""

from __future__ import annotations

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.ranking import score_ranking
from aio_reid.evaluation.scores import RetrievalScores
from aio_reid.evaluation.trials import average, average_trials


def trial(first_match: list[int], num_gallery: int = 4, ranks: tuple[int, ...] = (1, 2, 3)) -> RetrievalScores:
    """Each query's only match stands at that rank; 0 has none."""
    distances = np.tile(np.arange(num_gallery, dtype=np.float32), (len(first_match), 1))
    matches = np.array(first_match)[:, None] == np.arange(1, num_gallery + 1)
    return score_ranking(distances, matches, np.zeros_like(matches), ranks=ranks)


def test_three_trials_by_hand() -> None:
    trials = [trial([1, 2]), trial([3], num_gallery=6), trial([2, 2, 0])]
    row = average_trials("a", "single", trials)
    assert dict(row.scores.rank) == pytest.approx({1: (1 / 2 + 0 + 0) / 3, 2: (1 + 0 + 1) / 3, 3: 1.0})
    assert row.scores.mAP == pytest.approx((3 / 4 + 1 / 3 + 1 / 2) / 3)  # not the mean over the five scored queries
    assert row.scores.mINP == row.scores.mAP  # one match each
    counts = (row.scores.num_queries, row.scores.num_scored, row.scores.num_without_match, row.scores.num_gallery)
    assert counts == (6, 5, 1, 6)
    assert row.scores.first_match.tolist() == [1, 2, 3, 2, 2, 0]
    np.testing.assert_array_equal(row.scores.average_precision, [1, 1 / 2, 1 / 3, 1 / 2, 1 / 2, np.nan])
    assert row.trials == tuple(trials)
    mean = average(trials)
    assert (mean.rank, mean.mAP, mean.num_averaged) == (row.scores.rank, row.scores.mAP, 3)


def test_one_trial_is_itself() -> None:
    assert average_trials("a", "single", [trial([1, 2])]).scores == trial([1, 2])


def test_what_cannot_be_averaged() -> None:
    with pytest.raises(DataError, match="no scores to average"):
        average([])
    with pytest.raises(DataError, match="different k"):
        average([trial([1]), trial([1], ranks=(1, 2))])
