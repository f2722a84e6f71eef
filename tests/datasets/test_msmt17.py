"""MSMT17's parser on empty files of the published layouts, V1 and V2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aio_reid.datasets import msmt17
from aio_reid.datasets.msmt17 import RELEASES, parse
from aio_reid.errors import DataError
from aio_reid.records import Split

TRAIN = ("0000/0000_000_01_0303morning_0008_0.jpg", "0002/0002_001_03_0303morning_0001_0.jpg")
VAL = ("0000/0000_005_14_0303noon_0100_2.jpg",)
QUERY = ("0000/0000_002_15_0302afternoon_0010_1.jpg",)
GALLERY = ("0000/0000_001_04_0113morning_0015_0.jpg", "0001/0001_000_01_0303morning_0019_1.jpg")
LISTS = {"train": TRAIN, "val": VAL, "query": QUERY, "gallery": GALLERY}
NAMED = "{} (2 of 1041 train and val persons, 3 of 32621 train and val pictures, 2 of 3060 test persons, "


def grow(plant: Callable[..., None], home: Path, root: Path, release: str) -> None:
    train, test = RELEASES[release]
    below = home.relative_to(root).as_posix()
    plant(*(f"{below}/{train}/{name}" for name in TRAIN + VAL), *(f"{below}/{test}/{name}" for name in QUERY + GALLERY))
    for split, names in LISTS.items():
        lines = [f"{name} {int(name[:4])}\n" for name in reversed(names)]
        (home / f"list_{split}.txt").write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize(("release", "folder"), [("v1", "MSMT17_V1"), ("v2", "MSMT17_V2"), ("v1", "."), ("v2", ".")])
def test_both_releases(plant: Callable[..., None], tmp_path: Path, release: str, folder: str) -> None:
    grow(plant, tmp_path / folder, tmp_path, release)
    records = parse(tmp_path)
    assert [(r.split, r.person_id, r.camera_id) for r in records] == [
        (Split.TRAIN, "0", "01"),
        (Split.TRAIN, "2", "03"),
        (Split.VAL, "0", "14"),
        (Split.QUERY, "0", "15"),
        (Split.GALLERY, "0", "04"),
        (Split.GALLERY, "1", "01"),
    ]
    train, test = (tmp_path / folder / name for name in RELEASES[release])
    for record in records:
        assert record.image_path is not None
        assert record.image_path.is_file()
        assert (train if record.split in (Split.TRAIN, Split.VAL) else test) in record.image_path.parents
    partial = NAMED.format(f"msmt17-{release}") + "1 of 11659 query pictures, 2 of 82161 gallery pictures)"
    assert {r.dataset for r in records} == {partial}


def test_a_listed_picture_that_is_missing_is_left_out_and_counted(plant: Callable[..., None], tmp_path: Path) -> None:
    grow(plant, tmp_path, tmp_path, "v1")
    (tmp_path / "test" / GALLERY[1]).unlink()
    (tmp_path / "test" / "0001").rmdir()
    records = parse(tmp_path)
    assert [r.person_id for r in records if r.split is Split.GALLERY] == ["0"]
    assert "1 of 3060 test persons, 1 of 11659 query pictures, 1 of 82161 gallery pictures" in records[0].dataset


def test_a_whole_copy_and_a_larger_one(
    plant: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(plant, tmp_path, tmp_path, "v2")
    counts = dict(zip(msmt17.PUBLISHED, (2, 3, 2, 1, 2), strict=True))
    monkeypatch.setattr(msmt17, "PUBLISHED", counts)
    assert {r.dataset for r in parse(tmp_path)} == {"msmt17-v2"}
    monkeypatch.setattr(msmt17, "PUBLISHED", counts | {"query pictures": 0})
    with pytest.raises(DataError, match="1 query pictures, but 0 were published"):
        parse(tmp_path)


def test_mistakes_are_named(plant: Callable[..., None], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no copy of MSMT17; give the folder that holds 'train' and 'test'"):
        parse(tmp_path)
    grow(plant, tmp_path / "MSMT17_V1", tmp_path, "v1")
    (tmp_path / "MSMT17_V1" / "list_val.txt").unlink()
    with pytest.raises(DataError, match=r"lacks 'list_val\.txt'"):
        parse(tmp_path)
    grow(plant, tmp_path / "MSMT17_V2", tmp_path, "v2")
    with pytest.raises(DataError, match="2 releases of MSMT17; give the folder of one"):
        parse(tmp_path)
    plant("MSMT17_V2/mask_train_v2/0000/face.jpg")
    (tmp_path / "MSMT17_V2" / "list_train.txt").write_text("0000/face.jpg 0\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"face\.jpg is not called as MSMT17"):
        parse(tmp_path / "MSMT17_V2")
