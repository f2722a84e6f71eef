from __future__ import annotations

import re
from pathlib import Path

import pytest

from aio_reid.datasets.files import find_home, list_files, match_files, read_ids, read_index
from aio_reid.datasets.pictures import keep_present
from aio_reid.errors import DataError


def test_the_folder_is_found_itself_or_as_its_archive_unpacks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        find_home(tmp_path / "none", ("a",), (), "Set")
    (tmp_path / "Set_V1" / "a").mkdir(parents=True)
    with pytest.raises(DataError, match="it lacks 'b'; complete the copy, or give the folder that holds 'a', 'b'"):
        find_home(tmp_path, ("a", "b"), ("Set_V1",), "Set")
    with pytest.raises(DataError, match="no copy of Set: it lacks 'b', 'c'; give the folder that holds 'b', 'c'"):
        find_home(tmp_path, ("b", "c"), ("Set_V1",), "Set")
    (tmp_path / "Set_V1" / "b").touch()
    assert find_home(tmp_path, ("a", "b"), ("Set_V1",), "Set") == tmp_path / "Set_V1"
    assert find_home(tmp_path / "Set_V1", ("a", "b"), ("Set_V1",), "Set") == tmp_path / "Set_V1"


def test_files_are_listed_by_name_without_what_systems_leave(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg", "._a.jpg", "Thumbs.db", ".DS_Store", "c.png"):
        (tmp_path / name).touch()
    assert [path.name for path in list_files(tmp_path, ".jpg")] == ["a.jpg", "b.jpg"]
    assert list_files(tmp_path / "none", ".jpg") == []
    found = match_files(tmp_path, re.compile(r"([ab])"), ".jpg", "Set")
    assert [(path.name, match[1]) for path, match in found] == [("a.jpg", "a"), ("b.jpg", "b")]
    with pytest.raises(DataError, match=r"b\.jpg is not called as Set calls its files \(a\.jpg\)"):
        match_files(tmp_path, re.compile("a"), ".jpg", "Set")
    with pytest.raises(DataError, match=r"no \.bmp files"):
        match_files(tmp_path, re.compile("a"), ".bmp", "Set")


def test_lists_are_ordered_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("b/2.jpg 1\r\na/1.jpg 0\r\n\r\n", encoding="utf-8")
    assert read_index(path) == [("a/1.jpg", "0"), ("b/2.jpg", "1")]
    for content, problem in {
        "a.jpg\n": "line 1: 'a.jpg' is not 'PICTURE LABEL'",
        "a.jpg 1\nb.jpg 2 3\n": "line 2",
        "a.jpg 1\na.jpg 2\n": "listed twice",
        "../a.jpg 1\n": "leads out",
        "/a.jpg 1\n": "leads out",
    }.items():
        path.write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=problem):
            read_index(path)
    path.write_bytes(b"\xff\xfe\xff 1")
    with pytest.raises(DataError, match="not UTF-8"):
        read_index(path)
    with pytest.raises(DataError, match=r"none\.txt cannot be read \(No such file"):
        read_index(tmp_path / "none.txt")


def test_pictures_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/1.jpg", "2.jpg"):
        (tmp_path / name).touch()
    index = [("2.jpg", 7), ("a/1.jpg", 8), ("a/3.jpg", 9), ("b/1.jpg", 10), ("2.jpg/1.jpg", 11), ("\0/1.jpg", 12)]
    assert keep_present(tmp_path, index) == [(tmp_path / "2.jpg", 7), (tmp_path / "a" / "1.jpg", 8)]


def test_ids_are_numbers_with_commas_between_them(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("6,10,17, 4\n", encoding="utf-8")
    assert read_ids(path) == [4, 6, 10, 17]
    path.write_text("6;10\n", encoding="utf-8")
    with pytest.raises(DataError, match="does not hold numbers"):
        read_ids(path)
