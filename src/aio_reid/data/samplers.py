"""Which tuples make a batch: P identities with K tuples each (method.md section 7)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from aio_reid.data.lookalikes import Lookalikes
from aio_reid.errors import DataError

TupleKey = tuple[int, int]
"""Index of a photo, and the number of the draw, which seeds everything random about the tuple."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How large the batches of an epoch are, and which epoch it is; its first `skip` batches are left out."""

    num_identities: int
    tuples_per_identity: int
    seed: int
    epoch: int = 0
    skip: int = 0


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


class PhotoBatches(ABC):
    """Batches of `num_identities` x `tuples_per_identity` photo indices; a subclass says who is in each of them.

    The order depends on (seed, epoch) alone, so a resumed run sees the batches that it would have seen. An identity
    with fewer photos than `tuples_per_identity` repeats them (with other partners and augmentation).

    Args:
        labels: identity of every photo.
        settings: size of a batch, seed and epoch.
        num_batches: how many the whole epoch has.
    """

    stream: ClassVar[int]
    """Keeps the random numbers of one way to fill batches apart from those of another."""

    def __init__(self, labels: Sequence[int], settings: BatchSettings, num_batches: int) -> None:
        self._photos: dict[int, list[int]] = {}
        for index, label in enumerate(labels):
            self._photos.setdefault(label, []).append(index)
        self.settings = settings
        self.num_batches = num_batches

    def __len__(self) -> int:
        return self.num_batches - self.settings.skip

    def __iter__(self) -> Iterator[list[TupleKey]]:
        settings = self.settings
        rng = np.random.default_rng((settings.seed, settings.epoch, self.stream))
        size = settings.num_identities * settings.tuples_per_identity
        for batch, chosen in enumerate(self._identities(rng)):
            photos = [photo for identity in chosen for photo in self._pick(rng, identity)]
            if batch >= settings.skip:
                first = (settings.epoch * self.num_batches + batch) * size
                yield [(photo, first + place) for place, photo in enumerate(photos)]

    @abstractmethod
    def _identities(self, rng: np.random.Generator) -> Iterator[Sequence[int]]:
        """Yield who is in each batch of the whole epoch, in order.

        The photos of a batch are picked with the same `rng` before the next batch is asked for.
        """

    def _pick(self, rng: np.random.Generator, identity: int) -> list[int]:
        photos = self._photos[identity]
        count = self.settings.tuples_per_identity
        return [photos[i] for i in rng.choice(len(photos), count, replace=len(photos) < count)]


class IdentityBatches(PhotoBatches):
    """Batches of one source, see `PhotoBatches`; an epoch visits every identity once.

    The last, incomplete group of identities of an epoch is dropped.

    Args:
        labels, settings: as `PhotoBatches`.
        lookalikes: puts people who look alike side by side; None leaves the order to chance.

    Raises:
        DataError: fewer identities than one batch needs.
    """

    stream = 0xBA7C4

    def __init__(self, labels: Sequence[int], settings: BatchSettings, *, lookalikes: Lookalikes | None = None) -> None:
        super().__init__(labels, settings, count_batches(len(set(labels)), settings.num_identities))
        self.lookalikes = lookalikes

    def _identities(self, rng: np.random.Generator) -> Iterator[Sequence[int]]:
        identities = rng.permutation(sorted(self._photos))
        if self.lookalikes is not None:
            identities = self.lookalikes.arranged(identities, rng)
        count = self.settings.num_identities
        for batch in range(self.num_batches):
            yield identities[batch * count : (batch + 1) * count].tolist()
