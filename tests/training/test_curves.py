"""Figures for TensorBoard: TensorBoard reads them, a run that goes on replaces later ones, a full disk is one line."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest
import tiny
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from aio_reid.errors import StorageError
from aio_reid.training import run
from aio_reid.training.curves import Curves
from aio_reid.training.state import CHECKPOINT, read_log

FULL = Path("/dev/full")


def test_tensorboard_reads_them_and_what_is_made_again_is_shown_once(tmp_path: Path) -> None:
    for first, values in ((1, [0.5, 0.25, 7.0]), (3, [0.125])):
        with closing(Curves(tmp_path / "curves", first)) as written:
            for step, value in enumerate(values, start=first):
                written.add("train", {"total": value}, step)
    shown = EventAccumulator(str(tmp_path / "curves"))
    shown.Reload()
    assert [(event.step, event.value) for event in shown.Scalars("train/total")] == [(1, 0.5), (2, 0.25), (3, 0.125)]


def test_who_has_no_figure_leaves_no_file(tmp_path: Path) -> None:
    with closing(Curves(tmp_path / "curves", 1)):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_full_disk_is_one_line_after_the_checkpoint(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    num_threads = threading.active_count()

    def open_full(self: Curves) -> None:
        self._file = FULL.open("wb")

    monkeypatch.setattr(Curves, "_open", open_full)
    with pytest.raises(StorageError, match=r"tensorboard.*No space left on device; free space, then --resume"):
        run.train(tiny.tiny_config(manifest, checkpoint_every=1), tmp_path / "run")
    assert (tmp_path / "run" / CHECKPOINT).exists() and len(read_log(tmp_path / "run")) == 1
    assert threading.active_count() == num_threads
    assert "Traceback" not in capsys.readouterr().err
