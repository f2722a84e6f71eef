"""Remarks on the column path, and on the files behind it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from aio_reid.datasets.manifest import TEST_SPLITS
from aio_reid.datasets.pictures import find_missing
from aio_reid.datasets.remarks import Remark, Row, Severity, Table, counted
from aio_reid.errors import DataError
from aio_reid.records import Split

_COPIES: dict[str, tuple[Severity, str]] = {
    "of another person": ("error", "correct the ids, or remove one of the rows"),
    "on the other side of training and test": ("error", "remove one of the rows"),
    "of the same person": ("note", "remove one of the rows, unless they are meant to count twice"),
}


def find_missing_files(table: Table) -> Iterator[Remark]:
    """Paths behind which there is no file."""
    rows = _pictures(table)
    missing = set(find_missing(table.folder, (_path(row) for row in rows)))
    lacking = [row for row in rows if _path(row) in missing]
    if not lacking:
        return
    first = lacking[0]
    example = f"the first is {_path(first)!r}, row {first.number}"
    if len(lacking) == len(rows):
        yield Remark(
            "error",
            f"none of the {len(rows)} pictures is below {table.folder} ({example}); paths are relative to the folder "
            "of the manifest: move it, or correct them",
        )
        return
    similar = _differently_written(table.folder, _path(first))
    remedy = f"there is {similar!r}: write the paths as the files are called" if similar else "complete the folder"
    gone = f"{len(lacking)} of {len(rows)} pictures {'is' if len(lacking) == 1 else 'are'} missing"
    yield Remark("error", f"{gone} ({example}); {remedy}, or remove the rows")


def find_empty_files(table: Table) -> Iterator[Remark]:
    """Files of zero bytes, left by copying that was interrupted."""
    empty = [row for row in _pictures(table) if _size(table.folder / _path(row)) == 0]
    if empty:
        yield Remark(
            "error",
            f"{counted(len(empty), 'picture has', 'pictures have')} no content (0 bytes; the first is "
            f"{_path(empty[0])!r}, row {empty[0].number}); copy the files again, or remove the rows",
        )


def find_other_files(table: Table) -> Iterator[Remark]:
    """Files that are no pictures by their ending."""
    known = Image.registered_extensions()
    others = [row for row in _pictures(table) if PurePosixPath(_path(row)).suffix.lower() not in known]
    if others:
        yield Remark(
            "error",
            f"{counted(len(others), 'path has', 'paths have')} the ending of no picture format that can be read (the "
            f"first is {_path(others[0])!r}, row {others[0].number}); convert the files to .png or .jpg, or remove the "
            "rows",
        )


def find_repeated_paths(table: Table) -> Iterator[Remark]:
    """One file in several rows, which reading allows where split, modality or spelling differ."""
    first: dict[PurePosixPath, Row] = {}
    persons, kinds, twice = [], [], []
    for row in _pictures(table):
        earlier = first.setdefault(PurePosixPath(_path(row)), row)
        if earlier.cells.person != row.cells.person:
            persons.append((earlier, row))
        elif earlier.cells.modality is not row.cells.modality:
            kinds.append((earlier, row))
        elif earlier is not row and earlier.cells.split is row.cells.split:
            twice.append((earlier, row))
    if persons:
        yield Remark(
            "error",
            f"{counted(len(persons), 'picture is', 'pictures are')} of two persons ({_pair(persons[0], 'person')}); "
            "correct the ids, or remove one of the rows",
        )
    if kinds:
        yield Remark(
            "warning",
            f"{counted(len(kinds), 'picture is', 'pictures are')} of two modalities ({_pair(kinds[0], 'modality')}); "
            "keep the one that it is",
        )
    if twice:
        yield Remark(
            "warning",
            f"{counted(len(twice), 'picture is', 'pictures are')} in one split twice, by two spellings of the path "
            f"({_path(twice[0][0])!r}, row {twice[0][0].number}, and {_path(twice[0][1])!r}, row "
            f"{twice[0][1].number}); remove one of the rows",
        )


def find_same_contents(table: Table) -> Iterator[Remark]:
    """The same bytes in several files: of two persons, in train and test, or merely repeated."""
    found: dict[str, list[tuple[Row, Row]]] = {what: [] for what in _COPIES}
    for pair in _same_contents(table):
        found[_kind_of_copy(*pair)].append(pair)
    for what, (severity, remedy) in _COPIES.items():
        if found[what]:
            a, b = found[what][0]
            yield Remark(
                severity,
                f"{counted(len(found[what]), 'picture is a copy', 'pictures are copies')} of another {what} "
                f"({_path(a)!r}, row {a.number}, and {_path(b)!r}, row {b.number}); {remedy}",
            )


FILE_RULES = (find_missing_files, find_empty_files, find_other_files, find_repeated_paths)


def _pictures(table: Table) -> list[Row]:
    return [row for row in table.rows if row.cells.path is not None]


def _path(row: Row) -> str:
    return row.cells.path or ""


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _differently_written(folder: Path, name: str) -> str | None:
    """Return a path in the same folder that differs by capitals or ending only."""
    path = PurePosixPath(name)
    try:
        files = sorted(os.listdir(folder / path.parent))
    except OSError:
        return None
    for same in (lambda file: file.lower() == path.name.lower(), lambda file: PurePosixPath(file).stem == path.stem):
        for file in filter(same, files):
            return path.with_name(file).as_posix()
    return None


def _pair(rows: tuple[Row, Row], column: str) -> str:
    values = [str(getattr(row.cells, column)) for row in rows]
    return f"{_path(rows[0])!r} is {values[0]!r} in row {rows[0].number} and {values[1]!r} in row {rows[1].number}"


def _kind_of_copy(first: Row, second: Row) -> str:
    if first.cells.person != second.cells.person:
        return "of another person"
    splits = {first.cells.split, second.cells.split}
    is_leak = Split.TRAIN in splits and not splits.isdisjoint(TEST_SPLITS)
    return "on the other side of training and test" if is_leak else "of the same person"


def _same_contents(table: Table) -> Iterator[tuple[Row, Row]]:
    files: dict[PurePosixPath, Row] = {}
    for row in _pictures(table):
        files.setdefault(PurePosixPath(_path(row)), row)
    sizes: dict[int, list[Row]] = {}
    for row in files.values():
        if size := _size(table.folder / _path(row)):
            sizes.setdefault(size, []).append(row)
    for rows in sizes.values():
        if len(rows) > 1:
            yield from _same_bytes(table.folder, rows)


def _same_bytes(folder: Path, rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    first: dict[bytes, Row] = {}
    for row in rows:
        try:
            with (folder / _path(row)).open("rb") as file:
                digest = hashlib.file_digest(file, "blake2b").digest()
        except OSError as error:
            raise DataError(f"{folder / _path(row)} cannot be read: {error.strerror or error}; check it") from error
        earlier = first.setdefault(digest, row)
        if earlier is not row:
            yield earlier, row
