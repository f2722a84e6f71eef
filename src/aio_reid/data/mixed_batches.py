"""Batches that several sources share, each with its part of the identities (method.md section 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor

import numpy as np

from aio_reid.data.lookalikes import Lookalikes
from aio_reid.data.samplers import BatchSettings, IdentityBatches, PhotoBatches, count_batches
from aio_reid.data.sources import IdentityGroup
from aio_reid.errors import DataError


def build_batches(
    labels: Sequence[int],
    groups: Sequence[IdentityGroup],
    settings: BatchSettings,
    *,
    lookalikes: Lookalikes | None = None,
) -> PhotoBatches:
    """Return the batches of an epoch: `IdentityBatches` of one source, perhaps with people who look alike side by
    side, `MixedBatches` of several.

    Raises:
        DataError: fewer identities than one batch needs.
    """
    if len(groups) > 1:
        return MixedBatches(labels, groups, settings)
    return IdentityBatches(labels, settings, lookalikes=lookalikes)


def count_epoch_batches(groups: Sequence[IdentityGroup], num_identities: int) -> int:
    """Return how many batches of `num_identities` an epoch has.

    It lasts until each source that is not replayed has been visited as a whole, by its share of every batch; what
    would only fill a part of a batch is dropped. So the slowest source decides: 713 identities at a third of 16 make
    133 batches. A smaller source starts over meanwhile, and of a replayed one an epoch sees what its share comes to.

    Raises:
        DataError: a source has fewer identities than it gives to one batch.
    """
    if len(groups) == 1:
        return count_batches(len(groups[0].labels), num_identities)
    total = sum(group.share for group in groups)
    visits = max(len(group.labels) * total / group.share for group in groups if not group.replayed)
    num_batches = max(1, floor(visits / num_identities + 1e-9))
    counts = share_batches([group.share for group in groups], num_identities, num_batches)
    for group, most in zip(groups, map(max, zip(*counts, strict=True)), strict=True):
        if len(group.labels) < most:
            raise DataError(
                f"source {group.name!r} has {len(group.labels)} training identities, but gives {most} of the "
                f"{num_identities} of a batch: lower data.num_identities or its share, or give more identities"
            )
    return num_batches


def share_batches(shares: Sequence[float], num_identities: int, num_batches: int) -> list[list[int]]:
    """Return how many identities each source gives to each batch of an epoch: a row for each batch, a column each.

    Every row adds up to `num_identities`. What a share leaves over is carried to the next batch: a place always goes
    to the source that is furthest behind its share, so that a third of 16 is met on average: 6, 5, 5, 6, ...
    """
    total = sum(shares)
    owed = [0.0] * len(shares)
    rows = []
    for _ in range(num_batches):
        owed = [rest + num_identities * share / total for rest, share in zip(owed, shares, strict=True)]
        row = [0] * len(shares)
        for _ in range(num_identities):
            furthest = max(range(len(shares)), key=lambda source: round(owed[source], 6))  # of equals the first
            row[furthest] += 1
            owed[furthest] -= 1
        rows.append(row)
    return rows


class MixedBatches(PhotoBatches):
    """Batches from several sources, by their shares, see `PhotoBatches`.

    How long an epoch is: see `count_epoch_batches`; who gives how many to which batch: `share_batches`. Within an
    epoch each source is walked through in a random order, and again in another when it is through; nobody is in a
    batch twice, and the sources are spread evenly over it, so that each of its parts, for a process or to save memory,
    has something of all.

    Args:
        labels, settings: as `PhotoBatches`.
        groups: the labels of each source.

    Raises:
        DataError: a source has fewer identities than it gives to one batch.
    """

    stream = 0x50A2CE

    def __init__(self, labels: Sequence[int], groups: Sequence[IdentityGroup], settings: BatchSettings) -> None:
        super().__init__(labels, settings, count_epoch_batches(groups, settings.num_identities))
        self.groups = tuple(groups)

    def _identities(self, rng: np.random.Generator) -> Iterator[Sequence[int]]:
        waiting: list[list[int]] = [[] for _ in self.groups]
        shares = [group.share for group in self.groups]
        for row in share_batches(shares, self.settings.num_identities, self.num_batches):
            chosen: list[tuple[float, int]] = []  # where in the batch, who
            for place, (group, count) in enumerate(zip(self.groups, row, strict=True)):
                waiting[place] = _lengthened(waiting[place], group.labels, count, rng)
                chosen += [((n + 0.5) / count, identity) for n, identity in enumerate(waiting[place][:count])]
                waiting[place] = waiting[place][count:]
            yield [identity for _, identity in sorted(chosen)]


def _lengthened(waiting: list[int], labels: range, count: int, rng: np.random.Generator) -> list[int]:
    """Return who is next, at least `count` of them: where too few are left, everybody follows once more.

    Those left go to the end of the new round, so that any `count` in a row are different people.
    """
    if len(waiting) >= count:
        return waiting
    left = set(waiting)
    others = [label for label in (int(n) + labels.start for n in rng.permutation(len(labels))) if label not in left]
    return waiting + others + waiting
