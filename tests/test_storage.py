"""Files for every layer: their content, writing them whole, and which SQLite errors are damage."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from aio_reid.storage import ExclusiveLock, HeldLock, file_content, is_passing, written_whole


def test_the_content_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abc" * 100_000)
    assert file_content(file) == hashlib.sha256(b"abc" * 100_000).digest()
    with pytest.raises(FileNotFoundError):
        file_content(tmp_path / "b")


def test_a_file_is_the_old_one_until_it_is_the_new_one_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with written_whole(file) as part:
        part.write_text("new")
        assert file.read_text() == "old" and part.parent == tmp_path
    assert file.read_text() == "new"
    for cause in (OSError("full"), KeyboardInterrupt()):
        with pytest.raises(type(cause)), written_whole(file) as part:
            part.write_text("half")
            raise cause
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "new")]
    with pytest.raises(FileNotFoundError), written_whole(file):
        pass  # nothing was written: the old one is not lost
    assert file.read_text() == "new"


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(Path, "replace", lambda part, path: (done.append("replace"), replace(part, path)))
    with written_whole(tmp_path / "a.txt") as part:
        part.write_text("new")
    assert done == ["fsync", "replace"]


def test_what_lies_in_the_way_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"), written_whole(tmp_path / "folder") as part:
        part.write_text("text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_lock_has_one_holder_and_none_once_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom aio_reid.storage import ExclusiveLock\n"
        f"lock = ExclusiveLock(Path({str(tmp_path / 'lock')!r}))\nprint('held', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(HeldLock, match=f"^{holder.pid}$"):
            ExclusiveLock(tmp_path / "lock")
        holder.kill()
    lock = ExclusiveLock(tmp_path / "lock")
    with pytest.raises(HeldLock):
        ExclusiveLock(tmp_path / "lock")
    lock.release()
    ExclusiveLock(tmp_path / "lock").release()


def test_a_lock_and_a_full_disk_pass_and_damage_does_not(tmp_path: Path) -> None:
    def coded(code: int) -> sqlite3.Error:
        error = sqlite3.OperationalError("x")
        error.sqlite_errorcode = code
        return error

    assert is_passing(coded(sqlite3.SQLITE_FULL)) and is_passing(coded(sqlite3.SQLITE_IOERR_WRITE))
    assert not is_passing(coded(sqlite3.SQLITE_CORRUPT)) and not is_passing(sqlite3.DatabaseError("without a code"))
    path = tmp_path / "a.sqlite"
    first, second = (sqlite3.connect(path, timeout=0, isolation_level=None) for _ in range(2))
    first.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as locked:
        second.execute("CREATE TABLE t(x)")
    first.close()
    second.close()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(sqlite3.DatabaseError) as foreign:
        sqlite3.connect(path).execute("SELECT * FROM t")
    assert is_passing(locked.value) and not is_passing(foreign.value)
