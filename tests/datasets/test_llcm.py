"""LLCM's parser on empty files of the published layout, in a folder whose path contains "cam"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aio_reid.datasets import llcm
from aio_reid.datasets.llcm import PUBLISHED, parse
from aio_reid.errors import DataError
from aio_reid.records import Modality, Split

TRAIN = {
    "vis": ("0002/0002_c03_s100000_f10_vis.jpg", "0001/0001_c01_s185734_f3195_vis.jpg"),
    "nir": ("0001/0001_c09_s200000_f7_nir.jpg",),
}
TEST = (
    "test_vis/cam3/0003/0003_c03_s100000_f2_vis.jpg",
    "test_vis/cam1/0003/0003_c01_s100000_f10_vis.jpg",
    "test_vis/cam1/0003/0003_c01_s100000_f1_vis.jpg",
    "test_nir/cam1/0003/0003_c01_s185734_f3195_nir.jpg",
    "test_nir/cam2/0010/0010_c02_s185734_f1_nir.jpg",
    "test_vis/cam1/0099/0099_c01_s185734_f1_vis.jpg",  # not in test_id.txt
    "test_vis/cam1/0003/Thumbs.db",
)


@pytest.fixture
def tree(plant: Callable[..., None], tmp_path: Path) -> Path:
    """The trap: whoever reads the camera behind the first "cam" of the whole path reads "era7"."""
    below = "camera7/LLCM"
    plant(*(f"{below}/{sensor}/{name}" for sensor, names in TRAIN.items() for name in names))
    plant(*(f"{below}/{name}" for name in TEST))
    idx = tmp_path / below / "idx"
    idx.mkdir()
    for sensor, names in TRAIN.items():
        lines = [f"{sensor}/{name} {label}\n" for label, name in enumerate(names)]
        (idx / f"train_{sensor}.txt").write_text("".join(lines), encoding="utf-8")
    (idx / "test_id.txt").write_text("10,3\n", encoding="utf-8")
    return tmp_path / "camera7"


def test_persons_and_cameras(tree: Path) -> None:
    records = parse(tree)
    rgb, infrared = Modality.RGB, Modality.INFRARED
    assert [(r.split, r.modality, r.person_id, r.camera_id) for r in records] == [
        (Split.TRAIN, rgb, "0001", "1"),
        (Split.TRAIN, rgb, "0002", "3"),
        (Split.TRAIN, infrared, "0001", "9"),
        (Split.GALLERY, rgb, "0003", "1"),
        (Split.GALLERY, rgb, "0003", "1"),
        (Split.GALLERY, rgb, "0003", "3"),
        (Split.QUERY, infrared, "0003", "1"),
        (Split.QUERY, infrared, "0010", "2"),
    ]
    # By name, not by number: "0" comes before "_".
    names = [r.image_path and r.image_path.name for r in records[3:5]]
    assert names == ["0003_c01_s100000_f10_vis.jpg", "0003_c01_s100000_f1_vis.jpg"]
    assert parse(tree / "LLCM") == records
    assert records[0].dataset == (
        "llcm (2 of 713 train persons, 2 of 16946 train photos, 1 of 13975 train infrared, 2 of 351 test persons, "
        "3 of 8680 gallery photos, 2 of 7166 query infrared)"
    )


def test_the_published_counts_add_up() -> None:
    assert PUBLISHED["train persons"] + PUBLISHED["test persons"] == 1_064
    assert sum(count for what, count in PUBLISHED.items() if "persons" not in what) == 46_767


def test_a_whole_copy_a_larger_one_and_a_missing_picture(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = dict(zip(PUBLISHED, (2, 2, 1, 2, 3, 2), strict=True))
    monkeypatch.setattr(llcm, "PUBLISHED", counts)
    assert {r.dataset for r in parse(tree)} == {"llcm"}
    (tree / "LLCM" / "nir" / TRAIN["nir"][0]).unlink()
    assert "0 of 1 train infrared" in parse(tree)[0].dataset
    monkeypatch.setattr(llcm, "PUBLISHED", counts | {"query infrared": 1})
    with pytest.raises(DataError, match="2 query infrared, but 1 were published"):
        parse(tree)


def test_mistakes_are_named(tree: Path) -> None:
    idx = tree / "LLCM" / "idx"
    (tree / "LLCM" / "vis" / "odd.jpg").touch()
    (idx / "train_vis.txt").write_text("vis/odd.jpg 0\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"odd\.jpg is not called as LLCM"):
        parse(tree)
    (idx / "test_id.txt").unlink()
    with pytest.raises(DataError, match=r"it lacks 'idx/test_id\.txt'"):
        parse(tree)
