"""What a gallery in a cluster says of itself: one row of a collection beside the one with its pictures."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.embedder import PREPROCESS_VERSION
from aio_reid.gallery.store.milvus.engine import Engine
from aio_reid.gallery.store.milvus.pictures import make_collection
from aio_reid.gallery.store.milvus.url import MilvusUrl
from aio_reid.gallery.store.schema import now_text

FORMAT = 1
_ROW = 0


@dataclass(slots=True)
class State:
    """`size` is None until the first picture; `backups` are paths, each with the id of the gallery in it."""

    gallery_id: str
    weights_hash: str
    weights_name: str
    preprocess_version: int
    created: str
    size: int | None = None
    version: int = 1
    next_id: int = 1
    columns: dict[str, str] = field(default_factory=dict)
    backups: dict[str, str] = field(default_factory=dict)


def state_collection(url: MilvusUrl) -> str:
    """Return the name of the collection with the row."""
    return f"{url.gallery}_about"


def create_gallery(url: MilvusUrl, weights_hash: str, weights_name: str) -> None:
    """Make an empty gallery.

    Raises:
        ConfigError: pymilvus is not installed.
        StorageError: there is something of that name already, or no server.
    """
    engine = Engine(url)
    try:
        if engine.exists(url.gallery) or engine.exists(state_collection(url)):
            raise StorageError(f"{str(url)!r} is there already; add to it, or give another name")
        with engine.told():
            make_collection(engine, state_collection(url), size=2, of_pictures=False)
        write_state(engine, State(uuid.uuid4().hex, weights_hash, weights_name, PREPROCESS_VERSION, now_text()))
    finally:
        engine.close()


def has_gallery(url: MilvusUrl) -> bool:
    """Tell whether a gallery of that name is there.

    Raises:
        ConfigError: pymilvus is not installed.
        StorageError: there is no server.
    """
    engine = Engine(url)
    try:
        return engine.exists(state_collection(url))
    finally:
        engine.close()


def read_state(engine: Engine) -> State:
    """Return the newest state.

    Raises:
        DataError: there is no gallery.
        StorageError: there is another program's collection of that name, or a newer version's.
    """
    place, name = str(engine.url), state_collection(engine.url)
    if not engine.exists(name):
        raise DataError(f"there is no gallery {place!r}; make one with `aio-reid gallery create`, or check the name")
    with engine.told():
        found = engine.client.get(name, ids=[_ROW], output_fields=["columns"])
    values: dict[str, Any] = dict(found[0]["columns"]) if found else {}
    if values.pop("format", None) != FORMAT:
        raise StorageError(f"gallery {place!r} was not made by aio-reid, or by a newer one; give another name")
    try:
        return State(**values)
    except TypeError:
        raise StorageError(f"gallery {place!r} is damaged; restore it by `aio-reid gallery import`") from None


def write_state(engine: Engine, state: State) -> None:
    """Store the state."""
    row = {"id": _ROW, "columns": {"format": FORMAT, **asdict(state)}, "vector": [1.0, 0.0]}
    with engine.told():
        engine.client.upsert(state_collection(engine.url), [row])
