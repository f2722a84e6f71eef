"""Adding pictures: read, looked up by content, embedded where they are new, and kept a few at a time.

A second run over the same files embeds nothing; one that was killed goes on where it stopped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import WeightsError
from aio_reid.gallery.cache import Embedded, EmbeddingCache, Space
from aio_reid.gallery.embedder import LoadedOnce
from aio_reid.gallery.scan import PictureFile, Unreadable, picture_file
from aio_reid.gallery.store.entries import Entry, described_anew, in_runs
from aio_reid.gallery.store.protocol import Item, NewPicture, Picture, Store
from aio_reid.gallery.vectors import PATH_MARK, checked_outcome
from aio_reid.progress import Task
from aio_reid.records import Modality
from aio_reid.storage import file_content, unchanged_bytes

CHUNK = 64
"""Pictures that are looked up, and kept, together; a process that is killed loses at most so many embeddings."""


@dataclass(slots=True)
class Enrolment:
    """What became of the entries: each is counted once. `duplicates` are further files of a content."""

    new: int = 0
    updated: int = 0
    known: int = 0
    duplicates: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Read:
    file: PictureFile
    picture: Picture


class Enroller:
    """Adds to one store with one model.

    What the cache of searches knows is taken from there; nothing is written to it. Pictures are copied where the store
    keeps copies.
    """

    def __init__(self, store: Store, once: LoadedOnce, cache: EmbeddingCache, task: Task) -> None:
        self._store, self._once, self._cache, self._task = store, once, cache, task
        self._keeps_copies = store.about().keeps_copies
        self._result = Enrolment()
        self._ready: list[NewPicture] = []
        self._seen: set[bytes] = set()

    def add(self, entries: Iterable[Entry]) -> Enrolment:
        """Add the entries; may be called again for more, and then returns the numbers of all.

        Raises:
            StorageError: the store cannot be written; what was kept before stays.
            WeightsError: the weights changed while they were loaded.
        """
        for modality, run in in_runs(entries):
            self._seen.clear()
            try:
                self._add_run(run, modality)
            finally:
                self._keep()
        return self._result

    def _add_run(self, entries: Iterable[Entry], modality: Modality) -> None:
        waiting: deque[_Read] = deque()
        missing = self._missing(entries, modality, waiting)
        first = next(missing, None)
        if first is None:
            return  # and the model was not needed
        model = self._once.get()
        if model.weights_hash != self._once.weights_hash:
            raise WeightsError("the weights file changed while it was loaded; start again")
        for outcome in model.embed_pictures(chain([first], missing), modality):
            read = waiting.popleft()
            self._settle(read, checked_outcome(read.file, outcome))

    def _missing(self, entries: Iterable[Entry], modality: Modality, waiting: deque[_Read]) -> Iterator[Path]:
        """Yield the files that must be embedded, each put in `waiting` before; settle all others."""
        space = Space(self._once.weights_hash, modality)
        stream = iter(entries)
        while chunk := list(islice(stream, CHUNK)):
            reads = [read for entry in chunk if (read := self._read(entry)) is not None]
            contents = [read.picture.content for read in reads]
            known = self._store.known(contents, modality)
            cached = self._cache.embeddings(space, contents)
            for read in reads:
                content = read.picture.content
                if content in self._seen:
                    self._result.duplicates += 1
                    self._task.advance()
                    continue
                self._seen.add(content)
                if content in known:
                    self._update(read, known[content])
                elif content in cached:
                    self._settle(read, cached[content])
                else:
                    waiting.append(read)
                    yield read.file.path

    def _read(self, entry: Entry) -> _Read | None:
        try:
            file = picture_file(entry.path)
            content = file_content(entry.path)
        except (OSError, ValueError) as error:  # ValueError: a path with a null character
            self._fail(entry.path, f"cannot be opened: {getattr(error, 'strerror', None) or error}")
            return None
        given = entry.description
        picture = Picture(
            content,
            entry.path,
            entry.modality,
            given.camera,
            given.time,
            given.track,
            given.source,
            given.frame,
            given.columns,
        )
        return _Read(file, picture)

    def _update(self, read: _Read, item: Item) -> None:
        """Take over what the description says. A further copy of a file that is still there adds what is not known yet,
        and changes nothing: of two copies, neither is the better described.
        """
        is_copy = item.picture.path != read.picture.path and _has_content(item.picture.path, item.picture.content)
        before, now = (read.picture, item.picture) if is_copy else (item.picture, read.picture)
        merged = described_anew(before, now)
        if merged == item.picture and is_copy:
            self._result.duplicates += 1
        elif merged == item.picture:
            self._result.known += 1
        else:
            self._keep_later(_Read(read.file, merged), self._store.vectors([item.id])[0])
        self._task.advance()

    def _settle(self, read: _Read, embedded: Embedded) -> None:
        if embedded.vector is None:
            self._fail(read.file.path, (embedded.error or "").replace(PATH_MARK, str(read.file.path)))
        elif not read.file.is_unchanged():
            self._fail(read.file.path, "changed while it was read; add it again")
        else:
            self._keep_later(read, embedded.vector)
            self._task.advance()

    def _keep_later(self, read: _Read, vector: NDArray[np.float32]) -> None:
        new = NewPicture(read.picture, vector)
        if self._keeps_copies:
            copy = unchanged_bytes(read.file.path, read.picture.content)
            if copy is None:
                self._fail(read.file.path, "changed while it was copied; add it again", counts=False)
                return
            new = replace(new, copy=copy)
        self._ready.append(new)
        if len(self._ready) >= CHUNK:
            self._keep()

    def _keep(self) -> None:
        if self._ready:
            ready, self._ready = self._ready, []
            added = self._store.add(ready)
            self._result.new += added.new
            self._result.updated += added.updated
            self._result.known += added.known

    def _fail(self, path: Path, reason: str, *, counts: bool = True) -> None:
        self._result.unreadable.append(Unreadable(path, reason))
        if counts:
            self._task.advance()


def _has_content(path: Path, content: bytes) -> bool:
    """Tell whether a file is still what was enrolled: cameras use their names again."""
    try:
        return file_content(path) == content
    except OSError:
        return False
