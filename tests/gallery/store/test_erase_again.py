"""Places that were out of reach: what they hold is looked for until it is gone, and nothing says complete before."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from store_fakes import new_picture, new_pictures, unit

from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.cache import Embedded, Space, open_cache
from aio_reid.gallery.scan import PictureFile
from aio_reid.gallery.store.backups import export_gallery, import_gallery, known_backups
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.erase import erase_pictures, find_bytes
from aio_reid.gallery.store.erase_places import ERASED, GONE
from aio_reid.gallery.store.pending import forget_place, read_pending
from aio_reid.gallery.store.protocol import Condition, NewPicture, Where
from aio_reid.gallery.store.schema import create_file, scratch_folder
from aio_reid.records import Modality

THE_SECOND = Where(ids=(2,))
VECTOR = unit(2).astype("<f4").tobytes()


def holds(file: Path, vector: bytes = VECTOR) -> bool:
    return bool(find_bytes(file, [vector]))


def exported(gallery: Path, path: Path) -> Path:
    store = EmbeddedStore(gallery, write=True)
    export_gallery(store, path)
    store.close()
    return path


def restored(folder: Path, backup: Path) -> EmbeddedStore:
    create_file(folder / "restored", "a" * 64, "test", keep_copies=False)
    store = EmbeddedStore(folder / "restored", write=True)
    import_gallery(store, backup)
    return store


def test_a_backup_of_another_gallery_that_was_locked(gallery: Path, tmp_path: Path) -> None:
    backup = exported(gallery, tmp_path / "b.sqlite")
    create_file(tmp_path / "mine", "a" * 64, "test", keep_copies=False)
    store = EmbeddedStore(tmp_path / "mine", write=True)
    import_gallery(store, backup)
    content = store.get([2])[0].picture.content
    busy = EmbeddedStore(backup, write=True)
    first = erase_pictures(store, THE_SECOND)
    busy.close()
    assert first.num_erased == 1 and not first.is_complete and "is being written" in first.backups[0].state
    assert holds(backup) and read_pending(store) == [(content, Modality.RGB)]
    again = erase_pictures(store, THE_SECOND)
    assert (again.num_erased, again.is_complete, again.backups[0].num_erased) == (0, True, 1)
    assert not holds(backup) and read_pending(store) == [], "of a complete erasure nothing is remembered"
    assert not find_bytes(store.path, [content]) and not find_bytes(backup, [content])
    store.close()


def test_a_cache_that_was_busy_is_reached_by_any_later_erasure(
    gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aio_reid.gallery.database.BUSY_TIMEOUT_S", 0.05)
    cache, content = open_cache(tmp_path / "cache"), new_picture(2).picture.content
    cache.keep_contents([(PictureFile(new_picture(2).picture.path, 1, 1, 1), content)])
    cache.keep_embeddings(Space("a" * 64, Modality.RGB), [(content, Embedded(unit(2)))])
    cache.close()
    store = EmbeddedStore(gallery, write=True)
    file = next((tmp_path / "cache").glob("*.sqlite"))
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not erase_pictures(store, THE_SECOND, caches=[tmp_path / "cache"]).is_complete
        other.execute("ROLLBACK")
    other.close()
    assert holds(file)
    file.rename(tmp_path / "elsewhere")  # its disk is not there
    done = erase_pictures(store, Where(ids=(5,)))
    assert not done.is_complete and done.caches[0].state == GONE, "also where nobody names the cache again"
    (tmp_path / "elsewhere").rename(file)
    done = erase_pictures(store, Where(ids=(6,)))
    assert done.is_complete and not any(holds(path) for path in (tmp_path / "cache").iterdir())
    store.close()


def test_what_came_back_meanwhile_is_not_erased_from_backups(gallery: Path, tmp_path: Path) -> None:
    backup = exported(gallery, tmp_path / "b.sqlite")
    store = EmbeddedStore(gallery, write=True)
    busy = EmbeddedStore(backup, write=True)
    erase_pictures(store, THE_SECOND)
    busy.close()
    store.add(new_pictures(1, 2))
    assert erase_pictures(store, Where(ids=(5,))).is_complete
    store.close()
    assert holds(backup)


def test_a_backup_that_is_not_there_is_asked_for_until_it_is_forgotten(gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    backup = exported(gallery, tmp_path / "stick" / "b.sqlite")
    store = EmbeddedStore(gallery, write=True)
    (tmp_path / "stick").rename(tmp_path / "unplugged")
    done = erase_pictures(store, THE_SECOND)
    assert done.backups[0].state == GONE and not done.is_complete
    (tmp_path / "unplugged").rename(tmp_path / "stick")
    assert erase_pictures(store, THE_SECOND).is_complete and not holds(backup)
    with pytest.raises(DataError, match="is still there"):
        forget_place(store, backup)
    backup.unlink()
    assert not erase_pictures(store, Where(ids=(5,))).is_complete
    with pytest.raises(DataError, match=r"it knows: .*b\.sqlite"):
        forget_place(store, tmp_path / "other.sqlite")
    forget_place(store, backup)
    assert known_backups(store) == [] and erase_pictures(store, Where(ids=(5,))).is_complete
    store.close()


def test_a_backup_keeps_what_was_described_otherwise_and_stays(gallery: Path, tmp_path: Path) -> None:
    store = EmbeddedStore(gallery, write=True)
    person = store.get([4])[0].picture.columns["person"]
    backup = export_gallery(store, tmp_path / "b.sqlite")
    corrected = replace(store.get([4])[0].picture, columns={"person": "corrected"})
    store.add([NewPicture(corrected, unit(4))])
    done = erase_pictures(store, Where(columns=(Condition("person", "=", str(person)),)))
    assert done.is_complete and done.backups[0].num_erased == done.num_erased
    assert holds(backup, unit(4).astype("<f4").tobytes()) and store.get([4])
    store.close()


def test_what_a_killed_export_left_is_removed(gallery: Path, tmp_path: Path) -> None:
    backup = exported(gallery, tmp_path / "b.sqlite")
    left = tmp_path / ".b.sqlite.4711.part"
    left.write_bytes(backup.read_bytes())
    store = EmbeddedStore(gallery, write=True)
    assert erase_pictures(store, THE_SECOND).is_complete and not left.exists()
    left.write_bytes(VECTOR)
    backup.unlink()
    erase_pictures(store, Where(ids=(5,)))
    assert not left.exists(), "also where the backup itself is gone"
    store.close()


def test_a_bad_place_does_not_stop_the_others(gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, good = exported(gallery, tmp_path / "closed.sqlite"), exported(gallery, tmp_path / "good.sqlite")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "embeddings.sqlite").write_bytes(b"damaged" * 999)
    real = Path.is_file

    def is_file(self: Path) -> bool:
        if self == closed:
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Path, "is_file", is_file)
    store = EmbeddedStore(gallery, write=True)
    done = erase_pictures(store, THE_SECOND, caches=[tmp_path / "cache"])
    assert done.num_erased == 1 and not done.is_complete and not holds(store.path)
    states = {Path(place.path).name: place.state for place in (*done.backups, *done.caches)}
    assert states["good.sqlite"] == ERASED and not holds(good)
    assert states["closed.sqlite"] == "it cannot be reached (permission denied)"
    assert "damaged" in states["cache"]
    store.close()


def test_a_backup_is_erased_from_by_its_own_name_and_not_exported(gallery: Path, tmp_path: Path) -> None:
    backup = exported(gallery, tmp_path / "b.sqlite")
    store = EmbeddedStore(backup, write=True)
    with pytest.raises(StorageError, match="is a backup itself"):
        export_gallery(store, tmp_path / "second.sqlite")
    assert erase_pictures(store, THE_SECOND).is_complete
    store.close()
    assert not holds(backup)


def test_one_modality_of_a_content_is_erased_and_the_other_stays(gallery: Path, tmp_path: Path) -> None:
    store = EmbeddedStore(gallery, write=True)
    as_sketch = replace(store.get([2])[0].picture, modality=Modality.SKETCH)
    store.add([NewPicture(as_sketch, unit(4711))])
    backup = export_gallery(store, tmp_path / "b.sqlite")
    busy = EmbeddedStore(backup, write=True)
    assert not erase_pictures(store, THE_SECOND).is_complete
    busy.close()
    assert erase_pictures(store, Where(ids=(7,))).is_complete
    assert not holds(backup) and holds(backup, unit(4711).astype("<f4").tobytes())
    assert store.known([as_sketch.content], Modality.SKETCH)
    store.close()


def test_an_export_that_failed_is_not_looked_for(gallery: Path, tmp_path: Path) -> None:
    store = EmbeddedStore(gallery, write=True)
    with pytest.raises(StorageError, match="choose another place"):
        export_gallery(store, tmp_path / "nowhere" / "b.sqlite")
    assert known_backups(store) == [] and erase_pictures(store, THE_SECOND).is_complete
    store.close()


def test_after_a_restore_all_backups_are_known(gallery: Path, tmp_path: Path) -> None:
    older, newer = exported(gallery, tmp_path / "b1.sqlite"), exported(gallery, tmp_path / "b2.sqlite")
    store = restored(tmp_path, newer)
    done = erase_pictures(store, Where(ids=(store.ids()[1],)))
    assert done.is_complete and [place.num_erased for place in done.backups] == [1, 1]
    assert not holds(older) and not holds(newer)
    with pytest.raises(StorageError, match="cannot export to"):  # it would be taken for a gallery in use
        export_gallery(store, tmp_path / "elsewhere" / "gallery.sqlite")
    store.close()


def test_the_same_filter_is_asked_again_though_nobody_has_the_column_any_more(gallery: Path, tmp_path: Path) -> None:
    backup = exported(gallery, tmp_path / "b.sqlite")
    store = EmbeddedStore(gallery, write=True)
    backup.rename(tmp_path / "unplugged")
    tall = Where(columns=(Condition("height", ">", "0"),))
    assert not erase_pictures(store, tall).is_complete
    assert not any(item.picture.columns for item in store.get(store.ids()))
    (tmp_path / "unplugged").rename(backup)
    again = erase_pictures(store, tall)
    assert again.is_complete and again.num_erased == 0 and again.backups[0].num_erased > 300 and not again.is_of_nothing
    with pytest.raises(DataError, match="no column 'height'"):  # names of columns are not kept for nothing
        erase_pictures(store, tall)
    store.close()


def test_what_a_restored_backup_knew_does_not_take_the_place_of_what_is_known(gallery: Path, tmp_path: Path) -> None:
    lost, week = exported(gallery, tmp_path / "town.sqlite"), exported(gallery, tmp_path / "week.sqlite")
    store = restored(tmp_path, week)
    lost.unlink()
    export_gallery(store, lost)  # its own now
    import_gallery(store, week)
    assert dict(known_backups(store))[lost] == store.about().gallery_id
    with pytest.raises(DataError, match="is still there"):
        forget_place(store, lost)
    assert erase_pictures(store, Where(ids=(store.ids()[1],))).is_complete and not holds(lost)
    store.close()


def test_a_backup_in_whose_place_another_gallery_lies_can_be_forgotten(gallery: Path, tmp_path: Path) -> None:
    backup = exported(gallery, tmp_path / "b.sqlite")
    backup.unlink()
    create_file(tmp_path / "other", "a" * 64, "test", keep_copies=False)
    exported(tmp_path / "other", backup)
    store = EmbeddedStore(gallery, write=True)
    assert "another gallery lies there" in erase_pictures(store, THE_SECOND).backups[0].state
    forget_place(store, backup)
    assert erase_pictures(store, THE_SECOND).is_complete and backup.exists()
    store.close()


def test_pictures_that_a_killed_reembedding_wrote_out_go_with_an_erasure(gallery: Path) -> None:
    store = EmbeddedStore(gallery, write=True)
    left = scratch_folder(store.path)
    left.mkdir()
    (left / "2.jpg").write_bytes(b"a picture")
    erase_pictures(store, THE_SECOND)
    assert not left.exists()
    store.close()


def test_a_file_of_before_that_was_remembered_is_read_as_one_that_owes_nothing(gallery: Path) -> None:
    with sqlite3.connect(gallery / "gallery.sqlite") as connection:
        connection.execute("DROP TABLE pending")
        connection.execute("DROP TABLE pending_caches")
        connection.execute("PRAGMA user_version=2")
    connection.close()
    store = EmbeddedStore(gallery)
    assert read_pending(store) == []
    store.close()
    store = EmbeddedStore(gallery, write=True)
    assert erase_pictures(store, THE_SECOND).is_complete
    store.close()
