"""Comparisons without a label, from impossibility: two tracks that one camera saw at the same time are two people.

So pictures of two such tracks are strangers; pictures of one track are matches. Both come from within one camera. For
strangers this is the harder case more often than not, since light and place are the same. For matches it is the easier
one: a probability that was learnt so is too low for the same person seen by another camera.

Where a person was detected twice, or a lost track goes on under another name while the old one lasts, two tracks are
one person, and rates come out too high.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.gallery.calibration.comparisons import Comparisons
from aio_reid.gallery.calibration.pair import Pairing
from aio_reid.gallery.store.protocol import Item, Store
from aio_reid.records import Modality

MOST_PICTURES = 4
"""Of a track, spread over its time: neighbouring frames say the same again."""
MOST_PARTNERS = 10
MOST_PAIRS = 20_000
"""Of simultaneous tracks, and of tracks of which pictures are matched: in a large gallery enough to learn from."""


_Any = TypeVar("_Any")


@dataclass(frozen=True, slots=True)
class Track:
    """One person seen by one camera: from when to when, and some pictures as (id, modality), in order of time."""

    camera: str
    start: datetime
    end: datetime
    pictures: tuple[tuple[int, Modality], ...]


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two pictures, as positions among all chosen ones."""

    first: int
    second: int
    is_match: bool
    group: int


def find_tracks(store: Store) -> list[Track]:
    """Return the tracks of a gallery of which camera and time are known, by camera and start.

    Raises:
        DataError: there are not two; says what is missing.
    """
    items: dict[tuple[str, str], list[Item]] = {}
    num_pictures = 0
    ids = store.ids()
    for item in (item for start in range(0, len(ids), _AT_ONCE) for item in store.get(ids[start : start + _AT_ONCE])):
        num_pictures += 1
        picture = item.picture
        if picture.camera is not None and picture.track is not None and picture.time is not None:
            items.setdefault((picture.camera, picture.track), []).append(item)
    if len(items) < 2:
        raise DataError(
            f"{len(items)} tracks among {num_pictures} pictures have camera, track and time; without labels at least 2 "
            "are needed: add these by a manifest or --name, or calibrate with a labelled validation set"
        )
    tracks = [_track(camera, of_track) for (camera, _), of_track in items.items()]
    return sorted(tracks, key=lambda track: (track.camera, track.start, track.end, track.pictures))


def simultaneous(tracks: Sequence[Track], tolerance: timedelta) -> Iterator[tuple[int, int]]:
    """Yield pairs of tracks of one camera whose times overlap, as positions among `tracks`, which are sorted by camera
    and start; of one track as the earlier one at most MOST_PARTNERS. Times that lie at most `tolerance` apart overlap.
    """
    for first, track in enumerate(tracks):
        for second in range(first + 1, min(first + 1 + MOST_PARTNERS, len(tracks))):
            other = tracks[second]
            if other.camera != track.camera or other.start - track.end > tolerance:
                break  # and so do all that follow
            yield first, second


def compare_tracks(store: Store, tracks: Sequence[Track], tolerance: timedelta) -> Mapping[Pairing, Comparisons]:
    """Return the comparisons of every pairing of modalities that the tracks hold.

    Raises:
        DataError: no two tracks were seen by one camera at the same time.
    """
    pairs = list(simultaneous(tracks, tolerance))
    if not pairs:
        raise DataError(
            f"none of {len(tracks)} tracks was seen by one camera at the same time as another one; give a larger "
            "--tolerance, or calibrate with a labelled validation set"
        )
    pairs = _some(pairs)
    matched = _some(range(len(tracks)))
    used = sorted({*matched, *(n for pair in pairs for n in pair)})
    place = {n: at for at, n in enumerate(used)}
    tracks = [tracks[n] for n in used]
    pairs = [(place[one], place[other]) for one, other in pairs]
    pictures = [picture for track in tracks for picture in track.pictures]
    ids = [number for number, _ in pictures]
    kinds = [modality for _, modality in pictures]
    vectors = np.concatenate([store.vectors(ids[n : n + _AT_ONCE]) for n in range(0, len(ids), _AT_ONCE)])
    sorted_out: dict[Pairing, list[_Compared]] = {}
    for one in _all_compared(tracks, pairs, [place[n] for n in matched]):
        ways = {(one.first, one.second), (one.second, one.first)}  # either picture may be what is searched with
        for first, second in sorted(ways)[: 1 if kinds[one.first] is kinds[one.second] else 2]:
            pairing = Pairing((kinds[first],), kinds[second])
            sorted_out.setdefault(pairing, []).append(_Compared(first, second, one.is_match, one.group))
    return {pairing: _scored(of_pairing, vectors) for pairing, of_pairing in sorted_out.items()}


_AT_ONCE = 1000


def _track(camera: str, items: Sequence[Item]) -> Track:
    known = sorted((item.picture.time or datetime.min, item.id, item.picture.modality) for item in items)
    places = np.unique(np.linspace(0, len(known) - 1, MOST_PICTURES).round().astype(int))
    chosen = [known[n] for n in places.tolist()]
    return Track(camera, known[0][0], known[-1][0], tuple((number, modality) for _, number, modality in chosen))


def _some(of: Sequence[_Any]) -> list[_Any]:
    """Return at most MOST_PAIRS, drawn at random, in their order."""
    if len(of) <= MOST_PAIRS:
        return list(of)
    return [of[n] for n in np.sort(np.random.default_rng(0).choice(len(of), MOST_PAIRS, replace=False)).tolist()]


def _all_compared(
    tracks: Sequence[Track], pairs: Sequence[tuple[int, int]], matched: Sequence[int]
) -> Iterator[_Compared]:
    """Yield the pictures of each of the tracks `matched` with one another, and those of pairs of tracks."""
    ends = np.cumsum([len(track.pictures) for track in tracks]).tolist()
    places = [range(end - len(track.pictures), end) for end, track in zip(ends, tracks, strict=True)]
    for group in matched:
        own = places[group]
        for first in own:
            yield from (_Compared(first, second, True, group) for second in own if second > first)
    for one, other in pairs:
        for first in places[one]:
            yield from (_Compared(first, second, False, one) for second in places[other])


def _scored(compared: Sequence[_Compared], vectors: NDArray[np.float32]) -> Comparisons:
    first = np.array([one.first for one in compared], dtype=np.int64)
    second = np.array([one.second for one in compared], dtype=np.int64)
    scores = np.concatenate(
        [
            np.einsum("ke,ke->k", vectors[first[n : n + _AT_ONCE]], vectors[second[n : n + _AT_ONCE]])
            for n in range(0, len(first), _AT_ONCE)
        ]
    )  # (K,)
    return Comparisons(
        np.clip(scores, -1.0, 1.0).astype(np.float32),
        np.array([one.is_match for one in compared], dtype=np.bool_),
        first,
        np.array([one.group for one in compared], dtype=np.int64),
    )
