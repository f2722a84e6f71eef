"""Tables from CSV and Parquet files as plain cells; whatever is wrong with such a file is told in one line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from aio_reid.errors import DataError

Cells = dict[str, object]
"""Column -> value of one row; None where the cell is missing."""

_LONGEST_CELL = 1 << 20


def read_cells(path: Path, *, required: Sequence[str], allowed: Sequence[str] | None) -> list[Cells]:
    """Read the rows of a .csv (UTF-8, comma-separated, names in its first line) or .parquet file.

    `allowed` None lets any further column pass.

    Raises:
        DataError: the file is missing, unreadable, empty, in another format or encoding, has a row of another length,
            lacks a required column or has one that is not allowed.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.is_dir():
        raise DataError(f"{path} is a folder; give the file of the table in it, which ends in .csv or .parquet")
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: a table ends in .csv or .parquet; convert it or correct the name")
    if not path.is_file():
        raise DataError(f"{path} is not there; give the file of the table")
    try:
        rows = readers[path.suffix.lower()](path, required, allowed)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}; check the file and its permissions"
        ) from error
    if not rows:
        raise DataError(f"{path} has no rows; write one row for each picture or sentence")
    return rows


def _read_csv(path: Path, required: Sequence[str], allowed: Sequence[str] | None) -> list[Cells]:
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_columns(path, header, required, allowed)
            return list(_csv_rows(path, header, reader))
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(f"{path} is not UTF-8 (it holds the byte 0x{byte:02x}); save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV table ({error}); check its quotation marks, or write it anew") from error
    finally:
        csv.field_size_limit(limit)


def _csv_rows(path: Path, header: list[str], reader: Iterator[list[str]]) -> Iterator[Cells]:
    filled = (values for values in reader if values)  # an empty line is no row
    for number, values in enumerate(filled, start=1):
        if len(values) != len(header):
            raise DataError(
                f"{path}, row {number}: {len(values)} cells for {len(header)} columns; "
                'put a text that holds a comma in "quotation marks"'
            )
        yield {name: value or None for name, value in zip(header, values, strict=True)}


def _read_parquet(path: Path, required: Sequence[str], allowed: Sequence[str] | None) -> list[Cells]:
    try:
        # Opened as one file: a folder name such as "split=train" above it must not add a column.
        table = pq.ParquetFile(path).read()
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is not a whole Parquet file ({reason}); write it anew") from error
    _check_columns(path, table.column_names, required, allowed)
    return [dict(row) for row in table.to_pylist()]


def _check_columns(path: Path, names: Sequence[str], required: Sequence[str], allowed: Sequence[str] | None) -> None:
    if not any(names):
        raise DataError(f"{path} is empty; its first line names the columns: {', '.join(allowed or required)}")
    known = allowed if allowed is not None else [*required, *(name for name in names if name)]
    problems = [f"lacks the column {name!r}" for name in required if name not in names]
    problems += [f"has the unknown column {name!r}" for name in names if name not in known]
    problems += [f"has the column {name!r} twice" for name in known if list(names).count(name) > 1]
    if problems:
        optional = ", ".join(name for name in allowed or () if name not in required) or "any of your own"
        raise DataError(f"{path} {problems[0]}; columns are {', '.join(required)} and, if wanted, {optional}")
