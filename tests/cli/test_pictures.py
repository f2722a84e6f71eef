"""`aio-reid evaluate --pictures`."""

from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid.cli.entry import run
from aio_reid.records import Modality


def test_pictures_of_an_evaluation(manifest: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    assert run(["evaluate", str(manifest), "--weights", str(weights), "--device", "cpu", "--pictures", str(out)]) == 0
    num_subsets = 2 ** len(Modality) - 1
    assert len(list(out.glob("ranked-*.html"))) == 2 * num_subsets - len(Modality)
    assert (out / "index.html").is_file() and (out / "cmc.svg").is_file() and (out / "map.html").is_file()


def test_a_wrong_place_is_one_line(
    manifest: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    arguments = ["evaluate", str(manifest), "--weights", str(weights), "--pictures", str(tmp_path / "file")]
    assert run(arguments) == 2
    assert "cannot make the folder" in capsys.readouterr().err
