"""Pictures as rows of the file, and back: the statements that change a gallery, inside the caller's transaction."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from aio_reid.errors import DataError
from aio_reid.gallery.store.protocol import Added, Item, NewPicture, Picture, Value
from aio_reid.gallery.store.resident import number_time, time_number
from aio_reid.records import Modality, parse_modality
from aio_reid.storage import contents_of

_COLUMN_NAME = re.compile(r"[^\W\d]\w*")
_ROWS_AT_ONCE = 500  # SQLite's oldest limit for values in one statement is 999
_FIELDS = "items.id, items.content, modality, path, camera, time, track, source, frame, columns"
_SELECT = f"SELECT {_FIELDS}, EXISTS(SELECT 1 FROM copies WHERE copies.content = items.content) FROM items"

_Item = TypeVar("_Item")


def read_items(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Item]:
    """Return those that are there, in the order of the ids."""
    found: dict[int, Item] = {}
    for chunk in chunks(ids):
        for row in connection.execute(f"{_SELECT} WHERE items.id IN ({_marks(chunk)})", chunk):
            found[row[0]] = _item(row)
    return [found[number] for number in ids if number in found]


def read_known(connection: sqlite3.Connection, contents: Iterable[bytes], modality: Modality) -> dict[bytes, Item]:
    """Return the enrolled ones of these contents."""
    found: dict[bytes, Item] = {}
    for chunk in chunks(list(contents)):
        statement = f"{_SELECT} WHERE modality = ? AND items.content IN ({_marks(chunk)})"
        for row in connection.execute(statement, [modality.value, *chunk]):
            found[row[1]] = _item(row)
    return found


def ids_of_paths(connection: sqlite3.Connection, paths: Sequence[Path]) -> list[int]:
    """Return the ids of the pictures whose file lies at one of these paths, or, where a path is none of the gallery's
    but a file is there, of its content: another name, or a further copy, of a picture.
    """
    found: list[int] = []
    named: set[bytes] = set()
    for chunk in chunks([os.fsencode(path) for path in paths]):
        for number, path in connection.execute(f"SELECT id, path FROM items WHERE path IN ({_marks(chunk)})", chunk):
            found.append(number)
            named.add(path)
    others = contents_of(path for path in paths if os.fsencode(path) not in named)
    return found + ids_of_contents(connection, others)


def ids_of_contents(connection: sqlite3.Connection, contents: Sequence[bytes]) -> list[int]:
    """Return the ids of all pictures with one of these contents, whatever their modality."""
    found: list[int] = []
    for chunk in chunks(contents):
        statement = f"SELECT id FROM items WHERE content IN ({_marks(chunk)})"
        found += [row[0] for row in connection.execute(statement, chunk)]
    return found


def add_rows(connection: sqlite3.Connection, pictures: Sequence[NewPicture]) -> Added:
    """Insert what is new, and bring the description of what is known up to date.

    Raises:
        DataError: a column whose name or type cannot be.
    """
    types: dict[str, str] = dict(connection.execute("SELECT name, type FROM columns"))
    added = new_columns(types, [new.picture.columns for new in pictures])
    connection.executemany("INSERT INTO columns VALUES(?, ?)", list(added.items()))
    known: dict[tuple[bytes, Modality], Item] = {}
    for modality in {new.picture.modality for new in pictures}:
        contents = [new.picture.content for new in pictures if new.picture.modality is modality]
        known |= {(content, modality): item for content, item in read_known(connection, contents, modality).items()}
    (next_id,) = connection.execute("SELECT next_id FROM gallery").fetchone()
    rows: dict[tuple[bytes, Modality], tuple[Any, ...]] = {}
    vectors: list[tuple[int, bytes]] = []
    changed: list[tuple[Any, ...]] = []
    for new in pictures:
        key = (new.picture.content, new.picture.modality)
        if key in known:
            if known[key].picture != new.picture:
                changed.append((*_cells(new.picture)[2:], known[key].id))
        elif key not in rows:
            rows[key] = (next_id + len(rows), *_cells(new.picture))
            vectors.append((rows[key][0], new.vector.astype("<f4", copy=False).tobytes()))
    connection.executemany("INSERT INTO items VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows.values())
    connection.executemany("INSERT INTO vectors VALUES(?, ?)", vectors)
    connection.executemany(
        "UPDATE items SET path = ?, camera = ?, time = ?, track = ?, source = ?, frame = ?, columns = ? WHERE id = ?",
        changed,
    )
    copies = [(new.picture.content, new.copy) for new in pictures if new.copy is not None]
    connection.executemany("INSERT OR IGNORE INTO copies VALUES(?, ?)", copies)
    connection.execute("UPDATE gallery SET next_id = next_id + ?, rewrites = rewrites + ?", [len(rows), bool(changed)])
    return Added(len(rows), len(changed), len(pictures) - len(rows) - len(changed))


def delete_rows(connection: sqlite3.Connection, ids: Sequence[int]) -> int:
    """Delete pictures with all that belongs to them, columns that nobody has any more among it; return their number."""
    marked = [(number,) for number in ids]
    connection.executemany("DELETE FROM next_vectors WHERE id = ?", marked)
    connection.executemany("DELETE FROM vectors WHERE id = ?", marked)
    num_deleted = connection.executemany("DELETE FROM items WHERE id = ?", marked).rowcount
    connection.execute("DELETE FROM copies WHERE content NOT IN (SELECT content FROM items)")
    connection.execute("UPDATE gallery SET rewrites = rewrites + 1")
    nobody_has_any = "NOT EXISTS(SELECT 1 FROM items WHERE columns IS NOT NULL)"
    all_is_erased = "NOT EXISTS(SELECT 1 FROM pending)"  # else the same filter is asked once more
    connection.execute(f"DELETE FROM columns WHERE {nobody_has_any} AND {all_is_erased}")
    return max(num_deleted, 0)


def read_calibrations(connection: sqlite3.Connection, query: str | None) -> list[str]:
    """Return the calibrations for queries of these letters, or all; none of a file of before there were any."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'calibrations'").fetchone():
        return []
    asked = "SELECT content FROM calibrations WHERE ?1 IS NULL OR query = ?1 ORDER BY length(query), query, gallery"
    return [content for (content,) in connection.execute(asked, [query])]


def replace_calibrations(connection: sqlite3.Connection, kept: Sequence[tuple[str, str, str]]) -> None:
    """Put these (query, gallery, content) in place of all calibrations."""
    connection.execute("DELETE FROM calibrations")
    connection.executemany("INSERT INTO calibrations VALUES(?, ?, ?)", kept)


def chunks(items: Sequence[_Item], size: int = _ROWS_AT_ONCE) -> Iterator[Sequence[_Item]]:
    """Yield the items in order, in lists that one statement takes."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def new_columns(known: Mapping[str, str], given: Iterable[Mapping[str, Value]]) -> dict[str, str]:
    """Return the types, "text" or "number", of columns that are given and not known.

    Raises:
        DataError: a column whose name, type or value cannot be.
    """
    types = dict(known)
    for columns in given:
        for name, value in columns.items():
            kind = "text" if isinstance(value, str) else "number"
            if types.setdefault(name, kind) != kind:
                raise DataError(f"column {name!r} holds {types[name]}s, {value!r} is a {kind}; give it another name")
            if not _COLUMN_NAME.fullmatch(name):
                raise DataError(f"{name!r} cannot name a column; use letters, digits and _, a letter first")
            if isinstance(value, float) and not abs(value) < float("inf"):
                raise DataError(f"column {name!r}: {value!r} cannot be stored; leave the value out")
    return {name: kind for name, kind in types.items() if name not in known}


def checked_size(size: int | None, pictures: Sequence[NewPicture]) -> int | None:
    """Return the size of a gallery's vectors, which the first one fixes; keep out what a search could not compare.

    Raises:
        DataError: a vector of another size, or not of unit length.
    """
    for new in pictures:
        size = size or len(new.vector)
        if new.vector.shape != (size,) or not abs(float(new.vector @ new.vector) - 1.0) < 1e-3:
            raise DataError(
                f"{str(new.picture.path)!r}: a vector of shape {new.vector.shape} and length "
                f"{float(new.vector @ new.vector) ** 0.5:.3f}; this gallery takes unit vectors of {size} numbers"
            )
    return size


def _cells(picture: Picture) -> tuple[Any, ...]:
    columns = json.dumps(picture.columns, sort_keys=True, ensure_ascii=False) if picture.columns else None
    return (
        picture.content,
        picture.modality.value,
        os.fsencode(picture.path),
        picture.camera,
        time_number(picture.time),
        picture.track,
        picture.source,
        picture.frame,
        columns,
    )


def _item(row: Sequence[Any]) -> Item:
    number, content, modality, path, camera, time, track, source, frame, columns, is_copied = row
    picture = Picture(
        content,
        Path(os.fsdecode(path)),
        parse_modality(modality),
        camera,
        number_time(time),
        track,
        source,
        frame,
        {} if columns is None else json.loads(columns),
    )
    return Item(number, picture, bool(is_copied))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
