"""From comparisons of known outcome to a calibration: three families of maps tried on held-out people, one kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.calibration.comparisons import NUM_FOLDS, Binned, Comparisons, binned, check_enough
from aio_reid.gallery.calibration.maps import FAMILIES, Fit, ScoreMap
from aio_reid.gallery.calibration.measures import auroc, log_loss, probability, reliability, tpr_at_fpr
from aio_reid.gallery.calibration.pair import LABELLED, PairCalibration, Pairing, Quality
from aio_reid.gallery.calibration.presence import UNTRIED_LIMIT, PresenceRule, choose_rule, expected_bests
from aio_reid.gallery.calibration.tail import fit_tail
from aio_reid.gallery.store.schema import now_text

LEAST_SHARE, MOST_SHARE = 1e-4, 0.5


def fit_pair(
    found: Comparisons, pairing: Pairing, *, fusion: str, origin: str, weights_hash: str, share: float
) -> PairCalibration:
    """Return the calibration of a pairing. `share` is the share of matches in the gallery that it is to be good at,
    kept within LEAST_SHARE and MOST_SHARE.

    Raises:
        DataError: too few comparisons; names the number and the least.
    """
    check_enough(found)
    share = float(np.clip(share, LEAST_SHARE, MOST_SHARE))
    counts = binned(found)
    held_out = {family: _held_out_ratios(counts, fit, share) for family, fit in FAMILIES.items()}  # (F, B) each
    losses = {family: _loss(counts, ratios, share) for family, ratios in held_out.items()}
    best = min(losses, key=lambda family: losses[family])
    tried = origin == LABELLED  # tracks know few strangers of each query: no search can be tried on them
    rule = choose_rule(expected_bests(found)) if tried else PresenceRule(UNTRIED_LIMIT)
    matches, strangers = found.matches, found.strangers
    return PairCalibration(
        pairing=pairing,
        fusion=fusion,
        origin=origin,
        weights_hash=weights_hash,
        made=now_text(),
        score_map=_fit_all(counts, FAMILIES[best], share),
        tail=fit_tail(strangers),
        rule=rule,
        quality=Quality(
            num_matches=len(matches),
            num_strangers=len(strangers),
            num_groups=len(np.unique(found.groups)),
            auroc=auroc(matches, strangers),
            tpr_at_1_percent=tpr_at_fpr(matches, strangers),
            calibration_error=_balanced_error(counts, held_out[best]),
            log_losses=losses,
        ),
    )


def _fit_all(counts: Binned, fit: Fit, share: float) -> ScoreMap:
    return fit(counts.scores, counts.matches.sum(axis=0), counts.strangers.sum(axis=0), share)


def _held_out_ratios(counts: Binned, fit: Fit, share: float) -> NDArray[np.float64]:
    """Return the log-likelihood ratios of every bin, float64 (F, B), each by a map that has not seen its fold."""
    rows = []
    for fold in range(NUM_FOLDS):
        matches = np.delete(counts.matches, fold, axis=0).sum(axis=0)  # (B,)
        strangers = np.delete(counts.strangers, fold, axis=0).sum(axis=0)
        if not matches.any() or not strangers.any():  # all people of one side are held out: nothing is learnt
            rows.append(np.zeros_like(counts.scores))
            continue
        rows.append(fit(counts.scores, matches, strangers, share).log_ratio(counts.scores))
    return np.stack(rows)


def _loss(counts: Binned, ratios: NDArray[np.float64], share: float) -> float:
    matches, strangers = _weighted(counts, share)
    return log_loss(ratios + np.log(share / (1.0 - share)), matches, strangers)


def _balanced_error(counts: Binned, ratios: NDArray[np.float64]) -> float:
    matches, strangers = _weighted(counts, 0.5)
    mass = (matches + strangers).ravel()
    used = mass > 0
    outcome = matches.ravel()[used] / mass[used]
    return reliability(probability(ratios.ravel()[used]), outcome, weights=mass[used]).error


def _weighted(counts: Binned, share: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the counts, (F, B) each, scaled so that matches are that share of all."""
    return (
        share * counts.matches / counts.matches.sum(),
        (1.0 - share) * counts.strangers / counts.strangers.sum(),
    )
