"""Strangers from impossibility: tracks that one camera saw at the same time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import ConfigError, DataError
from aio_reid.gallery.calibration.calibrate import Conditions, calibrate_tracks
from aio_reid.gallery.calibration.pair import TRACKS, Pairing
from aio_reid.gallery.calibration.tracks import MOST_PARTNERS, Track, compare_tracks, find_tracks, simultaneous
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import NewPicture, Picture
from aio_reid.gallery.store.schema import create_file
from aio_reid.records import Modality

NOON = datetime(2026, 4, 12, 12)
WEIGHTS = "a" * 64


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def enrolled(
    number: int, person: int, second: float | None, *, camera: str | None, track: str | None, infrared: bool = False
) -> NewPicture:
    vector = np.random.default_rng(person).standard_normal(24) + 0.4 * np.random.default_rng(
        9000 + number
    ).standard_normal(24)
    picture = Picture(
        hashlib.sha256(str(number).encode()).digest(),
        Path(f"/nowhere/{number}.jpg"),
        Modality.INFRARED if infrared else Modality.RGB,
        camera,
        None if second is None else NOON + seconds(second),
        track,
    )
    return NewPicture(picture, (vector / np.linalg.norm(vector)).astype(np.float32))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    create_file(tmp_path / "gallery", WEIGHTS, "test", keep_copies=False)
    opened = EmbeddedStore(tmp_path / "gallery", write=True)
    yield opened
    opened.close()


def test_simultaneous_tracks_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    tracks = []
    for _ in range(60):
        start, length = rng.integers(0, 900), rng.integers(0, 40)
        camera = str(rng.choice(["north", "south"]))
        tracks.append(Track(camera, NOON + seconds(int(start)), NOON + seconds(int(start + length)), ()))
    tracks.sort(key=lambda track: (track.camera, track.start, track.end))
    for tolerance in (seconds(0), seconds(5)):
        expected = {
            (i, j)
            for (i, a), (j, b) in combinations(enumerate(tracks), 2)
            if a.camera == b.camera and a.start <= b.end + tolerance and b.start <= a.end + tolerance
        }
        found = list(simultaneous(tracks, tolerance))
        assert len(found) == len(set(found)) and set(found) == expected != set()
    crowd = [Track("north", NOON, NOON, ())] * 40
    assert max(np.bincount([first for first, _ in simultaneous(crowd, seconds(0))])) == MOST_PARTNERS


def test_comparisons_by_hand(store: EmbeddedStore) -> None:
    store.add(
        [
            enrolled(1, 1, 0, camera="north", track="a"),
            enrolled(2, 1, 4, camera="north", track="a"),
            enrolled(3, 2, 3, camera="north", track="b"),
            enrolled(4, 2, 3, camera="north", track="b", infrared=True),
            enrolled(5, 3, 9, camera="north", track="c"),  # later
            enrolled(6, 4, 3, camera="south", track="a"),  # elsewhere
            enrolled(7, 5, None, camera="north", track="d"),
            enrolled(8, 6, 3, camera=None, track="e"),
            enrolled(9, 7, 3, camera="north", track=None),
        ]
    )
    tracks = find_tracks(store)
    assert [[number for number, _ in track.pictures] for track in tracks] == [[1, 2], [3, 4], [5], [6]]
    found = compare_tracks(store, tracks, seconds(0))
    photo, frame = Modality.RGB, Modality.INFRARED
    assert set(found) == {Pairing((photo,), photo), Pairing((photo,), frame), Pairing((frame,), photo)}
    # photos: 1 and 2 are one person, 1 and 3 are two, 2 and 3 are two
    photos = found[Pairing((photo,), photo)]
    vectors = {number: store.vectors([number])[0] for number in range(1, 5)}
    expected = sorted(
        [(vectors[1] @ vectors[2], True), (vectors[1] @ vectors[3], False), (vectors[2] @ vectors[3], False)]
    )
    assert sorted(photos.is_match.tolist()) == [False, False, True]
    order = np.argsort(photos.scores)
    np.testing.assert_allclose(photos.scores[order], [score for score, _ in expected], atol=1e-6)
    assert photos.is_match[order].tolist() == [is_match for _, is_match in expected]
    crossed = found[Pairing((photo,), frame)]
    assert (len(crossed.scores), int(crossed.is_match.sum())) == (3, 1)
    assert len(compare_tracks(store, tracks, seconds(6))[Pairing((photo,), photo)].scores) == 3 + 3


def test_a_gallery_is_calibrated_by_its_own_tracks(store: EmbeddedStore) -> None:
    pictures = []
    for person in range(60):
        for n in range(3):
            second = person // 10 * 100 + n
            pictures.append(enrolled(3 * person + n, person, second, camera="north", track=f"t{person}"))
    store.add(pictures)
    done = calibrate_tracks(store, Conditions(WEIGHTS, "late"))
    (pair,) = done.pairs
    assert pair.origin == TRACKS and pair.rule.num_queries == 0
    assert pair.quality.num_matches == 60 * 3 and pair.quality.num_strangers == 6 * 45 * 9
    assert pair.quality.auroc > 0.95
    assert any("easier than the same person in another camera" in note for note in done.notes)


def test_what_cannot_be_learnt_from_is_one_line(store: EmbeddedStore) -> None:
    conditions = Conditions(WEIGHTS, "late")
    store.add([enrolled(1, 1, 0, camera="north", track="a")])
    with pytest.raises(DataError, match=r"1 tracks among 1 pictures have camera, track and time.*at least 2"):
        calibrate_tracks(store, conditions)
    store.add([enrolled(2, 2, 60, camera="north", track="b")])
    with pytest.raises(DataError, match="none of 2 tracks was seen by one camera at the same time"):
        calibrate_tracks(store, conditions)
    store.add([enrolled(3, 3, 60, camera="north", track="c")])
    with pytest.raises(DataError, match="photo to photo: 0 comparisons of matches, at least 20 are needed"):
        calibrate_tracks(store, conditions)
    with pytest.raises(ConfigError, match="a tolerance of -1 s"):
        calibrate_tracks(store, conditions, seconds(-1))
    with pytest.raises(ConfigError, match="unknown fusion 'both'"):
        Conditions(WEIGHTS, "both")
