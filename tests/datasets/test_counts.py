from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid.datasets.counts import (
    Count,
    count_infrared_splits,
    count_photo_splits,
    name_copy,
    name_records,
    read_name,
)
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, Split

PUBLISHED = {"persons": 200, "photos": 400}
ROOT = Path("copy")


def test_a_complete_copy_has_the_plain_name_and_a_partial_one_its_counts() -> None:
    assert name_copy("set-v2", PUBLISHED, {"photos": 400, "persons": 200}, ROOT) == "set-v2"
    partial = name_copy("set-v2", PUBLISHED, {"persons": 90, "photos": 0}, ROOT)
    assert partial == "set-v2 (90 of 200 persons, 0 of 400 photos)"


def test_a_name_is_read_as_it_was_written() -> None:
    assert read_name("set-v2") == ("set-v2", [])
    counted = {"persons": 200, "train and val photos": 9}
    name = name_copy("set-v2", counted, counted | {"train and val photos": 7}, ROOT)
    assert read_name(name) == ("set-v2", [Count("persons", 200, 200), Count("train and val photos", 7, 9)])
    assert read_name("mine (of 2024)") == ("mine (of 2024)", [])


def test_more_than_was_published_is_refused() -> None:
    with pytest.raises(DataError, match=r"^copy holds 401 photos, but 400 were published; remove the others$"):
        name_copy("set", PUBLISHED, {"persons": 3, "photos": 401}, ROOT)


def record(split: Split, kind: Modality, person: str) -> Record:
    return Record("set", split, kind, person, image_path=Path("x.jpg"))


def test_persons_and_pictures_are_counted_by_split() -> None:
    rgb, infrared = Modality.RGB, Modality.INFRARED
    photos = [record(Split.TRAIN, rgb, p) for p in "112"] + [record(Split.QUERY, rgb, "3")]
    photos += [record(Split.GALLERY, rgb, p) for p in "340"]
    assert count_photo_splits(photos) == {
        "train persons": 2,
        "train pictures": 3,
        "test persons": 3,
        "query pictures": 1,
        "gallery pictures": 3,
    }
    assert count_photo_splits(photos, nobody="0")["test persons"] == 2
    frames = [
        record(Split.TRAIN, infrared, "2"),
        record(Split.QUERY, infrared, "4"),
        record(Split.QUERY, infrared, "5"),
    ]
    assert count_infrared_splits(photos + frames, Split.TRAIN) == {
        "train persons": 2,
        "train photos": 3,
        "train infrared": 1,
        "test persons": 4,
        "gallery photos": 3,
        "query infrared": 2,
    }


def test_records_are_renamed_and_otherwise_kept() -> None:
    given = [record(Split.TRAIN, Modality.RGB, "1")]
    named = name_records(given, "set", {"persons": 2}, {"persons": 1}, ROOT)
    assert [r.dataset for r in named] == ["set (1 of 2 persons)"]
    assert (named[0].person_id, named[0].split, given[0].dataset) == ("1", Split.TRAIN, "set")
    with pytest.raises(DataError, match="none of the pictures of set"):
        name_records([], "set", {"persons": 2}, {"persons": 0}, ROOT)
