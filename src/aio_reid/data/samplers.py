"""Which tuples make a batch: P identities with K tuples each (method.md section 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from aio_reid.data.lookalikes import Lookalikes
from aio_reid.errors import DataError

TupleKey = tuple[int, int]
"""Index of a photo, and the number of the draw, which seeds everything random about the tuple."""


def count_batches(num_available: int, num_identities: int) -> int:
    """Return how many batches of `num_identities` an epoch over `num_available` identities has.

    Raises:
        DataError: fewer identities than one batch needs.
    """
    if num_available < num_identities:
        raise DataError(
            f"{num_available} training identities, but a batch needs {num_identities}: "
            "lower data.num_identities or give more identities"
        )
    return num_available // num_identities


class IdentityBatches:
    """Batches of `num_identities` x `tuples_per_identity` photo indices; an epoch visits every identity once.

    The order depends on (seed, epoch) alone, so a resumed run sees the batches that it would have seen. An identity
    with fewer
    photos than `tuples_per_identity` repeats them (with other partners and augmentation). The last, incomplete group of
    identities of an epoch is dropped.

    Raises:
        DataError: fewer identities than one batch needs.
    """

    def __init__(
        self,
        labels: Sequence[int],
        *,
        num_identities: int,
        tuples_per_identity: int,
        seed: int,
        epoch: int = 0,
        skip: int = 0,
        lookalikes: Lookalikes | None = None,
    ) -> None:
        self._photos: dict[int, list[int]] = {}
        for index, label in enumerate(labels):
            self._photos.setdefault(label, []).append(index)
        self.num_batches = count_batches(len(self._photos), num_identities)
        self.num_identities = num_identities
        self.tuples_per_identity = tuples_per_identity
        self.seed = seed
        self.epoch = epoch
        self.skip = skip
        self.lookalikes = lookalikes

    def __len__(self) -> int:
        return self.num_batches - self.skip

    def __iter__(self) -> Iterator[list[TupleKey]]:
        rng = np.random.default_rng((self.seed, self.epoch, 0xBA7C4))
        identities = rng.permutation(sorted(self._photos))
        if self.lookalikes is not None:
            identities = self.lookalikes.arranged(identities, rng)
        size = self.num_identities * self.tuples_per_identity
        for batch in range(self.num_batches):
            chosen = identities[batch * self.num_identities : (batch + 1) * self.num_identities]
            photos = [photo for identity in chosen for photo in self._pick(rng, int(identity))]
            if batch >= self.skip:
                first = (self.epoch * self.num_batches + batch) * size
                yield [(photo, first + place) for place, photo in enumerate(photos)]

    def _pick(self, rng: np.random.Generator, identity: int) -> list[int]:
        photos = self._photos[identity]
        count = self.tuples_per_identity
        return [photos[i] for i in rng.choice(len(photos), count, replace=len(photos) < count)]
