"""CUHK03-NP's parsers on empty files: pictures with a split file, and the packaging like Market-1501's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from aio_reid.datasets import cuhk03_np
from aio_reid.datasets.cuhk03_np import PUBLISHED_DETECTED, PUBLISHED_LABELED, parse_detected, parse_labeled
from aio_reid.errors import DataError
from aio_reid.records import Split

FILES = ("1_001_1_01.png", "1_001_2_06.png", "1_002_1_01.png", "1_002_1_02.png", "1_002_2_07.png", "5_045_2_10.png")
SPLIT: dict[str, Any] = {
    "labels": [1, 1, 2, 2, 2, 1467],
    "camId": [1, 2, 1, 1, 2, 2],
    "train_idx": [6],
    "query_idx": [2, 3],
    "gallery_idx": [1, 5, 4],
}
COUNTS = {"train persons": 1, "train pictures": 1, "test persons": 2, "query pictures": 2, "gallery pictures": 3}


def write_split(root: Path, boxes: str, **changes: Any) -> None:
    """Write the variables as the published files hold them: columns of small integers, and a cell column of names."""
    columns = {key: np.array(values, np.uint16)[:, None] for key, values in (SPLIT | changes).items()}
    files = np.array([*FILES], dtype=object)[:, None]
    savemat(root / f"cuhk03_new_protocol_config_{boxes}.mat", {"filelist": files, **columns})


@pytest.mark.parametrize("folder", ["images_detected", "cuhk03_detected"])
def test_the_split_file_counts_from_one(plant: Callable[..., None], tmp_path: Path, folder: str) -> None:
    plant(*(f"{folder}/{name}" for name in FILES), f"{folder}/Thumbs.db")
    write_split(tmp_path, "detected")
    records = parse_detected(tmp_path)
    assert [(r.split, r.person_id, r.camera_id, r.image_path and r.image_path.name) for r in records] == [
        (Split.TRAIN, "1467", "2", "5_045_2_10.png"),
        (Split.QUERY, "1", "2", "1_001_2_06.png"),
        (Split.QUERY, "2", "1", "1_002_1_01.png"),
        (Split.GALLERY, "1", "1", "1_001_1_01.png"),
        (Split.GALLERY, "2", "1", "1_002_1_02.png"),
        (Split.GALLERY, "2", "2", "1_002_2_07.png"),
    ]
    assert records[0].dataset.startswith("cuhk03-np-detected (1 of 767 train persons, 1 of 7365 train pictures, ")
    (tmp_path / folder / FILES[4]).unlink()
    assert parse_detected(tmp_path) != records
    assert parse_detected(tmp_path)[0].dataset.endswith("2 of 5332 gallery pictures)")


def test_the_packaging_like_market(plant: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("bounding_box_train/0003_c1_1.png", "query/0001_c2_6.png", "query/0002_c1_1.png")
    names += ("bounding_box_test/0001_c1_1.png", "bounding_box_test/0002_c1_2.png", "bounding_box_test/0002_c2_7.png")
    plant(*(f"cuhk03-np/labeled/{name}" for name in names), "cuhk03-np/labeled/query/Thumbs.db")
    records = parse_labeled(tmp_path)
    assert [(r.split, r.person_id, r.camera_id) for r in records] == [
        (Split.TRAIN, "0003", "1"),
        (Split.QUERY, "0001", "2"),
        (Split.QUERY, "0002", "1"),
        (Split.GALLERY, "0001", "1"),
        (Split.GALLERY, "0002", "1"),
        (Split.GALLERY, "0002", "2"),
    ]
    assert parse_labeled(tmp_path / "cuhk03-np") == records
    monkeypatch.setattr(cuhk03_np, "PUBLISHED_LABELED", COUNTS)
    assert {r.dataset for r in parse_labeled(tmp_path)} == {"cuhk03-np-labeled"}
    with pytest.raises(DataError, match=r"it lacks 'cuhk03_new_protocol_config_detected\.mat' or 'detected'; give"):
        parse_detected(tmp_path)
    (tmp_path / "detected").mkdir()
    with pytest.raises(DataError, match="it lacks 'detected/bounding_box_train'"):
        parse_detected(tmp_path)


def test_the_labeled_boxes_are_not_taken_for_the_detected_ones(
    plant: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PUBLISHED_LABELED["train pictures"] > PUBLISHED_DETECTED["train pictures"]
    assert sum(PUBLISHED_DETECTED[f"{s} pictures"] for s in ("train", "query", "gallery")) == 14_097
    assert sum(PUBLISHED_LABELED[f"{s} pictures"] for s in ("train", "query", "gallery")) == 14_096
    plant(*(f"images_detected/{name}" for name in FILES))
    write_split(tmp_path, "detected")
    monkeypatch.setattr(cuhk03_np, "PUBLISHED_DETECTED", COUNTS | {"gallery pictures": 2})
    with pytest.raises(DataError, match="3 gallery pictures, but 2 were published"):
        parse_detected(tmp_path)


def test_mistakes_are_named(plant: Callable[..., None], tmp_path: Path) -> None:
    write_split(tmp_path, "labeled")
    with pytest.raises(DataError, match="lacks the folder of pictures; extract them to 'images_labeled'"):
        parse_labeled(tmp_path)
    plant(*(f"images_labeled/{name}" for name in FILES))
    for wrong in ([0], [7]):
        write_split(tmp_path, "labeled", query_idx=wrong)
        with pytest.raises(DataError, match="'query_idx' points outside"):
            parse_labeled(tmp_path)
    path = tmp_path / "cuhk03_new_protocol_config_labeled.mat"
    savemat(path, {"filelist": np.zeros((1, 1))})
    with pytest.raises(DataError, match="lacks the variable 'labels'"):
        parse_labeled(tmp_path)
    for content, problem in {
        b"no matlab file at all": "cannot be read as a MATLAB file",
        b"": "cannot be read",
    }.items():
        path.write_bytes(content)
        with pytest.raises(DataError, match=problem):
            parse_labeled(tmp_path)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400))
    with pytest.raises(DataError, match=r"version 7\.3"):
        parse_labeled(tmp_path)
