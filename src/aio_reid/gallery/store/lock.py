"""One writer at a time, across processes: a lock that the system lets go of when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from aio_reid.errors import StorageError


class WriterLock:
    """Held from its making until `release`.

    Raises:
        StorageError: another process holds it (named where it can be), or the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        name = str(path.parent)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"gallery {name!r} cannot be written ({error.strerror or error}); check the permissions"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace") or "another one"
            os.close(self._descriptor)
            raise StorageError(
                f"gallery {name!r} is being written by process {holder}; reading goes on, write when it has ended"
            ) from None
        except OSError:
            pass  # a full disk: the lock is held, only the holder's number is missing

    def release(self) -> None:
        """Let the next one write."""
        os.close(self._descriptor)
