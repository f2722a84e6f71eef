"""The manifest: one table (CSV or Parquet) that describes any data set, one row for each picture or sentence.

Columns, in any order; a missing cell is null in Parquet and empty in CSV, and a column without cells may
be left out:

    path        the picture, relative to the folder of the manifest, "/" between its parts; missing for a sentence
    caption     the sentence; missing for a picture
    person      id of the person, as published: "0012" and "12" are two persons
    modality    rgb, infrared, pencil, sketch or text
    split       train, val, query or gallery
    camera      optional: id of the camera
    source      optional: the photo that a drawing or a sentence was made from (its path, or the name of its file)
    attributes  optional: names of visible attributes; a list in Parquet, separated by ";" in CSV. Training can ask them
                of every feature of the person (loss.tag_weight)
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from aio_reid.datasets.pictures import leads_out
from aio_reid.datasets.tables import Cells, read_cells
from aio_reid.errors import DataError, StorageError
from aio_reid.records import Modality, Record, Split
from aio_reid.storage import written_whole

Choice = TypeVar("Choice", Modality, Split)

ATTRIBUTE_SEPARATOR = ";"
TEST_SPLITS = (Split.QUERY, Split.GALLERY)


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row, checked; the fields are the columns."""

    path: str | None
    caption: str | None
    person: str
    modality: Modality
    split: Split
    camera: str | None = None
    source: str | None = None
    attributes: tuple[str, ...] = ()


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(ManifestRow))
REQUIRED: tuple[str, ...] = ("person", "modality", "split")
_SCHEMA = pa.schema([(name, pa.list_(pa.string()) if name == "attributes" else pa.string()) for name in COLUMNS])


def read_manifest(path: Path, *, check_files: bool = False) -> list[Record]:
    """Read a manifest as records, in the order of its rows; `image_path` is joined to the manifest's folder.

    The data set is called after the file, or after its folder where the file is called "manifest".

    Args:
        path: a .csv (UTF-8) or .parquet file.
        check_files: also ask the disk for every picture; otherwise a missing one shows when it is read.

    Raises:
        DataError: anything wrong, in one line with the file, the row, the value, what is allowed and the remedy.
    """
    dataset = path.resolve().parent.name if path.stem == "manifest" else path.stem
    records = []
    for number, row in enumerate(read_rows(path), start=1):
        picture = path.parent / row.path if row.path is not None else None
        if check_files and picture is not None and not picture.is_file():
            raise _error(
                path,
                number,
                f"there is no picture {row.path!r} below {path.parent}; correct the path or remove the row",
            )
        records.append(
            Record(
                dataset,
                row.split,
                row.modality,
                row.person,
                row.camera,
                picture,
                row.caption,
                row.source,
                row.attributes,
            )
        )
    return records


def read_rows(path: Path) -> list[ManifestRow]:
    """Read a manifest with all of its columns.

    Raises:
        DataError: as `read_manifest`.
    """
    table = read_cells(path, required=REQUIRED, allowed=COLUMNS)
    rows = [_parse_row(path, number, cells) for number, cells in enumerate(table, start=1)]
    _check_repeats(path, rows)
    return rows


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    """Write a manifest, CSV or Parquet by the ending of its name; the old file stays whole until the new one is.

    Raises:
        DataError: another ending.
        StorageError: the file cannot be written.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise DataError(f"{path}: a manifest ends in .csv or .parquet; choose one of these names")
    write = _write_csv if path.suffix.lower() == ".csv" else _write_parquet
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as part:
            write(part, rows)
    except OSError as error:
        raise StorageError(
            f"cannot write the manifest {path}: {error.strerror or error}; choose another folder"
        ) from error


def _write_csv(path: Path, rows: Iterable[ManifestRow]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            *values, attributes = astuple(row)
            writer.writerow([*values, ATTRIBUTE_SEPARATOR.join(attributes)])


def _write_parquet(path: Path, rows: Iterable[ManifestRow]) -> None:
    columns = list(zip(*(astuple(row) for row in rows), strict=True)) or [()] * len(COLUMNS)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    pq.write_table(pa.table(arrays, schema=_SCHEMA), path, compression="zstd")


def _parse_row(path: Path, number: int, cells: Cells) -> ManifestRow:
    picture, caption, person = (_text(path, number, cells, name) for name in ("path", "caption", "person"))
    if person is None:
        raise _error(path, number, "person is empty; give the id of the person, any text")
    kind, split = _member(path, number, cells, Modality), _member(path, number, cells, Split)
    if (picture is None) == (caption is None):
        which = "path and caption are both given" if picture is not None else "path and caption are both empty"
        raise _error(path, number, f"{which}; give a path for a picture, or a caption for a sentence")
    if kind.is_visual != (picture is not None):
        wanted = "path" if kind.is_visual else "caption"
        raise _error(path, number, f"modality {kind.value!r} needs a {wanted}; move the cell or correct the modality")
    if picture is not None:
        _check_path(path, number, picture)
    camera, source = (_text(path, number, cells, name) for name in ("camera", "source"))
    return ManifestRow(picture, caption, person, kind, split, camera, source, _attributes(path, number, cells))


def _member(path: Path, number: int, cells: Cells, kind: type[Choice]) -> Choice:
    """Modality and split are cells of a column that is called as their type is."""
    name = kind.__name__.lower()
    value = _text(path, number, cells, name)
    for member in kind:
        if member.value == value:
            return member
    raise _error(path, number, f"{name} is {value or ''!r}; choose one of: {', '.join(kind)}")


def _check_path(path: Path, number: int, picture: str) -> None:
    if "\\" in picture or picture[1:2] == ":":
        raise _error(
            path, number, f"path {picture!r} is a Windows path; write '/' between its parts, relative to {path.parent}"
        )
    if leads_out(picture) or "\0" in picture:
        raise _error(
            path,
            number,
            f"path {picture!r} leads out of {path.parent}; give a path relative to that folder, without '..'",
        )


def _check_repeats(path: Path, rows: Sequence[ManifestRow]) -> None:
    """Two persons, or one twice, may be described by the same words; a picture has one row a modality and split."""
    first: dict[tuple[str, Modality, Split], int] = {}
    trained: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        if row.path is None:
            continue
        earlier = first.setdefault((row.path, row.modality, row.split), number)
        if earlier != number:
            raise _error(path, number, f"repeats row {earlier} ({row.path!r}); remove one of the two")
        if row.split is Split.TRAIN:
            trained[row.path] = number
    for number, row in enumerate(rows, start=1):
        if row.path in trained and row.split in TEST_SPLITS:
            where = f"also in the split 'train' (row {trained[row.path]})"
            raise _error(
                path, number, f"{row.path!r} of the split {row.split.value!r} is {where}; take it out of one of them"
            )


def _text(path: Path, number: int, cells: Cells, name: str) -> str | None:
    """Whole numbers are ids too: tables written by other programs hold them as such."""
    value = cells.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise _error(path, number, f"{name} is {value!r} ({type(value).__name__}); store the column as text")
    return value.strip() or None if value is not None else None


def _attributes(path: Path, number: int, cells: Cells) -> tuple[str, ...]:
    value = cells.get("attributes") or []
    names = value.split(ATTRIBUTE_SEPARATOR) if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _error(path, number, f"attributes is {value!r}; store a list of texts, or in CSV names separated by ';'")
    return tuple(name.strip() for name in names if name.strip())


def _error(path: Path, number: int, problem: str) -> DataError:
    return DataError(f"{path}, row {number}: {problem}")
