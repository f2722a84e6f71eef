"""SYSU-MM01's parser on empty files of the published layout, and the official draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from aio_reid.datasets import sysu_mm01
from aio_reid.datasets.matlab import read_mat
from aio_reid.datasets.sysu_mm01 import CAMERAS, PUBLISHED, parse
from aio_reid.datasets.sysu_permutations import read_permutations
from aio_reid.errors import DataError
from aio_reid.records import Modality, Split

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "sysu_mm01"
FILES = (
    *("cam1/0001/0002.jpg", "cam1/0001/0001.jpg", "cam4/0001/0001.jpg", "cam3/0001/0001.jpg"),
    *("cam2/0010/0001.jpg", "cam6/0010/0001.jpg"),
    *("cam1/0006/0001.jpg", "cam5/0006/0001.jpg", "cam3/0006/0001.jpg", "cam6/0006/0001.jpg"),
    *("cam1/0333/0001.jpg", "cam4/0333/0001.jpg"),  # listed, but never seen in infrared
    *("cam3/0003/0001.jpg", "cam4/0003/0001.jpg"),  # in no list
    *("cam1/0006/Thumbs.db", "cam2/Thumbs.db", "cam5/0001/._0001.jpg"),
)
LISTS = {"train": "1\n", "val": "10\n", "test": "6,333\n"}


@pytest.fixture
def tree(plant: Callable[..., None], tmp_path: Path) -> Path:
    plant(*(f"SYSU-MM01/{name}" for name in FILES))
    (tmp_path / "SYSU-MM01" / "exp").mkdir()
    for part, line in LISTS.items():
        (tmp_path / "SYSU-MM01" / "exp" / f"{part}_id.txt").write_text(line, encoding="utf-8")
    return tmp_path


def test_splits_modalities_and_order(tree: Path) -> None:
    records = parse(tree)
    rgb, infrared = Modality.RGB, Modality.INFRARED
    assert [(r.split, r.person_id, r.camera_id, r.modality) for r in records] == [
        (Split.TRAIN, "0001", "1", rgb),
        (Split.TRAIN, "0001", "1", rgb),
        (Split.TRAIN, "0001", "3", infrared),
        (Split.TRAIN, "0001", "4", rgb),
        (Split.VAL, "0010", "2", rgb),
        (Split.VAL, "0010", "6", infrared),
        (Split.GALLERY, "0006", "1", rgb),
        (Split.QUERY, "0006", "3", infrared),
        (Split.GALLERY, "0006", "5", rgb),
        (Split.QUERY, "0006", "6", infrared),
    ]
    assert [r.image_path and r.image_path.name for r in records[:2]] == ["0001.jpg", "0002.jpg"]
    assert "1 of 96 test persons, 2 of 6775 gallery photos, 2 of 3803 query infrared" in records[0].dataset


def test_the_published_counts_add_up() -> None:
    assert PUBLISHED["train persons"] + PUBLISHED["val persons"] == 395
    assert PUBLISHED["train photos"] + PUBLISHED["val photos"] == 22_258
    assert PUBLISHED["train infrared"] + PUBLISHED["val infrared"] == 11_909
    assert PUBLISHED["gallery photos"] == 1_374 + 1_565 + 1_918 + 1_918
    assert PUBLISHED["query infrared"] == 1_883 + 1_920


def test_lists_may_be_matlab_files(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = parse(tree)
    exp = tree / "SYSU-MM01" / "exp"
    for part, line in LISTS.items():
        (exp / f"{part}_id.txt").unlink()
        ids = np.array([int(word) for word in line.split(",")], np.uint16)
        savemat(exp / f"{part}_id.mat", {"id": ids[None]})
    assert parse(tree) == expected
    monkeypatch.setattr(sysu_mm01, "PUBLISHED", dict(zip(PUBLISHED, (1, 3, 1, 1, 1, 1, 1, 2, 2), strict=True)))
    assert {r.dataset for r in parse(tree)} == {"sysu-mm01"}


def test_mistakes_are_named(tree: Path, plant: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    exp = tree / "SYSU-MM01" / "exp"
    (exp / "val_id.txt").write_text("10,6", encoding="utf-8")
    with pytest.raises(DataError, match="person 6 stands in two of the three lists"):
        parse(tree)
    (exp / "val_id.txt").unlink()
    with pytest.raises(DataError, match=r"val_id\.mat is not there"):
        parse(tree)
    (exp / "val_id.txt").write_text("10", encoding="utf-8")
    monkeypatch.setitem(PUBLISHED, "train photos", 2)  # as the video frames of cameras 1 and 2, unpacked among the rest
    with pytest.raises(DataError, match="3 train photos, but 2 were published"):
        parse(tree)
    for path in sorted((tree / "SYSU-MM01" / "cam6").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (tree / "SYSU-MM01" / "cam6").rmdir()
    with pytest.raises(DataError, match="lacks 'cam6'"):
        parse(tree)


def cell(values: list[object]) -> np.ndarray:
    column = np.empty((len(values), 1), object)
    column[:, 0] = values
    return column


def test_draws_by_camera_and_person(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = np.array([rng.permutation(13) + 1 for _ in range(10)], np.uint8)
    nobody = np.empty((10, 0), np.uint8)
    path = tmp_path / "rand_perm_cam.mat"
    savemat(path, {"rand_perm_cam": cell([cell([nobody, rows]), cell([rows[::-1], nobody])])})
    draws = read_permutations(path)
    assert {camera: sorted(persons) for camera, persons in draws.items()} == {1: [2], 2: [1]}
    np.testing.assert_array_equal(draws[1][2], rows)
    for wrong in (rows - 1, rows[:9], np.float64(3)):
        savemat(path, {"rand_perm_cam": cell([cell([wrong])])})
        with pytest.raises(DataError, match="camera 1, person 1 is not ten permutations"):
            read_permutations(path)


@pytest.mark.skipif(not REAL.exists(), reason="the official evaluation files are not here")
def test_the_official_draws_have_the_published_counts() -> None:
    draws = read_permutations(REAL / "rand_perm_cam.mat")
    sizes = {camera: {person: rows.shape[1] for person, rows in of.items()} for camera, of in draws.items()}
    seen = {kind: set().union(*(sizes[c] for c in CAMERAS if CAMERAS[c] is kind)) for kind in CAMERAS.values()}
    used = seen[Modality.RGB] & seen[Modality.INFRARED]
    train, test = ({int(i) for i in read_mat(REAL / f"{p}_id.mat", ("id",))["id"].ravel()} for p in ("train", "test"))
    parts = {"train": train, "val": used - train - test, "test": test}

    def count(part: str, kind: Modality) -> int:
        return sum(sizes[c].get(person, 0) for c in CAMERAS if CAMERAS[c] is kind for person in parts[part])

    found = {}
    for part in ("train", "val"):
        found[f"{part} persons"] = len(parts[part])
        found[f"{part} photos"] = count(part, Modality.RGB)
        found[f"{part} infrared"] = count(part, Modality.INFRARED)
    found["test persons"] = len(test)
    found["gallery photos"] = count("test", Modality.RGB)
    found["query infrared"] = count("test", Modality.INFRARED)
    assert found == PUBLISHED
