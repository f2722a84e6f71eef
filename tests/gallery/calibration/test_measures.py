"""Measures by hand, and against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.gallery.calibration.measures import auroc, log_loss, probability, reliability, tpr_at_fpr


def test_auroc_counts_pairs_and_ties_half() -> None:
    # 3 x 4 pairs: 0.9 beats 4, 0.5 beats 2 and ties with 1, 0.1 beats none and ties with 1: (4 + 2.5 + 0.5) / 12
    assert auroc(np.array([0.9, 0.5, 0.1]), np.array([0.5, 0.2, 0.1, 0.6])) == pytest.approx(7 / 12)
    rng = np.random.default_rng(0)
    matches, strangers = rng.integers(0, 20, 50) / 10, rng.integers(0, 15, 70) / 10
    wins = (matches[:, None] > strangers) + 0.5 * (matches[:, None] == strangers)
    assert auroc(matches, strangers) == pytest.approx(wins.mean())


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.74, 0.75), (1.0, 1.0)])
def test_tpr_at_fpr_by_hand(rate: float, expected: float) -> None:
    # strangers 0.8 0.6 0.4 0.2: with none accepted only 0.9 is above 0.8; 0.6 ties with a stranger that is refused
    assert tpr_at_fpr(np.array([0.9, 0.7, 0.6, 0.1]), np.array([0.2, 0.8, 0.4, 0.6]), rate) == expected


def test_tpr_at_fpr_is_the_best_threshold() -> None:
    rng = np.random.default_rng(1)
    matches, strangers = rng.normal(1, 1, 60).round(1), rng.normal(0, 1, 90).round(1)
    for rate in (0.01, 0.05, 0.3):
        thresholds = np.append(np.unique(np.concatenate([matches, strangers])), np.inf)
        allowed = [t for t in thresholds if np.mean(strangers >= t) <= rate]
        assert tpr_at_fpr(matches, strangers, rate) == max(np.mean(matches >= t) for t in allowed)


def test_reliability_by_hand() -> None:
    # two bins: 0.1 0.3 (one of two came true), 0.7 0.9 1.0 (two of three)
    curve = reliability(np.array([0.1, 0.7, 0.3, 0.9, 1.0]), np.array([0, 1, 1, 0, 1]), num_bins=2)
    np.testing.assert_allclose(curve.stated, [0.2, 2.6 / 3])
    np.testing.assert_allclose(curve.observed, [0.5, 2 / 3])
    np.testing.assert_allclose(curve.weight, [0.4, 0.6])
    assert curve.error == pytest.approx(0.4 * 0.3 + 0.6 * 0.2)


def test_weights_count_as_repetitions() -> None:
    stated, outcomes, times = np.array([0.2, 0.6, 0.61]), np.array([0, 1, 0]), np.array([3, 1, 2])
    repeated = reliability(np.repeat(stated, times), np.repeat(outcomes, times))
    assert reliability(stated, outcomes, weights=times.astype(float)).error == pytest.approx(repeated.error)


def test_true_probabilities_are_reliable() -> None:
    rng = np.random.default_rng(2)
    stated = rng.random(200_000)
    assert reliability(stated, rng.random(200_000) < stated).error < 0.01
    assert reliability(stated, rng.random(200_000) < stated**3).error > 0.1


def test_log_loss_by_hand_and_without_overflow() -> None:
    # P = 0.75 for two matches and one stranger
    loss = log_loss(np.log(np.array([3.0])), np.array([2.0]), np.array([1.0]))
    assert loss == pytest.approx(-(2 * np.log(0.75) + np.log(0.25)) / 3)
    assert log_loss(np.array([1e4, -1e4]), np.array([0.0, 1.0]), np.array([1.0, 0.0])) == pytest.approx(1e4)
    np.testing.assert_allclose(probability(np.array([-1e4, 0.0, 1e4])), [0.0, 0.5, 1.0])


def test_what_measures_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="0 matches and 3 strangers"):
        auroc(np.empty(0), np.ones(3))
    with pytest.raises(DataError, match="2 matches and 0 strangers"):
        tpr_at_fpr(np.ones(2), np.empty(0))
    with pytest.raises(DataError, match="probabilities"):
        reliability(np.array([1.2]), np.array([1]))
    with pytest.raises(DataError, match="at least one comparison"):
        log_loss(np.zeros(1), np.zeros(1), np.zeros(1))
