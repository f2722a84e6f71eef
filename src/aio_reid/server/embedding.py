"""The batched model as a gallery's search sees it, for the time of one request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import AioError, WeightsError
from aio_reid.gallery.cache import EmbeddingCache
from aio_reid.gallery.colour import colourless_photos
from aio_reid.gallery.embedder import PictureEmbedding, QueryEmbedding, QueryPart, unit_vector
from aio_reid.records import Modality
from aio_reid.server.batching import Batcher
from aio_reid.server.model import Input, ServiceModel
from aio_reid.server.pictures import FORMATS
from aio_reid.server.problems import too_late

_NOTE_WAIT_S = 0.5
"""A note is worth no longer wait than this."""


class SharedModel:
    """The model, its batches, and the places at which pictures are decoded."""

    def __init__(self, model: ServiceModel, batcher: Batcher, decoders: int) -> None:
        self.model, self.batcher = model, batcher
        self._decoding = threading.BoundedSemaphore(decoders)

    def prepare(self, parts: Sequence[QueryPart], fusion: str, deadline: float) -> tuple[Input, ...]:
        """Decode, a few requests at a time.

        Raises:
            AioError: a part cannot be read.
            Refusal: the deadline has passed before it was this request's turn.
        """
        with self._place(deadline) as has_place:
            if not has_place:
                raise too_late("no picture of this request could be decoded in time")
            return self.model.prepare(parts, fusion)

    def note_photos(self, parts: Sequence[QueryPart], deadline: float) -> tuple[str, ...]:
        """Say which photos have no colour, which decodes them once more; nothing where others keep all places busy."""
        if all(part.modality is not Modality.RGB for part in parts):
            return ()
        with self._place(min(deadline, time.monotonic() + _NOTE_WAIT_S)) as has_place:
            return colourless_photos(parts, FORMATS) if has_place else ()

    @contextmanager
    def _place(self, deadline: float) -> Iterator[bool]:
        """Wait for a place to decode at; gives False where the deadline passed before there was one."""
        has_place = self._decoding.acquire(timeout=max(deadline - time.monotonic(), 0))
        try:
            yield has_place
        finally:
            if has_place:
                self._decoding.release()


class RequestEmbedder:
    """`gallery.embedder.Embedder`, and its factory, that embeds in batches with others and keeps to a deadline."""

    def __init__(self, shared: SharedModel, deadline: float) -> None:
        self._shared, self._deadline = shared, deadline
        self.weights_hash = shared.model.weights_hash
        self.embedding_size = shared.model.embedding_size

    def load(self) -> RequestEmbedder:
        """Return itself: the model is loaded."""
        return self

    def embed_query(self, parts: Sequence[QueryPart], fusion: str) -> QueryEmbedding:
        """Return the vector of all parts together; see `gallery.embedder.Embedder`."""
        unread = [
            w for part in parts if isinstance(part.value, str) for w in self._shared.model.unread_words(part.value)
        ]
        return QueryEmbedding(self._vectors([parts], fusion)[0], tuple(unread))

    def note_photos(self, parts: Sequence[QueryPart]) -> tuple[str, ...]:
        """Say what is odd about the photos of a query."""
        return self._shared.note_photos(parts, self._deadline)

    def embed_each(self, parts: Sequence[QueryPart]) -> NDArray[np.float32]:
        """Return one vector per part, float32 (B, E), in their order.

        Raises:
            AioError: a part cannot be read.
        """
        return self._vectors([[part] for part in parts], "early")

    def embed_pictures(self, paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
        """Yield one outcome per picture file."""
        for path in paths:
            try:
                yield PictureEmbedding(path, self._vectors([[QueryPart(modality, path)]], "early")[0])
            except AioError as error:
                yield PictureEmbedding(path, None, str(error))

    def _vectors(self, queries: Sequence[Sequence[QueryPart]], fusion: str) -> NDArray[np.float32]:
        prepared = [self._shared.prepare(parts, fusion, self._deadline) for parts in queries]
        flat = [item for inputs in prepared for item in inputs]
        vectors = self._shared.batcher.embed(flat, self._deadline)  # (B, E), B inputs of all queries
        joined: list[NDArray[np.float32]] = []
        start = 0
        for inputs in prepared:
            weights = np.array([item.weight for item in inputs])
            own = vectors[start : start + len(inputs)]
            joined.append(_joined(own, weights))
            start += len(inputs)
        return np.stack(joined)


class NothingKept(EmbeddingCache):
    """No cache of queries: what is searched for is not kept, not even in memory."""

    def __init__(self) -> None:
        """Open nothing."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return none: nothing is kept on purpose."""
        return ()

    def query(self, key: bytes) -> QueryEmbedding | None:
        """Return None."""
        return None

    def keep_query(self, key: bytes, weights_hash: str, embedding: QueryEmbedding) -> None:
        """Keep nothing."""


def _joined(vectors: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return u(sum of weight * vector), float32 (E,), of vectors (B, E)."""
    vector = unit_vector(vectors[0] if len(vectors) == 1 else (weights @ vectors).astype(np.float32))
    if vector is None:
        raise WeightsError("the model gives no usable vector for this input; its weights are damaged, fetch them again")
    return vector
