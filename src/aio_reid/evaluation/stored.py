"""An embedder that keeps what it makes, so that no content is embedded twice: not by another protocol, not by a second
run, and not after an interrupt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.evaluation.embed import SINGLE, EmbedQueries, check_unit_rows
from aio_reid.evaluation.vector_store import VectorStore
from aio_reid.records import Query

PREPROCESS_VERSION = 1
"""Raised by hand, together with that of the gallery, when the same file would reach the model as other pixels."""


class StoredEmbedder:
    """`EmbedQueries` that asks the store first and embeds only what it lacks.

    What it is called with at once is embedded and kept at once: give it batches.

    Args:
        embed: makes the vectors.
        store: keeps them.
        weights_hash: of the weights behind `embed`; vectors of others are never taken.
    """

    def __init__(self, embed: EmbedQueries, store: VectorStore, weights_hash: str) -> None:
        self._embed = embed
        self._store = store
        self._weights_hash = weights_hash

    def __call__(self, queries: Sequence[Query], fusion: str) -> NDArray[np.float32]:
        """Return (Q, E) float32 unit rows, in the order of the queries.

        Raises:
            DataError: a picture cannot be read, or the embedder returns anything but finite unit rows.
        """
        keys = self._keys(queries, fusion)
        known = self._store.find_vectors(keys)
        missing = {key: query for key, query in zip(keys, queries, strict=True) if key not in known}
        if missing:
            vectors = self._embed(list(missing.values()), fusion)  # (M, E)
            check_unit_rows(vectors, len(missing))
            self._store.keep_vectors(list(missing), vectors)
            known |= zip(missing, vectors, strict=True)
        return np.stack([known[key] for key in keys])  # (Q, E)

    def _keys(self, queries: Sequence[Query], fusion: str) -> list[bytes]:
        paths = list(dict.fromkeys(r.image_path for query in queries for r in query if r.image_path is not None))
        contents = dict(zip(paths, self._store.read_contents(paths), strict=True))
        return [self._key(query, fusion, contents) for query in queries]

    def _key(self, query: Query, fusion: str, contents: dict[Path, bytes]) -> bytes:
        parts = [f"{PREPROCESS_VERSION} {self._weights_hash} {SINGLE if len(query) == 1 else fusion}".encode()]
        for record in query:
            words = hashlib.sha256((record.caption or "").encode()).digest()
            content = words if record.image_path is None else contents[record.image_path]
            parts.append(record.modality.value.encode() + b" " + content)
        return hashlib.sha256(b"\n".join(parts)).digest()
