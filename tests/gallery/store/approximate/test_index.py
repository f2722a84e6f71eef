"""The approximate index: against exact search, through every change of the gallery, and with bad files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from store_fakes import SIZE, WEIGHTS, new_picture, unit

from aio_reid.errors import ConfigError, DataError
from aio_reid.gallery.store.approximate import build as build_module
from aio_reid.gallery.store.approximate import shortcut
from aio_reid.gallery.store.approximate.build import build, exact_truth, measure_recall
from aio_reid.gallery.store.approximate.cells import choose_num_cells
from aio_reid.gallery.store.approximate.file import INDEX_NAME, drop_index
from aio_reid.gallery.store.approximate.make import make_index
from aio_reid.gallery.store.approximate.shortcut import Way
from aio_reid.gallery.store.backups import export_gallery
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.erase import erase_pictures
from aio_reid.gallery.store.protocol import Found, NewPicture, Where
from aio_reid.gallery.store.schema import FILE_NAME, create_file

NUM = 4000
PER_PERSON = 8
Opener = Callable[..., EmbeddedStore]


def people(count: int, seed: int = 0) -> np.ndarray:
    """Return pictures of persons, float32 (count, SIZE): persons are directions in few dimensions."""
    random = np.random.default_rng(seed)
    looks = np.random.default_rng(99).standard_normal((8, SIZE))
    persons = random.standard_normal((-(-count // PER_PERSON), 8)) @ looks
    vectors = np.repeat(persons / np.linalg.norm(persons, axis=1, keepdims=True), PER_PERSON, axis=0)[:count]
    vectors = vectors + 0.4 / SIZE**0.5 * random.standard_normal((count, SIZE))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


VECTORS = people(NUM + 200)


def pictures(start: int, stop: int, vectors: np.ndarray = VECTORS) -> list[NewPicture]:
    return [replace(new_picture(n), vector=vectors[n - 1]) for n in range(start, stop)]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "gallery"
    create_file(folder, WEIGHTS, "test", keep_copies=False)
    store = EmbeddedStore(folder, write=True)
    store.add(pictures(1, NUM + 1))
    make_index(store)
    store.close()
    return folder


@pytest.fixture
def place(made_once: Path, tmp_path: Path) -> Path:
    """A gallery of NUM pictures with an index."""
    return Path(shutil.copytree(made_once, tmp_path / "gallery"))


@pytest.fixture
def opened(place: Path) -> Iterator[Opener]:
    with ExitStack() as stack:

        def open_it(way: Way = Way.APPROXIMATE, **options: bool) -> EmbeddedStore:
            store = EmbeddedStore(place, way=way, **options)
            stack.callback(store.close)
            return store

        yield open_it


def overlap(found: Found, true: Found) -> float:
    return len(set(found.ids.tolist()) & set(true.ids.tolist())) / len(true.ids)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"by_track": True},
        {"leave_out": (1, 9, 17)},
        {"where": Where(cameras=("north",))},
        {"where": Where(cameras=("north", "south")), "by_track": True, "leave_out": (2, 3)},
    ],
)
def test_nearly_everything_is_found_and_every_score_is_true(opened: Opener, options: dict, half: bool) -> None:
    store, exact = opened(half=half), opened(Way.EXACT, half=half)
    shares = []
    for query in people(16, seed=5):
        found, true = store.search(query, top=20, **options), exact.search(query, top=20, **options)
        assert found.recall is not None and true.recall is None
        assert found.num_searched == true.num_searched and len(found.ids) == len(true.ids)
        np.testing.assert_array_equal(
            found.scores, [np.float32(np.sum(VECTORS[n - 1].astype(float) * query.astype(float))) for n in found.ids]
        )
        order = list(zip((-found.scores).tolist(), found.ids.tolist(), strict=True))
        assert order == sorted(order)
        both = dict(zip(true.ids.tolist(), true.group_sizes.tolist(), strict=True))
        sizes = zip(found.ids.tolist(), found.group_sizes.tolist(), strict=True)
        assert all(both.get(n, size) == size for n, size in sizes)
        shares.append(overlap(found, true))
    assert np.mean(shares) >= 0.95


def test_few_rows_and_many_hits_are_answered_exactly(opened: Opener) -> None:
    store, exact = opened(), opened(Way.EXACT)
    few = Where(tracks=("t1",))  # an eighth
    for options in ({"where": few, "top": 20}, {"top": NUM}, {"where": Where(ids=(5,)), "top": 3}):
        found, true = store.search(VECTORS[0], **options), exact.search(VECTORS[0], **options)
        assert found.recall is None
        np.testing.assert_array_equal(found.ids, true.ids)
    with pytest.raises(DataError, match="have 48 numbers, not 8"):
        store.search(unit(1)[:8], top=3)


def test_the_spread_is_that_of_all(opened: Opener) -> None:
    query = people(1, seed=6)[0]
    found, true = (opened(way).search(query, top=5, with_spread=True) for way in (Way.APPROXIMATE, Way.EXACT))
    assert found.spread is not None and true.spread is not None and found.lower is not None and true.lower is not None
    assert found.spread.median == pytest.approx(true.spread.median, abs=1e-3)
    assert found.spread.chance_best == true.spread.chance_best
    np.testing.assert_allclose(found.lower, true.lower, atol=1e-3)


def test_what_was_added_is_found_and_what_was_removed_is_not(opened: Opener) -> None:
    store, writer = opened(), opened(write=True)
    assert store.search(VECTORS[NUM], top=1).ids.tolist() != [NUM + 1]
    writer.add(pictures(NUM + 1, NUM + 201))
    for number in (NUM + 1, NUM + 200):
        assert store.search(VECTORS[number - 1], top=1).ids.tolist() == [number]
    before = store.search(VECTORS[7], top=5)
    assert before.ids[0] == 8 and before.recall is not None
    writer.remove(Where(ids=(8,)))
    after = store.search(VECTORS[7], top=5)
    assert 8 not in after.ids and after.recall is not None
    np.testing.assert_array_equal(after.ids[:4], before.ids[1:])
    writer.add(pictures(8, 9))  # comes back under a new id
    assert store.search(VECTORS[7], top=1).ids.tolist() == [NUM + 201]
    described = replace(new_picture(9).picture, camera="west")
    writer.add([NewPicture(described, VECTORS[8])])
    assert store.search(VECTORS[8], top=1, where=Where(cameras=("west",))).ids.tolist() == [9]


def test_many_newer_ones_are_told_of(opened: Opener) -> None:
    store = opened(write=True)
    more = people(500, seed=8)
    store.add([replace(new_picture(10_000 + n), vector=more[n]) for n in range(500)])
    assert any("500 pictures are newer than the index" in note for note in store.search(VECTORS[0], top=1).notes)


def test_erasing_deletes_the_index_and_what_a_killed_build_left(place: Path, opened: Opener) -> None:
    index = place / INDEX_NAME
    left = place / f".{INDEX_NAME}.1234.part"
    left.write_bytes(index.read_bytes())
    assert index.stat().st_mode & 0o777 == 0o600
    reader, store = opened(), opened(Way.AUTO, write=True)
    assert 3 in reader.search(VECTORS[2], top=1).ids
    erase_pictures(store, Where(ids=(3,)))
    assert not index.exists() and not left.exists()
    with pytest.raises(DataError, match="has no approximate index; make one with `aio-reid gallery index`"):
        reader.search(VECTORS[2], top=1)
    make_index(store)
    assert 3 not in reader.search(VECTORS[2], top=50).ids
    assert sorted(path.name for path in place.iterdir() if FILE_NAME not in path.name) == [INDEX_NAME, "gallery.lock"]


def test_a_killed_erasure_deletes_the_index_when_the_gallery_is_next_written(place: Path) -> None:
    store = EmbeddedStore(place, write=True)
    with store.changing() as connection:
        connection.execute("UPDATE gallery SET uncompacted = 1")
    store.close()
    EmbeddedStore(place, write=True).close()
    assert not (place / INDEX_NAME).exists()


def damage(place: Path, how: str) -> None:
    file = place / INDEX_NAME
    data = bytearray(file.read_bytes())
    if how == "one bit":
        data[-1000] ^= 1
    elif how == "shorter":
        del data[-100:]
    elif how == "foreign":
        data[:] = b"another program's"
    elif how == "header":
        start, end = data.index(b"{"), data.index(b"}\n") + 1
        data[start:end] = json.dumps({**json.loads(data[start:end]), "num_probes": "many"}).encode()
    else:
        data.clear()
    file.write_bytes(data)


@pytest.mark.parametrize("how", ["one bit", "shorter", "foreign", "header", "empty"])
def test_a_damaged_index_is_told_of_and_not_used(
    place: Path, opened: Opener, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(place, how)
    monkeypatch.setattr(shortcut, "APPROXIMATE_FROM", 1000)
    store = opened(Way.AUTO, write=True)
    for _ in range(2):
        found = store.search(VECTORS[0], top=3)
        assert found.recall is None and found.ids[0] == 1
        (note,) = found.notes
        assert "is not used" in note and "`aio-reid gallery index` makes it anew" in note and "\n" not in note
    assert store.index() is None and store.index_problem == note
    with pytest.raises(DataError, match="leave out --approximate"):
        opened().search(VECTORS[0], top=3)
    make_index(store)
    assert store.search(VECTORS[0], top=3).recall is not None


def test_an_index_of_another_gallery_or_of_other_vectors_is_not_used(
    place: Path, opened: Opener, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    create_file(other, WEIGHTS, "test", keep_copies=False)
    with ExitStack() as stack:
        store = EmbeddedStore(other, write=True)
        stack.callback(store.close)
        store.add(pictures(1, 101))
        (other / INDEX_NAME).write_bytes((place / INDEX_NAME).read_bytes())
        assert store.index() is None and "another gallery" in str(store.index_problem)
    # a backup is put back, and other pictures get the ids that the index knows
    store = EmbeddedStore(place, write=True)
    store.remove(Where(ids=tuple(range(NUM - 99, NUM + 1))))
    with store.changing() as connection:
        connection.execute("UPDATE gallery SET next_id = ?", [NUM - 99])
    fresh = people(100, seed=11)
    store.add([replace(new_picture(NUM + 1 + n), vector=fresh[n]) for n in range(100)])
    assert store.ids()[-1] == NUM
    assert store.index() is None and "others than those it was made from" in str(store.index_problem)
    store.close()


def test_size_and_recall_decide_unless_told_otherwise(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(Way.AUTO)
    assert store.search(VECTORS[0], top=3).recall is None and store.search(VECTORS[0], top=3).notes == ()
    monkeypatch.setattr(shortcut, "APPROXIMATE_FROM", NUM)
    found = store.search(VECTORS[0], top=3)
    assert found.recall is not None and "% were found when the index was made" in found.notes[0]
    assert opened(Way.EXACT).search(VECTORS[0], top=3).recall is None
    monkeypatch.setattr(shortcut, "LEAST_RECALL", 1.1)
    low = opened(Way.AUTO).search(VECTORS[0], top=3)
    assert low.recall is None and "searched exactly" in low.notes[0]
    drop_index(store.index_path or Path())
    assert "`aio-reid gallery index` is faster" in opened(Way.AUTO).search(VECTORS[0], top=3).notes[0]


def test_recall_by_hand() -> None:
    """With all cells read only the compression could lose neighbours; with one cell many are lost."""
    vectors = VECTORS[:1000]
    truth = exact_truth(vectors, np.array([0, 500, 999]), top=30)
    for row, last in zip(truth.rows, truth.last, strict=True):
        others = np.delete(vectors @ vectors[row], row)
        assert last == pytest.approx(np.sort(others)[-30], abs=1e-6)
    cells, quality = build(vectors)
    assert 0.9 < quality.recall <= 1.0 and quality.top == 50
    assert measure_recall(cells, vectors, truth, cells.num_cells) == 1.0
    assert measure_recall(cells, vectors, truth, 1) < 0.9
    with pytest.raises(DataError, match="of 1 pictures would be of no use"):
        build(vectors[:1])


def test_equal_vectors_count_as_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_module, "NUM_QUERIES", 5)
    same = np.repeat(VECTORS[:1], 400, axis=0)
    assert build(same)[1].recall == 1.0


def test_number_of_cells() -> None:
    assert [choose_num_cells(n) for n in (2, 79, 80, 4000, 1_000_000)] == [1, 1, 2, 64, 1024]


def test_backups_have_no_index(place: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        store = EmbeddedStore(place, write=True)
        stack.callback(store.close)
        backup = EmbeddedStore(export_gallery(store, tmp_path / "backup.sqlite"), write=True)
        stack.callback(backup.close)
        assert backup.index() is None and backup.index_path is None
        with pytest.raises(ConfigError, match="a backup has no index"):
            make_index(backup)
        erase_pictures(backup, Where(ids=(1,)))
    assert (place / INDEX_NAME).exists()
