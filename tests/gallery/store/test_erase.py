"""What is erased is nowhere: the bytes of vectors, names and copies are looked for in every file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from gallery_fakes import COLOURS, ColourFactory, write_picture
from store_fakes import WEIGHTS, new_picture, new_pictures, unit

from aio_reid.errors import StorageError, WeightsError
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.embedder import LoadedOnce, QueryPart
from aio_reid.gallery.search import search_folder
from aio_reid.gallery.store.backups import export_gallery, import_gallery, known_backups
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.enrol import Enroller
from aio_reid.gallery.store.entries import folder_entries
from aio_reid.gallery.store.erase import erase_pictures, find_bytes
from aio_reid.gallery.store.erase_places import ERASED, GONE
from aio_reid.gallery.store.protocol import Condition, Where
from aio_reid.gallery.store.schema import FILE_NAME, create_file
from aio_reid.progress import SILENT
from aio_reid.records import Modality
from aio_reid.storage import file_content

SOUTH = Where(cameras=("south",))


def traces(folder: Path, numbers: set[int]) -> set[int]:
    """Return those of some pictures of which the vector, the path or the content hash stands in a file of a folder."""
    data = b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())
    found = set()
    for number in numbers:
        picture = new_picture(number).picture
        marks = (unit(number).tobytes(), unit(number).tobytes()[:40], str(picture.path).encode(), picture.content)
        if any(mark in data for mark in marks):
            found.add(number)
    return found


def numbers(south: bool, count: int = 400) -> set[int]:
    """Return the pictures of the camera south, or the others; not those whose vector another picture has as well."""
    is_south = {n for n in range(1, count + 1) if new_picture(n).picture.camera == "south"}
    kept = is_south if south else set(range(1, count + 1)) - is_south
    return {n for n in kept if n % 10 not in (8, 9)}


def test_erased_bytes_are_gone_while_others_read(gallery: Path) -> None:
    reader = EmbeddedStore(gallery)
    reader.search(unit(1), top=1)
    store = EmbeddedStore(gallery, write=True)
    store.add(new_pictures(200, 401))  # lie in the log
    assert traces(gallery, numbers(south=True)) == numbers(south=True)
    done = erase_pictures(store, SOUTH)
    assert (done.num_before, done.num_erased, done.num_after) == (600, 200, 400)
    assert done.sha256 == file_content(gallery / FILE_NAME).hex() and done.num_probed > 0 and done.is_complete
    assert traces(gallery, numbers(south=True, count=600)) == set()
    assert traces(gallery, numbers(south=False)) == numbers(south=False)
    assert reader.count() == 400 and reader.count(SOUTH) == 0
    store.close()
    reader.close()
    assert traces(gallery, numbers(south=True, count=600)) == set()


@pytest.mark.parametrize(
    "where",
    [
        Where(ids=(3, 5, 11)),
        Where(paths=(new_picture(6).picture.path,)),
        Where(tracks=("t1",)),
        Where(columns=(Condition("person", "=", "0004"),)),
    ],
)
def test_erased_by_anything(gallery: Path, where: Where) -> None:
    store = EmbeddedStore(gallery, write=True)
    chosen = set(store.ids(where))
    assert chosen
    assert erase_pictures(store, where).num_erased == len(chosen)
    store.close()
    unique = {n for n in chosen if n % 10 not in (8, 9)}
    assert traces(gallery, unique) == set()


def test_removed_bytes_are_overwritten(gallery: Path) -> None:
    store = EmbeddedStore(gallery, write=True)
    assert store.remove(Where()) == 400
    assert store.about().column_types == {}
    store.close()
    assert len(traces(gallery, set(range(1, 401)))) == 0


def test_backups_are_reached(gallery: Path, tmp_path: Path) -> None:
    store = EmbeddedStore(gallery, write=True)
    backup, lost, foreign = (tmp_path / "backups" / name for name in ("a.sqlite", "lost.sqlite", "foreign.sqlite"))
    backup.parent.mkdir()
    for path in (backup, lost, foreign):
        export_gallery(store, path)
    store.remove(Where(ids=(1,)))  # camera south; the backups still have it
    lost.unlink()
    foreign.write_text("now something else")
    done = erase_pictures(store, SOUTH)
    states = {Path(place.path).name: place for place in done.backups}
    assert states["a.sqlite"].state == ERASED and states["a.sqlite"].num_erased == done.num_erased + 1
    assert states["a.sqlite"].sha256 == file_content(backup).hex()
    assert states["lost.sqlite"].state == GONE
    assert "not made by aio-reid" in states["foreign.sqlite"].state
    assert not done.is_complete
    assert traces(backup.parent, numbers(south=True)) == set()
    assert traces(backup.parent, numbers(south=False)) == numbers(south=False)
    assert sorted(path.name for path in backup.parent.iterdir() if path.suffix != ".lock") == [
        "a.sqlite",
        "foreign.sqlite",
    ]
    assert foreign.read_text() == "now something else"
    store.close()


def test_a_backup_is_a_gallery_and_comes_back(gallery: Path, tmp_path: Path) -> None:
    store = EmbeddedStore(gallery, write=True)
    backup = export_gallery(store, tmp_path / "backup.sqlite")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert export_gallery(store, backup) == backup  # a newer one takes its place
    assert known_backups(store) == [(backup, store.about().gallery_id)]
    with EmbeddedStoreContext(backup) as copy:
        assert copy.search(unit(12), top=3).ids.tolist() == store.search(unit(12), top=3).ids.tolist()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="is there already and no backup"):
        export_gallery(store, tmp_path / "notes.txt")
    create_file(tmp_path / "second", WEIGHTS, "test", keep_copies=False)
    with EmbeddedStoreContext(tmp_path / "second", write=True) as second:
        second.add(new_pictures(2, 399))
        added = import_gallery(second, backup)
        assert (added.new, added.known) == (398, 2)
        pairs = {item.picture.content: (item.picture, vector.tobytes()) for item, vector in second.iterate()}
        assert pairs == {item.picture.content: (item.picture, vector.tobytes()) for item, vector in store.iterate()}
        assert import_gallery(second, gallery).new == 0
        assert [path for path, _ in known_backups(second)] == [backup]  # a gallery in use is no backup of another
        assert erase_pictures(second, SOUTH).num_erased == 134
    assert traces(tmp_path / "second", numbers(south=True)) == set()
    assert find_bytes(backup, [unit(4).tobytes()]) == []  # where it came from is a backup that is known
    store.close()
    create_file(tmp_path / "other", "b" * 64, "other", keep_copies=False)
    with EmbeddedStoreContext(tmp_path / "other", write=True) as other, pytest.raises(WeightsError, match="reembed"):
        import_gallery(other, backup)


class EmbeddedStoreContext:
    def __init__(self, place: Path, *, write: bool = False) -> None:
        self.store = EmbeddedStore(place, write=write)

    def __enter__(self) -> EmbeddedStore:
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()


def test_copies_and_caches_are_erased_too(tmp_path: Path) -> None:
    crops, factory = tmp_path / "crops", ColourFactory()
    for number, colour in enumerate(COLOURS.values()):
        write_picture(crops / f"{number}.png", colour, seed=number)
    cache = open_cache(tmp_path / "cache")
    search_folder(crops, [QueryPart(Modality.TEXT, "red")], factory, cache=cache)
    create_file(tmp_path / "gallery", factory.weights_hash, "test", keep_copies=True)
    store = EmbeddedStore(tmp_path / "gallery", write=True)
    with SILENT.task("", None, "") as task:
        entries = folder_entries(crops, Modality.RGB, None, skip=None).entries
        Enroller(store, LoadedOnce(factory), cache, task).add(entries)
    assert factory.num_loads == 1 and len(factory.embedder.embedded) == 4  # the second time, the cache knew
    cache.close()
    data = (crops / "2.png").read_bytes()
    vector = store.vectors([3])[0].astype("<f4").tobytes()
    assert store.copy_of(store.get([3])[0].picture.content) == data
    places = [tmp_path / "gallery", tmp_path / "cache"]
    assert all(any(find_bytes(file, [vector]) for file in place.iterdir()) for place in places)
    done = erase_pictures(store, Where(paths=(crops / "2.png",)), caches=[tmp_path / "cache"])
    store.close()
    assert (done.num_copies_before, done.num_copies_after) == (4, 3)
    assert [(place.state, place.num_erased) for place in done.caches] == [(ERASED, 1)]
    needles = [vector, data[20:80], str(crops / "2.png").encode()]
    assert [
        find_bytes(file, needles) for place in places for file in place.iterdir() if find_bytes(file, needles)
    ] == []
    assert (crops / "2.png").exists()


def test_an_interrupted_erasure_is_completed_by_the_next_writer(gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddedStore(gallery, write=True)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise StorageError("the disk is full")

        patch.setattr("aio_reid.gallery.store.embedded.compact", fail)
        with pytest.raises(StorageError):
            store.erase(SOUTH)
        store.close()
    with EmbeddedStoreContext(gallery) as reader:
        assert reader.is_uncompacted and reader.count(SOUTH) == 0
    with EmbeddedStoreContext(gallery, write=True) as writer:
        assert not writer.is_uncompacted
    assert traces(gallery, numbers(south=True)) == set()
    connection = sqlite3.connect(gallery / FILE_NAME)
    assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    connection.close()


def test_bytes_are_found_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aio_reid.gallery.store.erase._BLOCK", 16)
    data = np.random.default_rng(0).bytes(200)
    (tmp_path / "x").write_bytes(data)
    assert all(find_bytes(tmp_path / "x", [data[n : n + 20]]) for n in range(180))
    assert find_bytes(tmp_path / "x", [b"not there", data[5:9]]) == [data[5:9]]
