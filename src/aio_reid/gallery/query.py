"""From what is known of a person to one vector: kept embeddings, weights of modalities, relevance feedback."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, DataError, PictureError, WeightsError
from aio_reid.gallery.cache import EmbeddingCache
from aio_reid.gallery.embedder import PREPROCESS_VERSION, LoadedOnce, QueryEmbedding, QueryPart, unit_vector
from aio_reid.records import FUSIONS, Modality
from aio_reid.storage import file_content

LIKE_WEIGHT = 0.75
UNLIKE_WEIGHT = 0.15
"""Of relevance feedback: what Manning, Raghavan and Schütze, Introduction to Information Retrieval, 9.1.1, suggest."""


class Watch:
    """Measures one step after the other, in seconds."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()

    def lap(self) -> float:
        """Return the time since the last lap."""
        before, self._last = self._last, time.perf_counter()
        return self._last - before

    def total(self) -> float:
        """Return the time from the start to the last lap."""
        return self._last - self._start


def check_options(parts: Sequence[QueryPart], gallery_modality: Modality, fusion: str, top: int) -> None:
    """Refuse what cannot be searched, before anything is read.

    Raises:
        DataError: there is no part.
        ConfigError: an option is not allowed.
    """
    if not parts:
        raise DataError(
            "nothing to search for; give a sentence, a photo, an infrared picture or a sketch of the person"
        )
    if fusion not in FUSIONS:
        raise ConfigError(f"unknown fusion {fusion!r}; choose one of: {', '.join(FUSIONS)}")
    if top < 1:
        raise ConfigError(f"cannot show the top {top} pictures; give a number of at least 1")
    if not gallery_modality.is_visual:
        raise ConfigError(f"a gallery holds pictures, so its modality cannot be {gallery_modality.value!r}")


def part_content(part: QueryPart) -> bytes:
    """Return the SHA-256 of a sentence or of a picture.

    Raises:
        PictureError: the file cannot be read.
    """
    if isinstance(part.value, str):
        return hashlib.sha256(part.value.encode("utf-8", "surrogatepass")).digest()
    if isinstance(part.value, bytes):
        return hashlib.sha256(part.value).digest()
    try:
        return file_content(part.value)
    except OSError as error:
        reason = error.strerror or error
        raise PictureError(f"query picture {str(part.value)!r} cannot be opened ({reason}); check the path") from None


def query_vector(
    parts: Sequence[QueryPart], contents: Sequence[bytes], once: LoadedOnce, fusion: str, cache: EmbeddingCache
) -> QueryEmbedding:
    """Return the query's vector, float32 (E,) of unit length, from the cache or from the model.

    Raises:
        WeightsError: the model gives no usable vector.
    """
    named = [f"{part.modality.value} {content.hex()}" for part, content in zip(parts, contents, strict=True)]
    text = "\n".join([once.weights_hash, str(PREPROCESS_VERSION), fusion if len(named) > 1 else "", *named])
    key = hashlib.sha256(text.encode()).digest()
    kept = cache.query(key)
    if kept is not None:
        return kept
    embedding = once.get().embed_query(parts, fusion)
    vector = unit_vector(embedding.vector)
    if vector is None:
        raise WeightsError("the model gives no usable vector for this query; its weights are damaged, fetch them again")
    query = QueryEmbedding(vector, embedding.unread_words)
    cache.keep_query(key, once.weights_hash, query)
    return query


def weighted_query(
    parts: Sequence[QueryPart],
    contents: Sequence[bytes],
    once: LoadedOnce,
    weights: Mapping[Modality, float],
    cache: EmbeddingCache,
) -> QueryEmbedding:
    """Return u(sum over modalities m of w_m q_m): q_m is the vector of all parts of modality m, w_m its weight (1 where
    none is given), u(x) = x / |x|. This is late fusion, with these weights in place of those that the model brings.

    Raises:
        DataError: the weighted vectors cancel out.
        WeightsError: the model gives no usable vector.
    """
    total = np.zeros(1)
    unread: list[str] = []
    for modality in dict.fromkeys(part.modality for part in parts):
        chosen = [n for n, part in enumerate(parts) if part.modality is modality]
        one = query_vector([parts[n] for n in chosen], [contents[n] for n in chosen], once, "late", cache)
        total = total + weights.get(modality, 1.0) * one.vector.astype(np.float64)
        unread += one.unread_words
    return QueryEmbedding(_direction(total), tuple(unread))


def with_feedback(
    query: NDArray[np.float32] | None, like: NDArray[np.float32], unlike: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the query moved towards some pictures and away from others (Rocchio's relevance feedback), float32 (E,):

        u(q + 0.75 mean(like) - 0.15 mean(unlike)),   u(x) = x / |x|

    Without a query, u(mean(like) - 0.2 mean(unlike)), the same proportion. `like` and `unlike` are float32 (B, E), of
    unit rows; one of them may be empty.

    Raises:
        DataError: there is neither a query nor a picture to be like, or all cancel out.
    """
    if query is None and not len(like):
        raise DataError("nothing to search for; describe the person, or give a picture of the gallery with --like")
    if query is not None and not len(like) and not len(unlike):
        return query
    total = np.zeros(1) if query is None else query.astype(np.float64)
    if len(like):
        total = total + LIKE_WEIGHT * like.astype(np.float64).mean(axis=0)
    if len(unlike):
        total = total - UNLIKE_WEIGHT * unlike.astype(np.float64).mean(axis=0)
    return _direction(total)


def check_modality_weights(weights: Mapping[Modality, float], parts: Sequence[QueryPart]) -> None:
    """Refuse weights that mean nothing.

    Raises:
        ConfigError: a negative or infinite weight, none above zero, or a modality that the query does not have.
    """
    given = {part.modality for part in parts}
    for modality, weight in weights.items():
        if not 0 <= weight < float("inf"):
            raise ConfigError(f"weight {weight} of {modality.value}: give a number of at least 0")
        if modality not in given:
            raise ConfigError(f"a weight for {modality.value}, of which the query has none; leave it out")
    if given and not any(weights.get(modality, 1.0) for modality in given):
        raise ConfigError("all weights are 0; give one of the modalities a weight above 0")


def _direction(total: NDArray[np.float64]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise DataError("the parts of the query cancel out; change the weights, or what it should be unlike")
    return (total / length).astype(np.float32)
