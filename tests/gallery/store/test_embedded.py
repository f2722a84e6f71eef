"""The embedded store against brute force, and against other processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from store_fakes import NOON, SIZE, WEIGHTS, new_picture, new_pictures, unit

import aio_reid
from aio_reid.errors import ConfigError, DataError, StorageError, WeightsError
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import Condition, NewPicture, Picture, Where, check_weights, parse_condition
from aio_reid.gallery.store.schema import create_file
from aio_reid.records import Modality

Opener = Callable[..., EmbeddedStore]
SEARCH_PATH = [str(Path(__file__).parent), str(Path(aio_reid.__file__).parents[1])]

FILTERS: list[tuple[Where, Callable[[Picture], bool]]] = [
    (Where(), lambda p: True),
    (Where(cameras=("south",)), lambda p: p.camera == "south"),
    (Where(cameras=("south", "north"), tracks=("t1",)), lambda p: p.camera is not None and p.track == "t1"),
    (Where(cameras=("west",)), lambda p: False),
    (Where(modalities=(Modality.INFRARED,)), lambda p: p.modality is Modality.INFRARED),
    (
        Where(since=NOON + timedelta(seconds=50), until=NOON + timedelta(seconds=60)),
        lambda p: p.time is not None and 50 <= (p.time - NOON).seconds < 60,
    ),
    (Where(columns=(Condition("person", "=", "0003"),)), lambda p: p.columns.get("person") == "0003"),
    (Where(columns=(Condition("person", "!=", "0003"),)), lambda p: p.columns.get("person", "0003") != "0003"),
    (
        Where(columns=(Condition("height", ">=", "180"), Condition("height", "<", "185"))),
        lambda p: 180 <= p.columns.get("height", 0) < 185,
    ),
    (Where(paths=(new_picture(7).picture.path,), ids=(9,)), lambda p: p.frame in (7, 9)),
]


def by_hand(query: np.ndarray, fits: Callable[[Picture], bool], count: int = 400) -> list[tuple[int, float]]:
    """Return (id, score), best first, equal ones by id: everything computed and sorted."""
    kept = [n for n in range(1, count + 1) if fits(new_picture(n).picture)]
    scores = {n: float(np.float32(np.sum(unit(n).astype(float) * query.astype(float)))) for n in kept}
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_search_is_exact(gallery: Path, open_store: Opener, number: int, half: bool) -> None:
    where, fits = FILTERS[number]
    store = open_store(half=half)
    for seed in (18, 1000, 1001):  # the first is the vector of two pictures, which tie
        query = unit(seed)
        expected = by_hand(query, fits)
        for top in (1, 13, 1000):
            found = store.search(query, top=top, where=where)
            assert list(zip(found.ids.tolist(), found.scores.tolist(), strict=True)) == expected[:top]
            assert found.num_searched == len(expected)
    assert store.count(where) == len(by_hand(unit(0), fits))


def test_search_by_track_and_without_some(gallery: Path, open_store: Opener) -> None:
    store, query = open_store(), unit(2000)
    left_out = [n for n, _ in by_hand(query, lambda p: True)[:20:2]]
    best: dict[object, list[tuple[int, float]]] = {}
    for number, score in by_hand(query, lambda p: p.frame not in left_out):
        picture = new_picture(number).picture
        key = number if picture.track is None else (picture.camera, picture.track)
        best.setdefault(key, []).append((number, score))
    for top in (3, 12, 500):
        found = store.search(query, top=top, leave_out=left_out, by_track=True)
        assert found.ids.tolist() == [group[0][0] for group in best.values()][:top]
        assert found.group_sizes.tolist() == [len(group) for group in best.values()][:top]


def test_spread_tells_of_all_that_was_searched(gallery: Path, open_store: Opener) -> None:
    where, fits = FILTERS[1]
    found = open_store().search(unit(5), top=4, where=where, with_spread=True)
    scores = np.array([score for _, score in by_hand(unit(5), fits)])
    assert found.spread is not None and found.lower is not None
    assert found.spread.median == pytest.approx(np.median(scores), abs=1e-6)
    np.testing.assert_allclose(found.lower, [np.mean(scores < s) for s in scores[:4]], atol=1e-6)


def test_what_was_added_comes_back(gallery: Path, open_store: Opener) -> None:
    store = open_store()
    assert [item.picture for item in store.get([400, 7, 9999, 1])] == [new_picture(n).picture for n in (400, 7, 1)]
    where, fits = FILTERS[4]
    pairs = list(store.iterate(where))
    assert [item.id for item, _ in pairs] == sorted(n for n, _ in by_hand(unit(0), fits))
    assert all(np.array_equal(vector, unit(item.id)) for item, vector in pairs)
    with pytest.raises(DataError, match="no picture 401"):
        store.vectors([3, 401])


def test_adding_twice_changes_nothing_and_ids_are_never_given_again(gallery: Path, open_store: Opener) -> None:
    store = open_store(write=True)
    again = store.add(new_pictures(401))
    assert (again.new, again.updated, again.known) == (1, 0, 400)
    moved = replace(new_picture(3).picture, camera="west", path=Path("/elsewhere.jpg"))
    changed = store.add([NewPicture(moved, unit(3))])
    assert (changed.new, changed.updated, changed.known) == (0, 1, 0)
    assert store.get([3])[0].picture == moved
    assert store.search(unit(3), top=1, where=Where(cameras=("west",))).ids.tolist() == [3]
    assert store.remove(Where(ids=(401, 3))) == 2
    store.add(new_pictures(1, 401))
    assert [item.id for item, _ in store.iterate()][-1] == 402
    infrared = replace(new_picture(1).picture, modality=Modality.INFRARED)
    assert store.add([NewPicture(infrared, unit(1))]).new == 1


@pytest.mark.parametrize("bad", [np.ones(SIZE), np.zeros(SIZE), np.full(SIZE, np.nan), unit(1)[:-1]])
def test_vectors_that_cannot_be_compared_are_kept_out(gallery: Path, open_store: Opener, bad: np.ndarray) -> None:
    store = open_store(write=True)
    fine, wrong = new_picture(500), replace(new_picture(501), vector=bad.astype(np.float32))
    with pytest.raises(DataError, match="takes unit vectors of 48 numbers"):
        store.add([fine, wrong])
    assert store.count() == 400


def test_wrong_filters_are_one_line(gallery: Path, open_store: Opener) -> None:
    store = open_store(write=True)
    with pytest.raises(DataError, match="no column 'weight'; its own columns are: height, person"):
        store.count(Where(columns=(Condition("weight", "=", "3"),)))
    with pytest.raises(DataError, match="'tall' is none"):
        store.count(Where(columns=(Condition("height", "=", "tall"),)))
    with pytest.raises(DataError, match="holds numbers, 'x' is a text"):
        store.add([NewPicture(replace(new_picture(500).picture, columns={"height": "x"}), unit(500))])
    with pytest.raises(DataError, match="cannot name a column"):
        store.add([NewPicture(replace(new_picture(500).picture, columns={'a"b': "x"}), unit(500))])
    with pytest.raises(ConfigError, match="cannot read the condition 'person'"):
        parse_condition("person")
    assert parse_condition("a <= b=3") == Condition("a", "<=", "b=3")
    assert parse_condition("a!=b") == Condition("a", "!=", "b")


def test_other_weights_are_refused(gallery: Path, open_store: Opener) -> None:
    about = open_store().about()
    check_weights(about, WEIGHTS)
    with pytest.raises(WeightsError, match="aio-reid gallery reembed"):
        check_weights(about, "b" * 64)
    with pytest.raises(WeightsError, match="reembed"):
        check_weights(replace(about, preprocess_version=0), WEIGHTS)


def test_readers_see_what_is_written_and_only_one_writes(gallery: Path, open_store: Opener) -> None:
    reader, writer = open_store(), open_store(write=True)
    assert reader.search(unit(401), top=1).ids.tolist() != [401]
    writer.add(new_pictures(200, 401))
    assert reader.search(unit(401), top=1).ids.tolist() == [401]
    assert reader.search(unit(600), top=1, where=Where(cameras=("north",))).ids.tolist() == [600]
    writer.remove(Where(ids=(401,)))
    assert 401 not in reader.search(unit(401), top=600).ids
    with pytest.raises(StorageError, match=r"is being written by process \d+"):
        open_store(write=True)
    with pytest.raises(StorageError, match="opened for reading"):
        reader.add(new_pictures(1, 900))


WRITER = """
import sys
sys.path[:0] = {path}
from pathlib import Path
from store_fakes import new_pictures
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import Where
store = EmbeddedStore(Path(sys.argv[1]), write=True)
print("ready", flush=True)
for start in range(401, 1401, 20):
    store.add(new_pictures(20, start))
    store.remove(Where(ids=(start, start + 1)))
"""


def test_readers_of_other_processes_see_whole_changes_only(gallery: Path, open_store: Opener) -> None:
    command = [sys.executable, "-c", WRITER.format(path=repr(SEARCH_PATH)), str(gallery)]
    reader, seen = open_store(), set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        while writer.poll() is None:
            found = reader.search(unit(5), top=2000)
            seen.add(len(found.ids))
    assert writer.returncode == 0
    assert {(count - 400) % 18 for count in seen} <= {0, 2}  # before and after a removal
    found = reader.search(unit(5), top=2000)
    assert len(found.ids) == 400 + 50 * 18
    fits = [n for n in range(1, 1401) if n <= 400 or (n - 401) % 20 > 1]
    assert found.ids.tolist() == [n for n, _ in by_hand(unit(5), lambda p: p.frame in fits, 1400)]


def test_a_gallery_is_private_and_made_once(gallery: Path, tmp_path: Path) -> None:
    assert gallery.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in gallery.iterdir())
    with pytest.raises(StorageError, match="is a gallery already"):
        create_file(gallery, WEIGHTS, "test", keep_copies=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="other things in it"):
        create_file(tmp_path / "full", WEIGHTS, "test", keep_copies=False)
    with pytest.raises(DataError, match="there is no gallery"):
        EmbeddedStore(tmp_path / "full", write=True)


def test_an_empty_gallery_finds_nothing(tmp_path: Path, open_store: Opener) -> None:
    create_file(tmp_path / "gallery", WEIGHTS, "test", keep_copies=False)
    store = open_store()
    found = store.search(unit(1), top=5, by_track=True, with_spread=True)
    assert (len(found.ids), found.num_searched, store.count()) == (0, 0, 0)
    assert list(store.iterate()) == []
