from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aio_reid
from aio_reid.api import AIO
from aio_reid.cli.entry import run


@pytest.fixture
def photos(manifest: Path) -> Path:
    return manifest.parent / "rgb"


@pytest.fixture
def gallery(photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "gallery"
    assert run(["gallery", "create", str(folder), "--weights", str(weights)]) == 0
    assert run(["gallery", "add", str(folder), str(photos)]) == 0
    return folder


def test_a_search_ranks_as_the_vectors_do(
    gallery: Path, photos: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["gallery", "search", str(gallery), "--text", "a man in red", "--top", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    model = AIO.load(weights, "cpu")
    files = sorted(photos.iterdir())
    scores = model.embed(files) @ model.embed(["a man in red"])[0]
    expected = [path.name for _, path in sorted(zip(-scores, files, strict=True))[:4]]
    assert [line.split("\t")[-1].rpartition("/")[2] for line in lines[1:]] == expected


def test_the_second_search_does_not_load_torch(gallery: Path) -> None:
    arguments = ["gallery", "search", str(gallery), "--text", "a man in red", "--like", "1"]
    assert run(arguments) == 0
    code = f"import sys\nfrom aio_reid.cli.entry import run\nassert run({arguments}) == 0\n"
    code += "assert not {'torch', 'PIL.Image', 'jinja2', 'pyarrow'} & set(sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(aio_reid.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_a_further_copy_of_a_file_is_erased_and_what_is_nowhere_is_told(
    gallery: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "other name.jpg"
    shutil.copy(sorted(photos.iterdir())[0], copy)
    capsys.readouterr()
    assert run(["gallery", "erase", str(gallery), "--file", str(copy)]) == 0
    assert json.loads(capsys.readouterr().out)["num_erased"] == 1
    for named in (["--file", str(copy)], ["--file", "nowhere.jpg"], ["--id", "999"]):
        assert run(["gallery", "erase", str(gallery), *named]) == 1
        assert "nothing was erased: no picture of the gallery" in capsys.readouterr().err


def test_an_erasure_that_becomes_complete_says_so(
    gallery: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "b.sqlite"
    assert run(["gallery", "export", str(gallery), str(backup)]) == 0
    backup.unlink()
    erase = ["gallery", "erase", str(gallery), "--id", "2"]
    assert run(erase) == 1
    capsys.readouterr()
    assert run([*erase, "--forget", str(backup)]) == 0
    assert json.loads(capsys.readouterr().out)["is_complete"]
    assert run(erase) == 1 and "nothing was erased" in capsys.readouterr().err


def test_a_cache_that_is_named_is_never_passed_over(
    gallery: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["gallery", "erase", str(gallery), "--id", "1", "--cache", str(tmp_path / "unmounted")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["is_complete"] and told["caches"][0]["path"].endswith("unmounted")


def test_paths_from_a_stream_and_a_manifest_of_a_data_set(
    gallery: Path, manifest: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    num_photos = len(list(photos.iterdir()))
    capsys.readouterr()
    lines = b"".join(os.fsencode(path) + b"\n" for path in photos.iterdir())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert run(["gallery", "add", str(gallery), "-"]) == 0
    assert f"added 0 pictures, {num_photos} were there already" in capsys.readouterr().out
    assert run(["gallery", "add", str(gallery), str(manifest)]) == 0
    shown = capsys.readouterr()
    assert f"{num_photos} were described anew" in shown.out and "rows without a picture were left out" in shown.err
    assert (
        run(["gallery", "search", str(gallery), "--text", "red", "--where", "split=gallery", "--modality", "rgb"]) == 0
    )
    assert run(["gallery", "stats", str(gallery)]) == 0
    assert "of modality infrared\t5" in capsys.readouterr().out


def test_a_stream_goes_on_behind_names_that_cannot_be_read(
    gallery: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("aio_reid.cli.gallery_sources.STREAM_CHUNK", 1)
    good = sorted(photos.iterdir())
    named = [shutil.copy(path, tmp_path / f"north_{n}.jpg") for n, path in enumerate(good[:2])]
    lines = [os.fsencode(named[0]), b"no-camera.jpg", b"gate_\xff.jpg", b"gate_\0.jpg", os.fsencode(named[1])]

    def add(given: list[bytes]) -> int:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\n".join(given)), encoding="utf-8"))
        return run(["gallery", "add", str(gallery), "-", "--name", "{camera}_*"])

    capsys.readouterr()
    assert add(lines) == 0
    assert "3 cannot be added" in capsys.readouterr().out
    assert add([b"no-camera.jpg"]) == 2 and "not one name can be read" in capsys.readouterr().err


def test_day_and_night_are_told_apart(
    manifest: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "mixed")
    folders = [str(manifest.parent / name) for name in ("rgb", "infrared")]
    assert run(["gallery", "create", place, "--weights", str(weights)]) == 0
    assert run(["gallery", "add", place, folders[1], "--no-cache"]) == 0
    assert "remove them and add them with --modality auto" in capsys.readouterr().err
    assert run(["gallery", "remove", place, "--all"]) == 0
    assert run(["gallery", "add", place, *folders, "--modality", "auto", "--no-cache"]) == 0
    counts = {name: len(list((manifest.parent / name).iterdir())) for name in ("rgb", "infrared")}
    assert f"by name, manifest or colour: {counts['rgb']} " in capsys.readouterr().err
    assert run(["gallery", "stats", place]) == 0
    told = capsys.readouterr().out
    assert all(f"of modality {name}\t{count}" in told for name, count in counts.items())
    assert run(["gallery", "add", place, folders[0], "--modality", "ir"]) == 2
    assert "choose one of: rgb, infrared, pencil, sketch, auto" in capsys.readouterr().err


def test_what_is_refused_is_one_line(
    gallery: Path, weights: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(gallery)
    refused = {
        ("erase", place): "neither a filter nor --all is given",
        ("remove", place, "--all", "--camera", "x"): "a filter and --all contradict",
        ("search", place, "--text", "x", "--since", "noon"): "time 'noon' cannot be read",
        ("search", place, "--text", "x", "--where", "person"): "cannot read the condition",
        ("search", place, "--text", "x", "--weight", "text"): "cannot read the weight",
        ("search", place, "--text", "x", "--weight", "text=1", "--fusion", "early"): "which is late fusion",
        ("search", place, "--text", "x", "--weights", "aio-nano"): "aio-reid gallery reembed",
        ("search", place, "--like", str(2**63)): "Invalid value",
        ("remove", place, "--id", "0"): "Invalid value",
        ("search", place): "nothing to search for",
        ("search", place, "--text", "x", "--expected", "0"): "give a number above 0",
        ("calibrate", place): "0 tracks among",
        ("calibrate", place, "--dataset", "market1501"): "give DATA as well",
        ("calibrate", place, "--tolerance", "-1"): "give seconds from 0",
        ("calibrate", place, str(manifest), "--tolerance", "1"): "--tolerance goes with tracks",
        ("calibrate", place, str(manifest), "--expected", "nan"): "give a number above 0",
        ("calibrate", place, str(manifest), "--fusion", "both"): "unknown fusion 'both'",
        ("calibrate", place, str(manifest), "--weights", "aio-nano"): "aio-reid gallery reembed",
        ("calibrate", place, str(tmp_path)): "is a folder; give the manifest in it",
        ("calibrate", place, str(manifest)): "at least 20 are needed",
        ("calibrate", place, str(manifest), "--dataset", "nothing"): "unknown data set 'nothing'",
        ("search", str(tmp_path), "--text", "x"): "make one with `aio-reid gallery create`",
        ("create", place): "is a gallery already",
        ("add", place, "-", place): "give it alone",
        ("add", place, str(tmp_path / "none")): "does not exist",
        ("add", place, place, "--name", "{camera"): "has a brace without its counterpart",
        ("export", place, place): "cannot export to",
        ("import", place, str(tmp_path / "none.sqlite")): "there is no gallery",
    }
    capsys.readouterr()
    for words, line in refused.items():
        assert run(["gallery", *words]) == 2, words
        error = [
            text for text in capsys.readouterr().err.splitlines() if not re.match(r"(Embedding|Calibrating)", text)
        ]
        assert len(error) == 1 and line in error[0], (words, error)


def test_verify_and_erase_say_no_by_their_exit_code(
    gallery: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "backup.sqlite"
    assert run(["gallery", "export", str(gallery), str(backup)]) == 0
    assert run(["gallery", "verify", str(gallery)]) == 0
    assert run(["gallery", "verify", str(backup), "--no-files"]) == 0
    backup.write_text("overwritten by a mistake")
    capsys.readouterr()
    assert run(["gallery", "erase", str(gallery), "--id", "1"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["is_complete"] is False and "damaged or not made by aio-reid" in shown.err
    assert len(list(photos.iterdir())) > 1
