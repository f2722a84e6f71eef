"""docs/datasets.md: everything that it shows is done, on pictures of flat colour."""

from __future__ import annotations

import ast
import csv
import importlib
import json
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from aio_reid.cli.entry import run
from aio_reid.datasets.manifest import COLUMNS, read_rows
from aio_reid.errors import DataError

PAGE = (Path(__file__).parents[1] / "docs" / "datasets.md").read_text(encoding="utf-8")
COLOURS = ("red", "green", "blue", "white", "black", "yellow", "grey", "brown", "purple", "orange")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def paint(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 32 + number), COLOURS[number % len(COLOURS)]).save(root / name)


def execute(code: str) -> None:
    exec(compile(code, "docs/datasets.md", "exec"), {"__name__": "page"})


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (table,) = blocks("csv")
    paint(tmp_path / "office", *(row["path"] for row in csv.DictReader(table.splitlines()) if row["path"]))
    (tmp_path / "office" / "manifest.csv").write_text(table, encoding="utf-8")
    return tmp_path / "office" / "manifest.csv"


@pytest.fixture
def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's parser as a module beside a made data set of three persons."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "street", raising=False)
    (tmp_path / "street.py").write_text(blocks("python")[0], encoding="utf-8")
    paint(
        tmp_path / "street",
        *(f"photos/{person}_c{camera}_0034{camera}.jpg" for person in (7, 8, 10) for camera in (1, 2)),
        *(f"sketches/{person}.png" for person in (7, 8, 10)),
    )
    return tmp_path / "street"


def test_the_page_names_every_column() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == ["path", "caption", *COLUMNS[2:]]


def test_a_manifest_and_no_code(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(read_rows(office)) == 11
    check, evaluate = (block.removeprefix("$ aio-reid ").split() for block in blocks("console"))
    assert run(check) == 0
    assert [capsys.readouterr().out] == blocks("text")
    assert run(evaluate) == 0
    result = json.loads(Path("office.json").read_text(encoding="utf-8"))
    assert result["dataset"]["name"] == "office"
    assert {task["task"] for task in result["tasks"]} == {"R", "I", "S", "T", "RI", "ST"}


def test_a_parser_of_twenty_lines(street: Path, capsys: pytest.CaptureFixture[str]) -> None:
    function = next(node for node in ast.parse(blocks("python")[0]).body if isinstance(node, ast.FunctionDef))
    assert (function.end_lineno or 0) - function.lineno < 20
    execute(blocks("python")[1])
    assert re.fullmatch(r"S rank-1 \d+\.\d%, mAP \d+\.\d%\n", capsys.readouterr().out)
    execute(blocks("python")[2])
    rows = read_rows(street / "manifest.csv")
    assert [(row.person, row.camera, row.path) for row in rows][:3] == [
        ("10", "1", "photos/10_c1_00341.jpg"),
        ("10", "2", "photos/10_c2_00342.jpg"),
        ("7", "1", "photos/7_c1_00341.jpg"),
    ]
    assert len(rows) == 9


def test_the_parser_tells_what_is_wrong(street: Path, tmp_path: Path) -> None:
    parse = importlib.import_module("street").parse
    with pytest.raises(DataError, match="there are no pictures in"):
        parse(tmp_path / "elsewhere")
    paint(street, "photos/nobody.jpg")
    with pytest.raises(DataError, match=r"nobody\.jpg is not called PERSON_cCAMERA_FRAME\.jpg; rename or remove it"):
        parse(street)


def test_files_that_the_page_names_exist() -> None:
    source = Path(__file__).parents[1] / "src" / "aio_reid"
    for name in re.findall(r"`(datasets/[\w./-]+\.\w+)`", PAGE):
        assert (source / name).exists(), name
