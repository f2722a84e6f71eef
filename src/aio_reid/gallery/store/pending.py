"""Erasures that are not complete: what a later one has to look for once more, and where.

A cache or a backup that was out of reach still holds what the gallery itself has forgotten. Until an erasure reaches
every place, SHA-256 and modality of each erased picture are kept in the gallery's file, with the caches that were to be
erased from; backups are known anyway.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from aio_reid.errors import AioError, DataError
from aio_reid.gallery.scan import absolute
from aio_reid.gallery.store.backups import known_backups
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.records import Modality, parse_modality

Pair = tuple[bytes, Modality]
"""What a gallery holds once: a content as one modality."""


def read_pending(store: EmbeddedStore) -> list[Pair]:
    """Return what erasures that are not complete were to erase; nothing of a file of before that was remembered."""
    with store.reading() as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pending'").fetchone():
            return []
        rows = connection.execute("SELECT content, modality FROM pending ORDER BY content, modality").fetchall()
    return [(bytes(content), parse_modality(name)) for content, name in rows]


def pending_caches(store: EmbeddedStore) -> list[Path]:
    """Return the folders of the caches that such erasures were to erase from."""
    with store.reading() as connection:
        rows = connection.execute("SELECT path FROM pending_caches ORDER BY path").fetchall()
    return [Path(os.fsdecode(path)) for (path,) in rows]


def keep_pending(store: EmbeddedStore, pairs: Sequence[Pair], caches: Sequence[Path]) -> None:
    """Remember what will be erased, and from which caches, before anything is; `EmbeddedStore.erase` forgets it."""
    with store.changing() as connection:
        rows = [(content, modality.value) for content, modality in pairs]
        connection.executemany("INSERT OR IGNORE INTO pending VALUES(?, ?)", rows)
        folders = [(os.fsencode(folder),) for folder in caches]
        connection.executemany("INSERT OR IGNORE INTO pending_caches VALUES(?)", folders)


def forget_place(store: EmbeddedStore, path: Path) -> None:
    """Forget a backup, or a cache of an erasure that is not complete, which was deleted: nobody looks there any more.
    Where another gallery lies in its place now, it was deleted, too.

    Raises:
        DataError: no such place is known, or something is still there.
    """
    target = absolute(path)
    check_deleted(target, dict(known_backups(store)), store.about().gallery_id, caches=pending_caches(store))
    with store.changing() as connection:
        for table in ("backups", "pending_caches"):
            connection.execute(f"DELETE FROM {table} WHERE path = ?", [os.fsencode(target)])


def check_deleted(path: Path, backups: Mapping[Path, str], own: str, *, caches: Sequence[Path] = ()) -> None:
    """Refuse to forget a place that is not known, or that is still there: a backup is not where another gallery lies
    now. `backups` gives the gallery of each, `own` is the one that knows them.

    Raises:
        DataError: it may not be forgotten.
    """
    known = [*backups, *caches]
    if path not in known:
        names = ", ".join(repr(str(one)) for one in known) or "none"
        raise DataError(f"the gallery knows no backup or cache {str(path)!r}; it knows: {names}")
    if path in backups and _holds_another(path, {backups[path], own}):
        return
    try:
        is_there = path.exists()
    except OSError:  # it cannot be asked; whoever says that it was deleted knows better
        is_there = False
    if is_there:
        raise DataError(f"{str(path)!r} is still there and may hold what is to be erased; delete it first")


def _holds_another(path: Path, gallery_ids: Collection[str]) -> bool:
    """Tell whether a gallery lies there that is none of these."""
    try:
        with closing(EmbeddedStore(path)) as there:
            return there.about().gallery_id not in gallery_ids
    except (AioError, OSError):
        return False  # it may be the backup, damaged
