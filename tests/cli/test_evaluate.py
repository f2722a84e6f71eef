from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from aio_reid.cli.entry import run

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

import suite_trees


@pytest.fixture
def root(tmp_path: Path) -> Path:
    suite_trees.market1501(tmp_path / "data" / "market1501")
    suite_trees.people(tmp_path / "data" / "people")
    return tmp_path / "data"


def cells(text: str) -> dict[tuple[str, str, str], list[str]]:
    rows = [line.split("\t") for line in text.splitlines()]
    return {(row[0], row[1], row[2]): row[3:] for row in rows}


def test_all_that_is_there(root: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    arguments = ["evaluate", "--weights", str(weights), "--data", str(root), "--out", str(out), "--device", "cpu"]
    assert run([*arguments, "--protocols", "all-available", "--seeds", "1"]) == 0
    shown = capsys.readouterr()
    rows = cells(shown.out)
    result = json.loads((out / "rows" / "market1501.json").read_text(encoding="utf-8"))
    assert float(rows["R to R", "Market-1501, a part", "photo to photo"][2]) == pytest.approx(
        100 * result["tasks"][0]["rank"]["1"], abs=0.05
    )
    assert rows["any to R", "manifest-people", "RICST"][:2] == ["3", "6"]
    assert rows["T to R", "CUHK-PEDES", "not available"][-1] == "53.4 (a)"
    assert "1/2 market1501: R to R, Market-1501\n" in shown.err
    assert "2/2 manifest-people: done in " in shown.err
    assert {path.suffix for path in out.glob("zero_shot.*")} == {".md", ".tex", ".csv", ".json"}
    assert (out / "embeddings").is_dir()


def test_a_copy_that_is_broken_is_the_exit_code(
    root: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "market1501" / "query").rename(root / "market1501" / "queries")
    arguments = ["evaluate", "--weights", str(weights), "--data", str(root), "--out", str(tmp_path / "run")]
    assert run([*arguments, "--cache", str(tmp_path / "kept"), "--protocols", "market1501,manifest"]) == 1
    shown = capsys.readouterr()
    assert "R to R\tMarket-1501\tfailed: market1501 is no copy of Market-1501: it lacks 'query'" in shown.out
    assert ("any to R", "manifest-people", "RT") in cells(shown.out)
    assert "Traceback" not in shown.err
    assert (tmp_path / "kept").is_dir() and not (tmp_path / "run" / "embeddings").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give either DATA, a manifest or a data set's folder, or --data ROOT"),
        (("DATA", "--data", "ROOT"), "give either DATA"),
        (("DATA", "--seeds", "2"), "--seeds goes with --data ROOT"),
        (("ROOT",), "ROOT is a folder; give the manifest in it, or say with --dataset which data set it is, or give"),
        (("DATA", "--fresh"), "--fresh goes with --data ROOT"),
        (("DATA", "--dataset", "market"), "unknown dataset 'market'; choose one of: market1501, sysu-mm01, "),
        (("--data", "ROOT"), "--out is missing; with --data, name the folder of the results"),
        (("--data", "ROOT", "--out", "RUN", "--dataset", "llcm"), "give --protocols llcm"),
        (("--data", "ROOT", "--out", "RUN", "--pictures", "P"), "--pictures goes with DATA; with --data, evaluate one"),
        (("--data", "ROOT", "--out", "RUN", "--protocols", "llmc"), "--protocols has 'llmc'; choose one"),
        (("--data", "ROOT", "--out", "RUN", "--protocols", ""), "--protocols has ''; choose one"),  # not: all of them
        (("--data", "ROOT", "--out", "RUN", "--protocols", "llcm"), "holds no folder of a data set for llcm; give"),
        (("--data", "ROOT", "--out", "RUN", "--seeds", "0"), "--seeds is 0; give at least 1"),
        (("--data", "ROOT/market1501", "--out", "RUN"), "holds no folder of a data set that can be evaluated"),
        (("--data", "ROOT", "--out", "FILE"), "cannot be made"),
        (("--data", "ROOT", "--out", "RUN", "--weights", "none"), "weights 'none' not found"),
    ],
)
def test_mistakes_are_one_line(
    arguments: tuple[str, ...],
    words: str,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    root.rename("ROOT")
    Path("FILE").touch()
    assert run(["evaluate", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_name_of_the_catalogue(root: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "market.json"
    options = ["--dataset", "market1501", "--weights", str(weights), "--out", str(out), "--device", "cpu"]
    options += ["--pictures", str(tmp_path / "pictures")]
    assert run(["evaluate", str(root / "market1501"), *options]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("photo to photo\t3\t")
    assert json.loads(out.read_text(encoding="utf-8"))["protocol"]["name"] == "cross-camera"
    assert (tmp_path / "pictures" / "index.html").is_file()


def test_a_picture_that_is_damaged_is_named(
    root: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = root / "people" / "gallery" / "bob_3.png"
    Image.new("RGB", (1, 1)).save(picture)
    picture.write_bytes(picture.read_bytes()[:20])
    arguments = ["--data", str(root), "--out", str(tmp_path / "run"), "--protocols", "manifest"]
    assert run(["evaluate", *arguments, "--weights", str(weights)]) == 1
    assert "bob_3.png" in capsys.readouterr().out


def test_post_processing_and_a_mixed_gallery_stand_in_the_protocols_name(
    root: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, out = root / "people" / "manifest.csv", tmp_path / "r.json"
    arguments = ["evaluate", str(manifest), "--weights", str(weights), "--device", "cpu", "--out", str(out)]
    assert run([*arguments, "--post-processing", "re-ranking"]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["protocol"]["name"] == "any-combination-to-rgb, re-ranking"
    assert run([*arguments, "--gallery-modality", "rgb"]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["protocol"]["name"] == "any-combination-to-rgb"
    capsys.readouterr()
    for options, said in (
        (["--post-processing", "rerank"], "unknown --post-processing 'rerank'; choose one of: re-ranking, query-expan"),
        (["--post-processing", "re-ranking", "--pictures", str(tmp_path)], "give it without --post-processing"),
        (["--gallery-modality", "night"], "unknown modality 'night'; choose one of: rgb"),
        (["--gallery-modality", "rgb", "--dataset", "market1501"], "market1501 has a gallery of its own"),
    ):
        assert run([*arguments, *options]) == 2
        error = capsys.readouterr().err.strip()
        assert said in error and "\n" not in error
