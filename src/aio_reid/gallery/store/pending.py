"""Erasures that are not complete: the contents that a later one has to look for once more.

A cache or a backup that was out of reach still holds what the gallery itself has forgotten. Until an erasure reaches
every place, the SHA-256 of each erased picture is kept in the gallery's file, and nothing else of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from aio_reid.gallery.store.embedded import EmbeddedStore


def read_pending(store: EmbeddedStore) -> list[bytes]:
    """Return the contents of erasures that are not complete."""
    with store.reading() as connection:
        return [bytes(row[0]) for row in connection.execute("SELECT content FROM pending ORDER BY content")]


def keep_pending(store: EmbeddedStore, contents: Sequence[bytes]) -> None:
    """Remember contents before anything of them is erased; `EmbeddedStore.erase` forgets them."""
    with store.changing() as connection:
        connection.executemany("INSERT OR IGNORE INTO pending VALUES(?)", [(content,) for content in contents])
