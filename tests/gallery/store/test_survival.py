"""A gallery whose writer is killed at any moment, whose disk is full or read-only, whose file is damaged or foreign."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from store_fakes import WEIGHTS, new_pictures, unit

from aio_reid.errors import AioError, DataError, StorageError
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import Where
from aio_reid.gallery.store.schema import FILE_NAME, create_file
from aio_reid.gallery.store.verify import verify_gallery

ROUNDS = int(os.environ.get("AIO_REID_KILL_ROUNDS", "20"))
"""Set AIO_REID_KILL_ROUNDS=200 for the long form."""

NUM_ADDED = 15


def in_a_child(work: Callable[[int], None]) -> tuple[int, int]:
    """Run work(pipe to write to) in a forked process; return its number and the pipe to read from."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(read_end)
            work(write_end)
            code = 0
        finally:  # never back into pytest
            if code:
                traceback.print_exc()
            os._exit(code)
    os.close(write_end)
    return child, read_end


def change(store: EmbeddedStore, step: int) -> None:
    """Do one step of an endless row of changes; pictures are known by their frame, which is their number."""
    first = NUM_ADDED * (step - step % 4) + 1
    frames = {item.picture.frame: item.id for item, _ in store.iterate()}
    if step % 4 in (0, 1):
        store.add(new_pictures(NUM_ADDED, first + NUM_ADDED * (step % 4)))
    elif step % 4 == 2:
        store.remove(Where(ids=tuple(frames[n] for n in range(first, first + 5))))
    else:
        store.erase(Where(ids=tuple(frames[n] for n in range(first + 5, first + 2 * NUM_ADDED - 3))))


def expected(num_steps: int) -> set[int]:
    """Return the numbers of the pictures that are there after so many steps."""
    present: set[int] = set()
    for step in range(num_steps):
        first = NUM_ADDED * (step - step % 4) + 1
        if step % 4 in (0, 1):
            present |= set(range(first + NUM_ADDED * (step % 4), first + NUM_ADDED * (step % 4 + 1)))
        elif step % 4 == 2:
            present -= set(range(first, first + 5))
        else:
            present -= set(range(first + 5, first + 2 * NUM_ADDED - 3))
    return present


def present(folder: Path) -> set[int]:
    store = EmbeddedStore(folder, write=True)  # also finishes a compaction
    try:
        assert verify_gallery(store, files=False) == []
        pairs = list(store.iterate())
        assert all(np.array_equal(vector, unit(item.picture.frame or 0)) for item, vector in pairs)
        assert len(store.search(unit(1), top=10**6).ids) == len(pairs)
        return {item.picture.frame or 0 for item, _ in pairs}
    finally:
        store.close()


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """What was acknowledged is there after every kill; the change that was under way is there whole or not at all."""
    folder = tmp_path / "gallery"
    create_file(folder, WEIGHTS, "test", keep_copies=False)
    chance = random.Random(5)
    done = 0
    for number in range(ROUNDS):

        def work(pipe: int, start: int = done) -> None:
            store = EmbeddedStore(folder, write=True)
            for step in range(start, start + 400):
                change(store, step)
                os.write(pipe, b".")

        child, pipe = in_a_child(work)
        acknowledged = len(os.read(pipe, 1)) if number % 2 else 0  # every other one has begun, on a slow machine too
        time.sleep(chance.uniform(0.0, 0.25))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while block := os.read(pipe, 4096):
            acknowledged += len(block)
        os.close(pipe)
        done += acknowledged
        found = present(folder)
        if found != expected(done):
            assert found == expected(done + 1), f"after {done} changes"
            done += 1
    assert done > 0, "the machine is so slow that nothing was done before the kills"


@pytest.mark.parametrize("limit", [100_000, 400_000, 700_000])
def test_full_disk_is_one_line_and_loses_nothing(tmp_path: Path, limit: int) -> None:
    folder = tmp_path / "gallery"
    create_file(folder, WEIGHTS, "test", keep_copies=False)

    def fill(pipe: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            store = EmbeddedStore(folder, write=True)
            for start in range(1, 10_000, 100):
                store.add(new_pictures(100, start))
                os.write(pipe, b".")
        except StorageError as error:
            os.write(pipe, f"\n{error}".encode())

    child, pipe = in_a_child(fill)
    with os.fdopen(pipe, encoding="utf-8") as file:
        dots, line = file.read().split("\n")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert "the disk is full or fails" in line and "free space and repeat" in line
    assert present(folder) == set(range(1, 100 * len(dots) + 1))


def test_read_only_gallery_is_searched_and_not_written(gallery: Path) -> None:
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        shutil.copytree(gallery, place / "gallery")
        (place / "gallery" / FILE_NAME).chmod(0o444)
        (place / "gallery" / "gallery.lock").unlink()
        (place / "gallery").chmod(0o555)

        def use(pipe: int) -> None:
            if os.geteuid() == 0:
                os.setuid(65534)  # whom permissions concern
            store = EmbeddedStore(place / "gallery")
            os.write(pipe, f"{store.search(unit(7), top=1).ids[0]}\n".encode())
            try:
                EmbeddedStore(place / "gallery", write=True)
            except StorageError as error:
                os.write(pipe, str(error).encode())

        child, pipe = in_a_child(use)
        with os.fdopen(pipe, encoding="utf-8") as file:
            found, line = file.read().split("\n")
        os.waitpid(child, 0)
    finally:
        (place / "gallery").chmod(0o755)
        shutil.rmtree(place)
    assert found == "7"
    assert "cannot be written" in line and "check the permissions" in line


def fails_in_one_line(folder: Path) -> str:
    """Open and use a gallery, which must end in one of our errors, and leave the file as it is."""
    before = (folder / FILE_NAME).read_bytes()
    messages = set()
    for write in (False, True):
        with pytest.raises(AioError) as caught:
            store = EmbeddedStore(folder, write=write)
            try:
                store.search(unit(1), top=5)
                list(store.iterate())
            finally:
                store.close()
        messages.add(str(caught.value))
    assert (folder / FILE_NAME).read_bytes() == before
    assert all("\n" not in message for message in messages)
    return " ".join(messages)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_truncated_file(gallery: Path, share: float) -> None:
    file = gallery / FILE_NAME
    os.truncate(file, int(file.stat().st_size * share))
    assert "is damaged or not made by aio-reid" in fails_in_one_line(gallery)


def test_foreign_files(gallery: Path) -> None:
    file = gallery / FILE_NAME
    for content in (b"a text file", b"SQLite format 3\0" + random.Random(1).randbytes(40_000)):
        file.write_bytes(content)
        assert "is damaged or not made by aio-reid" in fails_in_one_line(gallery)
    file.unlink()
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE theirs(x)")
    assert "another program's database" in fails_in_one_line(gallery)


def test_a_newer_gallery_is_left_alone(gallery: Path) -> None:
    connection = sqlite3.connect(gallery / FILE_NAME)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    assert "newer aio-reid" in fails_in_one_line(gallery)


def test_a_changed_vector_is_noticed(gallery: Path) -> None:
    connection = sqlite3.connect(gallery / FILE_NAME)
    with connection:
        connection.execute("UPDATE vectors SET vector = ? WHERE id = 5", [(2 * unit(5)).tobytes()])
        connection.execute("UPDATE vectors SET vector = ? WHERE id = 6", [unit(6).tobytes()[:-4]])
        connection.execute("DELETE FROM vectors WHERE id = 7")
    connection.close()
    store = EmbeddedStore(gallery)
    problems = [problem.text for problem in verify_gallery(store, files=False)]
    assert problems == [
        "picture 7: has no vector",
        "picture 5: its vector has the length 2, not 1",
        f"picture 6: its vector has {4 * 47} bytes, not {4 * 48}",
    ]
    with pytest.raises(StorageError, match="damaged"):
        store.search(unit(1), top=3)
    store.close()


def test_no_gallery(tmp_path: Path) -> None:
    for write in (False, True):
        with pytest.raises(DataError, match="aio-reid gallery create"):
            EmbeddedStore(tmp_path / "nothing", write=write)
