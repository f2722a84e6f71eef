"""`aio-reid export-weights`: what its names stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid.cli import entry
from aio_reid.training import export
from aio_reid.weights import find_weights


def test_packaged_weights_are_named_wherever_a_run_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Path] = []

    def export_run(run: Path, out: Path, *, averaged: list[Path], **options: object) -> Path:
        asked.extend([run, *averaged])
        return out

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "export_run", export_run)
    words = ["export-weights", "aio-nano", "out.safetensors", "--average", "runs/mine", "--average", "aio-nano"]
    assert entry.run(words) == 0
    assert asked == [find_weights("aio-nano"), Path("runs/mine"), find_weights("aio-nano")]
    assert capsys.readouterr().out == "written: out.safetensors\n"
