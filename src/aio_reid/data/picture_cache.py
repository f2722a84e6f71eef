"""Pictures of a training set as they come out of the decoder, at the size that the model reads: kept in one file.

A training reads each picture many times, and opening, decoding and shrinking it costs more than all that is random
about it. The file is filled as pictures are first read, by any number of processes; nothing has to be made before.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import StorageError
from aio_reid.records import Modality, Record

VERSION = 1
"""To be raised when a picture would come out of the decoder otherwise."""
_CHECK_BYTES = 4

Read = Callable[[Path, Modality], NDArray[np.uint8]]


class PictureCache:
    """Pictures (3, H, W) uint8 of given records, read from the cache where they are in it, else by `read` and kept.

    The file's name tells the set: paths, sizes and times of the pictures, and (H, W). A changed picture or another set
    has another file; a file that is no longer wanted may be deleted. Each picture is kept with its checksum, so that
    what a kill or a full disk left incomplete counts as not kept. Where nothing can be written nothing is kept: this
    costs time, never a result.

    Raises:
        StorageError: the folder cannot be made.
        DataError: as `read`.
    """

    def __init__(self, folder: Path, records: Iterable[Record], *, image_size: tuple[int, int], read: Read) -> None:
        pictures = sorted({(str(r.image_path), r.modality.value) for r in records if r.image_path is not None})
        self._row = {picture: row for row, picture in enumerate(pictures)}
        self._shape = (3, *image_size)
        self._read = read
        self._descriptor: int | None = None
        self._opening = threading.Lock()
        digest = hashlib.sha256(json.dumps([VERSION, image_size]).encode())
        for path, modality in pictures:
            digest.update(f"{modality} {path} {_stamp(path)}\n".encode(errors="surrogatepass"))
        self.path = folder / f"{digest.hexdigest()[:24]}.pictures"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(f"cache {str(folder)!r} cannot be used: {error}; give another data.cache") from None

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_opening"}
        return {**state, "_descriptor": None}  # a worker process opens the file itself

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _opening=threading.Lock())

    def get(self, path: Path, modality: Modality) -> NDArray[np.uint8]:
        """Return a picture (3, H, W) uint8, the caller's own; one that is not of the records is read."""
        row = self._row.get((str(path), modality.value))
        if row is None:
            return self._read(path, modality)
        kept = self._kept(row)
        if kept is None:
            kept = np.ascontiguousarray(self._read(path, modality))
            self._keep(row, kept)
        return kept

    def _kept(self, row: int) -> NDArray[np.uint8] | None:
        check, pixels = bytearray(_CHECK_BYTES), np.empty(self._shape, np.uint8)
        size = _CHECK_BYTES + pixels.nbytes
        try:
            num_read = os.preadv(self._open(), [check, pixels.data], row * size)
        except OSError:
            return None
        return pixels if num_read == size and _check(pixels.data) == check else None

    def _keep(self, row: int, pixels: NDArray[np.uint8]) -> None:
        content = pixels.tobytes()
        try:
            os.pwrite(self._open(), _check(content) + content, row * (_CHECK_BYTES + len(content)))
        except OSError:
            return

    def _open(self) -> int:
        with self._opening:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)  # pictures of people
            return self._descriptor


def _check(pixels: bytes | memoryview) -> bytes:
    """Return a checksum; that of a row of zeros, which a hole in the file is, is not zero."""
    return zlib.crc32(pixels).to_bytes(_CHECK_BYTES, "little")


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # it will be told when the picture is read
        return (0, 0)
    return status.st_size, status.st_mtime_ns
