"""How many strangers score this high: counted where many do, by a fitted tail where few do, and never below what was
seen.

Above a high threshold u the excess of any well-behaved variable follows a generalised Pareto distribution (Pickands
1975), so

    rate(s) = share (1 + shape (s - u) / scale)^(-1 / shape),   s > u,   share = rate(u)

with shape and scale by probability-weighted moments (Hosking and Wallis 1987): closed, and robust for few excesses. A
fit can go as low as one likes. Of N strangers the least share that was ever seen is 1 / N, so no rate is below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TAIL_SHARE = 0.05
LEAST_EXCESSES, MOST_EXCESSES = 30, 2000
_NUM_KNOTS = 128
_NO_SPREAD = 1e-9
_EXPONENTIAL = 1e-6  # a shape so near to 0 that the distribution is exponential


@dataclass(frozen=True, slots=True)
class Pareto:
    """A generalised Pareto distribution of excesses over 0; `shape` below 0 has the end -scale / shape."""

    shape: float
    scale: float

    def survival(self, excesses: NDArray[Any]) -> NDArray[np.float64]:
        """Return P(excess > x) of x >= 0, float64 of the same shape."""
        x = np.asarray(excesses, dtype=np.float64) / self.scale
        if abs(self.shape) < _EXPONENTIAL:
            return np.exp(-x)
        inside = np.maximum(1.0 + self.shape * x, 0.0)
        with np.errstate(divide="ignore"):
            return np.where(inside > 0, inside ** (-1.0 / self.shape), 0.0)


@dataclass(frozen=True, slots=True)
class Tail:
    """Shares of strangers: `rates` (falling) at knots `scores` (ascending) up to the last knot, `excess` beyond it.

    `num_strangers` is the number N of comparisons that it was made of.
    """

    num_strangers: int
    scores: tuple[float, ...]
    rates: tuple[float, ...]
    excess: Pareto

    @property
    def least_rate(self) -> float:
        """The share that can just be told from none: 1 / N."""
        return 1.0 / self.num_strangers

    def rate(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Return the share of strangers that score at least as high, float64 of the same shape, at least 1 / N.

        Where it is 1 / N, it means "fewer than 1 of N".
        """
        values = np.asarray(scores, dtype=np.float64)
        counted = np.exp(np.interp(values, self.scores, np.log(self.rates)))
        beyond = np.maximum(values - self.scores[-1], 0.0)
        return np.maximum(np.where(beyond > 0, self.rates[-1] * self.excess.survival(beyond), counted), self.least_rate)


def fit_pareto(excesses: NDArray[Any]) -> Pareto:
    """Return the distribution of some excesses, (n,) >= 0, n >= 2, by probability-weighted moments."""
    x = np.sort(np.asarray(excesses, dtype=np.float64))
    (n,) = x.shape
    first = float(x.mean())
    second = float(np.mean(x * (n - 1 - np.arange(n)) / (n - 1)))
    spread = first - 2.0 * second
    if first <= 0 or spread <= 1e-12 * first:  # all alike
        return Pareto(0.0, max(first, _NO_SPREAD))
    return Pareto(2.0 - first / spread, 2.0 * first * second / spread)


def fit_tail(strangers: NDArray[Any]) -> Tail:
    """Return the shares of strangers by score, from the scores of strangers, (N,), N > LEAST_EXCESSES.

    The fitted tail begins where TAIL_SHARE of them is left, within LEAST_EXCESSES and MOST_EXCESSES of them.
    """
    (N,) = strangers.shape
    num_excesses = int(np.clip(TAIL_SHARE * N, LEAST_EXCESSES, MOST_EXCESSES))
    ordered = np.sort(strangers, kind="stable").astype(np.float64)
    # how many score at least as high as each knot, evenly in the logarithm, from all of them to those of the tail
    wanted = np.geomspace(N, num_excesses + 1, _NUM_KNOTS)
    scores = np.unique(ordered[N - np.rint(wanted).astype(np.int64)])
    rates = (N - np.searchsorted(ordered, scores, side="left")) / N
    excesses = ordered[np.searchsorted(ordered, scores[-1], side="right") :] - scores[-1]
    excess = fit_pareto(excesses) if len(excesses) > 1 else Pareto(0.0, _NO_SPREAD)
    return Tail(N, tuple(scores.tolist()), tuple(rates.tolist()), excess)
