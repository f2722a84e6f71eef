"""Erasing: from the gallery, the caches of searches and every backup the gallery knows of, with a certificate.

Caches and backups come first: when it is interrupted, the gallery still knows what was to be erased, and the same
command does all of it again. Picture files that the gallery only refers to are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aio_reid import __version__
from aio_reid.errors import DataError, StorageError
from aio_reid.gallery.scan import absolute
from aio_reid.gallery.store.backups import known_backups
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.erase_places import ERASED, ErasedPlace, erase_backup, erase_cache, ids_of_pairs
from aio_reid.gallery.store.pending import Pair, keep_pending, pending_caches, read_pending
from aio_reid.gallery.store.protocol import Store, Where
from aio_reid.gallery.store.rows import chunks
from aio_reid.gallery.store.schema import now_text
from aio_reid.gallery.store.search import describe_where
from aio_reid.pages.text import shown
from aio_reid.storage import file_content

NUM_PROBES = 8
"""Erased vectors whose bytes are looked for in the files afterwards."""

_BLOCK = 1 << 24


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was asked, when (UTC), and what is left. `num_sought` are the pictures that the filter named in the gallery,
    and those of earlier erasures that were not complete. `num_probed` erased vectors were looked for in every file of
    the gallery and not found. `sha256` is that of the gallery's file afterwards, None where it is not one file.
    `not_proven` says what could not be shown.
    """

    gallery: str
    gallery_id: str
    asked: tuple[str, ...]
    began: str
    ended: str
    num_before: int
    num_sought: int
    num_erased: int
    num_after: int
    num_copies_before: int
    num_copies_after: int
    caches: tuple[ErasedPlace, ...]
    backups: tuple[ErasedPlace, ...]
    num_probed: int
    sha256: str | None
    not_proven: tuple[str, ...] = ()

    @property
    def is_of_nothing(self) -> bool:
        """There was nothing to erase, and nothing was erased anywhere."""
        return not self.num_sought and not sum(place.num_erased for place in (*self.caches, *self.backups))

    @property
    def is_complete(self) -> bool:
        """Nothing is known to be left anywhere."""
        return not self.not_proven and all_erased((*self.caches, *self.backups))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "format": "aio-reid erasure 1",
            "program": f"aio-reid {__version__}",
            "is_complete": self.is_complete,
            "source_files": "picture files outside of the gallery are not touched",
            "other_galleries": "galleries into which pictures were imported are not touched; erase them there, too",
            **asdict(self),
        }


def erase_pictures(store: EmbeddedStore, where: Where, *, caches: Sequence[Path] = ()) -> Certificate:
    """Erase a part of a gallery and return the certificate; `caches` are folders of caches of searches.

    A cache or backup that cannot be reached is told in the certificate, which then is not complete. What it may hold is
    remembered (`pending.py`), and looked for by every later erasure, until one reaches every place.

    Raises:
        DataError: a filter that cannot be.
        StorageError: the gallery cannot be written, or erased bytes were found in it.
    """
    began, about = now_text(), store.about()
    num_before, num_copies_before = store.count(), store.count_copies()
    ids = store.ids(where)
    pairs, vectors = pairs_of(store, ids), store.vectors(ids[:NUM_PROBES])
    sought = list(dict.fromkeys([*pairs, *read_pending(store)]))
    places = list(dict.fromkeys([*(absolute(folder) for folder in caches), *pending_caches(store)]))
    keep_pending(store, pairs, places)
    # What came back since an erasure that was not complete stays in the backups; a cache is filled anew.
    back = set(pairs_of(store, ids_of_pairs(store, set(sought) - set(pairs))))
    gone = [pair for pair in sought if pair not in back]
    erased_caches = tuple(erase_cache(folder, [content for content, _ in sought]) for folder in places)

    def choose(backup: EmbeddedStore) -> list[int]:
        found = ids_of_pairs(backup, gone)
        if backup.about().gallery_id == about.gallery_id:
            found += _ids_in_backup(backup, where, store, set(ids))
        return sorted(set(found))

    erased_backups = tuple(
        erase_backup(path, gallery_id, choose) for path, gallery_id in known_backups(store) if path != store.path
    )
    num_erased = store.erase(where, is_last=all_erased((*erased_caches, *erased_backups)))
    num_probed = _probe(store, vectors)
    return Certificate(
        gallery=shown(store.path.parent),
        gallery_id=about.gallery_id,
        asked=describe_where(where) or ("everything",),
        began=began,
        ended=now_text(),
        num_before=num_before,
        num_sought=len(sought),
        num_erased=num_erased,
        num_after=store.count(),
        num_copies_before=num_copies_before,
        num_copies_after=store.count_copies(),
        caches=erased_caches,
        backups=erased_backups,
        num_probed=num_probed,
        sha256=file_content(store.path).hex(),
    )


def all_erased(places: Sequence[ErasedPlace]) -> bool:
    """Tell whether every place was reached."""
    return all(place.state == ERASED for place in places)


def pairs_of(store: Store, ids: Sequence[int]) -> list[Pair]:
    """Return content and modality of pictures."""
    return [(item.picture.content, item.picture.modality) for chunk in chunks(ids) for item in store.get(list(chunk))]


def _ids_in_backup(backup: EmbeddedStore, where: Where, store: EmbeddedStore, erased: Set[int]) -> list[int]:
    """Return what fulfils the filter in a backup of the same gallery, but what the gallery keeps: it may have been
    described otherwise when the backup was made.
    """
    try:
        ids = backup.ids(where)
    except DataError:  # a column that is younger than the backup: nothing in there can fulfil the filter
        return []
    pairs = pairs_of(backup, ids)
    kept = set(pairs_of(store, [number for number in ids_of_pairs(store, pairs) if number not in erased]))
    return [number for number, pair in zip(ids, pairs, strict=True) if pair not in kept]


def find_bytes(path: Path, needles: Sequence[bytes]) -> list[bytes]:
    """Return those of some byte strings that occur in a file, in memory that does not grow with it."""
    longest = max((len(needle) for needle in needles), default=1)
    found: set[bytes] = set()
    for block in _overlapping_blocks(path, longest - 1):
        found |= {needle for needle in needles if needle not in found and needle in block}
    return [needle for needle in needles if needle in found]


def _overlapping_blocks(path: Path, overlap: int) -> Iterator[bytes]:
    before = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield before + block
            before = (before + block)[-overlap:] if overlap else b""


def _is_still_enrolled(store: EmbeddedStore, vector: Any) -> bool:
    """Tell whether another picture has the same vector, whose bytes then are rightly there."""
    found = store.search(vector, top=1)
    return bool(len(found.scores)) and float(found.scores[0]) > 1.0 - 1e-6


def _probe(store: EmbeddedStore, vectors: Iterable[Any]) -> int:
    """Look for erased vectors in every file of a gallery; return how many were looked for.

    Raises:
        StorageError: one was found.
    """
    needles = [vector.astype("<f4").tobytes() for vector in vectors if not _is_still_enrolled(store, vector)]
    for file in sorted(store.path.parent.glob(f"{store.path.stem}*")):
        if file.is_file() and find_bytes(file, needles):
            raise StorageError(
                f"an erased vector was found in {str(file)!r}; repeat, and if it stays, delete the gallery's files"
            )
    return len(needles)
