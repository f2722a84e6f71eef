"""How much each modality counts in late fusion: chosen on validation people, kept with the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aio_reid.evaluation.embed import EARLY, LATE, CachedEmbedder, EmbedQueries
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.records import Modality, Record

GRID: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""What a modality's vector may be multiplied by; the photo's is 1, since only the relation counts."""
ROUNDS = 2


@dataclass(frozen=True, slots=True)
class LateFusion:
    """The chosen factors by modality name, photo 1, and the mean mAP of all combinations with them (a fraction)."""

    reliability: dict[str, float]
    mean_ap: float


def choose_reliability(records: Sequence[Record], embed: EmbedQueries, *, seed: int) -> LateFusion | None:
    """Return the factor of each modality in late fusion, u(sum of factor * u(f_m)), that finds people best.

    The mean mAP of all combinations of two and more modalities is climbed one modality at a time, in fusion order; of
    equal factors the largest is taken. A modality that is hardly read would otherwise drown what is known well.

    Args:
        records: queries and gallery of people who were not trained on.
        embed: see `EmbedQueries`.
        seed: draws each person's record of each modality.

    Returns:
        None where there is nothing to fuse: the queries have one modality, or no query of several can be scored (each
        person has one photo, which is in the gallery too).
    """
    present = [m for m in Modality if any(r.modality is m for r in records)]
    if len(present) < 2:
        return None
    known = CachedEmbedder(embed)

    def mean_ap(factors: Mapping[Modality, float]) -> float:
        scores = evaluate_combinations(records, CachedEmbedder(known, reliability=factors), fusions=(LATE,), seed=seed)
        fused = [task.scores.mAP for task in scores.tasks if task.fusion == LATE]
        return float(np.mean(fused)) if fused else math.nan

    chosen = dict.fromkeys(present, 1.0)
    best = mean_ap(chosen)
    if math.isnan(best):  # which queries can be scored depends on the records alone
        return None
    for _ in range(ROUNDS):
        for modality in (m for m in present if m is not Modality.RGB):
            found = {factor: mean_ap({**chosen, modality: factor}) for factor in GRID}
            chosen[modality] = max(found, key=lambda factor: (found[factor], factor))
            best = found[chosen[modality]]
    return LateFusion({modality.value: factor for modality, factor in chosen.items()}, best)


def prefer_fusion(late: LateFusion | None, validation: Mapping[str, float]) -> str:
    """Return "late" where it finds validation people better than early fusion does, by the mean mAP of all
    combinations; else "early".

    Args:
        late: see `choose_reliability`.
        validation: figures of early fusion by name, e.g. "RT_mAP".
    """
    early = [value for name, value in validation.items() if name.endswith("_mAP") and len(name) > len("R_mAP")]
    return LATE if late is not None and early and late.mean_ap > float(np.mean(early)) else EARLY
