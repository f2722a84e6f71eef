"""Backups: one file that is a whole gallery, which the gallery remembers, so that erasing reaches it."""

from __future__ import annotations

import os
from glob import escape
from pathlib import Path
from shutil import rmtree

from aio_reid.errors import AioError, StorageError, WeightsError
from aio_reid.gallery.calibration.kept import keep_calibration, read_calibration
from aio_reid.gallery.scan import absolute
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import About, Added, NewPicture, Store
from aio_reid.gallery.store.rows import chunks
from aio_reid.gallery.store.schema import FILE_NAME, now_text, told
from aio_reid.progress import SILENT, Progress
from aio_reid.storage import written_whole

IMPORT_CHUNK = 500
SCRATCH_NAMES = {"gallery", "backup.sqlite"}
"""What may lie in the folder that an export of a cluster works in, named as a part of its target."""


def known_backups(store: EmbeddedStore) -> list[tuple[Path, str]]:
    """Return the path of every backup and the id of the gallery in it, whether it is still there or not."""
    with store.reading() as connection:
        rows = connection.execute("SELECT path, gallery FROM backups ORDER BY path").fetchall()
    return [(Path(os.fsdecode(path)), gallery) for path, gallery in rows]


def export_gallery(store: EmbeddedStore, path: Path) -> Path:
    """Write a gallery as one file, whole or not at all, and remember it; return its absolute path.

    An older backup of the same gallery is replaced.

    Raises:
        StorageError: the file cannot be written, or something else lies there.
    """
    target = absolute(path)
    gallery_id = store.about().gallery_id
    if target == store.path:
        raise _not_a_new_file(target)
    if store.is_backup:  # its gallery would not know of the new file
        raise StorageError(f"{str(store.path)!r} is a backup itself; export the gallery, or import this into one first")
    check_target(target, gallery_id)
    was_known = target in [path for path, _ in known_backups(store)]
    _remember(store, target, gallery_id)  # first: a backup that is written must be known
    try:
        write_backup(store, target)
    finally:
        if not was_known and not os.path.lexists(target):  # there is nothing that erasing could miss
            with store.changing() as connection:
                connection.execute("DELETE FROM backups WHERE path = ?", [os.fsencode(target)])
    return target


def write_backup(store: EmbeddedStore, target: Path) -> None:
    """Write a gallery as one file, whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        remove_parts(target)
        with written_whole(target) as part:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with store.reading() as connection, told(target):
                connection.execute("VACUUM INTO ?", [str(part)])
    except OSError as error:
        raise StorageError(f"cannot write {str(target)!r} ({error.strerror or error}); choose another place") from None


def remove_parts(path: Path) -> None:
    """Remove what an export to this path left that was killed: a whole copy under a hidden name.

    Raises:
        OSError: it cannot be removed.
    """
    for part in path.parent.glob(f".{escape(path.name)}.*"):
        if part.is_dir() and {entry.name for entry in part.iterdir()} <= SCRATCH_NAMES:
            rmtree(part)
        elif part.suffix == ".part":
            part.unlink(missing_ok=True)


def import_gallery(store: EmbeddedStore, path: Path) -> Added:
    """Add all pictures of another gallery or backup, with what is known of them; those known here stay as they are.

    A backup that pictures came from is remembered, with the backups that its gallery knew of, so that erasing reaches
    all of them; a gallery in use is left alone. An empty gallery that is not calibrated takes the calibration over.

    Raises:
        StorageError: the other one is damaged or foreign.
        WeightsError: it was made with other weights.
    """
    source = EmbeddedStore(path)
    try:
        about, own = source.about(), store.about()
        check_comparable(about, own)
        if source.is_backup:
            _remember(store, source.path, about.gallery_id)
            with store.changing() as connection:  # of a place that is known, more is known here
                rows = [(os.fsencode(backup), of, now_text()) for backup, of in known_backups(source)]
                connection.executemany("INSERT OR IGNORE INTO backups VALUES(?, ?, ?)", rows)
        if not store.count() and not store.calibrations():
            keep_calibration(store, read_calibration(source))
        return copy_pictures(store, source, keep_copies=own.keeps_copies)
    finally:
        source.close()


def check_comparable(source: About, target: About) -> None:
    """Refuse to mix vectors.

    Raises:
        WeightsError: two galleries were made with different weights, or other preprocessing.
    """
    if (source.weights_hash, source.preprocess_version) != (target.weights_hash, target.preprocess_version):
        raise WeightsError(
            f"{source.place!r} holds vectors of the weights {source.weights_name!r} ({source.weights_hash[:12]}), this "
            f"gallery those of {target.weights_name!r} ({target.weights_hash[:12]}); bring one of them over with "
            "`aio-reid gallery reembed`"
        )


def copy_pictures(store: Store, source: Store, *, keep_copies: bool, progress: Progress = SILENT) -> Added:
    """Add all pictures of another gallery that are not known here yet, under new ids."""
    num_new = num_known = 0
    ids = source.ids()
    with progress.task("Moving", len(ids), "pictures") as task:
        for chunk in chunks(ids, IMPORT_CHUNK):
            added = _import_chunk(store, source, list(chunk), keep_copies=keep_copies)
            num_new, num_known = num_new + added.new, num_known + added.known
            task.advance(len(chunk))
    return Added(num_new, 0, num_known)


def _import_chunk(store: Store, source: Store, ids: list[int], *, keep_copies: bool) -> Added:
    """Add those of some pictures of another gallery that are not known yet."""
    items = source.get(ids)
    known = {
        (content, modality)
        for modality in {item.picture.modality for item in items}
        for content in store.known([item.picture.content for item in items], modality)
    }
    new = [item for item in items if (item.picture.content, item.picture.modality) not in known]
    vectors = source.vectors([item.id for item in new])
    pictures = [
        NewPicture(item.picture, vector, source.copy_of(item.picture.content) if keep_copies else None)
        for item, vector in zip(new, vectors, strict=True)
    ]
    added = store.add(pictures) if pictures else Added(0, 0, 0)
    return Added(added.new, added.updated, len(items) - len(new))


def check_target(target: Path, gallery_id: str | None) -> None:
    """Refuse to write a backup over anything but an older one of the same gallery (None: there is none).

    Raises:
        StorageError: something else lies there.
    """
    if target.is_dir() or target.name == FILE_NAME:  # which would be taken for a gallery in use
        raise _not_a_new_file(target)
    if not target.exists():
        return
    try:
        older = EmbeddedStore(target)
    except AioError:
        raise StorageError(f"{str(target)!r} is there already and no backup; give another name") from None
    try:
        if older.about().gallery_id != gallery_id:
            raise StorageError(f"{str(target)!r} holds another gallery; give another name")
    finally:
        older.close()


def _not_a_new_file(target: Path) -> StorageError:
    """Return the error for a place that no backup can be written to."""
    return StorageError(f"cannot export to {str(target)!r}; give the name of a new file, such as backup.sqlite")


def _remember(store: EmbeddedStore, path: Path, gallery_id: str) -> None:
    with store.changing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO backups VALUES(?, ?, ?)", [os.fsencode(path), gallery_id, now_text()]
        )
