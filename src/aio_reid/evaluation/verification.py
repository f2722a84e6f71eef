"""Verification: are these two pictures the same person? ROC over all query-gallery pairs that are not ignored.

A pair of the same person is genuine, any other an impostor. A pair is accepted when its distance is at most a
threshold; the ROC shows the share of genuine pairs that are accepted (TPR) over that of impostors (FPR).

The ROC bends only at the distances of genuine pairs, which are few: for each, two numbers say all, how many impostors
are nearer and how many as near. So the results are exact at any size, while the memory is that of one block and of the
genuine distances. The price is that distances are computed twice, first for the genuine pairs, then to count impostors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.neighbours import FloatArray, check_features, row_blocks
from aio_reid.evaluation.ranking import BoolArray, Masks, check_finite, check_masks

DEFAULT_RATES: tuple[float, ...] = (1e-4, 1e-3, 1e-2)
BLOCK = 256
Block = tuple[FloatArray, BoolArray, BoolArray]
"""Distances, `matches` and `ignore` of some queries, each (b, G)."""


@dataclass(frozen=True)
class VerificationScores:
    """Scores as fractions in 0..1.

    Attributes:
        variant: which reading of "TPR at FPR" `tpr` holds, see `VARIANTS`.
        tpr: false positive rate -> true positive rate.
        auc: area under the ROC: the chance that a genuine pair is nearer than an impostor, a tie counting half. It is
            the same in both variants.
        num_genuine: pairs of the same person; `num_impostor` of different persons; neither counts ignored ones.
        thresholds: (P,) the distances of genuine pairs, ascending, each once: a pair is accepted up to it.
        true_accept_rate: (P,) float64, the share of genuine pairs accepted at each threshold.
        false_accept_rate: (P,) float64, the share of impostors accepted at each threshold.
    """

    variant: str
    tpr: Mapping[float, float]
    auc: float
    num_genuine: int
    num_impostor: int
    thresholds: FloatArray = field(repr=False, compare=False)
    true_accept_rate: NDArray[np.float64] = field(repr=False, compare=False)
    false_accept_rate: NDArray[np.float64] = field(repr=False, compare=False)


def verify_distances(
    distances: FloatArray,
    matches: BoolArray,
    ignore: BoolArray,
    *,
    variant: str = "false-accept",
    rates: Sequence[float] = DEFAULT_RATES,
) -> VerificationScores:
    """Score all pairs of a full distance matrix.

    Args:
        distances: (Q, G) float, smaller is nearer.
        matches: (Q, G) bool, the pair is genuine.
        ignore: (Q, G) bool, the pair does not count.
        variant: a name of `VARIANTS`.
        rates: the false positive rates at which the true positive rate is wanted, each 0..1.

    Raises:
        DataError: shapes differ, a distance is NaN or infinite, or no genuine pair or no impostor is left.
        ConfigError: the variant is unknown or a rate is outside 0..1.
    """
    _check_settings(variant, rates)
    check_masks(distances, matches, ignore)

    def blocks() -> Iterator[Block]:
        for rows in row_blocks(len(distances), BLOCK):
            yield distances[rows], matches[rows], ignore[rows]

    return _score(_count(blocks), variant, rates)


def verify_features(
    query: NDArray[np.float32],
    gallery: NDArray[np.float32],
    masks: Masks,
    *,
    variant: str = "false-accept",
    rates: Sequence[float] = DEFAULT_RATES,
    block: int = BLOCK,
) -> VerificationScores:
    """Score all pairs of unit vectors by cosine distance (1 - cosine), `block` queries at a time.

    Args:
        query: (Q, E) float32, unit rows.
        gallery: (G, E) float32, unit rows.
        masks: called twice for each block: for all blocks in order, and again for all blocks in order.
        variant, rates: as `verify_distances`.
        block: queries at a time; memory is about block * G * 12 bytes and 40 bytes a genuine pair.

    Raises:
        DataError, ConfigError: as `verify_distances`, and DataError for vectors of different widths.
    """
    _check_settings(variant, rates)
    check_features(query, gallery)

    def blocks() -> Iterator[Block]:
        for rows in row_blocks(len(query), block):
            distances = query[rows] @ gallery.T  # (b, G)
            np.subtract(1, distances, out=distances)
            matches, ignore = masks(rows)
            check_masks(distances, matches, ignore)
            yield distances, matches, ignore

    return _score(_count(blocks), variant, rates)


@dataclass(frozen=True, slots=True)
class _Counts:
    """All that the ROC holds, for P thresholds in ascending order.

    Attributes:
        thresholds: (P,) the different distances of genuine pairs.
        genuine: (P,) int64, genuine pairs at that distance.
        nearer: (P,) int64, impostors at a smaller distance.
        equal: (P,) int64, impostors at that distance.
        num_impostor: all impostors.
    """

    thresholds: FloatArray
    genuine: NDArray[np.int64]
    nearer: NDArray[np.int64]
    equal: NDArray[np.int64]
    num_impostor: int

    @property
    def num_genuine(self) -> int:
        return int(self.genuine.sum())


def _count(blocks: Callable[[], Iterator[Block]]) -> _Counts:
    found = [distances[matches & ~ignore] for distances, matches, ignore in blocks()]
    thresholds, genuine = np.unique(np.concatenate(found) if found else np.zeros(0), return_counts=True)
    nearer, upto = np.zeros(len(thresholds), np.int64), np.zeros(len(thresholds), np.int64)
    num_impostor = 0
    for distances, matches, ignore in blocks():
        check_finite(distances)
        impostors = np.sort(distances[~(matches | ignore)])
        nearer += np.searchsorted(impostors, thresholds, side="left")
        upto += np.searchsorted(impostors, thresholds, side="right")
        num_impostor += len(impostors)
    if len(thresholds) == 0 or num_impostor == 0:
        raise DataError(
            f"there are {genuine.sum()} pairs of the same person and {num_impostor} of different persons that are not "
            "ignored; verification needs both"
        )
    return _Counts(thresholds, genuine, nearer, upto - nearer, num_impostor)


def _score(counts: _Counts, variant: str, rates: Sequence[float]) -> VerificationScores:
    farther = counts.num_impostor - counts.nearer - counts.equal
    area = float(((farther + 0.5 * counts.equal) * counts.genuine).sum())
    return VerificationScores(
        variant=variant,
        tpr={rate: VARIANTS[variant](counts, rate) for rate in rates},
        auc=area / counts.num_impostor / counts.num_genuine,
        num_genuine=counts.num_genuine,
        num_impostor=counts.num_impostor,
        thresholds=counts.thresholds,
        true_accept_rate=np.cumsum(counts.genuine) / counts.num_genuine,
        false_accept_rate=(counts.nearer + counts.equal) / counts.num_impostor,
    )


def _tpr_at_false_accept(counts: _Counts, rate: float) -> float:
    """Return the largest share of genuine pairs accepted while the share of impostors accepted is at most `rate`."""
    allowed = (counts.nearer + counts.equal) / counts.num_impostor <= rate  # (P,), True first, then False
    return float(counts.genuine[allowed].sum() / counts.num_genuine)


def _tpr_of_fast_reid(counts: _Counts, rate: float) -> float:
    """Return the share of impostors rejected where the share of genuine pairs rejected is nearest to `rate`.

    There, impostors are the positives and the distance is the score. The ROC runs from the largest distance down, one
    point for each different distance of any pair. A point between two equal steps is left out, and of the points whose
    rate is equally near the first one counts (as scikit-learn's `roc_curve` and numpy's `argmin` have it).
    """
    genuine, equal = counts.genuine[::-1], counts.equal[::-1]  # (P,) the step at each threshold, from far to near
    upto = (counts.nearer + counts.equal)[::-1]
    rejected_genuine = np.cumsum(genuine)
    rejected_impostors = counts.num_impostor - counts.nearer[::-1]
    between = counts.nearer[::-1][:-1] - upto[1:]  # (P - 1,) impostors between this threshold and the next
    same_step = (genuine[1:] == genuine[:-1]) & (equal[1:] == equal[:-1]) & (between == 0)
    kept = np.append(~same_step, True)  # (P,)
    kept[0] |= upto[0] == counts.num_impostor  # the first point of all has no step before it
    fpr = np.append(0.0, rejected_genuine[kept] / counts.num_genuine)
    tpr = np.append(0.0, rejected_impostors[kept] / counts.num_impostor)
    return float(tpr[np.argmin(np.abs(fpr - rate))])


VARIANTS: Mapping[str, Callable[[_Counts, float], float]] = {
    "false-accept": _tpr_at_false_accept,
    "fast-reid": _tpr_of_fast_reid,
}
"""How "TPR at FPR" is read: "false-accept", the usual one, bounds the share of impostors that are accepted;
"fast-reid" is what that project prints under the same name, the share of impostors rejected where so many genuine pairs
are rejected. The two are different numbers."""


def _check_settings(variant: str, rates: Sequence[float]) -> None:
    if variant not in VARIANTS:
        raise ConfigError(f"variant is {variant!r}; choose one of: {', '.join(VARIANTS)}")
    wrong = [rate for rate in rates if not 0 <= rate <= 1]
    if wrong:
        raise ConfigError(f"a false positive rate is {wrong[0]}; give shares from 0 to 1")
