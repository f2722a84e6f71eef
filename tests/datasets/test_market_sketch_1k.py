"""Market-Sketch-1K on a small copy of the published layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid.datasets.market_sketch_1k import STYLES, parse
from aio_reid.errors import DataError
from aio_reid.records import Modality, Split


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Person 2 is trained on and 1 tested, by all artists; of person 7 there is a training photo but no sketch."""
    for name in ("train/0002_c1s1_000451_03", "train/0007_c3s3_077419_03", "query/0001_c6s1_001051_00"):
        touch(tmp_path / "photo" / f"{name}.jpg")
    for name in ("query/0000_c1s1_000151_01", "query/-1_c2s1_000401_03", "query/0001_c1s1_001051_00"):
        touch(tmp_path / "photo" / f"{name}.jpg")
    for style in STYLES:
        touch(tmp_path / "sketch" / style / "train" / f"0002_{style}.jpg")
        touch(tmp_path / "sketch" / style / "query" / "0001.jpg")  # beyond the person, names are not documented
        touch(tmp_path / "sketch" / style / "query" / "Thumbs.db")
        touch(tmp_path / "sketch" / style / "train" / f"._0002_{style}.jpg")  # what macOS adds to archives
    touch(tmp_path / "photo" / "query" / "Thumbs.db")
    return tmp_path


def test_records(tree: Path) -> None:
    records = parse(tree)
    assert [(r.split, r.person_id, r.camera_id) for r in records if r.modality is Modality.RGB] == [
        (Split.TRAIN, "0002", "1"),
        (Split.TRAIN, "0007", "3"),
        (Split.GALLERY, "-1", "2"),
        (Split.GALLERY, "0000", "1"),
        (Split.GALLERY, "0001", "1"),
        (Split.GALLERY, "0001", "6"),
    ]
    sketches = [(r.split, r.person_id, r.camera_id) for r in records if r.modality is Modality.SKETCH]
    assert sketches == [(Split.TRAIN, "0002", s) for s in STYLES] + [(Split.QUERY, "0001", s) for s in STYLES]
    assert {r.dataset for r in records} == {"market-sketch-1k (2 of 996 sketched persons, 6 of 32668 photos)"}
    assert all(r.image_path is not None and r.image_path.is_file() for r in records)


@pytest.mark.parametrize(
    "folder", ["photo/train", "photo/query", *(f"sketch/{s}/{part}" for s in "AF" for part in ("train", "query"))]
)
def test_a_folder_without_pictures_is_named(tree: Path, folder: str) -> None:
    for path in (tree / folder).iterdir():
        path.unlink()
    with pytest.raises(DataError, match=rf"no \.jpg files in .*{folder}; complete the copy of Market-Sketch-1K"):
        parse(tree)


@pytest.mark.parametrize("name", ["photo/train/2.jpg", "photo/query/000A_c1s1.jpg", "sketch/B/query/person1.jpg"])
def test_a_name_of_another_layout_is_told(tree: Path, name: str) -> None:
    touch(tree / name)
    with pytest.raises(DataError, match=rf"{name} is not called as Market-Sketch-1K calls its files .*rename it"):
        parse(tree)


def test_more_persons_than_were_drawn(tree: Path) -> None:
    for person in range(3, 998):
        touch(tree / "sketch" / "C" / "train" / f"{person:04}_C.jpg")
    with pytest.raises(DataError, match="holds 997 sketched persons, but 996 were published"):
        parse(tree)
