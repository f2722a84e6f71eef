"""Monotone maps from a score to a log-likelihood ratio, fitted to binned scores of matches and strangers.

    r(s) = log p(s | match) - log p(s | stranger)

does not depend on how many matches there are; P(match) = 1 / (1 + exp(-(r(s) + log prior odds))) does. What a fit
weighs does: `share` is the share of matches at which it is made to be good. A gallery has few matches, and there the
scores that matter are those that few strangers reach.

Three families are known, and held-out log loss chooses (`fit.py`):

    platt     r = a + b s, b >= 0 (Platt 1999, with his smoothed targets)
    beta      r = c + a log p - b log(1 - p), p = (1 + s) / 2, a and b >= 0 (Kull, Silva Filho, Flach, AISTATS 2017)
    isotonic  any that does not fall: pool adjacent violators (Ayer et al. 1955), linear between the pools' centres
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.calibration.measures import probability

Floats = NDArray[np.float64]
_NUM_KNOTS = 129
_MOST_STEPS = 100
_RIDGE = 1e-9
_NEAREST_TO_END = 1e-3  # of p = (1 + s) / 2 to 0 and 1, where its logarithms end


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """A fitted map: linear between knots `scores` (ascending) with values `log_ratios` (not falling), constant beyond.

    `family` is one of FAMILIES.
    """

    family: str
    scores: tuple[float, ...]
    log_ratios: tuple[float, ...]

    def log_ratio(self, scores: NDArray[Any]) -> Floats:
        """Return r of scores of any shape, float64, in nats."""
        return np.asarray(np.interp(scores, self.scores, self.log_ratios), dtype=np.float64)


def fit_platt(scores: Floats, matches: Floats, strangers: Floats, share: float) -> ScoreMap:
    """Return the best line for counts (B,) of matches and strangers at `scores` (B,)."""
    ends = np.array([-1.0, 1.0])
    return _parametric("platt", lambda s: s[:, None], ends, (scores, matches, strangers), share)


def fit_beta(scores: Floats, matches: Floats, strangers: Floats, share: float) -> ScoreMap:
    """Return the best map of the beta family for counts (B,) of matches and strangers at `scores` (B,)."""
    knots = np.linspace(-1.0, 1.0, _NUM_KNOTS)
    return _parametric("beta", _beta_features, knots, (scores, matches, strangers), share)


def fit_isotonic(scores: Floats, matches: Floats, strangers: Floats, share: float) -> ScoreMap:
    """Return the best map that does not fall for counts (B,) of matches and strangers at `scores` (B,).

    A pool that only one side reaches gets half a comparison of the other, so that no ratio is infinite. Pools do not
    depend on `share`.
    """
    del share
    num_matches, num_strangers = matches.sum(), strangers.sum()
    pools: list[list[float]] = []  # weighted score, matches, strangers, weight
    for score, hit, miss in zip(scores.tolist(), matches.tolist(), strangers.tolist(), strict=True):
        if hit + miss == 0:
            continue
        weight = hit / num_matches + miss / num_strangers
        pools.append([score * weight, hit, miss, weight])
        # the share of matches must not fall from one pool to the next
        while len(pools) > 1 and pools[-2][1] * pools[-1][2] >= pools[-1][1] * pools[-2][2]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    table = np.array(pools)  # (pools, 4)
    hits, misses = (table[:, 1] + 0.5) / (num_matches + 1.0), (table[:, 2] + 0.5) / (num_strangers + 1.0)
    ratios = np.maximum.accumulate(np.log(hits) - np.log(misses))
    return ScoreMap("isotonic", tuple((table[:, 0] / table[:, 3]).tolist()), tuple(ratios.tolist()))


Fit = Callable[[Floats, Floats, Floats, float], ScoreMap]
FAMILIES: Mapping[str, Fit] = {"platt": fit_platt, "beta": fit_beta, "isotonic": fit_isotonic}


def _beta_features(scores: Floats) -> Floats:
    p = np.clip((1.0 + scores) / 2.0, _NEAREST_TO_END, 1.0 - _NEAREST_TO_END)
    return np.stack([np.log(p), -np.log1p(-p)], axis=1)  # (B, 2)


def _parametric(
    family: str,
    features: Callable[[Floats], Floats],
    knots: Floats,
    counted: tuple[Floats, Floats, Floats],
    share: float,
) -> ScoreMap:
    """Return the logistic regression at that share of matches, less the prior odds that it has learnt with them.

    A weight that comes out negative would let the map fall: its feature is left out and the rest fitted again.
    """
    scores, matches, strangers = counted
    table, at_knots = features(scores), features(knots)
    kept = list(range(table.shape[1]))
    while True:
        weights = _logistic(table[:, kept], matches, strangers, share)
        falling = [column for column, weight in zip(kept, weights[1:], strict=True) if weight < 0]
        if not falling:
            break
        kept = [column for column in kept if column not in falling]
    odds = weights[0] + at_knots[:, kept] @ weights[1:]  # (knots,)
    ratios = np.maximum.accumulate(odds - np.log(share / (1.0 - share)))
    return ScoreMap(family, tuple(knots.tolist()), tuple(ratios.tolist()))


def _logistic(features: Floats, matches: Floats, strangers: Floats, share: float) -> Floats:
    """Return intercept and weights, float64 (1 + d,), by Newton's method with halved steps.

    Platt's targets, (M + 1) / (M + 2) and 1 / (N + 2) in place of 1 and 0, keep separable scores finite.
    """
    num_matches, num_strangers = float(matches.sum()), float(strangers.sum())
    of_matches = share * matches / num_matches  # (B,), sums to `share`
    of_strangers = (1.0 - share) * strangers / num_strangers
    mass = of_matches + of_strangers
    wanted = of_matches * (num_matches + 1) / (num_matches + 2) + of_strangers / (num_strangers + 2)
    used = mass > 0
    mean, deviation = features[used].mean(axis=0), np.maximum(features[used].std(axis=0), 1e-9)
    table = np.concatenate([np.ones((len(features), 1)), (features - mean) / deviation], axis=1)[used]  # (b, 1 + d)
    mass, wanted = mass[used], wanted[used]

    def loss(weights: Floats) -> float:
        odds = table @ weights
        return float(np.sum(mass * np.logaddexp(0.0, odds) - wanted * odds)) + _RIDGE * float(weights @ weights)

    weights = np.zeros(table.shape[1])
    weights[0] = np.log(share / (1.0 - share))
    for _ in range(_MOST_STEPS):
        stated = probability(table @ weights)
        gradient = table.T @ (mass * stated - wanted) + 2 * _RIDGE * weights
        curvature = (table * (mass * stated * (1.0 - stated))[:, None]).T @ table + 2 * _RIDGE * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = _descended(loss, weights, step)
        if float(np.abs(gradient @ step)) < 1e-14:
            break
    return _unscaled(weights, mean, deviation)


def _descended(loss: Callable[[Floats], float], weights: Floats, step: Floats) -> Floats:
    before = loss(weights)
    for halving in range(30):
        tried = weights - step * 0.5**halving
        if loss(tried) <= before:
            return tried
    return weights


def _unscaled(weights: Floats, mean: Floats, deviation: Floats) -> Floats:
    slopes = weights[1:] / deviation
    return np.concatenate([[weights[0] - float(slopes @ mean)], slopes])
