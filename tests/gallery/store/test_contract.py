"""What every kind of store promises: against brute force, in the embedded store and in a real Milvus server.

`make test-milvus` starts a server and runs both; without one the tests of Milvus are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from store_fakes import FILTERS, SIZE, WEIGHTS, by_hand, new_picture, new_pictures, unit

from aio_reid.errors import ConfigError, DataError, StorageError, WeightsError
from aio_reid.gallery.store.protocol import Condition, NewPicture, Store, Where, check_weights, parse_condition
from aio_reid.records import Modality

Opener = Callable[..., Store]


@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_search_is_exact(filled: Opener, number: int) -> None:
    where, fits = FILTERS[number]
    store = filled()
    for seed in (18, 1000):  # the first is the vector of two pictures, which tie
        query = unit(seed)
        expected = by_hand(query, fits)
        for top in (1, 13, 1000):
            found = store.search(query, top=top, where=where)
            assert list(zip(found.ids.tolist(), found.scores.tolist(), strict=True)) == expected[:top]
            assert found.num_searched == len(expected) and found.recall is None
    assert store.count(where) == len(expected)


def test_search_by_track_and_without_some(filled: Opener) -> None:
    store, query = filled(), unit(2000)
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


def test_spread_tells_of_all_that_was_searched(filled: Opener) -> None:
    where, fits = FILTERS[1]
    found = filled().search(unit(5), top=4, where=where, with_spread=True)
    scores = np.array([score for _, score in by_hand(unit(5), fits)])
    assert found.spread is not None and found.lower is not None
    assert found.spread.median == pytest.approx(np.median(scores), abs=1e-6)
    np.testing.assert_allclose(found.lower, [np.mean(scores < s) for s in scores[:4]], atol=1e-6)


def test_what_was_added_comes_back(filled: Opener) -> None:
    store = filled()
    assert [item.picture for item in store.get([400, 7, 9999, 1])] == [new_picture(n).picture for n in (400, 7, 1)]
    where, fits = FILTERS[4]
    pairs = list(store.iterate(where))
    assert [item.id for item, _ in pairs] == sorted(n for n, _ in by_hand(unit(0), fits))
    assert all(np.array_equal(vector, unit(item.id)) for item, vector in pairs)
    with pytest.raises(DataError, match="no picture 401"):
        store.vectors([3, 401])


def test_adding_twice_changes_nothing_and_ids_are_never_given_again(fresh: Opener) -> None:
    store = fresh(write=True)
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
def test_vectors_that_cannot_be_compared_are_kept_out(fresh: Opener, bad: np.ndarray) -> None:
    store = fresh(write=True)
    fine, wrong = new_picture(500), replace(new_picture(501), vector=bad.astype(np.float32))
    with pytest.raises(DataError, match="takes unit vectors of 48 numbers"):
        store.add([fine, wrong])
    assert store.count() == 400


def test_wrong_filters_are_one_line(fresh: Opener) -> None:
    store = fresh(write=True)
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


def test_other_weights_are_refused(filled: Opener) -> None:
    about = filled().about()
    check_weights(about, WEIGHTS)
    with pytest.raises(WeightsError, match="aio-reid gallery reembed"):
        check_weights(about, "b" * 64)
    with pytest.raises(WeightsError, match="reembed"):
        check_weights(replace(about, preprocess_version=0), WEIGHTS)


def test_an_empty_gallery_finds_nothing(empty: Opener) -> None:
    store = empty(write=True)
    found = store.search(unit(1), top=5, by_track=True, with_spread=True)
    assert (len(found.ids), found.num_searched, store.count()) == (0, 0, 0)
    assert list(store.iterate()) == [] and store.about().embedding_size is None
    assert (store.remove(Where()), store.erase(Where()), store.known([b"x" * 32], Modality.RGB)) == (0, 0, {})


def test_readers_see_what_is_written(fresh: Opener) -> None:
    reader, writer = fresh(), fresh(write=True)
    before = reader.about().version
    assert reader.search(unit(401), top=1).ids.tolist() != [401]
    writer.add(new_pictures(40, 401))
    assert reader.search(unit(401), top=1).ids.tolist() == [401]
    assert reader.about().version > before
    writer.remove(Where(ids=(401,)))
    assert 401 not in reader.search(unit(401), top=600).ids and reader.count() == 439
    with pytest.raises(StorageError, match="opened for reading"):
        reader.add(new_pictures(1, 900))
    with pytest.raises(DataError, match="have 48 numbers, not 8"):
        reader.search(unit(1)[:8], top=3)


def test_erased_ones_are_in_no_answer(fresh: Opener) -> None:
    store = fresh(write=True)
    contents = [new_picture(n).picture.content for n in (7, 8)]
    assert store.erase(Where(cameras=("north",)), contents) == 135  # 133 of the camera and both
    assert store.count() == 265 and store.count(Where(cameras=("north",))) == 0
    left = [n for n in range(1, 401) if n % 3 and n not in (7, 8)]
    assert [item.id for item, _ in store.iterate()] == left
    assert store.search(unit(6), top=400).ids.tolist() == [n for n, _ in by_hand(unit(6), lambda p: p.frame in left)]
    assert store.known(contents, Modality.RGB) == {}
    assert store.erase(None, contents) == 0


ODD = ('a "quoted" one', "back\\slash", "it's", "two\nlines", "100%_*", "Zürich 東京", " ", "=x", "")


def test_texts_are_kept_and_found_whatever_is_in_them(empty: Opener) -> None:
    store = empty(write=True)
    odd_path = Path('/photos/\udcff "x" %41.jpg')  # a name that is no UTF-8
    store.add(
        [
            NewPicture(
                replace(
                    new_picture(n).picture,
                    camera=text,
                    track=text,
                    source=text,
                    columns={"note": text, "größe": float(n)},
                ),
                unit(n),
            )
            for n, text in enumerate(ODD, start=1)
        ]
    )
    store.add([NewPicture(replace(new_picture(50).picture, path=odd_path, camera=None), unit(50))])
    for number, text in enumerate(ODD, start=1):
        (item,) = store.get([number])
        assert (item.picture.camera, item.picture.track, item.picture.columns["note"]) == (text, text, text)
        for where in (
            Where(cameras=(text,)),
            Where(tracks=(text,)),
            Where(columns=(Condition("note", "=", text),)),
            Where(columns=(Condition("größe", "=", str(number)),)),
        ):
            assert store.search(unit(0), top=5, where=where).ids.tolist() == [number], (text, where)
    assert store.get([10])[0].picture.path == odd_path
    assert store.search(unit(0), top=5, where=Where(paths=(odd_path,))).ids.tolist() == [10]


@pytest.mark.parametrize(("condition", "count"), [("height>-inf", 9), ("height<=1e300", 9), ("height!=3", 8)])
def test_numbers_of_any_size(empty: Opener, condition: str, count: int) -> None:
    store = empty(write=True)
    store.add(
        [NewPicture(replace(new_picture(n).picture, columns={"height": float(n)}), unit(n)) for n in range(1, 10)]
        + [NewPicture(replace(new_picture(10).picture, columns={}), unit(10))]
    )
    assert store.count(Where(columns=(parse_condition(condition),))) == count
