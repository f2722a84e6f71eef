from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from aio_reid.cli.entry import run
from aio_reid.datasets.catalogue import CATALOGUE


@pytest.fixture
def pku_sketch(tmp_path: Path) -> Path:
    """Two flat photos and one sketch of one person, in the layout of PKU-Sketch."""
    root = tmp_path / "sets" / "PKUSketchRE-ID_V1"
    for name in ("photo/1_03_17.jpg", "photo/1_05_356.jpg", "sketch/1.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 32), "white").save(root / name)
    return root


def test_the_list_tells_what_there_is_and_what_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "list"]) == 0
    shown = capsys.readouterr()
    header, *rows = (line.split("\t") for line in shown.out.splitlines())
    assert header == ["name", "data set", "for", "terms", "how to obtain it"]
    assert [row[0] for row in rows] == list(CATALOGUE)
    assert all(all(row) and len(row) == len(header) for row in rows)
    assert "DukeMTMC-reID" in shown.err


def test_the_list_tells_which_are_in_a_folder(pku_sketch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "list", "--data", str(pku_sketch.parent)]) == 0
    folders = {row.split("\t")[0]: row.split("\t")[1] for row in capsys.readouterr().out.splitlines()}
    assert folders["pku-sketch"] == str(pku_sketch)
    assert folders["llcm"] == "not there"


def test_an_incomplete_copy_is_counted_and_ends_with_1(pku_sketch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pku_sketch / "sketch" / "1.jpg").write_bytes(b"no picture")
    assert run(["data", "verify", "pku-sketch", "--root", str(pku_sketch)]) == 1
    shown = capsys.readouterr()
    assert "persons\t1\t200\nphotos\t2\t400\nsketches\t1\t200\n" in shown.out
    assert f"unreadable: {pku_sketch / 'sketch' / '1.jpg'}: is not a picture\n" in shown.err
    assert shown.err.endswith("NOT complete; 3 pictures read, 1 of them unreadable\n")


def test_a_complete_copy_ends_with_0(
    pku_sketch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for what, count in {"persons": 1, "photos": 2, "sketches": 1}.items():
        monkeypatch.setitem(CATALOGUE["pku-sketch"].published, what, count)  # type: ignore[arg-type]
    assert run(["data", "verify", "pku-sketch", "--root", str(pku_sketch)]) == 0
    assert "pku-sketch: as published\ncomplete; 3 pictures read, 0 of them unreadable\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["verify", "market", "--root", "{root}"], "unknown data set 'market'; choose one of: market1501, "),
        (["verify", "DukeMTMC-reID", "--root", "{root}"], "DukeMTMC-reID is not read: it is made of DukeMTMC"),
        (["verify", "llcm", "--root", "{root}"], "no copy of LLCM"),
        (["verify", "llcm", "--root", "{root}/none"], "no folder"),
        (["verify", "llcm"], "--root"),
        (["list", "--data", "{root}/none"], "no folder"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    words: list[str], part: str, pku_sketch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", *(word.replace("{root}", str(pku_sketch)) for word in words)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert part in shown.err
    assert len(shown.err.splitlines()) == 1
