"""docs/gallery.md: every command that it shows is run, in its order, on pictures of noise."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aio_reid.cli.entry import run
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.people.write import Splits, ViewCounts, write_people

PAGE = (Path(__file__).parents[1] / "docs" / "gallery.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the page's manifest and the pictures that it names, and two more."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (table,) = blocks("csv")
    (tmp_path / "visits.csv").write_text(table, encoding="utf-8")
    named = [line.split(",")[0] for line in table.splitlines()[1:]]
    (tmp_path / "crops").mkdir()
    for number, name in enumerate([*named, "crops/gate_20260412123000_0004.jpg", "crops/gate_20260413080000_0005.jpg"]):
        noise = np.random.default_rng(number).integers(0, 256, (32, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / name)
    yield tmp_path


def test_every_command_of_the_page(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]
    assert len(lines) > 12
    shown = {}
    for line in lines:
        words = shlex.split(line)
        assert words.pop(0) == "aio-reid"
        assert run(words) == 0, f"{line}: {capsys.readouterr().err}"
        shown[line] = capsys.readouterr().out
    counts = [len(text.splitlines()) - 1 for line, text in shown.items() if " search " in line]
    assert counts == [5, 2, 2, 5, 3, 4]  # of everything, of two cameras, of a person, of tracks, twice after marking
    assert "added 0 pictures, 0 were there already, 3 were described anew" in shown[lines[2]]
    certificate = json.loads((town / "erased.json").read_text(encoding="utf-8"))
    assert certificate["is_complete"] and certificate["num_erased"] == 2
    assert [place["num_erased"] for place in certificate["backups"]] == [2]
    store = EmbeddedStore(town / "town")
    assert store.count() == 1  # of five pictures one was removed, two of a person and one of a camera erased
    store.close()
    assert (town / "hits.html").stat().st_size > 1000


def test_calibrating_as_the_page_does(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for block in blocks("console") for line in block.splitlines()][:2]
    drawing, calibrating = blocks("sh")[0].splitlines()
    assert drawing == "aio-reid people known --identities 300 --seed 9 --layout retrieval"  # fewer here, and smaller
    views = ViewCounts(photos=3, infrared=0, sketches=0, pencils=0, captions=1)
    layout = Splits("retrieval")
    write_people(town / "known", identities=24, seed=5, views=views, size=(64, 32), splits=layout, workers=1)
    for line in (*lines, calibrating):
        assert run(shlex.split(line.removeprefix("$ "))[1:]) == 0, capsys.readouterr().err
    shown = capsys.readouterr()
    rows = [line.split("\t")[:2] for line in shown.out.splitlines() if "\tphoto\t" in line]
    assert rows == [["photo", "photo"], ["text", "photo"], ["photo + text", "photo"]]
    assert "not calibrated: every combination with sketch: the validation set has no such query" in shown.err
    assert run(["gallery", "search", "town", "--text", "a man in a red jacket", "--json", "hits.json"]) == 0
    header, first = capsys.readouterr().out.splitlines()[:2]
    assert header.split("\t")[3:5] == ["P(match)", "strangers this high"] and " of " in first.split("\t")[4]
    found = json.loads((town / "hits.json").read_text(encoding="utf-8"))
    assert found["calibrated"] is True and found["presence"]["text"] in found["notes"]
    assert run(["gallery", "stats", "town"]) == 0
    assert "3 combinations of query and gallery, labelled" in capsys.readouterr().out


def test_every_option_of_the_page_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    text = ""
    for command in ("create", "add", "search", "calibrate", "remove", "erase", "verify", "reembed", "index"):
        assert run(["gallery", command, "--help"]) == 0
        text += capsys.readouterr().out
    for option in set(re.findall(r"`(?:[a-z]+ )?(--[a-z-]+)", PAGE)):
        assert option in text, option
