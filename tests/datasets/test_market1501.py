"""Market-1501's parser on empty files of the published layout and names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aio_reid.datasets import market1501
from aio_reid.datasets.market1501 import PUBLISHED, parse
from aio_reid.errors import DataError
from aio_reid.records import Modality, Split

FILES = (
    "bounding_box_train/0810_c4s4_037210_01.jpg",
    "bounding_box_train/0002_c1s1_000451_03.jpg",
    "bounding_box_train/Thumbs.db",
    "query/0001_c1s1_001051_00.jpg",
    "query/Thumbs.db",
    "bounding_box_test/0001_c2s1_000301_00.jpg",
    "bounding_box_test/0001_c1s1_001051_02.jpg",
    "bounding_box_test/0000_c1s1_000151_01.jpg",
    "bounding_box_test/-1_c1s1_000401_03.jpg",
    "bounding_box_test/Thumbs.db",
    "gt_bbox/0001_c1s1_001051_00.jpg",
    "gt_query/0001_c1s1_001051_00_good.mat",
)


def test_junk_is_dropped_and_background_stays_in_the_gallery(plant: Callable[..., None], tmp_path: Path) -> None:
    plant(*(f"Market-1501-v15.09.15/{name}" for name in FILES))
    records = parse(tmp_path)
    assert [(r.split, r.person_id, r.camera_id) for r in records] == [
        (Split.TRAIN, "0002", "1"),
        (Split.TRAIN, "0810", "4"),
        (Split.QUERY, "0001", "1"),
        (Split.GALLERY, "0000", "1"),
        (Split.GALLERY, "0001", "1"),
        (Split.GALLERY, "0001", "2"),
    ]
    assert {r.modality for r in records} == {Modality.RGB}
    assert all(r.image_path is not None and r.image_path.is_file() for r in records)
    assert {r.dataset for r in records} == {
        "market1501 (2 of 751 train persons, 2 of 12936 train pictures, 1 of 750 test persons, "
        "1 of 3368 query pictures, 3 of 15913 gallery pictures)"
    }
    assert parse(tmp_path / "Market-1501-v15.09.15") == records


def test_the_published_gallery_is_what_is_left_of_the_files() -> None:
    assert PUBLISHED["gallery pictures"] == 19_732 - 3_819 == 13_115 + 2_798
    assert PUBLISHED["train persons"] + PUBLISHED["test persons"] == 1_501


def test_a_whole_copy_has_the_plain_name_and_a_larger_one_is_refused(
    plant: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(*FILES)
    small = {"train persons": 2, "train pictures": 2, "test persons": 1, "query pictures": 1, "gallery pictures": 3}
    monkeypatch.setattr(market1501, "PUBLISHED", small)
    assert {r.dataset for r in parse(tmp_path)} == {"market1501"}
    plant("bounding_box_test/0000_c1s1_000151_09.jpg")  # as the half million distractors, added to the gallery
    with pytest.raises(DataError, match="4 gallery pictures, but 3 were published"):
        parse(tmp_path)


def test_mistakes_are_named(plant: Callable[..., None], tmp_path: Path) -> None:
    plant(*(name for name in FILES if not name.startswith("query/")))
    with pytest.raises(DataError, match="no copy of Market-1501: it lacks 'query'"):
        parse(tmp_path)
    plant("query/Thumbs.db")
    with pytest.raises(DataError, match=r"no \.jpg files in .*query"):
        parse(tmp_path)
    plant("query/0001_c7s1_001051_00.jpg")
    with pytest.raises(DataError, match=r"0001_c7s1_001051_00\.jpg is not called as Market-1501"):
        parse(tmp_path)
