"""Erasing outside of a gallery: from caches of searches and from backups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aio_reid.errors import AioError
from aio_reid.gallery.cache import default_cache_folder, open_cache
from aio_reid.gallery.database import FILE_NAME
from aio_reid.gallery.store.backups import remove_parts
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.pending import Pair
from aio_reid.gallery.store.protocol import Store, Where
from aio_reid.gallery.store.rows import chunks
from aio_reid.pages.text import shown
from aio_reid.records import Modality
from aio_reid.storage import file_content

ERASED, GONE = "erased", "not there: deleted, moved, or its disk is not mounted"


@dataclass(frozen=True, slots=True)
class ErasedPlace:
    """A cache or a backup: `state` is ERASED, GONE, or why it could not be done; `num_erased` pictures or embeddings,
    `sha256` of the file afterwards.
    """

    path: str
    state: str
    num_erased: int = 0
    sha256: str | None = None


def caches_to_erase(named: Path | None) -> list[Path]:
    """Return the folders of caches that an erasure has to reach: the one that was named, which is never passed over, or
    this user's own if anything was ever kept there.
    """
    if named is not None:
        return [named]
    try:
        own = default_cache_folder()
    except RuntimeError:  # no home folder: nothing was ever kept there
        return []
    return [own] if (own / FILE_NAME).is_file() else []


def erase_cache(folder: Path, contents: Sequence[bytes]) -> ErasedPlace:
    """Erase contents from a cache of searches."""
    try:
        if not (folder / FILE_NAME).is_file():
            return ErasedPlace(shown(folder), GONE)
        cache = open_cache(folder)
    except (AioError, OSError) as error:
        return ErasedPlace(shown(folder), _reason(error))
    try:
        return ErasedPlace(shown(folder), ERASED, cache.erase_contents(contents))
    except AioError as error:
        return ErasedPlace(shown(folder), str(error))
    finally:
        cache.close()


def ids_of_pairs(store: Store, pairs: Iterable[Pair]) -> list[int]:
    """Return the ids of what a store holds of some contents, each as one modality."""
    by_modality: dict[Modality, list[bytes]] = {}
    for content, modality in pairs:
        by_modality.setdefault(modality, []).append(content)
    return [
        item.id
        for modality, contents in by_modality.items()
        for chunk in chunks(contents)
        for item in store.known(list(chunk), modality).values()
    ]


def erase_backup(path: Path, gallery_id: str, choose: Callable[[EmbeddedStore], Sequence[int]]) -> ErasedPlace:
    """Erase from a backup the ids that `choose` gives for it."""
    try:
        remove_parts(path)
        if not path.is_file():
            return ErasedPlace(shown(path), GONE)
        backup = EmbeddedStore(path, write=True)
    except (AioError, OSError) as error:
        return ErasedPlace(shown(path), _reason(error))
    try:
        if backup.about().gallery_id != gallery_id:
            return ErasedPlace(shown(path), "another gallery lies there now; it was not touched")
        ids = choose(backup)
        num_erased = backup.erase(Where(ids=tuple(ids)) if ids else None)
    except (AioError, OSError) as error:
        return ErasedPlace(shown(path), _reason(error))
    finally:
        backup.close()
    try:
        return ErasedPlace(shown(path), ERASED, num_erased, file_content(path).hex())
    except OSError as error:
        return ErasedPlace(shown(path), _reason(error), num_erased)


def _reason(error: AioError | OSError) -> str:
    if isinstance(error, AioError):
        return str(error)
    return f"it cannot be reached ({(error.strerror or str(error)).lower()})"
