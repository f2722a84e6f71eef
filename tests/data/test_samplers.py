"""Identity sampler: P x K, every identity once an epoch, the same after a resume."""

from __future__ import annotations

import pytest

from aio_reid.data.samplers import BatchSettings, IdentityBatches
from aio_reid.errors import DataError

LABELS = [label for label in range(10) for _ in range(label % 4 + 1)]


def batches(**changes: int) -> IdentityBatches:
    settings = BatchSettings(**{"num_identities": 3, "tuples_per_identity": 2, "seed": 5, **changes})
    return IdentityBatches(LABELS, settings)


def test_each_batch_has_p_identities_of_k_photos() -> None:
    for batch in batches():
        labels = [LABELS[photo] for photo, _ in batch]
        assert len(labels) == 6 and len(set(labels)) == 3
        assert all(labels.count(label) == 2 for label in labels)


def test_an_epoch_visits_identities_at_most_once_and_drops_the_rest() -> None:
    seen = [label for batch in batches() for label in {LABELS[photo] for photo, _ in batch}]
    assert len(seen) == len(set(seen)) == 9
    assert len(batches()) == len(list(batches())) == 3


def test_photos_repeat_only_where_there_are_too_few() -> None:
    for batch in batches():
        for label in {LABELS[photo] for photo, _ in batch}:
            own = [photo for photo, _ in batch if LABELS[photo] == label]
            assert len(set(own)) == min(2, LABELS.count(label))


def test_draws_are_never_used_twice_over_epochs() -> None:
    draws = [draw for epoch in range(3) for batch in batches(epoch=epoch) for _, draw in batch]
    assert len(draws) == len(set(draws))


def test_skipping_continues_where_the_whole_epoch_would() -> None:
    assert list(batches(epoch=2, skip=2)) == list(batches(epoch=2))[2:]
    assert list(batches(epoch=1)) != list(batches(epoch=2))


def test_too_few_identities_are_refused() -> None:
    with pytest.raises(DataError, match="10 training identities, but a batch needs 11"):
        batches(num_identities=11)
