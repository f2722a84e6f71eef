from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import aio_reid
from aio_reid.api import AIO
from aio_reid.cli.entry import run
from aio_reid.cli.show import write_then_show
from aio_reid.errors import StorageError
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.demo_page import DemoRow
from aio_reid.records import Modality

SENTENCE = "a woman in a red jacket with a grey backpack"


@pytest.fixture
def photos(manifest: Path) -> Path:
    return manifest.parent / "rgb"


@pytest.fixture
def sketch(manifest: Path) -> Path:
    return sorted((manifest.parent / "sketch").iterdir())[0]


def search_arguments(photos: Path, sketch: Path, weights: Path, cache: Path) -> list[str]:
    evidence = ["--text", SENTENCE, "--sketch", str(sketch)]
    return ["search", str(photos), *evidence, "--top", "4", "--weights", str(weights), "--cache", str(cache)]


def test_a_search_ranks_as_the_vectors_do(
    photos: Path, sketch: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = [tmp_path / name for name in ("hits.html", "hits.json", "hits.csv")]
    options = [word for path in outputs for word in (f"--{path.suffix[1:]}", str(path))]
    assert run([*search_arguments(photos, sketch, weights, tmp_path / "cache"), *options]) == 0
    shown = capsys.readouterr()
    model = AIO.load(weights, "cpu")
    files = sorted(photos.iterdir())
    scores = model.embed(files) @ model.embed([{"text": SENTENCE, "sketch": sketch}])[0]
    expected = [files[g].name for g in np.argsort(-scores)[:4]]
    assert [line.split("\t")[3] for line in shown.out.splitlines()[1:]] == expected
    found = json.loads(outputs[1].read_text(encoding="utf-8"))
    assert [Path(hit["path"]).name for hit in found["hits"]] == expected
    np.testing.assert_allclose([hit["score"] for hit in found["hits"]], np.sort(-scores)[:4] * -1, atol=1e-5)
    assert all(path.stat().st_size > 100 for path in outputs)
    assert f"searched {len(files)} pictures" in shown.err


class Gone(io.StringIO):
    """A pipe whose reader went away."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def fileno(self) -> int:
        return self._descriptor


def test_a_reader_that_goes_away_leaves_the_files_of_a_search(
    photos: Path, sketch: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv = tmp_path / "hits.csv"
    with (tmp_path / "pipe").open("w") as pipe:
        monkeypatch.setattr(sys, "stdout", Gone(pipe.fileno()))
        code = run([*search_arguments(photos, sketch, weights, tmp_path / "cache"), "--csv", str(csv)])
    assert code == 1
    assert len(csv.read_text(encoding="utf-8").splitlines()) == 1 + 4


def test_files_are_written_before_anything_is_shown_and_a_full_disk_hides_nothing() -> None:
    done: list[str] = []
    with pytest.raises(BrokenPipeError):
        write_then_show(lambda: done.append("written"), fail_with(BrokenPipeError()))
    with pytest.raises(StorageError, match="full"):
        write_then_show(fail_with(StorageError("the disk is full")), lambda: done.append("shown"))
    assert done == ["written", "shown"]


def test_unread_words_and_damaged_pictures_are_named(
    photos: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in sorted(photos.iterdir())[:3]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8 this is no picture")
    words = " ".join(["red"] * 80 + ["umbrella"])
    assert run(["search", str(folder), "--text", words, "--weights", str(weights), "--no-cache"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 1 + 3
    assert "umbrella" in shown.err
    assert "damaged.jpg" in shown.err


def test_the_second_search_does_not_load_torch(photos: Path, sketch: Path, weights: Path, tmp_path: Path) -> None:
    arguments = search_arguments(photos, sketch, weights, tmp_path / "cache")
    assert run(arguments) == 0
    code = f"import sys\nfrom aio_reid.cli.entry import run\nassert run({arguments}) == 0\n"
    code += "assert 'torch' not in sys.modules"
    environment = {**os.environ, "PYTHONPATH": str(Path(aio_reid.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_the_cache_is_described_and_cleared(
    photos: Path, sketch: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = str(tmp_path / "cache")
    assert run(search_arguments(photos, sketch, weights, Path(cache))) == 0
    capsys.readouterr()
    assert run(["cache", "stats", "--cache", cache]) == 0
    assert "embeddings\t15\n" in capsys.readouterr().out
    assert run(["cache", "clear", "--cache", cache]) == 0
    assert capsys.readouterr().out.startswith("erased 15 embeddings")
    assert run(["cache", "stats", "--cache", cache]) == 0
    assert "embeddings\t0\n" in capsys.readouterr().out


def test_a_cache_that_is_not_there_is_not_made_and_one_that_is_closed_is_remarked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "typo"
    for command in ("stats", "clear"):
        assert run(["cache", command, "--cache", str(cache)]) == 0
        assert f"no cache in {str(cache)!r}" in capsys.readouterr().err
    assert not cache.exists()
    open_cache(cache).close()
    monkeypatch.setattr("aio_reid.gallery.database.create_privately", fail_with(PermissionError(13, "closed")))
    assert run(["cache", "stats", "--cache", str(cache)]) == 0
    shown = capsys.readouterr()
    assert "file\tnone\n" in shown.out and "searching without a cache" in shown.err and "closed" in shown.err
    assert run(["cache", "clear", "--cache", str(cache)]) == 2
    assert "nothing was erased" in capsys.readouterr().err


def fail_with(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_evaluate_writes_what_it_prints(
    manifest: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    assert run(["evaluate", str(manifest), "--weights", str(weights), "--out", str(out), "--device", "cpu"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    tasks = json.loads(out.read_text(encoding="utf-8"))["tasks"]
    photo = next(task for task in tasks if task["task"] == "R")
    shown = next(line for line in lines if line[0] == "R")
    assert float(shown[2]) == pytest.approx(100 * photo["rank"]["1"], abs=0.05)
    assert len(lines) - 1 == 2 ** len(Modality) - 1


def test_exported_weights_are_those_of_the_run_in_half_the_size(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(weights.read_bytes())
    out = tmp_path / "half.safetensors"
    assert run(["export-weights", str(folder), str(out), "--half"]) == 0
    before, after = load_file(weights), load_file(out)
    assert before.keys() == after.keys()
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values.astype(after[name].dtype))
    assert out.stat().st_size < 0.6 * weights.stat().st_size
    assert run(["export-weights", "aio-nano", str(out), "--half", "--not-mirrored"]) == 0
    assert (AIO.load().model.mirrored, AIO.load(out).model.mirrored) == (True, False)


def test_demo_writes_its_page_and_prints_its_table(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from aio_reid.demo import run_demo

    demo = run_demo(tmp_path / "demo", identities=5, seed=4, weights=str(weights))
    assert demo.page.read_text(encoding="utf-8").count("data:image/") > 9
    assert demo.num_gallery == 15
    asked = [row.modalities for row in demo.rows]
    assert len(asked) == len(set(asked)) == 5 + 6 + 4 + 1
    from aio_reid.cli.show import print_demo

    capsys.readouterr()
    row = DemoRow((Modality.SKETCH, Modality.TEXT), 5, 0.25, 0.5)
    print_demo(type(demo)(demo.page, (row,), 15))
    assert "sketch + text\t25.0\t50.0\n" in capsys.readouterr().out


TO_FIND = ("--layout", "retrieval", "--identities", "1")
FP32 = ("--set", "precision=fp32")  # not every processor computes in another, which would be remarked

BAD = {
    "nothing asked": (["search", "{photos}"], "nothing to search for"),
    "empty sentence": (["search", "{photos}", "--text", "  "], "empty"),
    "no folder": (["search", "{tmp}/none", "--text", "x"], "none"),
    "a file for a folder": (["search", "{weights}", "--text", "x"], "tiny"),
    "empty folder": (["search", "{tmp}", "--text", "x"], "no picture"),
    "no such query": (["search", "{photos}", "--sketch", "{tmp}/none.png"], "none.png"),
    "a query that is no picture": (["search", "{photos}", "--rgb", "{weights}"], "tiny"),
    "foreign weights": (["search", "{photos}", "--text", "x", "--weights", "{photos}"], "are a folder"),
    "unknown fusion": (["search", "{photos}", "--text", "x", "--fusion", "odd"], "early, late"),
    "unknown modality": (["search", "{photos}", "--text", "x", "--gallery-modality", "radar"], "radar"),
    "text gallery": (["search", "{photos}", "--text", "x", "--gallery-modality", "text"], "text"),
    "zero hits": (["search", "{photos}", "--text", "x", "--top", "0"], "at least 1"),
    "a device of no kind": (["search", "{photos}", "--text", "x", "--device", "gpu"], "or for a GPU cuda"),
    "unknown device": (["search", "{photos}", "--text", "x", "--device", "tpu9"], "tpu9"),
    "page in no folder": (["search", "{photos}", "--text", "x", "--html", "{tmp}/a/b.html"], "does not exist"),
    "two minds": (["search", "{photos}", "--text", "x", "--cache", "{tmp}/c", "--no-cache"], "contradict"),
    "no configuration": (["train", "{tmp}/none.yaml"], "none.yaml"),
    "unknown layout": (["people", "{tmp}/p", "--layout", "odd"], "train, retrieval"),
    "twins to be found": (["people", "{tmp}/p", *TO_FIND, "--twin-share", "0"], "--twin-share belongs to layout train"),
    "validation searched": (["people", "{tmp}/p", *TO_FIND, "--val-share", "1"], "not to retrieval"),
    "folder of others": (["people", "{photos}", "--identities", "1"], "not empty"),
    "sketch weights for infrared": (
        ["synthesize", "{photos}", "--out", "{tmp}/o", "--modality", "infrared", "--lineart-weights", "{weights}"],
        "infrared",
    ),
    "lineart of others": (["synthesize", "{photos}", "--out", "{tmp}/o", "--lineart-weights", "{weights}"], "tiny"),
    "no manifest": (["evaluate", "{tmp}/none.csv"], "none.csv"),
    "unknown data set": (["evaluate", "{tmp}", "--dataset", "odd"], "pku-sketch"),
    "no run": (["export-weights", "{tmp}", "{tmp}/w.safetensors"], "weights"),
    "odd name": (["export-weights", "{weights}", "{tmp}/w.bin"], ".safetensors"),
    "seed below zero": (["synthesize", "{photos}", "--out", "{tmp}/o", "--seed", "-1"], "greater than or equal to 0"),
    "run of bad values": (["train", "{config}", "--set", "seed=-1"], "greater than or equal to 0"),
    "run of no people": (
        ["train", "{config}", "--out", "{tmp}/r", "--set", "data.manifest={tmp}/no.csv", *FP32],
        "no.csv",
    ),
    "demo elsewhere": (["demo", "{photos}"], "holds other things"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_code_2(
    name: str, photos: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, part = BAD[name]
    config = Path(__file__).parents[2] / "configs" / "nano-stage1.yaml"
    places = {"{config}": str(config), "{photos}": str(photos), "{weights}": str(weights), "{tmp}": str(tmp_path)}
    arguments = [_filled(word, places) for word in words]
    if arguments[0] in ("search", "evaluate") and "--weights" not in arguments:
        arguments += ["--weights", str(weights)]
    if arguments[0] == "search" and "--cache" not in arguments:
        arguments += ["--no-cache"]
    before = {path: path.read_bytes() for path in photos.iterdir()}
    code = run(arguments)
    shown = capsys.readouterr()
    lines = shown.err.strip().splitlines()
    assert (code, len(lines)) == (2, 1), shown.err
    assert lines[0].startswith("error: ")
    assert part in lines[0]
    assert {path: path.read_bytes() for path in photos.iterdir()} == before


def _filled(word: str, places: dict[str, str]) -> str:
    for mark, place in places.items():
        word = word.replace(mark, place)
    return word
