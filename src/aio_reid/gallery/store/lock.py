"""One writer of a gallery at a time, across processes."""

from __future__ import annotations

from pathlib import Path

from aio_reid.errors import StorageError
from aio_reid.storage import ExclusiveLock, HeldLock


class WriterLock(ExclusiveLock):
    """Held from its making until `release`.

    Raises:
        StorageError: another process holds it (named where it can be), or the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        name = str(path.parent)
        try:
            super().__init__(path)
        except HeldLock as held:
            raise StorageError(
                f"gallery {name!r} is being written by process {held}; reading goes on, write when it has ended"
            ) from None
        except OSError as error:
            raise StorageError(
                f"gallery {name!r} cannot be written ({error.strerror or error}); check the permissions"
            ) from None
