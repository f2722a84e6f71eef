"""Batches of several sources: shares met on average, who is visited how often in an epoch, the same after a resume."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from aio_reid.data.mixed_batches import MixedBatches, build_batches, count_epoch_batches, share_batches
from aio_reid.data.samplers import BatchSettings, IdentityBatches
from aio_reid.data.sources import IdentityGroup
from aio_reid.errors import DataError

GROUPS = (
    IdentityGroup("faces of night", range(12), 1.0),
    IdentityGroup("drawn", range(12, 19), 1.0),
    IdentityGroup("rehearsed", range(19, 60), 1.0, replayed=True),
)
LABELS = [label for label in range(60) for _ in range(label % 3 + 1)]


def batches(groups: tuple[IdentityGroup, ...] = GROUPS, **changes: int) -> MixedBatches:
    settings = BatchSettings(**{"num_identities": 8, "tuples_per_identity": 2, "seed": 5, **changes})
    made = build_batches(LABELS, groups, settings)
    assert isinstance(made, MixedBatches)
    return made


def visited(epoch: int) -> list[list[int]]:
    """Return the identities of each batch."""
    return [sorted({LABELS[photo] for photo, _ in batch}) for batch in batches(epoch=epoch)]


def test_a_third_of_16_is_met_on_average() -> None:
    assert share_batches([1, 1, 1], 16, 4) == [[6, 5, 5], [5, 6, 5], [5, 5, 6], [6, 5, 5]]
    assert share_batches([2, 1], 32, 3) == [[21, 11], [22, 10], [21, 11]]
    assert share_batches([1.0], 4, 2) == [[4], [4]]


def test_no_source_falls_behind_its_share_by_a_whole_identity() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        shares = list(rng.uniform(0.05, 1.0, 3))
        rows = np.array(share_batches(shares, 16, 30))  # (batches, sources)
        assert (rows.sum(axis=1) == 16).all() and (rows >= 0).all()
        owed = np.arange(1, 31)[:, None] * 16 * np.array(shares) / sum(shares)
        assert np.abs(rows.cumsum(axis=0) - owed).max() < 1


def test_an_epoch_lasts_until_the_slowest_source_that_is_not_replayed_was_visited() -> None:
    llcm, drawn = IdentityGroup("llcm", range(713)), IdentityGroup("drawn", range(713, 1211))
    replay = IdentityGroup("replay", range(1211, 9211), replayed=True)
    assert count_epoch_batches((llcm, drawn, replay), 16) == 133  # 713 * 3 // 16
    assert count_epoch_batches((llcm,), 16) == 44
    assert len(batches()) == 12 * 3 // 8 == len(list(batches()))


def test_each_batch_has_different_people_of_k_photos_by_the_shares() -> None:
    rows = share_batches([1, 1, 1], 8, 4)
    for batch, row in zip(batches(), rows, strict=True):
        labels = [LABELS[photo] for photo, _ in batch]
        assert len(set(labels)) == 8 and all(labels.count(label) == 2 for label in labels)
        assert [len({x for x in labels if x in group.labels}) for group in GROUPS] == row
        for label in set(labels):
            assert len({photo for photo, _ in batch if LABELS[photo] == label}) == min(2, LABELS.count(label))


def test_each_part_of_a_batch_has_something_of_all_sources() -> None:
    for batch in batches(num_identities=12):  # four of each source
        labels = [LABELS[photo] for photo, _ in batch]
        for start in range(0, 24, 6):  # three identities of two tuples
            part = set(labels[start : start + 6])
            assert [len(part & set(group.labels)) for group in GROUPS] == [1, 1, 1]


def test_the_slowest_source_is_visited_once_a_smaller_one_evenly_and_the_replay_in_part() -> None:
    for epoch in range(4):
        seen = Counter(label for batch in visited(epoch) for label in batch)
        slow, small, replayed = ([seen[label] for label in group.labels] for group in GROUPS)
        assert max(slow) == 1 and sum(slow) in (10, 11)  # 32 places; 12 people would need 36
        assert max(small) - min(small) <= 1 and sum(small) in (10, 11)
        assert max(replayed) == 1 and sum(replayed) in (10, 11)
    rehearsed = {label for epoch in range(12) for batch in visited(epoch) for label in batch if label >= 19}
    assert len(rehearsed) > 36  # of 41: another part in each epoch


def test_a_source_that_starts_over_has_nobody_twice_in_a_batch() -> None:
    groups = (IdentityGroup("long", range(50), 5.0), IdentityGroup("short", range(50, 53), 3.0))
    made = list(batches(groups))
    seen = Counter(LABELS[photo] for batch in made for photo, _ in batch if LABELS[photo] >= 50)
    assert len(made) == 10 and set(seen.values()) == {10 * 2}
    assert all(len({LABELS[photo] for photo, _ in batch}) == 8 for batch in made)


def test_draws_are_never_used_twice_and_skipping_goes_on_where_the_epoch_would() -> None:
    draws = [draw for epoch in range(3) for batch in batches(epoch=epoch) for _, draw in batch]
    assert len(draws) == len(set(draws))
    assert list(batches(epoch=2, skip=3)) == list(batches(epoch=2))[3:]
    assert len(batches(epoch=2, skip=3)) == 1
    assert list(batches(epoch=1)) != list(batches(epoch=2))


def test_one_source_has_the_batches_that_it_always_had() -> None:
    settings = BatchSettings(num_identities=3, tuples_per_identity=2, seed=5, epoch=1, skip=2)
    made = build_batches(LABELS, (IdentityGroup("all", range(60)),), settings)
    assert list(made) == list(IdentityBatches(LABELS, settings))


def test_a_source_with_too_few_people_is_named() -> None:
    few = (GROUPS[0], IdentityGroup("drawn", range(12, 14)), GROUPS[2])
    with pytest.raises(DataError, match="source 'drawn' has 2 training identities, but gives 3 of the 8 of a batch"):
        count_epoch_batches(few, 8)
    with pytest.raises(DataError, match="'drawn'"):
        batches(few)
