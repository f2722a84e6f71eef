"""How well scores tell matches from strangers, and how well stated probabilities hold.

Everything takes weights or plain counts, so that a measure can be read at another share of matches than the one that
the comparisons happened to have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError

Floats = NDArray[np.floating[Any]]
NUM_BINS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """A reliability curve of B bins of equal width over [0, 1]: what was stated, what came true, each float64 (B,).

    `weight` is the share of all weight that lies in a bin, summing to 1; `stated` and `observed` are 0 in empty bins.
    """

    stated: NDArray[np.float64]
    observed: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the weighted mean of |stated - observed| (Naeini et al., AAAI 2015)."""
        return float(np.sum(self.weight * np.abs(self.stated - self.observed)))


def auroc(matches: Floats, strangers: Floats) -> float:
    """Return the probability that a match, of (M,), scores higher than a stranger, of (N,); a tie counts half.

    Raises:
        DataError: one of both is empty.
    """
    _check(matches, strangers)
    ordered = np.sort(strangers)
    below = np.searchsorted(ordered, matches, side="left").astype(np.float64)
    not_above = np.searchsorted(ordered, matches, side="right")
    return float(np.mean((below + not_above) / 2.0) / len(ordered))


def tpr_at_fpr(matches: Floats, strangers: Floats, rate: float = 0.01) -> float:
    """Return the largest share of matches, of (M,), that a threshold accepts (score >= threshold) while it accepts at
    most the share `rate` of strangers, of (N,).

    Raises:
        DataError: one of both is empty.
    """
    _check(matches, strangers)
    num_accepted = int(np.floor(rate * len(strangers) + 1e-9))
    if num_accepted >= len(strangers):
        return 1.0
    # The best threshold lies just above the first stranger that must be refused.
    refused = np.partition(strangers, len(strangers) - 1 - num_accepted)[len(strangers) - 1 - num_accepted]
    return float(np.mean(matches > refused))


def reliability(
    stated: Floats, outcomes: NDArray[Any], *, weights: Floats | None = None, num_bins: int = NUM_BINS
) -> Reliability:
    """Return the reliability curve of probabilities in [0, 1], (K,), and of what came true, (K,) as 0 or 1 (or a share
    in between, where one entry stands for many).

    Raises:
        DataError: there is nothing, or a number that is no probability.
    """
    stated = np.asarray(stated, dtype=np.float64)
    if not stated.size or not ((stated >= 0) & (stated <= 1)).all():
        raise DataError("a reliability curve needs probabilities in [0, 1], at least one")
    mass = np.ones_like(stated) if weights is None else np.asarray(weights, dtype=np.float64)
    bins = np.minimum((stated * num_bins).astype(np.int64), num_bins - 1)
    total = np.bincount(bins, mass, num_bins)
    divisor = np.where(total > 0, total, 1.0)
    return Reliability(
        stated=np.bincount(bins, mass * stated, num_bins) / divisor,
        observed=np.bincount(bins, mass * np.asarray(outcomes, dtype=np.float64), num_bins) / divisor,
        weight=total / total.sum(),
    )


def log_loss(log_odds: Floats, matches: Floats, strangers: Floats) -> float:
    """Return the mean of -log P(what came true), in nats: `log_odds` (K,) state it, and of each there are `matches` and
    `strangers` (K,), as counts or weights.

    Raises:
        DataError: all weights are 0.
    """
    total = float(np.sum(matches) + np.sum(strangers))
    if not total > 0:
        raise DataError("a log loss needs at least one comparison")
    odds = np.asarray(log_odds, dtype=np.float64)
    # log(1 + exp(-x)) and log(1 + exp(x)), without overflow
    lost = np.sum(matches * np.logaddexp(0.0, -odds)) + np.sum(strangers * np.logaddexp(0.0, odds))
    return float(lost / total)


def probability(log_odds: Floats) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)), float64, without overflow."""
    return np.exp(-np.logaddexp(0.0, -np.asarray(log_odds, dtype=np.float64)))


def _check(matches: Floats, strangers: Floats) -> None:
    if not len(matches) or not len(strangers):
        raise DataError(f"{len(matches)} matches and {len(strangers)} strangers: at least one of each is needed")
