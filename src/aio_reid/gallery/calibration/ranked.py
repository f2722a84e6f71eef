"""Search of a gallery by calibrated odds: each modality is ranked by itself, exactly, and the rankings are merged.

Within a modality the map from score to odds does not fall, so its ranking is that of the scores. Between modalities
odds compare what scores do not: 0.5 may be much for an infrared frame and little for a photo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from aio_reid.gallery.calibration.kept import KeepsCalibrations, read_calibration
from aio_reid.gallery.calibration.pair import PairCalibration
from aio_reid.gallery.calibration.reading import Reading
from aio_reid.gallery.store.protocol import Found, Store, Where
from aio_reid.records import VISUAL_MODALITIES, Modality

REMEDY = "`aio-reid gallery calibrate`"


class Ask(Protocol):
    """A search of a store with all but the filter decided."""

    def __call__(self, *, where: Where, with_spread: bool) -> Found:
        """Return the nearest of a part of the gallery."""


@dataclass(frozen=True, slots=True)
class Applicable:
    """The calibrations for a query, by gallery modality; without any, `reason` says why in one line."""

    pairs: Mapping[Modality, PairCalibration]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was found, how to read its scores (None: not calibrated), and what the reader has to know.

    Where several modalities are merged, `found.lower` is None: shares of lower scores do not compare between them.
    """

    found: Found
    reading: Reading | None
    notes: tuple[str, ...]


def find_applicable(
    store: Store, query: tuple[Modality, ...], *, fusion: str, weights_hash: str, is_moved: bool
) -> Applicable:
    """Return the calibrations that hold for a query of these modalities, each as often as the query has it.

    `is_moved`: by weights of modalities or marked pictures, so that its scores are not those that were calibrated.

    Raises:
        StorageError: a calibration is damaged.
    """
    if not query or is_moved:
        return Applicable({}, "scores moved by --weight, --like or --unlike are not calibrated")
    if len(set(query)) < len(query):
        return Applicable({}, "scores are calibrated for one picture or sentence of each kind, not for several")
    kept = read_calibration(store, query) if isinstance(store, KeepsCalibrations) else []
    name = " + ".join(modality.label for modality in Modality if modality in query)
    if not kept:
        return Applicable({}, f"scores are not calibrated for a query of {name}: {REMEDY} tells what they mean")
    if any(pair.weights_hash != weights_hash for pair in kept):
        return Applicable({}, f"the calibration was made with other weights and is not used; make it anew: {REMEDY}")
    if len(query) > 1 and any(pair.fusion != fusion for pair in kept):
        return Applicable({}, f"scores are calibrated for {kept[0].fusion} fusion, not for {fusion} fusion")
    return Applicable({pair.pairing.gallery: pair for pair in kept})


def ranked_search(
    store: Store,
    ask: Ask,
    where: Where,
    applicable: Applicable,
    *,
    expected: float,
    top: int,
    by_track: bool,
    is_raw: bool,
) -> Ranked:
    """Search, by odds where pictures of several modalities are searched and all are calibrated, else by scores.

    The same as the search of each modality by itself, exact or not, merged by odds; equal odds stand in the order of
    the share of strangers, then score, then id.
    """
    plain = ask(where=where, with_spread=True)
    if not applicable.pairs:
        return Ranked(plain, None, (applicable.reason,))
    parts = {modality: _narrowed(where, modality) for modality in VISUAL_MODALITIES}
    counts = {modality: store.count(part) for modality, part in parts.items() if part is not None}
    counts = {modality: count for modality, count in counts.items() if count}
    reading = Reading(applicable.pairs, counts, expected)
    lacking = [modality.label for modality in counts if modality not in applicable.pairs]
    if lacking:
        reason = f"pictures of {' and '.join(lacking)} are not calibrated for such a query"
        mixed = "; ranked by raw score" if len(counts) > 1 else ""
        return Ranked(plain, reading if len(lacking) < len(counts) else None, (f"{reason}{mixed}",))
    if len(counts) < 2 or is_raw:
        return Ranked(plain, reading, ("ranked by raw score",) if len(counts) > 1 else ())
    lists = {modality: ask(where=parts[modality] or where, with_spread=False) for modality in counts}
    places = _merged(lists, applicable.pairs)
    kept = (_one_a_track(store, places) if by_track else places)[:top]
    found = Found(
        ids=np.array([place.id for place in kept], dtype=np.int64),
        scores=np.array([-place.lower for place in kept], dtype=np.float32),
        num_searched=plain.num_searched,
        group_sizes=np.array([place.group_size for place in kept], dtype=np.int64),
        spread=plain.spread,
        recall=min((one.recall for one in lists.values() if one.recall is not None), default=None),
        notes=tuple(dict.fromkeys(note for one in lists.values() for note in one.notes)),
    )
    return Ranked(found, reading, ("ranked by calibrated odds",))


def _narrowed(where: Where, modality: Modality) -> Where | None:
    if where.modalities and modality not in where.modalities:
        return None
    return replace(where, modalities=(modality,))


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """A hit, in the order of its fields."""

    less_likely: float
    stranger_rate: float
    lower: float
    id: int
    group_size: int


def _merged(lists: Mapping[Modality, Found], pairs: Mapping[Modality, PairCalibration]) -> list[_Place]:
    return sorted(
        _Place(-pairs[modality].log_ratio(score), pairs[modality].stranger_rate(score), -score, number, size)
        for modality, found in lists.items()
        for number, score, size in zip(
            found.ids.tolist(), found.scores.tolist(), found.group_sizes.tolist(), strict=True
        )
    )


def _one_a_track(store: Store, places: list[_Place]) -> list[_Place]:
    """Return the best of each track of a camera. A track of several modalities stands in several lists; its size is the
    sum of what they found.
    """
    items = {item.id: item.picture for item in store.get([place.id for place in places])}
    kept: dict[object, _Place] = {}
    for place in places:
        picture = items.get(place.id)
        key = place.id if picture is None or picture.track is None else (picture.camera, picture.track)
        if key in kept:
            kept[key] = replace(kept[key], group_size=kept[key].group_size + place.group_size)
        else:
            kept[key] = place
    return list(kept.values())
