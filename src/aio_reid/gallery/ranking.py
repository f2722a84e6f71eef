"""From vectors to an exact ranking, and to an honest measure of how far a score stands out in its gallery."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.result import ScoreSpread

NUM_BINS = 60
SMALLEST_GALLERY = 10
"""With fewer pictures a median and its deviation say nothing."""

_MAD_TO_DEVIATION = 1.4826  # the median absolute deviation of a normal distribution is its deviation divided by this


def best_first(scores: NDArray[np.float32], keys: Sequence[bytes] | Sequence[int], top: int) -> NDArray[np.int64]:
    """Return the positions of the `top` highest scores, best first; equal scores stand in the order of their keys.

    `scores` float32 (G,), `keys` G paths or ids. Exact: the same as sorting everything by (-score, key).
    """
    # all that tie with the last one compete for its place
    order = sorted(contenders(scores, top).tolist(), key=lambda g: (-float(scores[g]), keys[g]))
    return np.array(order[:top], dtype=np.int64)


def contenders(scores: NDArray[np.float32], top: int, *, error: float = 0.0) -> NDArray[np.int64]:
    """Return the positions, int64 ascending, of all that may be among the `top` highest of the scores, float32 (G,),
    when each of these is off by at most `error`.
    """
    (G,) = scores.shape
    if top >= G:
        return np.arange(G)
    border = np.partition(scores, G - top)[G - top]
    return np.flatnonzero(scores >= border - 2.0 * error)


def score_spread(scores: NDArray[np.float32], *, num_all: int | None = None) -> ScoreSpread | None:
    """Return how the scores, float32 (G,), of a whole gallery are spread, or of a sample of its `num_all` pictures;
    None without any.
    """
    if scores.size == 0:
        return None
    values = scores.astype(np.float64)
    median = float(np.median(values))
    deviation = _MAD_TO_DEVIATION * float(np.median(np.abs(values - median)))
    lowest, highest = float(values.min()), float(values.max())
    bins, _ = np.histogram(values, bins=NUM_BINS, range=(lowest, highest) if highest > lowest else None)
    is_usable = scores.size >= SMALLEST_GALLERY and deviation > 0
    # Blom: the expected largest of n normal values is the quantile at (n - 3/8) / (n + 1/4).
    count = scores.size if num_all is None else num_all
    chance = NormalDist().inv_cdf((count - 0.375) / (count + 0.25)) if is_usable else None
    return ScoreSpread(lowest, highest, median, deviation, tuple(bins.tolist()), chance)


def stands_out(score: float, spread: ScoreSpread) -> float | None:
    """Return by how many robust standard deviations a score lies above the gallery's median, or None."""
    return None if spread.chance_best is None else (score - spread.median) / spread.deviation
