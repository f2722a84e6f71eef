"""The vectors of all pictures of a folder: from the cache where they are known, else from the embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError, StorageError, WeightsError
from aio_reid.gallery.cache import Embedded, EmbeddingCache, Space
from aio_reid.gallery.embedder import LoadedOnce, PictureEmbedding, unit_vector
from aio_reid.gallery.scan import Listing, PictureFile, Unreadable
from aio_reid.storage import file_content

Progress = Callable[[str, int, int], None]
"""Called as progress(step, done, total); step is "read" (files looked at) or "embed" (pictures given to the model)."""

READ_CHUNK = 256
EMBED_CHUNK = 64
"""Pictures whose embeddings are kept together; a process that is killed loses at most so many."""

PATH_MARK = "{path}"
"""Stands for the path in a kept error: a content may lie at several."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, eq=False)
class GalleryVectors:
    """The readable pictures: `vectors` float32 (K, E) of the K different contents, unit rows.

    `rows` int64 (G,) gives the row in it of each of the G `files`, `contents` the SHA-256 of each.
    """

    files: tuple[PictureFile, ...]
    contents: tuple[bytes, ...]
    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]
    unreadable: tuple[Unreadable, ...]
    num_embedded: int
    num_from_cache: int


def embed_listing(
    listing: Listing, embedder: LoadedOnce, space: Space, cache: EmbeddingCache, progress: Progress
) -> GalleryVectors:
    """Return the vectors of a listed folder; each content is embedded once, and kept chunk by chunk.

    Raises:
        DataError: when not one picture of the folder can be read.
        StorageError: when the cache is damaged.
    """
    contents, unreadable = _read_contents(listing, cache, progress)
    first_with = {content: file for file, content in reversed(contents)}
    known = cache.embeddings(space, list(first_with))
    missing = [(file, content) for content, file in reversed(first_with.items()) if content not in known]
    for chunk in _embed(missing, embedder, space, cache, progress):
        known.update(chunk)
    cache.forget_absent(listing.folder, listing.pictures)
    unreadable += [
        Unreadable(file.path, (known[content].error or "").replace(PATH_MARK, str(file.path)))
        for file, content in contents
        if known[content].vector is None
    ]
    readable = [(file, content) for file, content in contents if known[content].vector is not None]
    if not readable:
        raise DataError(
            f"none of the {len(listing.pictures)} pictures in {str(listing.folder)!r} can be read; the first: "
            f"{unreadable[0].path.name!r}: {unreadable[0].error}"
        )
    vectors, rows = _stack([content for _, content in readable], known)
    num_embedded = sum(known[content].vector is not None for _, content in missing)
    return GalleryVectors(
        files=tuple(file for file, _ in readable),
        contents=tuple(content for _, content in readable),
        vectors=vectors,
        rows=rows,
        unreadable=tuple(sorted(unreadable, key=lambda item: str(item.path))),
        num_embedded=num_embedded,
        num_from_cache=len(vectors) - num_embedded,
    )


def _read_contents(
    listing: Listing, cache: EmbeddingCache, progress: Progress
) -> tuple[list[tuple[PictureFile, bytes]], list[Unreadable]]:
    """Return the content of every file, asking the cache first, and the files that cannot be opened."""
    known = cache.contents(listing.pictures)
    num_cached = len(known)
    unreadable = list(listing.unreadable)
    done = 0
    for chunk in _chunks([file for file in listing.pictures if file.key not in known], READ_CHUNK):
        fresh: list[tuple[PictureFile, bytes]] = []
        for file in chunk:
            try:
                fresh.append((file, file_content(file.path)))
            except OSError as error:
                unreadable.append(Unreadable(file.path, f"cannot be opened: {error.strerror or error}"))
        cache.keep_contents(fresh)
        known.update((file.key, content) for file, content in fresh)
        done += len(chunk)
        progress("read", num_cached + done, len(listing.pictures))
    return [(file, known[file.key]) for file in listing.pictures if file.key in known], unreadable


def _embed(
    missing: Sequence[tuple[PictureFile, bytes]],
    embedder: LoadedOnce,
    space: Space,
    cache: EmbeddingCache,
    progress: Progress,
) -> Iterator[dict[bytes, Embedded]]:
    """Yield what the missing contents became, in chunks that are kept first, also on an interruption."""
    if not missing:
        return
    model = embedder.get()
    if model.weights_hash != space.weights_hash:
        raise WeightsError("the weights file changed while it was loaded; start the search again")
    chunk: dict[bytes, Embedded] = {}
    outcomes = model.embed_pictures((file.path for file, _ in missing), space.modality)
    try:
        for done, ((file, content), outcome) in enumerate(zip(missing, outcomes, strict=True), start=1):
            chunk[content] = checked_outcome(file, outcome)
            if len(chunk) == EMBED_CHUNK or done == len(missing):
                _keep_unchanged(chunk, space, cache, missing[done - len(chunk) : done])
                yield chunk
                chunk = {}
            progress("embed", done, len(missing))
    finally:
        if chunk:
            _keep_unchanged(chunk, space, cache, [pair for pair in missing if pair[1] in chunk])


def checked_outcome(file: PictureFile, outcome: PictureEmbedding) -> Embedded:
    """Return what the model made of a file: a unit vector, or one line with PATH_MARK in place of the path."""
    if outcome.vector is None:
        reason = " ".join((outcome.error or "cannot be read").split())
        return Embedded(None, reason.replace(str(file.path), PATH_MARK), outcome.is_passing)
    vector = unit_vector(outcome.vector)
    return Embedded(None, "the model gives no usable vector for it") if vector is None else Embedded(vector)


def _keep_unchanged(
    chunk: Mapping[bytes, Embedded], space: Space, cache: EmbeddingCache, pairs: Sequence[tuple[PictureFile, bytes]]
) -> None:
    """Keep those whose file is still as it was listed; otherwise the vector may be that of another content."""
    lasting = [(content, chunk[content]) for file, content in pairs if file.is_unchanged()]
    cache.keep_embeddings(space, [(content, embedded) for content, embedded in lasting if not embedded.is_passing])


def _stack(contents: Sequence[bytes], known: Mapping[bytes, Embedded]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return one vector per different content, float32 (K, E), and the row of each content, int64 (G,)."""
    row_of: dict[bytes, int] = {}
    vectors: list[NDArray[np.float32]] = []
    for content in contents:
        vector = known[content].vector
        if content not in row_of and vector is not None:
            row_of[content] = len(vectors)
            vectors.append(vector)
    if len({vector.shape for vector in vectors}) > 1:
        raise StorageError("the cache holds vectors of different lengths for one model; clear it or give --no-cache")
    return np.stack(vectors), np.array([row_of[content] for content in contents], dtype=np.int64)


def _chunks(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
