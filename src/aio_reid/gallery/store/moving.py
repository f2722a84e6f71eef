"""Moving pictures between galleries of any kind."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from aio_reid.errors import StorageError
from aio_reid.gallery.scan import absolute
from aio_reid.gallery.store.backups import check_comparable, check_target, copy_pictures, known_backups, write_backup
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.milvus.pictures import path_text
from aio_reid.gallery.store.milvus.store import MilvusStore
from aio_reid.gallery.store.protocol import Added, Store
from aio_reid.gallery.store.schema import create_file
from aio_reid.progress import SILENT, Progress
from aio_reid.storage import sync


def bring_over(target: Store, source: Store, *, progress: Progress = SILENT) -> Added:
    """Add all pictures of another gallery, with what is known of them, under new ids; those known here stay as they
    are. Copies of files come along where the target keeps copies. Stopped, it goes on when it is started again.
    A backup that the pictures of a cluster came from is remembered, with those that its gallery knew of, so that
    erasing reaches them.

    Raises:
        StorageError: one of them cannot be read or written.
        WeightsError: they were made with different weights.
    """
    own = target.about()
    check_comparable(source.about(), own)
    if isinstance(target, MilvusStore) and isinstance(source, EmbeddedStore) and source.is_backup:
        target.remember_backup(path_text(source.path), source.about().gallery_id)
        known = target.backups()
        for backup, gallery_id in known_backups(source):
            if path_text(backup) not in known:
                target.remember_backup(path_text(backup), gallery_id)
    return copy_pictures(target, source, keep_copies=own.keeps_copies, progress=progress)


def export_cluster(store: MilvusStore, path: Path, *, progress: Progress = SILENT) -> Path:
    """Write a gallery of a cluster as one file, a backup like those of embedded galleries, and remember it; return its
    absolute path. An older backup of the same gallery is replaced.

    Raises:
        StorageError: the file cannot be written, or something else lies there.
    """
    target = absolute(path)
    check_target(target, store.backups().get(path_text(target)))
    about = store.about()
    try:
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
            folder = Path(scratch) / "gallery"
            create_file(folder, about.weights_hash, about.weights_name, keep_copies=False)
            local = EmbeddedStore(folder, write=True)
            try:
                bring_over(local, store, progress=progress)
                written = Path(scratch) / "backup.sqlite"
                write_backup(local, written)
                store.remember_backup(path_text(target), local.about().gallery_id)  # first: it must be known
            finally:
                local.close()
            written.replace(target)
    except OSError as error:
        raise StorageError(f"cannot write {str(target)!r} ({error.strerror or error}); choose another place") from None
    sync(target.parent)
    return target
