"""Erasing from a gallery in a cluster, with an honest certificate, and checking one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aio_reid.errors import StorageError
from aio_reid.gallery.scan import absolute
from aio_reid.gallery.store.erase import Certificate, pairs_of
from aio_reid.gallery.store.erase_places import ERASED, erase_backup, erase_cache, ids_of_pairs
from aio_reid.gallery.store.milvus.pictures import path_text, text_path
from aio_reid.gallery.store.milvus.store import MilvusStore
from aio_reid.gallery.store.pending import check_deleted
from aio_reid.gallery.store.protocol import Where
from aio_reid.gallery.store.schema import now_text
from aio_reid.gallery.store.search import describe_where
from aio_reid.gallery.store.verify import Problem
from aio_reid.progress import SILENT, Progress
from aio_reid.storage import file_content

_NOT_PROVEN = (
    "that the bytes are gone from the cluster's disks: Milvus was told to delete and to compact, and no query finds "
    "the pictures; its old files and its log it deletes by itself, later (dataCoord.gc, retention), and backups of the "
    "cluster are not known here"
)


def erase_from_cluster(store: MilvusStore, where: Where, *, caches: Sequence[Path] = ()) -> Certificate:
    """Erase a part of a gallery and return the certificate, which says what of it could not be shown, and so is never
    complete; see `erase.erase_pictures`.

    Raises:
        DataError: a filter that cannot be.
        StorageError: pictures are still there, or Milvus has not compacted in time.
    """
    began, about, num_before = now_text(), store.about(), store.count()
    pairs = pairs_of(store, store.ids(where))
    erased_caches = tuple(erase_cache(folder, [content for content, _ in pairs]) for folder in caches)
    erased_backups = tuple(
        erase_backup(text_path(path), gallery_id, lambda backup: ids_of_pairs(backup, pairs))
        for path, gallery_id in sorted(store.backups().items())
    )
    for place in (*erased_caches, *erased_backups):
        if place.state != ERASED:  # a cluster cannot remember what it has erased, as a file does (`pending.py`)
            raise StorageError(
                f"nothing was erased from {about.place!r}: {place.path} is out of reach ({place.state}); make it "
                "reachable, or if it was deleted, give --forget for a backup, and no --cache for a cache"
            )
    num_erased = store.erase(where)
    if store.count(where):
        raise StorageError(f"gallery {about.place!r}: erased pictures are still found; repeat")
    return Certificate(
        gallery=about.place,
        gallery_id=about.gallery_id,
        asked=describe_where(where) or ("everything",),
        began=began,
        ended=now_text(),
        num_before=num_before,
        num_sought=len(pairs),
        num_erased=num_erased,
        num_after=store.count(),
        num_copies_before=0,
        num_copies_after=0,
        caches=erased_caches,
        backups=erased_backups,
        num_probed=0,
        sha256=None,
        not_proven=(_NOT_PROVEN,),
    )


def forget_cluster_backup(store: MilvusStore, path: Path) -> None:
    """Forget a backup that was deleted: nobody looks there any more. Where another gallery lies, it was deleted, too.

    Raises:
        DataError: no such backup is known, or it is still there.
    """
    target = absolute(path)
    known = {text_path(text): gallery_id for text, gallery_id in store.backups().items()}
    check_deleted(target, known, store.about().gallery_id)
    store.forget_backup(path_text(target))


def verify_cluster(store: MilvusStore, *, files: bool = True, progress: Progress = SILENT) -> list[Problem]:
    """Return everything that is wrong: vectors that are none, and with `files` picture files that are gone or changed.

    Raises:
        StorageError: the gallery cannot be read.
    """
    problems: list[Problem] = []
    with progress.task("Checking", store.count(), "pictures") as task:
        for item, vector in store.iterate():
            length = float(np.linalg.norm(vector.astype(np.float64)))
            if not abs(length - 1.0) < 1e-3:  # also catches NaN
                problems.append(Problem("damage", f"picture {item.id}: its vector has the length {length:.4g}, not 1"))
            reason = _file_problem(item.picture.path, item.picture.content) if files else None
            if reason is not None:
                problems.append(Problem("file", f"picture {item.id}: {str(item.picture.path)!r} {reason}"))
            task.advance()
    return sorted(problems, key=lambda problem: problem.kind)


def _file_problem(path: Path, content: bytes) -> str | None:
    try:
        return None if file_content(path) == content else "has changed since it was enrolled"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
