"""Pictures as rows of a collection, and back.

Milvus 2.3 has no "not given": texts begin with "=" where there is one, numbers have a value that no picture has. Paths
are written as in a URL, because the names of files need not be UTF-8.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from aio_reid.errors import DataError
from aio_reid.gallery.store.milvus.engine import Engine, Row
from aio_reid.gallery.store.protocol import Item, NewPicture, Picture
from aio_reid.gallery.store.resident import number_time, time_number
from aio_reid.records import parse_modality

NO_NUMBER = -(2**62)
LONGEST_TEXT = 65535
"""Bytes of a text, Milvus's limit."""

DRAW_RANGE = 2**31
PICTURE_FIELDS = ("id", "content", "modality", "path", "camera", "time", "track", "source", "frame", "columns")
_TEXTS = ("path", "camera", "track", "source")


def make_collection(engine: Engine, name: str, *, size: int, of_pictures: bool = True) -> None:
    """Make a collection: without an approximate index, so that a search compares every row."""
    from pymilvus import DataType

    schema = engine.client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("columns", DataType.JSON)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=size)
    if of_pictures:
        schema.add_field("content", DataType.VARCHAR, max_length=64)
        schema.add_field("modality", DataType.VARCHAR, max_length=64)
        for text in _TEXTS:
            schema.add_field(text, DataType.VARCHAR, max_length=LONGEST_TEXT)
        for number in ("time", "frame", "draw"):
            schema.add_field(number, DataType.INT64)
    index = engine.client.prepare_index_params()
    index.add_index(field_name="vector", index_type="FLAT", metric_type="IP")
    if of_pictures:
        index.add_index(field_name="content", index_type="Trie")
    # one shard: what is inserted together is one message, which is there or not
    engine.client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong", num_shards=1)


def picture_row(number: int, new: NewPicture) -> Row:
    """Return a picture as a row.

    Raises:
        DataError: one of its texts is too long for Milvus, or it has a copy.
    """
    picture = new.picture
    if new.copy is not None:
        raise DataError(f"{str(picture.path)!r}: a gallery in Milvus keeps no copies of files")
    row: dict[str, Any] = {
        "id": number,
        "content": picture.content.hex(),
        "modality": picture.modality.value,
        "path": path_text(picture.path),
        "camera": given_text(picture.camera),
        "time": _given_number(time_number(picture.time)),
        "track": given_text(picture.track),
        "source": given_text(picture.source),
        "frame": _given_number(picture.frame),
        "draw": int.from_bytes(picture.content[:4], "big") % DRAW_RANGE,
        "columns": dict(picture.columns),
        "vector": new.vector.tolist(),
    }
    for name in _TEXTS:
        if len(row[name].encode()) > LONGEST_TEXT:
            raise DataError(f"{str(picture.path)[:100]!r}: its {name} is longer than {LONGEST_TEXT} bytes; shorten it")
    return row


def row_item(row: Mapping[str, Any]) -> Item:
    """Return what `picture_row` was given, as an enrolled picture."""
    picture = Picture(
        bytes.fromhex(row["content"]),
        text_path(row["path"]),
        parse_modality(row["modality"]),
        stored_text(row["camera"]),
        number_time(_number(row["time"])),
        stored_text(row["track"]),
        stored_text(row["source"]),
        _number(row["frame"]),
        dict(row["columns"]),
    )
    return Item(int(row["id"]), picture, False)


def text_path(text: str) -> Path:
    """Return the path that `path_text` made a text of."""
    return Path(os.fsdecode(unquote_to_bytes(text)))


def path_text(path: Path) -> str:
    """Return a path as it stands in a row."""
    return quote(os.fsencode(path))


def given_text(text: str | None) -> str:
    """Return a text as it stands in a row."""
    return "" if text is None else f"={text}"


def stored_text(cell: str) -> str | None:
    """Return what `given_text` was given."""
    return cell[1:] if cell else None


def _given_number(value: int | None) -> int:
    return NO_NUMBER if value is None else value


def _number(cell: int) -> int | None:
    return None if cell == NO_NUMBER else int(cell)
