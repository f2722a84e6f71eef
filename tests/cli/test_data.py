from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from aio_reid.cli.entry import run
from aio_reid.cli.show import MOST_UNREADABLE
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
    assert folders["llcm"] == "not there; call it LLCM or llcm"


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


def test_of_many_unreadable_pictures_the_first_are_named_and_json_has_all(
    pku_sketch: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"{person}_03_1.jpg" for person in range(10, 10 + MOST_UNREADABLE + 3)]
    for name in names:
        (pku_sketch / "photo" / name).write_bytes(b"")
    report = tmp_path / "report.json"
    assert run(["data", "verify", "pku-sketch", "--root", str(pku_sketch), "--json", str(report)]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("unreadable: ")]
    assert len(lines) == MOST_UNREADABLE + 1
    assert lines[-1] == "unreadable: 3 more; --json FILE lists them all"
    found = json.loads(report.read_text(encoding="utf-8"))
    assert [(Path(item["path"]).name, item["reason"]) for item in found["unreadable"]] == [
        (name, "is empty") for name in names
    ]
    assert found["counts"][1] == {"what": "photos", "found": 2 + len(names), "published": 400}
    assert (found["format"], found["name"]) == ("aio-reid data verify 1", "pku-sketch")
    assert (found["root"], found["num_pictures"], found["is_complete"]) == (str(pku_sketch), 3 + len(names), False)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A manifest of two persons, whose photos are of flat colour, with one sentence too many."""
    rows = ["path,caption,person,modality,split,camera"]
    for number, colour in enumerate(("red", "blue")):
        Image.new("RGB", (16, 32), colour).save(tmp_path / f"{number}.png")
        rows += [f"{number}.png,,{number},rgb,gallery,north", f",a person in {colour},{number},text,query,"]
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join([*rows, ",nan,0,text,query,", ""]), encoding="utf-8")
    return path


def test_a_check_without_an_error_ends_with_0(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", str(office)]) == 0
    shown = capsys.readouterr()
    assert [line.split(": ")[0] for line in shown.out.splitlines()] == ["warning", "note", "note"]
    assert "warning: 1 caption says nothing ('nan', row 5); " in shown.out
    assert shown.err == "0 errors, 1 warning, 2 notes\n"


def test_a_check_with_an_error_ends_with_1_and_tells_it_first(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1.png").unlink()
    report = tmp_path / "report.json"
    assert run(["data", "check", str(office), "--json", str(report)]) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["error", "warning", "note", "note"]
    assert lines[0].startswith("error: 1 of 2 pictures is missing (the first is '1.png', row 3); ")
    assert shown.err == f"1 error, 1 warning, 2 notes\nwritten: {report}\n"
    found = json.loads(report.read_text(encoding="utf-8"))
    assert [f"{item['severity']}: {item['text']}" for item in found["remarks"]] == lines
    assert (found["manifest"], found["compared_contents"]) == (str(office), False)


def test_contents_are_compared_when_asked(office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1.png").write_bytes((tmp_path / "0.png").read_bytes())
    assert run(["data", "check", str(office)]) == 0
    assert run(["data", "check", str(office), "--compare-contents"]) == 1
    assert "error: 1 picture is a copy of another of another person ('0.png', row 1," in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["verify", "market", "--root", "{root}"], "unknown data set 'market'; choose one of: market1501, "),
        (["verify", "DukeMTMC-reID", "--root", "{root}"], "DukeMTMC-reID is not read: it is made of DukeMTMC"),
        (["verify", "llcm", "--root", "{root}"], "no copy of LLCM"),
        (["verify", "llcm", "--root", "{root}/none"], "no folder"),
        (["verify", "llcm"], "--root"),
        (["verify", "llcm", "--root", "{root}", "--json", "{root}/none/x.json"], "does not exist; make it first"),
        (["check", "{root}"], "is a folder; give the file of the table in it, which ends in .csv or .parquet"),
        (["check", "{root}/list.txt"], "a table ends in .csv or .parquet; convert it"),
        (["check", "{root}/none.csv"], "none.csv is not there; give the file"),
        (["check", "{root}/no.parquet"], "no.parquet is not a whole Parquet file"),
        (["check", "{root}/latin.csv"], "latin.csv is not UTF-8"),
        (["check", "{root}/row.csv"], "row 1: modality is 'photo'; choose one of: rgb"),
        (["check", "{root}/row.csv", "--json", "{root}"], "it is a folder; give the name of a file in it"),
        (["check"], "manifest"),
        (["list", "--data", "{root}/none"], "no folder"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    words: list[str], part: str, pku_sketch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pku_sketch / "no.parquet").write_bytes(b"PAR1")
    (pku_sketch / "latin.csv").write_bytes("person,modality,split\nJos\xe9,rgb,train".encode("latin-1"))
    (pku_sketch / "row.csv").write_text("path,person,modality,split\n1.png,1,photo,train\n", encoding="utf-8")
    assert run(["data", *(word.replace("{root}", str(pku_sketch)) for word in words)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert part in shown.err
    assert len(shown.err.splitlines()) == 1
