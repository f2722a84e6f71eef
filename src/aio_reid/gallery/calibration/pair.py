"""What is known of one pairing: queries of some modalities against gallery pictures of one, with one set of weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aio_reid.gallery.calibration.maps import ScoreMap
from aio_reid.gallery.calibration.presence import PresenceRule
from aio_reid.gallery.calibration.tail import Pareto, Tail
from aio_reid.records import Modality, parse_modality, subset_name

FORMAT = 1
LABELLED, TRACKS = "labelled", "tracks"
"""Where matches and strangers come from: named people, or tracks that were seen at the same time."""

_STEPS = np.linspace(-1.0, 1.0, 2001)


@dataclass(frozen=True, slots=True)
class Pairing:
    """Queries of `query` (in the order of `Modality`) against gallery pictures of `gallery`."""

    query: tuple[Modality, ...]
    gallery: Modality

    @property
    def name(self) -> str:
        """In words, e.g. "infrared + text to photo"."""
        return f"{' + '.join(modality.label for modality in self.query)} to {self.gallery.label}"

    @property
    def letters(self) -> str:
        """Of the query's modalities, e.g. "IT"."""
        return subset_name(self.query)


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts, and what held-out people say of a calibration.

    `log_losses` are in nats, of each family that was tried, at the share of matches that it was fitted for;
    `calibration_error` is that of the chosen one where matches and strangers weigh the same.
    """

    num_matches: int
    num_strangers: int
    num_groups: int
    auroc: float
    tpr_at_1_percent: float
    calibration_error: float
    log_losses: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PairCalibration:
    """One pairing, calibrated.

    `fusion` is how queries of several modalities were joined; `weights_hash` names the weights; `origin` is LABELLED or
    TRACKS; `made` the time.
    """

    pairing: Pairing
    fusion: str
    origin: str
    weights_hash: str
    made: str
    score_map: ScoreMap
    tail: Tail
    rule: PresenceRule
    quality: Quality

    def log_ratio(self, score: float) -> float:
        """Return log p(score | match) - log p(score | stranger), in nats, as it is fitted."""
        return float(self.score_map.log_ratio(np.array(score)))

    def bounded_ratio(self, score: float) -> float:
        """Return `log_ratio` no further from 0 than the numbers of comparisons can support."""
        quality = self.quality
        return float(np.clip(self.log_ratio(score), -np.log(quality.num_matches), np.log(quality.num_strangers)))

    def stranger_rate(self, score: float) -> float:
        """Return the share of strangers that score at least as high; see `Tail.rate`."""
        return float(self.tail.rate(np.array(score)))

    def score_of(self, log_ratio: float) -> float:
        """Return the lowest score with at least this ratio, to a step of a thousandth; 1.0 where there is none."""
        place = int(np.searchsorted(self.score_map.log_ratio(_STEPS), log_ratio, side="left"))
        return float(_STEPS[min(place, len(_STEPS) - 1)])


def to_json(pair: PairCalibration) -> str:
    """Return a calibration as one line of JSON."""
    values = asdict(pair)
    values["pairing"] = {
        "query": [modality.value for modality in pair.pairing.query],
        "gallery": pair.pairing.gallery.value,
    }
    return json.dumps({"format": FORMAT, **values}, allow_nan=False)


def from_json(text: str) -> PairCalibration | None:
    """Return what `to_json` wrote, or None where it is of another format.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is damaged.
    """
    values: dict[str, Any] = json.loads(text)
    if values["format"] != FORMAT:
        return None
    pairing, score_map, tail = values["pairing"], values["score_map"], values["tail"]
    return PairCalibration(
        pairing=Pairing(tuple(parse_modality(name) for name in pairing["query"]), parse_modality(pairing["gallery"])),
        fusion=str(values["fusion"]),
        origin=str(values["origin"]),
        weights_hash=str(values["weights_hash"]),
        made=str(values["made"]),
        score_map=ScoreMap(score_map["family"], tuple(score_map["scores"]), tuple(score_map["log_ratios"])),
        tail=Tail(
            int(tail["num_strangers"]), tuple(tail["scores"]), tuple(tail["rates"]), excess=Pareto(**tail["excess"])
        ),
        rule=PresenceRule(**values["rule"]),
        quality=Quality(**values["quality"]),
    )
