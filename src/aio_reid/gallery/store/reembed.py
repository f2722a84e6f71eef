"""Bringing a gallery over to other weights: every picture is embedded anew beside the old vectors, which are in use
until the last one is there, and then replaced in one transaction. Interrupted, it goes on where it stopped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.embedder import PREPROCESS_VERSION, EmbedderFactory, LoadedOnce, unit_vector
from aio_reid.gallery.scan import Unreadable
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import Item
from aio_reid.gallery.store.rows import chunks, delete_rows, replace_calibrations
from aio_reid.gallery.store.schema import scratch_folder
from aio_reid.progress import SILENT, Progress
from aio_reid.records import Modality
from aio_reid.storage import file_content

CHUNK = 64


@dataclass(frozen=True, slots=True)
class Reembedded:
    """Numbers of pictures embedded anew, in this run and before, and those that were dropped."""

    num_pictures: int
    dropped: tuple[Unreadable, ...]


@dataclass(frozen=True, slots=True)
class _Left:
    """Pictures by number that have no vector: those that are missing or damaged, and those not to be read just now."""

    missing: dict[int, Unreadable]
    unread: dict[int, Unreadable]

    def check(self, num_pictures: int, drop_missing: bool) -> None:
        """Refuse to go on with what may not be dropped.

        Raises:
            DataError: some cannot be read now, or some are missing and may not be dropped.
        """
        lost = "put them back and repeat, or lose them with --drop-missing"
        refused = [(self.unread, "read now", "mend that, or remove them, and repeat")]
        refused += [] if drop_missing else [(self.missing, "embedded", lost)]
        for found, state, remedy in refused:
            if found:
                first = next(iter(found.values()))
                raise DataError(
                    f"{len(found)} of {num_pictures} pictures cannot be {state}, the first is {str(first.path)!r} "
                    f"({first.error}); {remedy}"
                )


def reembed_gallery(
    store: EmbeddedStore,
    embedder: EmbedderFactory,
    weights_name: str,
    *,
    drop_missing: bool = False,
    progress: Progress = SILENT,
) -> Reembedded:
    """Replace all vectors by those of other weights. Pictures are read from their files, or from their copies.

    Raises:
        DataError: pictures are missing or have changed, and may not be dropped; or cannot be read for the moment, which
            are never dropped.
        StorageError: the gallery cannot be written.
    """
    once = LoadedOnce(embedder)
    _begin(store, once.weights_hash)
    with store.reading() as connection:
        rows = connection.execute("SELECT id FROM items WHERE id NOT IN (SELECT id FROM next_vectors) ORDER BY id")
        todo = [number for (number,) in rows]
    left = _Left({}, {})
    with progress.task("Embedding", len(todo), "pictures") as task, _scratch(store) as scratch:
        for chunk in chunks(todo, CHUNK):
            items = store.get(chunk)
            for modality in {item.picture.modality for item in items}:
                of_kind = [item for item in items if item.picture.modality is modality]
                _embed_chunk(store, once, of_kind, modality, scratch, left)
            task.advance(len(chunk))
    left.check(store.count(), drop_missing)
    _finish(store, once.weights_hash, weights_name, sorted(left.missing))
    return Reembedded(store.count(), tuple(left.missing.values()))


@contextmanager
def _scratch(store: EmbeddedStore) -> Iterator[Path]:
    """Make a folder for copies beside the gallery's file, where an erasure finds what a killed process leaves."""
    folder = scratch_folder(store.path)
    try:
        rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot make the folder {str(folder)!r} ({reason}); free space, or remove it") from None
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def _begin(store: EmbeddedStore, weights_hash: str) -> None:
    wanted = (weights_hash, PREPROCESS_VERSION)
    with store.changing() as connection:
        if connection.execute("SELECT weights, preprocess FROM next_weights").fetchall() != [wanted]:
            connection.execute("DELETE FROM next_vectors")
            connection.execute("DELETE FROM next_weights")
            connection.execute("INSERT INTO next_weights VALUES(?, ?)", wanted)


def _embed_chunk(
    store: EmbeddedStore, once: LoadedOnce, items: Sequence[Item], modality: Modality, scratch: Path, left: _Left
) -> None:
    """Embed what can be read and keep it; the rest is added to what is left."""
    readable: list[tuple[Item, Path]] = []
    for item in items:
        try:
            path = _readable_path(store, item, scratch)
        except OSError as error:
            left.unread[item.id] = Unreadable(item.picture.path, error.strerror or str(error))
            continue
        if path is None:
            left.missing[item.id] = Unreadable(item.picture.path, "missing, or changed since it was enrolled")
        else:
            readable.append((item, path))
    kept: list[tuple[int, bytes]] = []
    outcomes = once.get().embed_pictures([path for _, path in readable], modality) if readable else iter(())
    for (item, _), outcome in zip(readable, outcomes, strict=True):
        vector = None if outcome.vector is None else unit_vector(outcome.vector)
        if vector is None:
            reason = outcome.error or "the model gives no usable vector for it"
            (left.unread if outcome.is_passing else left.missing)[item.id] = Unreadable(item.picture.path, reason)
        else:
            kept.append((item.id, vector.astype("<f4", copy=False).tobytes()))
    with store.changing() as connection:
        connection.executemany("INSERT OR REPLACE INTO next_vectors VALUES(?, ?)", kept)
    for file in list(scratch.iterdir()):
        file.unlink()


def _readable_path(store: EmbeddedStore, item: Item, scratch: Path) -> Path | None:
    """Return where the very content lies that was enrolled, None where nowhere; a copy is written out for the time
    being.

    Raises:
        OSError: the file may be what was enrolled and cannot be read now, and there is no copy; or one cannot be
            written out.
    """
    problem: OSError | None = None
    try:
        if file_content(item.picture.path) == item.picture.content:
            return item.picture.path
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        pass
    except OSError as error:
        problem = error
    copy = store.copy_of(item.picture.content)
    if copy is None:
        if problem is not None:
            raise problem
        return None
    path = scratch / f"{item.id}{item.picture.path.suffix}"
    path.write_bytes(copy)
    return path


def _finish(store: EmbeddedStore, weights_hash: str, weights_name: str, missing: Sequence[int]) -> None:
    with store.changing() as connection:
        delete_rows(connection, missing)
        _replace(connection)
        connection.execute(
            "UPDATE gallery SET weights = ?, weights_name = ?, preprocess = ?, rewrites = rewrites + 1, "
            "uncompacted = 1, size = (SELECT length(vector) / 4 FROM vectors LIMIT 1)",
            [weights_hash, weights_name, PREPROCESS_VERSION],
        )
    store.compact()


def _replace(connection: sqlite3.Connection) -> None:
    replace_calibrations(connection, [])  # scores of other weights mean something else
    connection.execute("DELETE FROM vectors")
    connection.execute("INSERT INTO vectors SELECT id, vector FROM next_vectors ORDER BY id")
    connection.execute("DELETE FROM next_vectors")
    connection.execute("DELETE FROM next_weights")
