from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import StorageError
from aio_reid.gallery.cache import Embedded, EmbeddingCache, Space, default_cache_folder, open_cache
from aio_reid.gallery.database import FILE_NAME
from aio_reid.gallery.embedder import QueryEmbedding
from aio_reid.gallery.scan import PictureFile
from aio_reid.gallery.store.erase_places import caches_to_erase
from aio_reid.records import Modality

SPACE = Space("w" * 64, Modality.RGB)


def unit(seed: int, size: int = 8) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=size)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def content(number: int) -> bytes:
    return number.to_bytes(32, "big")


def picture(path: str, time_ns: int = 1) -> PictureFile:
    return PictureFile(Path(path), 10, time_ns, time_ns)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[EmbeddingCache]:
    opened = open_cache(tmp_path / "cache")
    yield opened
    opened.close()


def fill(cache: EmbeddingCache, paths: list[str]) -> None:
    items = [(picture(path), content(number)) for number, path in enumerate(paths)]
    cache.keep_contents(items)
    cache.keep_embeddings(SPACE, [(digest, Embedded(unit(number))) for number, (_, digest) in enumerate(items)])


def test_vectors_come_back_bit_by_bit_and_only_in_their_space(cache: EmbeddingCache) -> None:
    digests = [content(number) for number in range(1200)]
    cache.keep_embeddings(SPACE, [(digest, Embedded(unit(number))) for number, digest in enumerate(digests)])
    found = cache.embeddings(SPACE, digests)
    assert all(np.array_equal(found[digest].vector, unit(number)) for number, digest in enumerate(digests))
    for other in (Space("v" * 64, Modality.RGB), Space("w" * 64, Modality.INFRARED), Space("w" * 64, Modality.RGB, 99)):
        assert cache.embeddings(other, digests) == {}


def test_files_and_database_are_private(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        open_cache(tmp_path / "new" / "cache").keep_contents([(picture("/a.png"), content(1))])
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE((tmp_path / "new" / "cache").stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in (tmp_path / "new" / "cache").iterdir())


def test_a_changed_file_has_no_known_content(cache: EmbeddingCache) -> None:
    cache.keep_contents([(picture("/a.png"), content(1))])
    assert cache.contents([picture("/a.png")]) == {b"/a.png": content(1)}
    assert cache.contents([picture("/a.png", time_ns=2), picture("/b.png")]) == {}


def test_a_file_changed_just_now_is_read_again(cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aio_reid.gallery.cache.CLOCK_TICK_NS", 2_000_000_000)
    monkeypatch.setattr("time.time_ns", lambda: 10_000_000_000)
    fresh, settled = picture("/fresh.png", 9_000_000_000), picture("/settled.png", 7_000_000_000)
    cache.keep_contents([(fresh, content(1)), (settled, content(2))])
    assert cache.contents([fresh, settled]) == {settled.key: content(2)}


def test_failures_are_remembered_until_the_reader_changes(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.keep_embeddings(SPACE, [(content(1), Embedded(None, "cut off"))])
    assert cache.embeddings(SPACE, [content(1)])[content(1)].error == "cut off"
    monkeypatch.setattr("aio_reid.gallery.cache.pillow_version", "99")
    assert cache.embeddings(SPACE, [content(1)]) == {}


def test_erasing_a_folder_takes_what_only_it_has(cache: EmbeddingCache) -> None:
    fill(cache, ["/g/a.png", "/g/sub/b.png", "/gg/c.png", "/g.png"])
    cache.keep_contents([(picture("/gg/same as a.png"), content(0))])
    cache.keep_query(b"q" * 32, "w", QueryEmbedding(unit(7)))
    assert cache.erase(Path("/g")) == 1
    kept = cache.embeddings(SPACE, [content(number) for number in range(4)])
    assert sorted(kept) == [content(0), content(2), content(3)]
    assert cache.query(b"q" * 32) is None
    assert cache.erase() == 3
    assert cache.stats().num_embeddings == cache.stats().num_files == 0


def test_erased_vectors_are_nowhere_in_the_files(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "cache")
    fill(cache, [f"/g/{number}.png" for number in range(300)])
    marks = [unit(number).tobytes() for number in (0, 150, 299)]
    stored = b"".join(file.read_bytes() for file in (tmp_path / "cache").iterdir())
    assert all(mark in stored for mark in marks)
    cache.erase()
    left = b"".join(file.read_bytes() for file in (tmp_path / "cache").iterdir())
    assert not any(mark in left for mark in marks)
    cache.close()


def test_absent_files_are_forgotten_with_their_embeddings(cache: EmbeddingCache) -> None:
    fill(cache, ["/g/a.png", "/g/b.png", "/h/c.png"])
    cache.forget_absent(Path("/g"), [picture("/g/b.png")])
    assert sorted(cache.embeddings(SPACE, [content(number) for number in range(3)])) == [content(1), content(2)]


def test_stats(cache: EmbeddingCache) -> None:
    fill(cache, ["/a.png", "/b.png"])
    cache.keep_embeddings(SPACE, [(content(9), Embedded(None, "cut off"))])
    stats = cache.stats()
    assert (stats.num_files, stats.num_embeddings, stats.num_failures, stats.num_queries) == (2, 2, 1, 0)
    assert stats.weights == (("w" * 64, 2),)
    assert stats.size_bytes > 0


def test_a_foreign_damaged_or_newer_file_is_an_error_and_stays(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE songs(name)")
    other.commit()
    other.close()
    foreign = file.read_bytes()
    open_cache(tmp_path / "good").close()
    newer = sqlite3.connect(tmp_path / "good" / FILE_NAME)
    newer.execute("PRAGMA user_version=999")
    newer.close()
    with pytest.raises(StorageError, match="newer aio-reid"):
        open_cache(tmp_path / "good")
    for bad in (foreign, b"no database at all " * 400):
        file.write_bytes(bad)
        with pytest.raises(StorageError, match="--cache DIR"):
            open_cache(tmp_path)
        assert file.read_bytes() == bad


def test_damage_inside_is_an_error(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    fill(cache, [f"/g/{number}.png" for number in range(300)])
    cache.close()
    stored = bytearray((tmp_path / FILE_NAME).read_bytes())
    stored[4096:] = b"\x5a" * (len(stored) - 4096)
    (tmp_path / FILE_NAME).write_bytes(stored)
    with pytest.raises(StorageError, match="damaged"):
        open_cache(tmp_path).embeddings(SPACE, [content(1)])


def test_a_vector_that_changed_is_an_error(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    fill(cache, ["/a.png"])
    cache.close()
    direct = sqlite3.connect(tmp_path / FILE_NAME)
    direct.execute("UPDATE embeddings SET vector = zeroblob(32)")
    direct.commit()
    direct.close()
    with pytest.raises(StorageError, match="vector has changed"):
        open_cache(tmp_path).embeddings(SPACE, [content(0)])


def test_a_file_in_the_way_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "below" / "deep"):
        with pytest.raises(StorageError, match="no folder"):
            open_cache(place)


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    cache = open_cache(tmp_path / "closed" / "cache")
    fill(cache, ["/a.png"])
    assert cache.folder is None
    assert len(cache.warnings) == 1 and "without a cache" in cache.warnings[0]
    assert len(cache.embeddings(SPACE, [content(0)])) == 1


def test_a_read_only_cache_is_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cache = open_cache(folder)
    fill(cache, ["/a.png"])
    cache.close()
    for path, mode in ((folder / FILE_NAME, 0o400), (folder, 0o500)):
        path.chmod(mode)
    (tmp_path / "closed").mkdir(0o500)
    if os.access(tmp_path / "closed", os.W_OK):
        pytest.skip("this user may write everywhere")
    for place in (folder, tmp_path / "closed"):
        cache = open_cache(place)
        fill(cache, ["/b.png"])
        assert len(cache.warnings) == 1
    folder.chmod(0o700)


def test_a_locked_cache_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aio_reid.gallery.database.BUSY_TIMEOUT_S", 0.05)
    cache = open_cache(tmp_path)
    fill(cache, ["/a.png"])
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.keep_contents([(picture("/b.png"), content(5))])
    assert len(cache.warnings) == 1 and "locked" in cache.warnings[0]
    assert len(cache.embeddings(SPACE, [content(0)])) == 1
    with pytest.raises(StorageError, match="nothing was erased"):
        cache.erase()
    other.close()


def test_a_cache_that_cannot_be_read_for_the_moment_says_so(tmp_path: Path) -> None:
    class Failing:
        def execute(self, *_: object) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    cache = open_cache(tmp_path)
    fill(cache, ["/a.png"])
    cache._database._connection = Failing()  # type: ignore[assignment]
    assert cache.stats().num_embeddings == 0
    assert "disk I/O error" in cache.warnings[0]


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / "aio-reid"
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "not/absolute"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert default_cache_folder() == tmp_path / ".cache" / "aio-reid"


def test_an_erasure_passes_over_no_cache_that_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))
    assert caches_to_erase(None) == [] and caches_to_erase(tmp_path / "named") == [tmp_path / "named"]
    open_cache().close()
    assert caches_to_erase(None) == [default_cache_folder()]
    monkeypatch.delenv("XDG_CACHE_HOME")

    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    assert caches_to_erase(None) == []


def test_a_file_that_another_process_is_making_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # not yet in WAL mode: SQLite itself would refuse at once
    threading.Timer(0.3, other.rollback).start()
    assert open_cache(tmp_path).warnings == ()


WRITER = """
import sys
sys.path[:0] = {path}
from pathlib import Path
from test_cache import Embedded, SPACE, content, open_cache, unit
cache = open_cache(Path(sys.argv[1]))
first = int(sys.argv[2])
for number in range(first, first + 50):
    cache.keep_embeddings(SPACE, [(content(number), Embedded(unit(number)))])
assert not cache.warnings, cache.warnings
"""


def test_processes_that_start_together_lose_nothing(tmp_path: Path) -> None:
    code = WRITER.format(path=repr([str(Path(__file__).parent), str(Path(open_cache.__code__.co_filename).parents[2])]))
    starts = (0, 30, 60)
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "cache"), str(n)]) for n in starts]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    cache = open_cache(tmp_path / "cache")
    assert len(cache.embeddings(SPACE, [content(number) for number in range(110)])) == 110
