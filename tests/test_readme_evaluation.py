"""README, "Evaluate on public data sets": its commands and its manifest are run, on pictures of flat colour."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from aio_reid.cli.entry import run

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.split("### Evaluate on public data sets\n")[1].split("\n##")[0]
COLOURS = ("red", "green", "blue", "grey")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    office = tmp_path / "DATA" / "office"
    names = [row["path"] for row in csv.DictReader(block("csv").splitlines()) if row["path"]]
    for name, colour in zip(names, COLOURS, strict=True):
        (office / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 64), colour).save(office / name)
    (office / "manifest.csv").write_text(block("csv"), encoding="utf-8")
    return tmp_path / "DATA"


def test_a_data_set_from_a_manifest(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in block("console").splitlines():
        program, *arguments = shlex.split(line.removeprefix("$ "))
        assert program == "aio-reid"
        capsys.readouterr()
        assert run(arguments) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()[1:]]
    mine = [row for row in rows if row[1] == "manifest-office"]
    assert [(row[0], row[2], row[3], row[4]) for row in mine] == [
        ("any to R", query, "1", "2") for query in ("R", "I", "T", "RT")
    ]
    assert all(row[2] == "not available" for row in rows if row not in mine)
    result = json.loads(Path("runs/public/zero_shot.json").read_text(encoding="utf-8"))
    assert [row["dataset"] for row in result["rows"] if row["state"] == "done"] == ["office"]


def test_every_data_set_that_is_named_has_a_row(data: Path) -> None:
    from aio_reid.evaluation.rows import ROWS, title_of

    titles = {title_of(row).split(",")[0] for row in ROWS} - {"manifest"}
    named = {title for title in titles if title.removesuffix("-NP") in SECTION}
    assert titles - named == {"Tri-ICFG-PEDES", "Tri-RSTPReid"}
    for name in re.findall(r"--protocols ([\w,-]+)`", SECTION):
        assert set(name.split(",")) <= {row.name for row in ROWS}
