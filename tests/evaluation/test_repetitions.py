"""Means and deviations of repetitions, by hand."""

from __future__ import annotations

import pytest

from aio_reid.evaluation.repetitions import find_deviations, merge_repetitions
from aio_reid.evaluation.scores import ProtocolScores, QueryOutcome, RetrievalScores, TaskScores, summarise
from aio_reid.evaluation.trials import average_trials


def of(*first_matches: int) -> RetrievalScores:
    """Queries whose only match has this rank."""
    outcomes = [QueryOutcome(rank, 1 / rank, 1 / rank) for rank in first_matches]
    return summarise(outcomes, num_gallery=10)


def run(*tasks: TaskScores, **left_out: str) -> ProtocolScores:
    return ProtocolScores("p", "1", tasks, left_out, gallery="pictures")


def test_three_repetitions_by_hand() -> None:
    runs = [run(TaskScores("S", "single", of(1, rank))) for rank in (1, 2, 4)]
    merged = merge_repetitions(runs)
    (row,) = merged.tasks
    assert (row.task, row.fusion, len(row.trials), merged.gallery) == ("S", "single", 3, "pictures")
    assert row.scores.rank[1] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert row.scores.mAP == pytest.approx((1 + 0.75 + 0.625) / 3)
    assert row.scores.num_queries == 6
    (deviation,) = find_deviations(runs)
    assert deviation["mAP"] == pytest.approx(0.19094, abs=1e-5)  # of 1, 0.75, 0.625
    assert deviation["rank"] == pytest.approx({"1": 0.288675, "5": 0, "10": 0, "20": 0}, abs=1e-6)
    assert deviation["num_repetitions"] == 3


def test_trials_of_all_repetitions_stand_together() -> None:
    runs = [run(average_trials("S", "single", [of(1), of(rank)])) for rank in (1, 4)]
    (row,) = merge_repetitions(runs).tasks
    assert [trial.mAP for trial in row.trials] == [1, 1, 1, 0.25]
    assert find_deviations(runs)[0]["mAP"] == pytest.approx(0.265165, abs=1e-6)  # of 1 and 0.625


def test_one_repetition_is_itself() -> None:
    only = run(TaskScores("S", "single", of(2)), T="nobody")
    assert merge_repetitions([only]) is only
    assert find_deviations([only]) == []


def test_a_task_that_one_repetition_lacks_is_left_out() -> None:
    both = run(TaskScores("S", "single", of(1)), TaskScores("T", "single", of(2)))
    one = run(TaskScores("T", "single", of(1)), S="all matches are the query itself")
    for runs in ([both, one], [one, both]):
        merged = merge_repetitions(runs)
        assert [row.task for row in merged.tasks] == ["T"]
        assert merged.left_out == {"S": "all matches are the query itself"}
        assert [found["task"] for found in find_deviations(runs)] == ["T"]
