"""JSON lists object by object: the same as the standard reader gives, wherever a chunk of the file ends; objects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aio_reid.datasets import json_lists
from aio_reid.datasets.json_lists import read_object, read_objects
from aio_reid.errors import DataError

ITEMS = [
    {
        "id": 1,
        "captions": ['a "tall" man, with [brackets] and {braces}', "é 人 \\ \n"],
        "more": {"a": [1.5, None, True]},
    },
    {},
    {"id": 12345678901234567890},
]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50, 1 << 20])
@pytest.mark.parametrize("indent", [None, 2])
def test_the_same_as_the_standard_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, indent: int | None
) -> None:
    monkeypatch.setattr(json_lists, "_CHUNK", chunk)
    path = tmp_path / "a.json"
    for items in (ITEMS, ITEMS[:1], []):
        path.write_text(f"\n {json.dumps(items, indent=indent, ensure_ascii=False)} \n", encoding="utf-8")
        assert list(read_objects(path)) == items


@pytest.mark.parametrize(
    ("content", "after", "reason"),
    [
        (b"", 0, "does not begin with '['"),
        (b'{"id": 1}', 0, "does not begin with '['"),
        (b'[{"id": 1}, {"id": ', 1, "Expecting value"),
        (b'[{"id": 1}, {"id" 2}]', 1, "Expecting ':' delimiter"),
        (b'[{"id": 1} {"id": 2}]', 1, "',' is missing between two items"),
        (b'[{"id": 1}', 1, "ends within the list"),
        (b'[{"id": 1},]', 1, "an item is not an object"),
        (b'[{"id": 1}, 2]', 1, "an item is not an object"),
        (b'[{"id": 1}] [', 1, "text follows the list"),
        (b'[{"id": "\xe9"}]', 0, "can't decode byte 0xe9"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, content: bytes, after: int, reason: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_objects(path))
    message = str(caught.value)
    assert message.startswith(f"{path} cannot be read as a JSON list of objects (after {after} of them: ")
    assert reason in message
    assert message.endswith("; get the file anew")
    assert "\n" not in message


def test_a_broken_object_is_told_before_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lists, "_CHUNK", 64)
    monkeypatch.setattr(json_lists, "_LONGEST_OBJECT", 256)
    path = tmp_path / "a.json"
    path.write_text('[{"id" 1}' + ", {}" * 100_000 + "]", encoding="utf-8")
    read = 0

    class Counted(json_lists._Scanner):
        def _read(self) -> bool:
            nonlocal read
            read += 1
            return super()._read()

    monkeypatch.setattr(json_lists, "_Scanner", Counted)
    with pytest.raises(DataError, match="Expecting ':' delimiter"):
        list(read_objects(path))
    assert read < 10


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no a\.json in .*; complete the copy or correct the folder"):
        list(read_objects(tmp_path / "a.json"))
    with pytest.raises(DataError, match=r"there is no a\.json in .*; complete the copy or correct the folder"):
        read_object(tmp_path / "a.json")


def test_one_object(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(ITEMS[0]), encoding="utf-8-sig")
    assert read_object(path) == ITEMS[0]
    for content, reason in {
        b"": "Expecting value",
        b'{"a": 1': "Expecting ',' delimiter",
        b"[1]": "it holds something else",
        b'{"a": "\xe9"}': "can't decode byte 0xe9",
        b"[" * 100_000: "recursion",
        b'{"a": ' + b"1" * 5_000 + b"}": "Exceeds the limit",
    }.items():
        path.write_bytes(content)
        with pytest.raises(
            DataError, match=r"a\.json cannot be read as a JSON object \(.*; get the file anew"
        ) as caught:
            read_object(path)
        assert reason in str(caught.value)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=r"\(Is a directory\)"):
        read_object(path)
