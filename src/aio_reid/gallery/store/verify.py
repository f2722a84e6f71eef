"""Is a gallery whole? SQLite's own check, every vector, copy and calibration, and every file that it refers to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aio_reid.errors import StorageError
from aio_reid.gallery.calibration.kept import read_calibration
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.progress import SILENT, Progress
from aio_reid.storage import file_content

_MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: "damage" in the gallery itself, or a "file" outside that is missing or has changed."""

    kind: str
    text: str


def verify_gallery(store: EmbeddedStore, *, files: bool = True, progress: Progress = SILENT) -> list[Problem]:
    """Return everything that is wrong, damage first; with `files` every picture that is referred to is read.

    Raises:
        StorageError: the gallery is damaged so far that it cannot be read.
    """
    problems = [
        Problem("damage", text)
        for text in (*_structure(store), *_vectors(store), *_copies(store), *_calibrations(store))
    ]
    if files:
        problems += [Problem("file", text) for text in _files(store, progress)]
    return problems


def _structure(store: EmbeddedStore) -> Iterator[str]:
    with store.reading() as connection:
        lines = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST_LINES})")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
        lacking = connection.execute("SELECT id FROM items WHERE id NOT IN (SELECT id FROM vectors)").fetchall()
        unused = connection.execute("SELECT count(*) FROM copies WHERE content NOT IN (SELECT content FROM items)")
        num_unused = unused.fetchone()[0]
    yield from (f"SQLite: {line}" for line in lines if line != "ok")
    yield from (f"{table} {number}: belongs to no picture" for table, number, *_ in orphans)
    yield from (f"picture {number}: has no vector" for (number,) in lacking)
    if num_unused:
        yield f"{num_unused} copies belong to no picture"
    if store.is_uncompacted:
        yield "an erasure was interrupted before the file was rewritten; open it once for writing, e.g. by `add`"


def _vectors(store: EmbeddedStore) -> Iterator[str]:
    size = store.about().embedding_size or 0
    with store.reading() as connection:
        stored = connection.execute("SELECT id, vector FROM vectors ORDER BY id")
        for number, blob in stored:
            if len(blob) != 4 * size:
                yield f"picture {number}: its vector has {len(blob)} bytes, not {4 * size}"
                continue
            length = float(np.linalg.norm(np.frombuffer(blob, dtype="<f4").astype(np.float64)))
            if not abs(length - 1.0) < 1e-3:  # also catches NaN
                yield f"picture {number}: its vector has the length {length:.4g}, not 1"


def _copies(store: EmbeddedStore) -> Iterator[str]:
    with store.reading() as connection:
        for content, data in connection.execute("SELECT content, bytes FROM copies"):
            if hashlib.sha256(data).digest() != content:
                yield f"the copy of {content.hex()[:12]} has changed"


def _calibrations(store: EmbeddedStore) -> Iterator[str]:
    try:
        read_calibration(store)
    except StorageError as error:
        yield str(error)


def _files(store: EmbeddedStore, progress: Progress) -> Iterator[str]:
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT id, path, content FROM items WHERE content NOT IN (SELECT content FROM copies) ORDER BY id"
        ).fetchall()
    with progress.task("Reading", len(rows), "pictures") as task:
        for number, name, content in rows:
            path = Path(os.fsdecode(name))
            try:
                if file_content(path) != content:
                    yield f"picture {number}: {str(path)!r} has changed since it was enrolled"
            except OSError as error:
                yield f"picture {number}: {str(path)!r} cannot be read ({error.strerror or error})"
            task.advance()
