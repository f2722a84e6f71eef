"""Is the person here at all? A rule on how many strangers would reach the best hit, chosen on validation queries.

Of n strangers, n * rate(s) are expected to score at least s. If the best hit of a search is one that chance alone would
bring, it says nothing; so the person counts as present where that number is at most a limit. The limit is the one that
does best on validation queries, each asked twice, with the person's pictures and without (balanced accuracy: the mean
of the share of present ones found and of absent ones told).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.calibration.comparisons import NUM_FOLDS, Comparisons
from aio_reid.gallery.calibration.tail import LEAST_EXCESSES, fit_tail

UNTRIED_LIMIT = 1.0
"""Without validation queries: a best hit that one stranger is expected to reach is no evidence."""


@dataclass(frozen=True, slots=True)
class PresenceRule:
    """Present where at most `limit` strangers are expected to score as high as the best hit.

    `found` is the share of present ones that validation found, `mistaken` that of absent ones taken for present;
    `num_queries` how many queries chose the limit. Nothing was tried, and all three are 0, where the limit is
    UNTRIED_LIMIT by default.
    """

    limit: float
    found: float = 0.0
    mistaken: float = 0.0
    num_queries: int = 0

    def share_right(self, *, is_present: bool) -> float:
        """Return how often the rule is right when it says so, where every other person searched for is there; 1 where
        nothing was tried.
        """
        if not self.num_queries:
            return 1.0
        right, wrong = self.found, self.mistaken
        if not is_present:
            right, wrong = 1.0 - self.mistaken, 1.0 - self.found
        return right / max(right + wrong, 1e-9)


@dataclass(frozen=True, slots=True, eq=False)
class Bests:
    """Expected numbers of strangers as high as the best hit of each query, float64 (Q,): with the person's pictures in
    the gallery, and without them.
    """

    present: NDArray[np.float64]
    absent: NDArray[np.float64]


def expected_bests(found: Comparisons) -> Bests:
    """Return what the rule looks at, for every query that has both a match and a stranger.

    Rates for a query come from strangers of queries of other people only.
    """
    folds = found.folds
    present, absent = [], []
    for fold in range(NUM_FOLDS):
        others = found.scores[(folds != fold) & ~found.is_match]
        held_out = found.chosen(folds == fold)
        best_match, best_stranger, num_strangers = _best_per_query(held_out)
        usable = np.isfinite(best_match) & (num_strangers > 0)
        if not usable.any() or len(others) <= LEAST_EXCESSES:
            continue
        tail = fit_tail(others)
        best = np.maximum(best_match, best_stranger)[usable]
        present.append(num_strangers[usable] * tail.rate(best))
        absent.append(num_strangers[usable] * tail.rate(best_stranger[usable]))
    nothing = np.empty(0)
    return Bests(np.concatenate(present or [nothing]), np.concatenate(absent or [nothing]))


def choose_rule(bests: Bests) -> PresenceRule:
    """Return the limit of the highest balanced accuracy; among equals the lowest, which claims least."""
    if not len(bests.present):
        return PresenceRule(UNTRIED_LIMIT)
    values = np.unique(np.concatenate([bests.present, bests.absent]))
    limits = np.append(np.sqrt(values[:-1] * values[1:]), values[-1])  # half-way between neighbours, on a log scale
    found = np.searchsorted(np.sort(bests.present), limits, side="right") / len(bests.present)
    mistaken = np.searchsorted(np.sort(bests.absent), limits, side="right") / len(bests.absent)
    best = int(np.argmax(found - mistaken))
    return PresenceRule(float(limits[best]), float(found[best]), float(mistaken[best]), len(bests.present))


def _best_per_query(
    found: Comparisons,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return per query the best match, the best stranger (-inf without one), and the number of strangers."""
    numbers, query = np.unique(found.queries, return_inverse=True)
    best_match = np.full(len(numbers), -np.inf)
    best_stranger = np.full(len(numbers), -np.inf)
    np.maximum.at(best_match, query[found.is_match], found.scores[found.is_match].astype(np.float64))
    np.maximum.at(best_stranger, query[~found.is_match], found.scores[~found.is_match].astype(np.float64))
    return best_match, best_stranger, np.bincount(query[~found.is_match], minlength=len(numbers))
