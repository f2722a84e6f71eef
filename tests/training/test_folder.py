"""A run's folder: one training at a time, and what a killed one left half written is taken away."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import tiny

from aio_reid.errors import StorageError
from aio_reid.storage import ExclusiveLock
from aio_reid.training import folder as folder_module
from aio_reid.training import run
from aio_reid.training.folder import CONFIG, LOCK, RunFolder


def test_one_training_at_a_time_uses_a_folder(manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "PATIENCE_S", 0.0)
    out = tmp_path / "run"
    out.mkdir()
    other = ExclusiveLock(out / LOCK)
    for resume in (False, True):
        with pytest.raises(StorageError, match=r"run folder '.*run' is in use by process \d+.*another --out"):
            run.train(tiny.tiny_config(manifest), out, resume=resume)
    assert [path.name for path in out.iterdir()] == [LOCK]
    other.release()
    run.train(tiny.tiny_config(manifest, optim={"max_steps": 1}), out)
    ExclusiveLock(out / LOCK).release()


def test_a_lock_that_ends_soon_is_waited_for_and_colleagues_may_go_on(tmp_path: Path) -> None:
    umask = os.umask(0o002)
    try:
        (tmp_path / "run").mkdir()
        held = ExclusiveLock(tmp_path / "run" / LOCK, mode=0o666)
        threading.Timer(0.4, held.release).start()  # as the loaders of a killed run do
        with RunFolder(tmp_path / "run") as folder:
            folder.prepare({"name": "x"}, False)
    finally:
        os.umask(umask)
    assert (tmp_path / "run" / LOCK).stat().st_mode & 0o777 == 0o664


def test_a_run_that_fails_lets_go_of_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunFolder(tmp_path / "run") as folder:
        folder.prepare({"name": "x"}, False)
        raise ZeroDivisionError
    with RunFolder(tmp_path / "run") as folder:
        folder.prepare({"name": "y"}, False)
    assert (tmp_path / "run" / CONFIG).read_text(encoding="utf-8") == "name: y\n"


def test_a_checkpoint_that_was_half_written_is_taken_away_and_other_files_stay(tmp_path: Path) -> None:
    for name in (CONFIG, ".checkpoint.pt.123.part", "notes.part", ".notes.txt.9.part"):
        (tmp_path / name).touch()
    with RunFolder(tmp_path) as folder:
        folder.prepare({}, True)
    assert {path.name for path in tmp_path.iterdir()} == {CONFIG, LOCK, "notes.part", ".notes.txt.9.part"}
