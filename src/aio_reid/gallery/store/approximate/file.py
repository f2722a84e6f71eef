"""The file of an approximate index: beside the gallery's, whole or not there, and of use to that gallery alone.

A line that says what it is, a line of JSON, the ids of its rows, and faiss's bytes; the JSON holds the SHA-256 of all
that follows it, because faiss trusts what it reads. The index says which gallery and weights it was made from, and has
a hash of some vectors: a gallery that was restored from a backup and went on differently gives ids anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.store.approximate.build import Quality
from aio_reid.gallery.store.approximate.cells import Cells, read_cells, write_cells
from aio_reid.gallery.store.protocol import About
from aio_reid.storage import written_whole

INDEX_NAME = "gallery.faiss"
MAGIC = b"aio-reid approximate index 1\n"
NUM_CHECKED = 64
"""Vectors whose hash tells that the ids still mean the same pictures."""

_LONGEST_HEADER = 1 << 20

Rows = NDArray[np.int64]
Stored = Callable[[Rows], NDArray[np.float32]]
"""Called with ids, int64 (B,); returns the vectors as they were stored, float32 (B, E)."""


@dataclass(frozen=True, slots=True)
class Label:
    """What an index says of itself. `checked` are ids, each with the hash of its vector."""

    gallery_id: str
    weights_hash: str
    preprocess_version: int
    num_probes: int
    recall: float
    top: int
    num_queries: int
    made: str
    checked: tuple[tuple[int, str], ...]
    sha256: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """An index of a gallery: the pictures `ids`, int64 (N,), ascending, are the rows of the cells."""

    label: Label
    ids: Rows
    cells: Cells


def label(about: About, quality: Quality, made: str, ids: Rows, stored: Stored) -> Label:
    """Return the label of an index of the pictures with some ids, int64 (N,)."""
    spread = ids[np.linspace(0, len(ids) - 1, min(NUM_CHECKED, len(ids))).astype(np.int64)]
    checked = tuple(zip(spread.tolist(), _hashes(stored(spread)), strict=True))
    measured = (quality.num_probes, quality.recall, quality.top, quality.num_queries)
    return Label(about.gallery_id, about.weights_hash, about.preprocess_version, *measured, made, checked)


def write_index(path: Path, index: Index) -> None:
    """Write an index, readable by its owner alone; at every moment the file is the old one or the new one.

    Raises:
        StorageError: it cannot be written.
    """
    ids = index.ids.astype("<i8").tobytes()
    lists = write_cells(index.cells)
    digest = hashlib.sha256(ids)
    digest.update(lists.data)
    header = {**asdict(index.label), "sha256": digest.hexdigest(), "num_rows": len(index.ids)}
    try:
        with written_whole(path) as part, open(_make_privately(part), "wb") as file:
            file.write(MAGIC + json.dumps(header).encode() + b"\n" + ids)
            file.write(lists.data)
    except OSError as error:
        raise StorageError(
            f"the index {str(path)!r} cannot be written ({error.strerror or error}); free space, or search without it"
        ) from None


def read_index(path: Path) -> Index:
    """Read an index.

    Raises:
        ConfigError: faiss is not installed.
        DataError: the file is damaged, or not an index.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise DataError("it is not an index of aio-reid")
        header = file.readline(_LONGEST_HEADER)
        body = np.fromfile(file, dtype=np.uint8)
    try:
        values = json.loads(header)
        num_rows = int(values.pop("num_rows"))
        found = Label(**{**values, "checked": tuple((int(n), str(h)) for n, h in values["checked"])})
        _check_types(found)
    except (ValueError, KeyError, TypeError):
        raise DataError("its description cannot be read") from None
    if hashlib.sha256(body.data).hexdigest() != found.sha256 or not 0 <= 8 * num_rows <= len(body):
        raise DataError("its bytes have changed")
    cells = read_cells(body[8 * num_rows :])
    if cells.num_rows != num_rows:
        raise DataError("it holds another number of vectors than it says")
    return Index(found, np.frombuffer(body[: 8 * num_rows].tobytes(), dtype="<i8").astype(np.int64), cells)


def check_belongs(index: Index, about: About, present: Rows, stored: Stored) -> None:
    """Make sure that an index was made from this gallery; `present` are the gallery's ids, int64 (N,), ascending.

    Raises:
        DataError: it was not, or the ids mean other pictures now.
    """
    own, other = index.label, (about.gallery_id, about.weights_hash, about.preprocess_version)
    if (own.gallery_id, own.weights_hash, own.preprocess_version) != other:
        raise DataError("it was made from another gallery, or from vectors of other weights")
    if index.cells.size != about.embedding_size:
        raise DataError("its vectors have another size")
    checked = dict(own.checked)
    ids = np.array(list(checked), dtype=np.int64)
    ids = ids[np.isin(ids, present)]
    if _hashes(stored(ids)) != [checked[number] for number in ids.tolist()]:
        raise DataError("the gallery's vectors are others than those it was made from")


def drop_index(path: Path) -> bool:
    """Delete an index, and what a killed build may have left; tell whether there was one.

    Raises:
        StorageError: it cannot be deleted.
    """
    existed = path.exists()
    try:
        for file in (path, *path.parent.glob(f".{path.name}.*.part")):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"the index {str(path)!r} cannot be deleted ({error.strerror or error}); delete it and repeat"
        ) from None
    return existed


def _check_types(found: Label) -> None:
    kinds = {"int": int, "float": float, "str": str}
    for field in fields(found):
        if field.type in kinds and not isinstance(getattr(found, field.name), kinds[str(field.type)]):
            raise TypeError(field.name)


def _make_privately(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _hashes(vectors: NDArray[np.float32]) -> list[str]:
    return [hashlib.sha256(vector.astype("<f4").tobytes()).hexdigest() for vector in vectors]
