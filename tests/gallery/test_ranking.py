from __future__ import annotations

import numpy as np
import pytest

from aio_reid.gallery.ranking import best_first, contenders, score_spread, stands_out


@pytest.mark.parametrize("seed", range(30))
def test_best_first_is_a_full_sort_also_with_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_pictures = int(rng.integers(1, 60))
    scores = rng.integers(-4, 5, size=num_pictures).astype(np.float32) / 8
    keys = [f"{number:03d}".encode() for number in rng.permutation(num_pictures)]
    oracle = sorted(range(num_pictures), key=lambda g: (-float(scores[g]), keys[g]))
    for top in (1, 2, num_pictures // 2 + 1, num_pictures, num_pictures + 5):
        assert best_first(scores, keys, top).tolist() == oracle[:top]


@pytest.mark.parametrize("seed", range(10))
def test_whoever_may_be_among_the_best_is_a_contender_and_nobody_who_cannot(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = rng.normal(size=200)
    rough = (true + rng.uniform(-0.05, 0.05, 200)).astype(np.float32)
    found = contenders(rough, 7, error=0.051)
    assert set(np.argsort(-true)[:7]) <= set(found.tolist()) and found.tolist() == sorted(found)
    assert rough[found].min() >= np.sort(rough)[-7] - 0.102 and len(found) < 200
    assert len(contenders(rough, 200)) == 200


def test_nothing_to_rank() -> None:
    empty = np.zeros(0, dtype=np.float32)
    assert best_first(empty, [], 5).tolist() == []
    assert score_spread(empty) is None


def test_spread_by_hand() -> None:
    scores = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100], dtype=np.float32)
    spread = score_spread(scores)
    assert spread is not None
    assert (spread.lowest, spread.median, spread.highest) == (0, 5, 100)
    assert spread.deviation == pytest.approx(1.4826 * 3)  # |x - 5| sorted: 0 1 1 2 2 [3] 3 4 4 5 95
    assert sum(spread.bins) == 11 and spread.bins[-1] == 1
    assert stands_out(100, spread) == pytest.approx(95 / (1.4826 * 3))


def test_chance_is_the_mean_best_of_a_gallery_of_strangers() -> None:
    rng = np.random.default_rng(0)
    best = np.mean([rng.normal(size=500).max() for _ in range(2000)])
    spread = score_spread(rng.normal(size=500).astype(np.float32))
    assert spread is not None and spread.chance_best == pytest.approx(best, abs=0.05)


@pytest.mark.parametrize("scores", [np.ones(50), np.arange(9.0)])
def test_equal_scores_and_small_galleries_say_nothing(scores: np.ndarray) -> None:
    spread = score_spread(scores.astype(np.float32))
    assert spread is not None and spread.chance_best is None
    assert stands_out(1.0, spread) is None
