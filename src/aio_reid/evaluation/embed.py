"""From records and queries to unit vectors, through any embedder that is given as a function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.progress import SILENT, Progress
from aio_reid.records import Modality, Query, Record, subset_name

EARLY, LATE = "early", "late"
SINGLE = "single"
"""The fusion named in results for queries of one record."""

EmbedQueries = Callable[[Sequence[Query], str], NDArray[np.float32]]
"""Q queries and "early" or "late" -> (Q, E) float32 unit rows. Evaluation knows no more of a model than this."""

ContentKey = tuple[str, ...]


class CachedEmbedder:
    """Embeds each content once: the same gallery, photo or sentence in many protocols and subsets costs one pass.

    Contents are told apart by modality and by picture path or caption. For a query of one record fusion means nothing.
    Late fusion is u(sum of factor * u(f_m)) of vectors that are embedded alone, and once for all subsets; the factors
    are `reliability`, all 1 where none is given (method.md section 4). Several records of one modality count as their
    mean.
    """

    def __init__(
        self,
        embed: EmbedQueries,
        *,
        reliability: Mapping[Modality, float] | None = None,
        batch: int = 256,
        progress: Progress = SILENT,
    ) -> None:
        self._embed = embed
        self._reliability = reliability or {}
        self._batch = batch
        self._progress = progress
        self._vectors: dict[ContentKey, NDArray[np.float32]] = {}

    def __call__(self, queries: Sequence[Query], fusion: str) -> NDArray[np.float32]:
        """Return (Q, E) float32 unit rows, in the order of the queries.

        Raises:
            DataError: there are no queries, a query is empty, or the embedder returns anything but finite unit rows.
        """
        if not queries:
            raise DataError("no queries to embed; give at least one")
        if fusion == LATE and any(len(query) > 1 for query in queries):
            return self._fuse_late(queries)
        keys = [_content_key(query, fusion) for query in queries]
        unseen = {key: query for key, query in zip(keys, queries, strict=True) if key not in self._vectors}
        if unseen:
            self._embed_unseen(list(unseen.items()), fusion)
        return np.stack([self._vectors[key] for key in keys])  # (Q, E)

    def _fuse_late(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        singles = iter(self([(record,) for query in queries for record in query], EARLY))
        counts = [Counter(record.modality for record in query) for query in queries]
        weighted = [
            [next(singles) * (self._factor(record) / count[record.modality]) for record in query]
            for query, count in zip(queries, counts, strict=True)
        ]
        fused = np.stack([np.sum(vectors, axis=0) for vectors in weighted]).astype(np.float32)  # (Q, E)
        lengths = np.linalg.norm(fused, axis=1, keepdims=True)
        vectors: NDArray[np.float32] = fused / np.maximum(lengths, np.finfo(np.float32).tiny)
        check_unit_rows(vectors, len(queries))
        return vectors

    def _factor(self, record: Record) -> float:
        return self._reliability.get(record.modality, 1.0)

    def _embed_unseen(self, waiting: list[tuple[ContentKey, Query]], fusion: str) -> None:
        with self._progress.task(_title(waiting[0][1], fusion), total=len(waiting), unit="inputs") as task:
            for start in range(0, len(waiting), self._batch):
                part = waiting[start : start + self._batch]
                vectors = self._embed([query for _, query in part], fusion)  # (B, E)
                check_unit_rows(vectors, len(part))
                self._vectors.update(zip((key for key, _ in part), vectors, strict=True))
                task.advance(len(part))


def check_unit_rows(vectors: NDArray[np.float32], num_rows: int) -> None:
    """Refuse what no ranking should be made of.

    Raises:
        DataError: not (num_rows, E), not float32, a value that is not finite, or a row that is not of unit length.
    """
    if vectors.ndim != 2 or len(vectors) != num_rows or vectors.dtype != np.float32:
        raise DataError(
            f"the embedder returned {vectors.dtype} {vectors.shape} for {num_rows} queries, not float32 (Q, E)"
        )
    if not np.isfinite(vectors).all():
        bad = int((~np.isfinite(vectors)).any(axis=1).sum())
        raise DataError(f"{bad} of {num_rows} embeddings hold NaN or infinity; the weights may be damaged")
    worst = float(np.abs(np.linalg.norm(vectors, axis=1) - 1).max())
    if worst > 1e-3:
        raise DataError(f"embeddings must be of unit length, but one is off by {worst:.3g}; normalise them first")


def _title(query: Query, fusion: str) -> str:
    letters = subset_name(record.modality for record in query)
    return f"Embedding {letters}" if len(query) == 1 else f"Embedding {letters} ({fusion} fusion)"


def _content_key(query: Query, fusion: str) -> ContentKey:
    if not query:
        raise DataError("a query is empty; give at least one picture or sentence")
    parts = [f"{record.modality.value}:{record.caption or record.image_path}" for record in query]
    return (SINGLE if len(query) == 1 else fusion, *parts)
