"""Scores drawn from known distributions, so that the true odds and rates are known."""

from __future__ import annotations

import numpy as np

from aio_reid.gallery.calibration.comparisons import Comparisons
from aio_reid.gallery.calibration.fit import fit_pair
from aio_reid.gallery.calibration.pair import LABELLED, PairCalibration, Pairing
from aio_reid.records import Modality

WEIGHTS = "a" * 64

MATCH_MEAN, STRANGER_MEAN, DEVIATION = 0.6, 0.2, 0.12


def normal_comparisons(
    num_people: int, num_strangers: int, *, seed: int = 0, mean: float = MATCH_MEAN, strangers_at: float = STRANGER_MEAN
) -> Comparisons:
    """Two matches and some strangers for one query of each person, both normal with one deviation: log odds are a
    line, (mean - strangers_at) / DEVIATION^2 * (s - midpoint).
    """
    rng = np.random.default_rng(seed)
    scores = np.concatenate(
        [
            rng.normal(mean, DEVIATION, (num_people, 2)),
            rng.normal(strangers_at, DEVIATION, (num_people, num_strangers)),
        ],
        axis=1,
    )
    is_match = np.zeros(scores.shape, dtype=bool)
    is_match[:, :2] = True
    people = np.broadcast_to(np.arange(num_people)[:, None], scores.shape).ravel()
    return Comparisons(scores.ravel().astype(np.float32), is_match.ravel(), people, people)


def true_log_ratio(scores: np.ndarray, mean: float = MATCH_MEAN, strangers_at: float = STRANGER_MEAN) -> np.ndarray:
    return (mean - strangers_at) / DEVIATION**2 * (scores - (mean + strangers_at) / 2)


def calibrated_pair(
    gallery: Modality, match: float, stranger: float, query: tuple[Modality, ...] = (Modality.TEXT,)
) -> PairCalibration:
    return fit_pair(
        normal_comparisons(300, 40, mean=match, strangers_at=stranger),
        Pairing(query, gallery),
        fusion="late",
        origin=LABELLED,
        weights_hash=WEIGHTS,
        share=0.02,
    )
