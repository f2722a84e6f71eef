"""How the scores of one search are to be read: as evidence for each hit, and on whether the person is there at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aio_reid.gallery.calibration.measures import probability
from aio_reid.gallery.calibration.pair import PairCalibration
from aio_reid.gallery.result import Evidence, Presence
from aio_reid.records import Modality

NOT_TOLD = "the calibration knows too few strangers to tell whether the person is in this gallery"

LEAST_RIGHT = 2 / 3
"""A rule that was right less often on validation queries does not make anything probable."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Calibrations by gallery modality, the number of pictures of each modality that were searched (`counts`), and how
    many pictures of the person are expected among them (`expected`, above 0).
    """

    pairs: Mapping[Modality, PairCalibration]
    counts: Mapping[Modality, int]
    expected: float

    def evidence(self, modality: Modality, score: float) -> Evidence | None:
        """Return what a score of a picture says, or None where its modality is not calibrated.

        Strangers are counted over all calibrated modalities: those whose evidence is at least as strong.
        """
        if modality not in self.pairs:
            return None
        pair = self.pairs[modality]
        ratio = pair.log_ratio(score)
        rate = pair.stranger_rate(score)
        num_strangers = rate * self.counts.get(modality, 0)
        for other, count in self.counts.items():
            if other is not modality and other in self.pairs:
                num_strangers += count * self.pairs[other].stranger_rate(self.pairs[other].score_of(ratio))
        bounded = pair.bounded_ratio(score)
        return Evidence(
            log_ratio=bounded,
            probability=float(probability(np.array(bounded + np.log(self._prior_odds)))),
            stranger_rate=rate,
            is_least_rate=rate <= pair.tail.least_rate,
            expected_strangers=num_strangers,
        )

    def presence(self, modality: Modality, best: Evidence) -> Presence:
        """Return what the best hit, of a calibrated modality, says of whether the person is there."""
        pair = self.pairs[modality]
        rule, number = pair.rule, best.expected_strangers
        least = sum(count * self.pairs[m].tail.least_rate for m, count in self.counts.items() if m in self.pairs)
        total = sum(self.counts.values())
        expects = f"{_number(number)} strangers among {total:,} pictures are expected to score as high as the best hit"
        is_present = number <= rule.limit
        if not is_present and best.is_least_rate and least > rule.limit:
            text = f"{NOT_TOLD}: {pair.tail.num_strangers:,} comparisons for {total:,} pictures"
            return Presence(None, number, rule.limit, text)
        if rule.share_right(is_present=is_present) < LEAST_RIGHT:
            text = f"no telling whether the person is in this gallery: {expects}, the limit is {_number(rule.limit)}"
            return Presence(None, number, rule.limit, f"{text} ({_ground(pair)})")
        if is_present:
            text = f"the best hit stands out: {expects}, at most the limit of {_number(rule.limit)}"
        else:
            text = f"probably not in this gallery: {expects}, more than the limit of {_number(rule.limit)}"
        return Presence(is_present, number, rule.limit, f"{text} ({_ground(pair)})")

    @property
    def _prior_odds(self) -> float:
        """A picture of the person to all that were searched."""
        return self.expected / max(sum(self.counts.values()), 1)


def rate_text(evidence: Evidence) -> str:
    """Return the share of strangers that score this high in words, e.g. "1 of 40", "fewer than 1 of 12,000"."""
    rate = evidence.stranger_rate
    if evidence.is_least_rate:
        return f"fewer than 1 of {round(1 / rate):,}"
    return f"1 of {round(1 / rate):,}" if rate < 0.1 else f"{100 * rate:.0f} of 100"


def strangers_text(evidence: Evidence) -> str:
    """Return the same as a sentence, e.g. "1 of 40 strangers scores this high"."""
    share = rate_text(evidence)
    return f"{share} strangers {'scores' if share.startswith('1 of') else 'score'} this high"


def probability_text(evidence: Evidence) -> str:
    """Return P(match) in percent; never 0 or 100, which no calibration can know."""
    percent = 100 * evidence.probability
    if percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.1f} %" if percent < 99.9 else "> 99.9 %"


def _ground(pair: PairCalibration) -> str:
    rule = pair.rule
    if not rule.num_queries:
        return "a limit that was not tried on validation queries"
    return (
        f"chosen on {rule.num_queries} validation queries: finds {100 * rule.found:.0f} % of those present, takes "
        f"{100 * rule.mistaken:.0f} % of those absent for present"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
