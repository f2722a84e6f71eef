"""Kept pictures are the read ones: from the first reading on, over processes, after damage, for changed files."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aio_reid.data.images import fit_image, read_image
from aio_reid.data.picture_cache import PictureCache
from aio_reid.errors import StorageError
from aio_reid.records import Modality, Record, Split

SIZE = (32, 16)


class Reader:
    """Decodes, and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, path: Path, modality: Modality) -> NDArray[np.uint8]:
        self.count += 1
        return fit_image(read_image(path), SIZE, modality)


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    rng = np.random.default_rng(0)
    made = []
    for number, modality in enumerate((Modality.RGB, Modality.RGB, Modality.INFRARED)):
        path = tmp_path / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (40, 20, 3), dtype=np.uint8)).save(path)
        made.append(Record("set", Split.TRAIN, modality, "1", None, path, None, None))
    return made


def get(cache: PictureCache, record: Record) -> NDArray[np.uint8]:
    assert record.image_path is not None
    return cache.get(record.image_path, record.modality)


def cache_of(folder: Path, records: list[Record]) -> tuple[PictureCache, Reader]:
    reader = Reader()
    return PictureCache(folder / "cache", records, image_size=SIZE, read=reader), reader


def test_each_picture_is_read_once_and_is_what_was_read(records: list[Record], tmp_path: Path) -> None:
    cache, reader = cache_of(tmp_path, records)
    expected = [Reader()(Path(str(r.image_path)), r.modality) for r in records]
    for _ in range(3):
        for record, pixels in zip(records, expected, strict=True):
            found = get(cache, record)
            assert found.dtype == np.uint8 and np.array_equal(found, pixels)
            found[:] = 7  # the caller's own
    assert reader.count == 3
    again, untouched = cache_of(tmp_path, records[::-1])
    assert np.array_equal(get(again, records[2]), expected[2]) and untouched.count == 0
    assert np.array_equal(get(pickle.loads(pickle.dumps(again)), records[0]), expected[0])  # noqa: S301  (our own)
    assert cache.path.stat().st_mode & 0o077 == 0


def test_a_changed_picture_another_size_and_another_set_are_read_anew(records: list[Record], tmp_path: Path) -> None:
    cache, _ = cache_of(tmp_path, records)
    first = get(cache, records[0])
    path = Path(str(records[0].image_path))
    Image.fromarray(np.zeros((40, 20, 3), np.uint8)).save(path)
    os.utime(path, ns=(1, 1))
    changed, _ = cache_of(tmp_path, records)
    assert not np.array_equal(get(changed, records[0]), first) and changed.path != cache.path
    fewer, _ = cache_of(tmp_path, records[:2])
    other = PictureCache(tmp_path / "cache", records, image_size=(48, 16), read=Reader())
    assert len({cache.path, changed.path, fewer.path, other.path}) == 4


def test_what_a_kill_left_incomplete_is_read_again(records: list[Record], tmp_path: Path) -> None:
    cache, reader = cache_of(tmp_path, records)
    expected = [get(cache, record) for record in records]
    content = bytearray(cache.path.read_bytes())
    content[100] ^= 1
    cache.path.write_bytes(content[:-5])
    found = [get(cache_of(tmp_path, records)[0], record) for record in records]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert reader.count == 3


def test_where_nothing_can_be_kept_pictures_are_still_read(records: list[Record], tmp_path: Path) -> None:
    cache, reader = cache_of(tmp_path, records)
    cache.path.mkdir()  # cannot be opened as a file
    assert get(cache, records[0]).shape == (3, *SIZE) and get(cache, records[0]).shape == (3, *SIZE)
    assert reader.count == 2
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"data\.cache"):
        PictureCache(tmp_path / "file", records, image_size=SIZE, read=reader)
    stranger = tmp_path / "stranger.png"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(stranger)
    assert cache.get(stranger, Modality.RGB).shape == (3, *SIZE)
