"""Batches of people who look alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from aio_reid.data.lookalikes import Lookalikes
from aio_reid.data.samplers import BatchSettings, IdentityBatches


def matrix(*tags: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.array([[number in one for number in range(6)] for one in tags])


def test_people_described_alike_follow_one_another() -> None:
    """Four looks of two people each; whatever attribute comes first, twins are neighbours in the sorted order."""
    tags = matrix((1, 2), (1, 2), (3,), (3,), (1, 4), (1, 4), (5, 2), (5, 2))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        arranged = Lookalikes(tags, 2).arranged(rng.permutation(8), rng)
        assert sorted(arranged.tolist()) == list(range(8))
        assert {frozenset(pair // 2) for pair in arranged.reshape(4, 2)} == {frozenset([look]) for look in range(4)}


def test_groups_share_more_words_than_chance_and_differ_between_draws() -> None:
    rng = np.random.default_rng(0)
    tags = rng.random((400, 88)) < 0.15

    def shared(order: np.ndarray) -> float:
        groups = tags[order].reshape(-1, 8, 88)
        return float(np.mean([(g[:, None] & g[None, :]).sum() for g in groups]))

    chance = rng.permutation(400)
    first, second = (Lookalikes(tags, 8).arranged(chance, rng) for _ in range(2))
    assert shared(first) > 1.1 * shared(chance)
    assert not np.array_equal(first, second)
    (plain,) = IdentityBatches(range(400), BatchSettings(num_identities=400, tuples_per_identity=1, seed=0))
    assert shared(np.array([photo for photo, _ in plain])) == pytest.approx(shared(chance), rel=0.05)


def test_whoever_is_left_over_still_comes_once() -> None:
    tags = matrix(*((n % 3,) for n in range(10)))
    rng = np.random.default_rng(3)
    assert sorted(Lookalikes(tags, 4).arranged(rng.permutation(10), rng).tolist()) == list(range(10))


def test_an_epoch_visits_everybody_once_and_a_resumed_one_goes_on() -> None:
    labels = [n for n in range(12) for _ in range(2)]
    alike = Lookalikes(matrix(*((n % 4,) for n in range(12))), 3)

    def epoch(skip: int) -> list[list[tuple[int, int]]]:
        settings = BatchSettings(num_identities=6, tuples_per_identity=1, seed=1, epoch=2, skip=skip)
        return list(IdentityBatches(labels, settings, lookalikes=alike))

    whole = epoch(0)
    visited = [labels[photo] for batch in whole for photo, _ in batch]
    assert sorted(visited) == list(range(12))
    assert all(len({n % 4 for n in visited[at : at + 3]}) == 1 for at in range(0, 12, 3))
    assert epoch(1) == whole[1:]
