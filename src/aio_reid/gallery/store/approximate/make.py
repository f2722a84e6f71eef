"""Making, and deleting, the index of an open gallery."""

from __future__ import annotations

from aio_reid.errors import ConfigError, DataError
from aio_reid.gallery.store.approximate.build import build
from aio_reid.gallery.store.approximate.file import Index, drop_index, label, write_index
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.schema import now_text
from aio_reid.progress import SILENT, Progress


def make_index(store: EmbeddedStore, *, progress: Progress = SILENT) -> Index:
    """Make the index of a gallery that is open for writing, in place of an older one; nothing can be added or erased
    meanwhile.

    Raises:
        ConfigError: faiss is not installed, or the gallery is a backup.
        DataError: there are fewer than two pictures.
        StorageError: it cannot be written.
    """
    if store.index_path is None:
        raise ConfigError("a backup has no index; import it into a gallery, and make the index of that")
    snapshot = store.snapshot()
    if snapshot.vectors is None or len(snapshot.ids) < 2:
        raise DataError(f"an index of {len(snapshot.ids)} pictures would be of no use; add pictures first")
    drop_index(store.index_path)  # what a killed build has left as well
    cells, quality = build(snapshot.vectors, progress=progress)
    described = label(store.about(), quality, now_text(), snapshot.ids, lambda ids: store.vectors(ids.tolist()))
    index = Index(described, snapshot.ids, cells)
    write_index(store.index_path, index)
    return index
