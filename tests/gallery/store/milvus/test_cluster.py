"""What the cluster's store has beyond the contract, in a real server (`make test-milvus`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from store_fakes import WEIGHTS, new_picture, new_pictures, unit

from aio_reid.errors import DataError, StorageError, WeightsError
from aio_reid.gallery.store.backups import export_gallery
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.erase import ERASED
from aio_reid.gallery.store.milvus import nearest
from aio_reid.gallery.store.milvus.care import erase_from_cluster, forget_cluster_backup, verify_cluster
from aio_reid.gallery.store.milvus.state import create_gallery, has_gallery
from aio_reid.gallery.store.milvus.store import MilvusStore
from aio_reid.gallery.store.milvus.url import MilvusUrl
from aio_reid.gallery.store.moving import bring_over, export_cluster
from aio_reid.gallery.store.protocol import Where
from aio_reid.gallery.store.schema import create_file


def test_there_and_back_and_erased_from_the_backup(cluster: MilvusUrl, gallery: Path, tmp_path: Path) -> None:
    local, store = EmbeddedStore(gallery, write=True), MilvusStore(cluster, write=True)
    local.remove(Where(ids=(1, 2)))  # so that ids differ afterwards
    assert bring_over(store, local).new == 398
    again = bring_over(store, local)
    assert (again.new, again.known) == (0, 398)
    backup = export_cluster(store, tmp_path / "backup.sqlite")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert export_cluster(store, backup) == backup  # a newer one takes its place
    assert {path.name for path in tmp_path.iterdir()} - {"backup.lock"} == {"backup.sqlite", "gallery"}
    home = EmbeddedStore(backup)
    for (ours, one), (theirs, other) in zip(local.iterate(), home.iterate(), strict=True):
        assert ours.picture == theirs.picture
        np.testing.assert_array_equal(one, other)
    home.close()
    came_from = export_gallery(local, tmp_path / "came-from.sqlite")
    source = EmbeddedStore(came_from)
    assert bring_over(store, source).new == 0
    source.close()
    done = erase_from_cluster(store, Where(cameras=("north",)))
    assert (done.num_before, done.num_erased, done.num_after) == (398, 133, 265)
    assert [(place.state, place.num_erased) for place in done.backups] == [(ERASED, 133)] * 2
    assert not done.is_complete and "gone from the cluster's disks" in done.not_proven[0] and done.sha256 is None
    assert done.to_json()["not_proven"] == done.not_proven
    data = backup.read_bytes()
    assert unit(6).tobytes() not in data and unit(7).tobytes() in data
    other = tmp_path / "other"
    create_file(other, "b" * 64, "other", keep_copies=False)
    foreign = EmbeddedStore(other, write=True)
    with pytest.raises(WeightsError, match="reembed"):
        bring_over(foreign, store)
    with pytest.raises(StorageError, match="another gallery"):
        export_cluster(store, export_gallery(foreign, tmp_path / "foreign.sqlite"))
    with pytest.raises(StorageError, match="cannot export to"):
        export_cluster(store, other / "gallery.sqlite")
    for opened in (local, store, foreign):
        opened.close()


def test_nothing_is_erased_while_a_backup_is_out_of_reach(cluster: MilvusUrl, tmp_path: Path) -> None:
    store = MilvusStore(cluster, write=True)
    store.add(new_pictures(5))
    backup = export_cluster(store, tmp_path / "backup.sqlite")
    elsewhere = backup.rename(tmp_path / "unplugged.sqlite")
    everything = Where(cameras=tuple({item.picture.camera for item, _ in store.iterate() if item.picture.camera}))
    with pytest.raises(StorageError, match=r"nothing was erased.*backup\.sqlite is out of reach.*--forget"):
        erase_from_cluster(store, everything)
    assert store.count() == 5
    elsewhere.rename(backup)
    with pytest.raises(DataError, match="is still there"):
        forget_cluster_backup(store, backup)
    backup.unlink()
    forget_cluster_backup(store, backup)
    assert erase_from_cluster(store, everything).num_erased == 5 - store.count() > 0
    store.close()


def test_two_writers_are_noticed(cluster: MilvusUrl) -> None:
    first, second = MilvusStore(cluster, write=True), MilvusStore(cluster, write=True)
    first.add(new_pictures(3))
    second.add(new_pictures(3, 4))
    with pytest.raises(StorageError, match="being written by another process"):
        first.add(new_pictures(1, 9))
    assert [item.picture.frame for item in second.get([1, 2, 3, 4, 5, 6, 7])] == [1, 2, 3, 4, 5, 6]
    first.close()
    second.close()


def test_what_is_there_is_not_made_anew_and_what_is_not_is_told(cluster: MilvusUrl) -> None:
    with pytest.raises(StorageError, match="is there already"):
        create_gallery(cluster, WEIGHTS, "test")
    missing = MilvusUrl(cluster.host, cluster.port, "no_such_gallery")
    assert has_gallery(cluster) and not has_gallery(missing)
    with pytest.raises(DataError, match="make one with `aio-reid gallery create`"):
        MilvusStore(missing)


def test_beyond_the_limit_all_rows_are_read(cluster: MilvusUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MilvusStore(cluster, write=True)
    store.add(new_pictures(300))
    expected = [store.search(unit(0), top=100, by_track=by_track).ids for by_track in (False, True)]
    monkeypatch.setattr(nearest, "LARGEST_LIMIT", 20)
    monkeypatch.setattr(nearest, "SPREAD_SAMPLE", 150)
    for ids, by_track in zip(expected, (False, True), strict=True):
        np.testing.assert_array_equal(store.search(unit(0), top=100, by_track=by_track).ids, ids)
    store.close()


def test_the_spread_of_a_sample(cluster: MilvusUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MilvusStore(cluster, write=True)
    store.add(new_pictures(400))
    true = store.search(unit(0), top=3, with_spread=True)
    monkeypatch.setattr(nearest, "SPREAD_SAMPLE", 200)
    found = store.search(unit(0), top=3, with_spread=True)
    assert found.spread is not None and true.spread is not None
    assert 100 < sum(found.spread.bins) < 300 and "estimated" in found.notes[0]
    assert found.spread.median == pytest.approx(true.spread.median, abs=0.05)
    assert found.spread.chance_best == true.spread.chance_best
    np.testing.assert_array_equal(found.ids, true.ids)
    store.close()


def test_verify_tells_what_is_missing(cluster: MilvusUrl) -> None:
    store = MilvusStore(cluster, write=True)
    store.add([new_picture(1)])
    assert verify_cluster(store, files=False) == []
    (problem,) = verify_cluster(store)
    assert problem.kind == "file" and "cannot be read" in problem.text
    store.close()


def test_a_server_that_is_not_there_is_one_line() -> None:
    pytest.importorskip("pymilvus")
    with pytest.raises(StorageError, match="can be reached"):
        MilvusStore(MilvusUrl("127.0.0.1", 9, "town"))
