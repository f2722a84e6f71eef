"""The embedded store with half the memory, among other processes, and on disk; see test_contract.py for the rest."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from store_fakes import FILTERS, WEIGHTS, by_hand, new_pictures, unit

import aio_reid
from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import Where
from aio_reid.gallery.store.schema import create_file

Opener = Callable[..., EmbeddedStore]
SEARCH_PATH = [str(Path(__file__).parent), str(Path(aio_reid.__file__).parents[1])]


@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_search_is_exact_with_half_the_memory(gallery: Path, open_store: Opener, number: int) -> None:
    where, fits = FILTERS[number]
    store = open_store(half=True)
    for seed in (18, 1000, 1001):  # the first is the vector of two pictures, which tie
        query = unit(seed)
        expected = by_hand(query, fits)
        for top in (1, 13, 1000):
            found = store.search(query, top=top, where=where)
            assert list(zip(found.ids.tolist(), found.scores.tolist(), strict=True)) == expected[:top]
            assert found.num_searched == len(expected)
    assert store.count(where) == len(by_hand(unit(0), fits))


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
from store_fakes import FILTERS, WEIGHTS, by_hand, new_pictures, unit
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


def test_what_a_create_leaves_for_want_of_space_is_no_gallery_and_is_made_anew(tmp_path: Path) -> None:
    """SQLite writes the head of the file, with the log switched on, before there is a table."""
    folder = tmp_path / "gallery"
    folder.mkdir()
    connection = sqlite3.connect(folder / "gallery.sqlite")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    assert (folder / "gallery.sqlite").stat().st_size > 0
    for write in (False, True):
        with pytest.raises(StorageError, match="an empty database"):
            EmbeddedStore(folder, write=write)
    create_file(folder, "a" * 64, "test", keep_copies=False)
    store = EmbeddedStore(folder, write=True)
    assert store.count() == 0
    store.close()
    with pytest.raises(StorageError, match="is a gallery already"):
        create_file(folder, "a" * 64, "test", keep_copies=False)
