"""The annotations of each data set with everything in them exchanged: its parser reads them, or says so in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from copies import COPIES, CUHK03_NAMES, OTHER_LAYOUTS, Files, make_mat, make_split, write_copy

from aio_reid.datasets.catalogue import CATALOGUE
from aio_reid.errors import DataError

LAYOUTS = [
    (name, files) for name, files in [*COPIES.items(), *OTHER_LAYOUTS] if any(path.endswith(".txt") for path in files)
]
ANNOTATED = [name for name, files in COPIES.items() if any(path.endswith(".json") for path in files)]


def read(name: str, root: Path) -> str:
    """Parse as `aio-reid data verify` does, which prints the message of a DataError; "" where there is none."""
    try:
        records = CATALOGUE[name].parse(root)
    except DataError as error:
        assert len(str(error).splitlines()) == 1
        assert ";" in str(error), f"no remedy: {error}"
        assert len(str(error)) < 900, str(error)
        return str(error)
    assert all(record.person_id for record in records)
    assert all(r.image_path is None or ".." not in r.image_path.parts for r in records), "a picture outside"
    return ""


ODD_LINES = (
    *("\n", "\ufeff\n", "x\n", "1 2 3\n", "..\n", "../../1.jpg 1\n", "/etc/1.jpg 1\n", "a\0b.jpg 1\n", "1.jpg ²\n"),
    *("²\n", "-1\n", "1,,2\n", "1.5\n", "1e9\n", f"{'9' * 5000}\n", f"{'9' * 300}/{'9' * 300}.jpg 1\n"),
    *("Visible/²/x.bmp 1\n", f"Visible/{'9' * 5000}/x.bmp 1\n", "vis/x.jpg 1\n", "0001/0001.jpg 1\n"),
)


@pytest.mark.parametrize(("name", "files"), LAYOUTS, ids=[name for name, _ in LAYOUTS])
def test_broken_lists(name: str, files: Files, tmp_path: Path) -> None:
    write_copy(tmp_path, files)
    for path in (path for path in files if path.endswith(".txt")):
        for line in ODD_LINES:
            (tmp_path / path).write_bytes(line.encode() + files[path])
            read(name, tmp_path)
            (tmp_path / path).write_bytes(line.encode())
            read(name, tmp_path)
        (tmp_path / path).write_bytes(files[path])


ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, "", " ", "²", "x", "a\0b", "\ud800", "../x.jpg", "/x.jpg", "C:\\x.jpg", "vis/x.jpg"),
    *([], {}, [[]], [None], [["x"]], {"x": None}, 10**30, "9" * 5000, "vis/" + "9" * 300, "a\nb"),
)


def changed(value: Any) -> Iterator[Any]:
    """Yield the value with each of its parts, and itself, exchanged for each odd value, or left out."""
    yield from ODD_VALUES
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield value[:index] + value[index + 1 :]
            yield from ([*value[:index], other, *value[index + 1 :]] for other in changed(item))
        yield value * 2
    if isinstance(value, dict):
        for key, item in value.items():
            yield {k: v for k, v in value.items() if k != key}
            yield from (value | {key: other} for other in changed(item))
        yield value | {"x": 1}


@pytest.mark.parametrize("name", ANNOTATED)
def test_broken_annotations(name: str, tmp_path: Path) -> None:
    files = COPIES[name]
    write_copy(tmp_path, files)
    for path in (path for path in files if path.endswith(".json")):
        content = json.loads(files[path])
        if name == "orbench" and isinstance(content, dict):  # the lists of the other tasks are read in the same way
            few = ("RGB_GALLERY", "TEXT", "TEXT+NIR+CP+SK")
            variants = (
                content | part for part in changed({task: content[task] for task in few}) if isinstance(part, dict)
            )
        else:
            variants = changed(content[:1] if isinstance(content, list) else content)
        for variant in variants:
            (tmp_path / path).write_text(json.dumps(variant), encoding="utf-8")
            read(name, tmp_path)
        for text in ("[" * 100_000, '{"a": ' + "1" * 5_000 + "}", "NaN", "[NaN]", '[{"id": Infinity}]'):
            (tmp_path / path).write_text(text, encoding="utf-8")
            assert read(name, tmp_path)
        (tmp_path / path).write_bytes(files[path])


ODD_ARRAYS: tuple[Any, ...] = (
    *("x", "", 0, -1, 1.5, np.nan, np.inf, 1e300, 1j, 2**40, True),
    *(np.zeros((0, 1)), np.zeros((2, 2, 2)), np.array([[np.nan]]), np.array([["ab"], ["cd"]]), {"a": 1}),
    *(np.array([["a"], [1]], dtype=object), np.array([[np.zeros((2, 2))]], dtype=object)),
    np.array([["../x.png"], ["/x.png"], ["a\0b.png"], ["x" * 300]], dtype=object),
)


@pytest.mark.parametrize("boxes", ["detected", "labeled"])
def test_broken_split_files(boxes: str, tmp_path: Path) -> None:
    name = f"cuhk03-np-{boxes}"
    path = write_copy(tmp_path, COPIES[name]) / f"cuhk03_new_protocol_config_{boxes}.mat"
    for variable in ("filelist", "labels", "camId", "train_idx", "query_idx", "gallery_idx"):
        for odd in ODD_ARRAYS:
            path.write_bytes(make_split(**{variable: odd}))
            read(name, tmp_path)
    path.write_bytes(make_mat(filelist=np.array([*CUHK03_NAMES], dtype=object)))
    assert "lacks the variable 'labels'" in read(name, tmp_path)


def test_broken_ids_of_sysu_mm01(tmp_path: Path) -> None:
    write_copy(tmp_path, COPIES["sysu-mm01"])
    (tmp_path / "exp" / "test_id.txt").unlink()
    for odd in ODD_ARRAYS:
        (tmp_path / "exp" / "test_id.mat").write_bytes(make_mat(id=odd))
        read("sysu-mm01", tmp_path)
