from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aio_reid.datasets import verify as module
from aio_reid.datasets.catalogue import CATALOGUE
from aio_reid.datasets.counts import Count
from aio_reid.datasets.verify import Unreadable, find_unreadable, verify
from aio_reid.errors import ConfigError, DataError
from aio_reid.progress import Task
from aio_reid.records import Record

FOLDERS = ("bounding_box_train", "query", "bounding_box_test")
PARTIAL = {"train persons": 1, "train pictures": 2, "test persons": 1, "query pictures": 1, "gallery pictures": 2}


def noise(kind: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 32, 3), np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """Two pictures of training, one query, two of the gallery, all readable, and a file that no parser names."""
    names = {
        "bounding_box_train": ("0002_c1s1_000451_03", "0002_c2s1_000451_03"),
        "query": ("0001_c1s1_001051_00",),
        "bounding_box_test": ("0000_c1s1_000151_01", "0001_c2s1_000301_00"),
    }
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Thumbs.db").write_bytes(b"no picture")
        for name in names[folder]:
            (tmp_path / folder / f"{name}.jpg").write_bytes(noise())
    return tmp_path


def small(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """As if these few pictures had been published: the parser reads the same dictionary as the catalogue."""
    entry = CATALOGUE["market1501"]
    for what, count in PARTIAL.items():
        monkeypatch.setitem(entry.published, what, count)  # type: ignore[arg-type]
    monkeypatch.setitem(CATALOGUE, "market1501", replace(entry, **changes))  # type: ignore[arg-type]


def test_a_part_of_the_release(market: Path) -> None:
    found = verify("market1501", market)
    assert found.release == "market1501: a part of what was published"
    assert found.counts[:2] == (Count("train persons", 1, 751), Count("train pictures", 2, 12_936))
    assert (found.num_pictures, found.unreadable, found.is_complete) == (5, (), False)


def test_the_whole_release(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    found = verify("market1501", market)
    assert found.release == "market1501: as published"
    assert {count.what: count.found for count in found.counts} == PARTIAL
    assert found.is_complete


def test_a_known_copy_is_recognised_by_its_counts(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, known_copies={"the copy without a face": PARTIAL | {"train pictures": 1}})
    (market / "bounding_box_train" / "0002_c2s1_000451_03.jpg").unlink()
    found = verify("market1501", market)
    assert found.release == "market1501: the copy without a face"
    assert not found.is_complete


def test_unreadable_pictures_are_listed(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    train, query = (market / folder for folder in FOLDERS[:2])
    (train / "0002_c1s1_000451_03.jpg").write_bytes(noise()[:1000])
    (train / "0002_c2s1_000451_03.jpg").write_bytes(b"")
    (query / "0001_c1s1_001051_00.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    found = verify("market1501", market)
    assert [item.path.name for item in found.unreadable] == [
        "0002_c1s1_000451_03.jpg",
        "0002_c2s1_000451_03.jpg",
        "0001_c1s1_001051_00.jpg",
    ]
    reasons = [item.reason for item in found.unreadable]
    assert "truncated" in reasons[0]
    assert reasons[1:] == ["is empty", "is not a picture"]
    assert all(count.found == count.published for count in found.counts)
    assert not found.is_complete


def test_every_picture_is_opened_once_and_reported(tmp_path: Path) -> None:
    bad = {3, 64, 129}
    paths = [tmp_path / f"{number:03d}.png" for number in range(130)]
    for number, path in enumerate(paths):
        path.write_bytes(b"x" if number in bad else noise("PNG"))
    missing = tmp_path / "none.bmp"
    counted: list[int] = []

    class Watch(Task):
        def advance(self, count: int = 1, note: str = "") -> None:
            counted.append(count)

    class Watcher:
        @contextmanager
        def task(self, title: str, total: int | None, unit: str) -> Iterator[Task]:
            assert (total, unit) == (131, "pictures")
            yield Watch()

    found = find_unreadable([*paths, missing], progress=Watcher())
    assert [item.path for item in found] == [paths[number] for number in sorted(bad)] + [missing]
    assert found[-1] == Unreadable(missing, "is missing")
    assert sum(counted) == 131


def test_names_and_copies_that_cannot_be(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="unknown data set"):
        verify("market", market)
    with pytest.raises(DataError, match="DukeMTMC-reID is not read"):
        verify("dukemtmc-reid", market)
    with pytest.raises(DataError, match="no copy of LLCM"):
        verify("llcm", market)
    small(monkeypatch)
    (market / "query" / "0001_c3s1_001051_00.jpg").write_bytes(noise())
    with pytest.raises(DataError, match="2 query pictures, but 1 were published"):
        verify("market1501", market)

    def empty(root: Path) -> list[Record]:
        return []

    small(monkeypatch, parse=empty)
    with pytest.raises(DataError, match="holds nothing of Market-1501"):
        verify("market1501", market)
    assert module.FORMATS == ("JPEG", "PNG", "BMP")
