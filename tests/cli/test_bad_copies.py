"""Each data set as a user may hold it, by `aio-reid data verify`: a table, or one line with the remedy."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from copies import COPIES, OTHER_LAYOUTS, PICTURE, Files, is_picture, write_copy

from aio_reid.cli.entry import run
from aio_reid.datasets.catalogue import CATALOGUE, find_available

LAYOUTS = [*COPIES.items(), *OTHER_LAYOUTS]
every_set = pytest.mark.parametrize("name", CATALOGUE)
every_layout = pytest.mark.parametrize(("name", "files"), LAYOUTS, ids=[name for name, _ in LAYOUTS])


@dataclass(frozen=True)
class Answer:
    """What the user sees; `line` is the only line where the exit code is 2."""

    code: int
    table: dict[str, tuple[int, int]]
    remarks: str
    line: str


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command, and check what holds of every answer."""

    def ask(name: str, root: Path) -> Answer:
        code = run(["data", "verify", name, "--root", str(root)])
        shown = capsys.readouterr()
        if code == 2:
            assert shown.out == ""
            assert shown.err.startswith("error: "), shown.err
            assert len(shown.err.splitlines()) == 1, shown.err
            assert ";" in shown.err, f"no remedy: {shown.err}"
            assert len(shown.err) < 600, shown.err
            return Answer(code, {}, "", shown.err.removeprefix("error: ").rstrip())
        assert code in (0, 1), shown.err
        header, *rows = (line.split("\t") for line in shown.out.splitlines())
        assert header == ["what", "found", "published"]
        assert (code == 0) == shown.err.splitlines()[-1].startswith("complete; ")
        return Answer(code, {what: (int(found), int(full)) for what, found, full in rows}, shown.err, "")

    return ask


def test_there_is_a_copy_of_every_set() -> None:
    assert list(COPIES) == sorted(CATALOGUE, key=list(COPIES).index)
    assert COPIES.keys() == CATALOGUE.keys()


@every_layout
def test_a_part_is_counted(name: str, files: Files, tmp_path: Path, verify: Any) -> None:
    answer = verify(name, write_copy(tmp_path, files))
    assert answer.code == 1
    assert answer.table.keys() == CATALOGUE[name].published.keys()
    assert all(0 < found <= full for found, full in answer.table.values())
    assert ": a part of what was published\n" in answer.remarks
    assert f"NOT complete; {sum(map(is_picture, files))} pictures read, 0 of them unreadable\n" in answer.remarks


@every_layout
def test_every_picture_of_a_whole_copy_is_opened(
    name: str, files: Files, tmp_path: Path, verify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what, (found, _) in verify(name, write_copy(tmp_path, files)).table.items():
        monkeypatch.setitem(CATALOGUE[name].published, what, found)  # type: ignore[arg-type]
    whole = verify(name, tmp_path)
    assert whole.code == 0
    assert ": as published\n" in whole.remarks
    for path in filter(is_picture, files):
        (tmp_path / path).write_bytes(b"")
        answer = verify(name, tmp_path)
        assert answer.code == 1
        assert f"unreadable: {tmp_path / path}: is empty\n" in answer.remarks
        assert ", 1 of them unreadable\n" in answer.remarks
        (tmp_path / path).write_bytes(PICTURE)


@every_layout
def test_more_than_was_published(
    name: str, files: Files, tmp_path: Path, verify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_copy(tmp_path, files)
    for what in CATALOGUE[name].published:
        with monkeypatch.context() as patch:
            patch.setitem(CATALOGUE[name].published, what, 0)  # type: ignore[arg-type]
            assert f" {what}, but 0 were published; remove the others" in verify(name, tmp_path).line


@every_set
def test_what_is_no_copy(name: str, tmp_path: Path, verify: Any) -> None:
    (tmp_path / "empty").mkdir()
    write_copy(tmp_path / "others", {"a.jpg": PICTURE, "b/c.png": PICTURE, "notes.txt": b"mine", "b/list.json": b"[]"})
    (tmp_path / "file.zip").write_bytes(b"PK")
    for folder in ("empty", "others"):
        answer = verify(name, tmp_path / folder)
        assert answer.code == 2
        assert str(tmp_path / folder) in answer.line
    for missing in ("none", "none/below", "file.zip", "file.zip/below"):
        assert f"{tmp_path / missing} is no folder; give the folder of " in verify(name, tmp_path / missing).line


def test_a_set_is_not_taken_for_another(tmp_path: Path, verify: Any) -> None:
    taken = set()
    for held, files in COPIES.items():
        root = write_copy(tmp_path / held, files)
        taken |= {(held, name) for name in CATALOGUE if name != held and verify(name, root).code != 2}
    assert taken == {(f"tri-{name}", name) for name in ("cuhk-pedes", "icfg-pedes", "rstpreid")}


@every_set
def test_what_the_list_finds_is_a_copy(name: str, tmp_path: Path, verify: Any) -> None:
    for number, folder in enumerate(CATALOGUE[name].folders):
        write_copy(tmp_path / str(number) / folder, COPIES[name])
        found = find_available(tmp_path / str(number))
        assert verify(name, found[name]).code == 1


@every_layout
def test_the_folder_above_is_one_line_or_the_copy(name: str, files: Files, tmp_path: Path, verify: Any) -> None:
    for folder in CATALOGUE[name].folders:
        write_copy(tmp_path / "above" / folder, files)
        assert verify(name, tmp_path / "above").code in (1, 2)
        shutil.rmtree(tmp_path / "above")


@every_layout
def test_half_a_copy(name: str, files: Files, tmp_path: Path, verify: Any) -> None:
    """Without each folder, and without each file, in turn."""
    parts = {str(parent) for path in files for parent in (Path(path), *Path(path).parents)} - {"."}
    for part in sorted(parts):
        left = {path: content for path, content in files.items() if not Path(path).is_relative_to(part)}
        answer = verify(name, write_copy(tmp_path / "copy", left))
        assert answer.code in (1, 2)
        shutil.rmtree(tmp_path / "copy")


@every_layout
def test_damaged_files(name: str, files: Files, tmp_path: Path, verify: Any) -> None:
    """Each file empty, of bytes of another kind, cut, and a folder in its place."""
    write_copy(tmp_path, files)
    for path, content in files.items():
        for damaged in (b"", b"\xff\xfe\0\x01{[", content[: len(content) // 2]):
            (tmp_path / path).write_bytes(damaged)
            answer = verify(name, tmp_path)
            assert answer.code in (1, 2)
            assert not is_picture(path) or f"unreadable: {tmp_path / path}: " in answer.remarks
        (tmp_path / path).unlink()
        (tmp_path / path).mkdir()
        assert verify(name, tmp_path).code in (1, 2)
        (tmp_path / path).rmdir()
        (tmp_path / path).write_bytes(content)


def test_wrong_releases(tmp_path: Path, verify: Any) -> None:
    for name, files in OTHER_LAYOUTS[:1]:
        both = write_copy(tmp_path / name, COPIES[name] | files)
        assert "holds 2 releases of MSMT17; give the folder of one" in verify(name, both).line
    older = {"caption_all.json": b"[]", "imgs/cam_a/1.jpg": PICTURE}
    line = verify("cuhk-pedes", write_copy(tmp_path / "older", older)).line
    assert "holds caption_all.json, an older annotation without the split; reid_raw.json is needed" in line
    lists = {path: content for path, content in COPIES["sysu-mm01"].items() if not path.startswith("exp/")}
    assert "lacks 'exp'" in verify("sysu-mm01", write_copy(tmp_path / "video", lists)).line
    line = verify("tri-rstpreid", write_copy(tmp_path / "text", COPIES["rstpreid"])).line
    assert f"there is no folder {tmp_path / 'text' / 'imgs-sketch'}; " in line
