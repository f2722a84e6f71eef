"""The paired bootstrap, against loops with the same draws, by hand, and by how often its intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

import aio_reid.evaluation.bootstrap as module
from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.bootstrap import bootstrap_differences, resample_means


def slow_means(groups: list[np.ndarray], resamples: int, seed: int) -> list[list[float]]:
    """Return [resample][metric], one query after the other."""
    generator = np.random.default_rng(seed)
    drawn = [generator.integers(len(g), size=(resamples, len(g)), dtype=np.int32).tolist() for g in groups]
    means = []
    for r in range(resamples):
        of_groups = []
        for group, rows in zip(groups, drawn, strict=True):
            sums = [0.0] * group.shape[1]
            for row in rows[r]:
                sums = [total + value for total, value in zip(sums, group[row], strict=True)]
            of_groups.append([total / len(group) for total in sums])
        means.append([sum(column) / len(groups) for column in zip(*of_groups, strict=True)])
    return means


def differences(num: int, seed: int, metrics: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.05, 0.3, (num, metrics)).round(6)


@pytest.mark.parametrize("sizes", [(17,), (9, 5, 12)])
@pytest.mark.parametrize("block", [1, 50, 2**22])
def test_resamples_are_those_of_a_loop(sizes: tuple[int, ...], block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_DRAWS", block)
    groups = [differences(num, seed) for seed, num in enumerate(sizes)]
    np.testing.assert_allclose(resample_means(groups, resamples=130, seed=3), slow_means(groups, 130, 3), atol=1e-12)


def test_interval_and_p_value_are_those_of_a_loop() -> None:
    group = differences(17, 4)
    spread = bootstrap_differences([group], resamples=200, seed=3)
    for m, column in enumerate(zip(*slow_means([group], 200, 3), strict=True)):
        ordered = sorted(column)
        below, above = (sum(value <= 0 for value in column), sum(value >= 0 for value in column))
        assert spread.p_value[m] == pytest.approx(min(1.0, 2 * (1 + min(below, above)) / 201))
        # Between the values of rank 0.025 * 199 = 4.975 and 0.975 * 199 = 194.025, counted from 0.
        assert spread.low[m] == pytest.approx(ordered[4] + 0.975 * (ordered[5] - ordered[4]))
        assert spread.high[m] == pytest.approx(ordered[194] + 0.025 * (ordered[195] - ordered[194]))


def test_by_hand() -> None:
    """One query that is always 0.25 better: every resample says so. Two of +1 and -1: means are -1, 0 or 1."""
    always = bootstrap_differences([np.array([[0.25]])], resamples=999)
    assert (always.low[0], always.high[0], always.p_value[0]) == (0.25, 0.25, 2 / 1000)
    means = resample_means([np.array([[1.0], [-1.0]])], resamples=4000, seed=0)
    values, counts = np.unique(means, return_counts=True)
    assert values.tolist() == [-1, 0, 1]
    np.testing.assert_allclose(counts / 4000, [0.25, 0.5, 0.25], atol=0.02)
    assert bootstrap_differences([np.array([[1.0], [-1.0]])]).p_value[0] == 1.0


def test_no_difference_is_certain_not_to_be_one() -> None:
    spread = bootstrap_differences([np.zeros((8, 3)), np.zeros((5, 3))], resamples=100)
    assert np.all(spread.low == 0) and np.all(spread.high == 0) and np.all(spread.p_value == 1)


def test_the_sides_changed_over_mirror_the_result() -> None:
    group = differences(40, 5)
    one, other = bootstrap_differences([group], resamples=500), bootstrap_differences([-group], resamples=500)
    np.testing.assert_allclose(one.low, -other.high)
    np.testing.assert_array_equal(one.p_value, other.p_value)


def test_each_trial_counts_the_same_however_many_queries_it_has() -> None:
    many, few = np.full((30, 1), 1.0), np.full((3, 1), 0.0)
    assert np.all(resample_means([many, few], resamples=100, seed=0) == 0.5)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """300 experiments of 60 skewed differences with a mean of 0.1; 95 % is 285, and 3 deviations of that are 11."""
    generator = np.random.default_rng(11)
    held = significant = 0
    for experiment in range(300):
        group = np.column_stack([generator.beta(2, 5, 60) - 2 / 7 + 0.1, generator.normal(0, 0.2, 60)])
        spread = bootstrap_differences([group], resamples=400, seed=experiment)
        held += int(spread.low[0] <= 0.1 <= spread.high[0])
        significant += int(spread.p_value[1] < 0.05)
    assert 270 <= held <= 297
    assert 3 <= significant <= 30


def test_mistakes() -> None:
    with pytest.raises(ConfigError, match="resamples is 10; give at least 100"):
        bootstrap_differences([differences(5, 0)], resamples=10)
    with pytest.raises(DataError, match="nothing to resample"):
        bootstrap_differences([])
    with pytest.raises(DataError, match="nothing to resample"):
        bootstrap_differences([differences(5, 0), np.zeros((0, 3))])
