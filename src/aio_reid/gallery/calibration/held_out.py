"""What a calibration is worth on people it has not seen: one at a time, in open-set searches, in mixed galleries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.gallery.calibration.comparisons import Comparisons
from aio_reid.gallery.calibration.measures import Reliability, auroc, probability, reliability, tpr_at_fpr
from aio_reid.gallery.calibration.pair import PairCalibration

CHECKED_RATES = (0.1, 0.01, 0.001)


@dataclass(frozen=True, slots=True)
class PairReport:
    """Single comparisons: how well matches are told from strangers, and how far stated numbers hold.

    `curve` is that of P(match) where matches and strangers weigh the same. `false_match_rates` are (stated, observed)
    for the scores at which CHECKED_RATES are stated.
    """

    num_matches: int
    num_strangers: int
    auroc: float
    tpr_at_1_percent: float
    curve: Reliability
    false_match_rates: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class OpenSetReport:
    """Searches, of which some are for people that are not in the gallery.

    `auroc` and `tpr_at_1_percent` tell present from absent by the best hit's score; `found` and `mistaken` are the
    shares of present and absent ones that the rule takes for present; `best_hits` is the curve of P(match) of best hits
    against whether they are right.
    """

    num_present: int
    num_absent: int
    auroc: float
    tpr_at_1_percent: float
    found: float
    mistaken: float
    best_hits: Reliability


@dataclass(frozen=True, slots=True)
class RankingReport:
    """Mean over queries, as fractions: `rank1`, whether the best hit is right, and `mean_ap`, average precision."""

    num_queries: int
    rank1: float
    mean_ap: float


def report_pair(pair: PairCalibration, found: Comparisons) -> PairReport:
    """Return what a calibration says of comparisons, and what is true.

    Raises:
        DataError: there is no match, or no stranger.
    """
    matches, strangers = found.matches, found.strangers
    told = (auroc(matches, strangers), tpr_at_fpr(matches, strangers))
    weights = np.where(found.is_match, 0.5 / len(matches), 0.5 / len(strangers))
    stated = probability(pair.score_map.log_ratio(found.scores))
    grid = np.linspace(-1.0, 1.0, 20_001)
    rates = pair.tail.rate(grid)
    checked = []
    for rate in CHECKED_RATES:
        place = int(np.argmax(rates <= rate))
        if rates[place] <= rate:
            checked.append((float(rates[place]), float(np.mean(strangers >= grid[place]))))
    curve = reliability(stated, found.is_match, weights=weights)
    return PairReport(len(matches), len(strangers), *told, curve, tuple(checked))


def report_open_set(pair: PairCalibration, found: Comparisons, is_absent: NDArray[np.bool_]) -> OpenSetReport:
    """Return how searches end when the person is not there. `is_absent` bool (K,) holds for all comparisons of some
    queries: their matches are taken out of the gallery. One match a search is expected.

    Raises:
        DataError: all queries are present, or all absent.
    """
    kept = found.chosen(~(is_absent & found.is_match))
    _, query = np.unique(kept.queries, return_inverse=True)
    order = np.lexsort((-kept.scores, query))
    first = order[np.append(True, np.diff(query[order]) > 0)]  # the best hit of each query
    sizes = np.bincount(query)
    absent = is_absent[~(is_absent & found.is_match)][first]
    if absent.all() or not absent.any():
        raise DataError("an open-set report needs people who are in the gallery, and people who are not")
    best = kept.scores[first].astype(np.float64)
    expected = sizes * pair.tail.rate(best)
    ratios = np.array([pair.bounded_ratio(score) for score in best.tolist()])
    is_right = kept.is_match[first]
    return OpenSetReport(
        num_present=int(np.count_nonzero(~absent)),
        num_absent=int(np.count_nonzero(absent)),
        auroc=auroc(best[~absent], best[absent]),
        tpr_at_1_percent=tpr_at_fpr(best[~absent], best[absent]),
        found=float(np.mean(expected[~absent] <= pair.rule.limit)),
        mistaken=float(np.mean(expected[absent] <= pair.rule.limit)),
        best_hits=reliability(probability(ratios - np.log(sizes)), is_right),
    )


def report_ranking(values: NDArray[Any], is_match: NDArray[np.bool_], queries: NDArray[np.int64]) -> RankingReport:
    """Return how well queries are answered when pictures are ranked by `values`, (K,), the highest first; equal ones
    stand in the order in which they come. Queries without a match do not count.

    Raises:
        DataError: no query has a match.
    """
    order = np.lexsort((-np.asarray(values, dtype=np.float64), queries))
    starts = np.flatnonzero(np.append(True, np.diff(queries[order]) > 0))
    precisions, firsts = [], []
    for hits in np.split(is_match[order], starts[1:]):
        places = np.flatnonzero(hits) + 1
        if len(places):
            precisions.append(float(np.mean(np.arange(1, len(places) + 1) / places)))
            firsts.append(bool(hits[0]))
    if not precisions:
        raise DataError("no query has a match; a ranking cannot be scored")
    return RankingReport(len(firsts), float(np.mean(firsts)), float(np.mean(precisions)))
