"""The manifest: what is written is read back, and every kind of mistake is told in one line that helps."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aio_reid.datasets.manifest import COLUMNS, ManifestRow, read_manifest, read_rows, write_manifest
from aio_reid.errors import DataError, StorageError
from aio_reid.records import Modality, Record, Split

ROWS = [
    ManifestRow("rgb/0012.png", None, "0012", Modality.RGB, Split.GALLERY, "c1", None, ("red", "t-shirt")),
    ManifestRow("sk/0012.png", None, "0012", Modality.SKETCH, Split.QUERY, None, "rgb/0012.png"),
    ManifestRow(None, 'a man, "tall", in red\nand blue é 人', "12", Modality.TEXT, Split.QUERY),
]
GOOD = {"path": "a.png", "caption": "", "person": "1", "modality": "rgb", "split": "query"}


def write_csv(path: Path, *rows: dict[str, str]) -> Path:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def assert_one_line_error(path: Path, *parts: str) -> None:
    with pytest.raises(DataError) as caught:
        read_manifest(path)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(path), *parts):
        assert part in message


@pytest.mark.parametrize("name", ["people.csv", "people.parquet", "PEOPLE.CSV"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    path = tmp_path / "deep" / name
    write_manifest(path, ROWS)
    assert read_rows(path) == ROWS
    first, second, third = read_manifest(path)
    assert first == Record(
        path.stem,
        Split.GALLERY,
        Modality.RGB,
        "0012",
        "c1",
        path.parent / "rgb/0012.png",
        attributes=("red", "t-shirt"),
    )
    assert second.source_image_id == "rgb/0012.png"
    assert (third.person_id, third.caption, third.image_path) == ("12", ROWS[2].caption, None)
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_a_file_called_manifest_is_named_after_its_folder(tmp_path: Path) -> None:
    write_manifest(tmp_path / "office" / "manifest.parquet", ROWS)
    assert read_manifest(tmp_path / "office" / "manifest.parquet")[0].dataset == "office"


def test_parquet_by_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "split=train" / "m.parquet"  # a folder name that some readers take for a column
    path.parent.mkdir()
    pq.write_table(
        pa.table({"path": ["a.png"], "person": [7], "modality": ["rgb"], "split": ["val"], "camera": [3]}), path
    )
    assert read_rows(path) == [ManifestRow("a.png", None, "7", Modality.RGB, Split.VAL, "3")]
    pq.write_table(pa.table({"path": ["a.png"], "person": [7.0], "modality": ["rgb"], "split": ["val"]}), path)
    assert_one_line_error(path, "row 1: person is 7.0 (float)", "as text")


def test_csv_with_byte_order_mark_spaces_and_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(
        b"\xef\xbb\xbfpath, person,modality,split,attributes\r\n\r\na.png, 1, rgb, query,red; coat ;\r\n\r\n"
    )
    assert read_rows(path) == [ManifestRow("a.png", None, "1", Modality.RGB, Split.QUERY, attributes=("red", "coat"))]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"modality": "xray"}, ("modality is 'xray'", "rgb, infrared, pencil, sketch, text")),
        ({"modality": ""}, ("modality is ''", "choose one of")),
        ({"split": "test"}, ("split is 'test'", "train, val, query, gallery")),
        ({"person": "  "}, ("person is empty",)),
        ({"path": ""}, ("path and caption are both empty",)),
        ({"caption": "a man"}, ("path and caption are both given",)),
        ({"modality": "text"}, ("modality 'text' needs a caption",)),
        ({"path": "", "caption": "a man"}, ("modality 'rgb' needs a path",)),
        ({"path": "/data/a.png"}, ("'/data/a.png' leads out of", "relative")),
        ({"path": "../a.png"}, ("'../a.png' leads out of",)),
        ({"path": "x\\a.png"}, ("is a Windows path", "'/'")),
        ({"path": "C:/a.png"}, ("is a Windows path",)),
        ({"path": "a.png"}, ("repeats row 1 ('a.png')", "remove one")),
    ],
)
def test_wrong_cells_name_row_value_and_remedy(tmp_path: Path, change: dict[str, str], parts: tuple[str, ...]) -> None:
    path = write_csv(tmp_path / "m.csv", GOOD, GOOD | {"path": "b.png"} | change)
    assert_one_line_error(path, "row 2:", *parts)


def test_a_picture_may_serve_as_query_and_gallery_but_not_be_trained_on(tmp_path: Path) -> None:
    both = write_csv(tmp_path / "m.csv", GOOD, GOOD | {"split": "gallery"})
    assert len(read_rows(both)) == 2
    leak = write_csv(tmp_path / "m.csv", GOOD, GOOD | {"split": "train"})
    assert_one_line_error(leak, "row 1: 'a.png' of the split 'query' is also in the split 'train' (row 2)")


def test_the_same_words_may_be_said_twice(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    write_manifest(path, [ROWS[2], ROWS[2], replace(ROWS[2], person="13")])
    assert len(read_rows(path)) == 3


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ("is empty", "path, caption, person")),
        (b"path,caption,person,modality,split\n", ("has no rows",)),
        (b"path,person,modality\na.png,1,rgb\n", ("lacks the column 'split'", "person, modality, split")),
        (b"path,person,modality,split,cam\na.png,1,rgb,val,2\n", ("unknown column 'cam'", "camera")),
        (b"path,person,person,modality,split\n", ("'person' twice",)),
        (b"path,person,modality,split\na.png,1,rgb\n", ("row 1: 3 cells for 4 columns",)),
        ("path,person,modality,split\né.png,1,rgb,val\n".encode("latin-1"), ("not UTF-8", "0xe9")),
        ("path,person".encode("utf-16"), ("not UTF-8", "0xff")),
        (b'path,person,modality,split\n"a.png,1,rgb,val\n', ("not a CSV table",)),
    ],
)
def test_wrong_csv_files(tmp_path: Path, content: bytes, parts: tuple[str, ...]) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    assert_one_line_error(path, *parts)


def test_wrong_parquet_files(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    path.write_bytes(b"path,person\n")
    assert_one_line_error(path, "not a whole Parquet file")
    write_manifest(path, ROWS)
    path.write_bytes(path.read_bytes()[:-20])
    assert_one_line_error(path, "not a whole Parquet file")
    write_manifest(path, [])
    assert_one_line_error(path, "has no rows")
    assert tuple(pq.read_schema(path).names) == COLUMNS


def test_no_file_at_all(tmp_path: Path) -> None:
    assert_one_line_error(tmp_path / "m.csv", "not there")
    (tmp_path / "d.csv").mkdir()
    assert_one_line_error(tmp_path / "d.csv", "a folder")
    assert_one_line_error(tmp_path / "m.json", ".csv or .parquet")


def test_pictures_are_looked_for_only_on_request(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "m.csv", GOOD, GOOD | {"path": "b.png"})
    (tmp_path / "a.png").touch()
    assert len(read_manifest(path)) == 2
    with pytest.raises(DataError, match=r"row 2: there is no picture 'b\.png'"):
        read_manifest(path, check_files=True)


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    write_manifest(path, ROWS)

    def broken() -> list[ManifestRow]:
        yield ROWS[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=re.escape(f"cannot write the manifest {path}: No space left on device")):
        write_manifest(path, broken())
    assert read_rows(path) == ROWS
    assert [p.name for p in tmp_path.iterdir()] == ["m.csv"]
    with pytest.raises(StorageError, match="cannot write"):
        write_manifest(path / "below_a_file.csv", ROWS)
    with pytest.raises(DataError, match=r"\.csv or \.parquet"):
        write_manifest(tmp_path / "m.xlsx", ROWS)
