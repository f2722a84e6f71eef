"""Scores of known outcome: the raw material of a calibration, and the same in bins, so that fits cost little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError

NUM_FOLDS = 5
NUM_BINS = 1024
LEAST_MATCHES = 20
LEAST_STRANGERS = 200
LEAST_GROUPS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """K comparisons of a query with a picture.

    `scores` float32 (K,) are cosine similarities, `is_match` bool (K,), `queries` int64 (K,) numbers of queries.
    `groups` int64 (K,): the person, or track, that the query shows. Comparisons of one group are not independent, so
    they are held out together.
    """

    scores: NDArray[np.float32]
    is_match: NDArray[np.bool_]
    queries: NDArray[np.int64]
    groups: NDArray[np.int64]

    @property
    def matches(self) -> NDArray[np.float32]:
        """The scores of matches, float32 (M,)."""
        return self.scores[self.is_match]

    @property
    def strangers(self) -> NDArray[np.float32]:
        """The scores of strangers, float32 (N,)."""
        return self.scores[~self.is_match]

    @property
    def folds(self) -> NDArray[np.int64]:
        """The part that each comparison is held out with, int64 (K,) in [0, NUM_FOLDS)."""
        _, order = np.unique(self.groups, return_inverse=True)
        # Groups are scattered by a fixed permutation: neighbours in a data set are often alike.
        places = np.random.default_rng(0).permutation(int(order.max(initial=-1)) + 1)
        return (places % NUM_FOLDS)[order]

    def chosen(self, mask: NDArray[np.bool_]) -> Comparisons:
        """Return those where the mask, bool (K,), holds."""
        return Comparisons(self.scores[mask], self.is_match[mask], self.queries[mask], self.groups[mask])


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """Counts per fold F and bin B: `scores` float64 (B,) are the bins' centres, the counts float64 (F, B)."""

    scores: NDArray[np.float64]
    matches: NDArray[np.float64]
    strangers: NDArray[np.float64]


def check_enough(found: Comparisons) -> None:
    """Refuse what nothing reliable can be learnt from.

    Raises:
        DataError: too few matches, strangers, or people; names the number and the least.
    """
    num_matches = int(np.count_nonzero(found.is_match))
    counted = (
        (num_matches, LEAST_MATCHES, "comparisons of matches"),
        (len(found.scores) - num_matches, LEAST_STRANGERS, "comparisons with strangers"),
        (len(np.unique(found.groups[found.is_match])), LEAST_GROUPS, "people with a match"),
    )
    for number, least, what in counted:
        if number < least:
            raise DataError(f"{number} {what}, at least {least} are needed; give more pictures or people")


def binned(found: Comparisons) -> Binned:
    """Return the comparisons as counts in NUM_BINS bins of equal width between the extremes."""
    lowest, highest = float(found.scores.min()), float(found.scores.max())
    width = max(highest - lowest, 1e-6) / NUM_BINS
    bins = np.minimum(((found.scores - lowest) / width).astype(np.int64), NUM_BINS - 1)
    cells = found.folds * NUM_BINS + bins
    size = NUM_FOLDS * NUM_BINS
    counts: list[NDArray[np.float64]] = [
        np.bincount(cells[mask], minlength=size).reshape(NUM_FOLDS, NUM_BINS).astype(np.float64)  # (F, B)
        for mask in (found.is_match, ~found.is_match)
    ]
    centres = lowest + (np.arange(NUM_BINS, dtype=np.float64) + 0.5) * width
    return Binned(centres, counts[0], counts[1])
