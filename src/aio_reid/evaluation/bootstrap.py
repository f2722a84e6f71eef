"""Paired bootstrap: how sure a difference between two systems is that answered the same queries.

Queries are drawn with replacement, and both systems keep their values of the drawn queries (Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993, chapters 13 and 15). Every query counts as an independent draw: where persons are
asked for by several queries each, the intervals are somewhat too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, DataError

CONFIDENCE = 0.95
BLOCK_DRAWS = 2**22
"""Of all draws, so many are held at a time."""
ZERO = 1e-12
"""Means this near to 0 are 0: sums of decimals do not cancel to the last bit, and no true difference is that small."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What a bootstrap says of M mean differences.

    Attributes:
        low: (M,) float64, lower end of the percentile interval of `CONFIDENCE`; `high` is its upper end.
        p_value: (M,) float64, two-sided: twice the smaller share of resamples on either side of 0, those at 0 counted
            on both, with one added to counts and resamples; at most 1. It is the level at which the interval of the
            same resamples begins to hold 0, and is never below 2 / (resamples + 1).
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]


def bootstrap_differences(groups: Sequence[NDArray[np.float64]], *, resamples: int = 10_000, seed: int = 0) -> Spread:
    """Resample paired differences.

    Args:
        groups: of each trial (N, M) float64, N paired differences of M metrics; rows are drawn within their group, and
            the statistic is the mean of the groups' means. N may differ from group to group.
        resamples: R, how often all groups are drawn.
        seed: of the draws.

    Raises:
        ConfigError: fewer than 100 resamples, from which no interval can be read.
        DataError: there are no groups, or one is empty.
    """
    means = resample_means(groups, resamples=resamples, seed=seed)  # (R, M)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    below, above = (means <= ZERO).sum(axis=0), (means >= -ZERO).sum(axis=0)
    p_value = np.minimum(1.0, 2 * (1 + np.minimum(below, above)) / (resamples + 1))
    return Spread(low, high, p_value)


def resample_means(groups: Sequence[NDArray[np.float64]], *, resamples: int, seed: int) -> NDArray[np.float64]:
    """Return (R, M) float64, the statistic of `bootstrap_differences` in every resample; raises as it does.

    The draws are those of `np.random.default_rng(seed).integers(N, size=(R, N), dtype=np.int32)`, group after group.
    """
    if resamples < 100:
        raise ConfigError(f"resamples is {resamples}; give at least 100, usually 10000")
    if not groups or any(len(group) == 0 for group in groups):
        raise DataError("there is nothing to resample: a trial has no query that both sides scored")
    generator = np.random.default_rng(seed)
    total = np.zeros((resamples, groups[0].shape[1]))
    for group in groups:
        N = len(group)
        block = max(1, BLOCK_DRAWS // N)
        for start in range(0, resamples, block):
            B = min(block, resamples - start)
            drawn = generator.integers(N, size=(B, N), dtype=np.int32).astype(np.int64)
            drawn += N * np.arange(B)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=B * N).reshape(B, N)  # how often each query was drawn
            total[start : start + B] += counts.astype(np.float64) @ group / N  # (B, M)
    means: NDArray[np.float64] = total / len(groups)
    return means
