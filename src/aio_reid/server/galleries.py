"""The galleries that are served: read by all requests together, written by one at a time."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from aio_reid.errors import AioError, ConfigError, StorageError
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import About, Item, check_weights
from aio_reid.gallery.store.schema import FILE_NAME
from aio_reid.server.problems import Refusal

_log = logging.getLogger("aio_reid.server")


class ServedGallery:
    """One gallery under its name, that of its folder.

    What other processes write is noticed by the store. A gallery that was replaced as a file (restored from a backup)
    is opened anew. To write, the store is opened for the time of one request, so that `aio-reid gallery add` can have
    its turn between two.

    Raises:
        DataError: there is no gallery.
        StorageError: it cannot be read.
    """

    def __init__(self, place: Path, *, half: bool = False) -> None:
        self._place, self._half = place, half
        self._turn, self._writing = threading.Lock(), threading.Lock()
        self._store = EmbeddedStore(place, half=half)
        self._seen = self._identity()
        self.path = self._store.path
        is_folder = self.path.name == FILE_NAME
        self.folder = self.path.parent
        self.name = self.folder.name if is_folder else self.path.stem

    def reader(self) -> EmbeddedStore:
        """Return the store to read from.

        Raises:
            StorageError: it was moved, or cannot be read; the log says where it was, clients are not told.
        """
        with self._turn:
            seen = self._identity()
            if seen != self._seen:
                # The old store is not closed here: requests that use it end first, then nobody refers to it any more.
                self._store = self._opened(write=False)
                self._seen = seen
            return self._store

    @contextmanager
    def writer(self, weights_hash: str) -> Iterator[EmbeddedStore]:
        """Open the store for writing, one request after the other.

        Raises:
            StorageError: another process writes it, or it cannot be written.
            WeightsError: it belongs to other weights now.
        """
        with self._writing:
            store = self._opened(write=True)
            try:
                check_weights(store.about(), weights_hash)
                yield store
            finally:
                store.close()

    def item(self, number: int) -> Item:
        """Return one picture.

        Raises:
            Refusal: it is not there.
        """
        found = self.reader().get([number])
        if not found:
            message = f"there is no picture {number} in the gallery {self.name!r}"
            raise Refusal(404, "no_such_item", message, "take an id from a search or from /v1/items")
        return found[0]

    def picture(self, item: Item) -> bytes:
        """Return the bytes of a picture: the gallery's copy, or the file, where it is still what was enrolled.

        Raises:
            Refusal: there is neither.
        """
        copy = self.reader().copy_of(item.picture.content) if item.is_copied else None
        if copy is not None:
            return copy
        try:
            data = item.picture.path.read_bytes()
            if hashlib.sha256(data).digest() == item.picture.content:
                return data
            reason = "its file has changed since it was enrolled"
        except OSError as error:
            reason = f"its file cannot be read ({(error.strerror or 'error').lower()})"
        raise Refusal(410, "picture_gone", f"picture {item.id}: {reason}", "put the file back, or enrol it anew")

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _opened(self, *, write: bool) -> EmbeddedStore:
        try:
            return EmbeddedStore(self._place, write=write, half=self._half and not write)
        except (AioError, OSError) as error:
            if write and isinstance(error, StorageError):
                raise  # who writes it meanwhile, or that the disk is full
            _log.error("gallery %r: %s", self.name, error)
            message = f"the gallery {self.name!r} cannot be used now; tell whoever runs this service"
            raise StorageError(message) from None

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self._store.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


class Galleries:
    """All galleries by name.

    Raises:
        ConfigError: two have one name.
        DataError, StorageError: as `ServedGallery`.
    """

    def __init__(self, places: Sequence[Path], *, half: bool = False) -> None:
        self._by_name: dict[str, ServedGallery] = {}
        for place in places:
            gallery = ServedGallery(place, half=half)
            if gallery.name in self._by_name:
                raise ConfigError(
                    f"two galleries are called {gallery.name!r}; rename a folder, the name is their address"
                )
            self._by_name[gallery.name] = gallery

    @property
    def all(self) -> Mapping[str, ServedGallery]:
        """The galleries by name, in the order in which they were given."""
        return self._by_name

    def get(self, name: str | None) -> ServedGallery:
        """Return a gallery; None names the only one.

        Raises:
            Refusal: there is none of that name, or several and none is named.
        """
        names = ", ".join(self._by_name)
        if name is None and len(self._by_name) == 1:
            return next(iter(self._by_name.values()))
        if name is None:
            raise Refusal(422, "gallery_needed", "several galleries are served", f"name one of: {names}")
        if name not in self._by_name:
            raise Refusal(404, "no_such_gallery", f"there is no gallery {name[:80]!r}", f"name one of: {names}")
        return self._by_name[name]

    def problems(self, weights_hash: str) -> dict[str, str]:
        """Return why galleries cannot be searched at the moment, by name; empty when all is well."""
        found: dict[str, str] = {}
        for name, gallery in self._by_name.items():
            try:
                check_weights(gallery.reader().about(), weights_hash)
            except AioError as error:
                found[name] = str(error)
        return found

    def counted(self) -> dict[str, tuple[About, int]]:
        """Return what each gallery says of itself and its number of pictures, of those that can be read now."""
        found: dict[str, tuple[About, int]] = {}
        for name, gallery in self._by_name.items():
            with suppress(AioError):  # `problems` tells
                store = gallery.reader()
                found[name] = store.about(), store.count()
        return found

    def close(self) -> None:
        """Let go of all."""
        for gallery in self._by_name.values():
            gallery.close()
