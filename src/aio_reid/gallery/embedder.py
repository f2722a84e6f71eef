"""What the gallery needs of a model: a factory that is cheap to hold, and the embedder that it loads when needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.records import Modality

PREPROCESS_VERSION = 1
"""Raised by hand when the same file would reach the model as other pixels, so that older embeddings are not reused."""


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One thing that is known of the person: a sentence (str) for text, a picture file (Path) or the bytes of one for
    every other modality.

    Raises:
        DataError: when value and modality do not fit, or the sentence is empty.
    """

    modality: Modality
    value: str | Path | bytes

    def __post_init__(self) -> None:
        if self.modality.is_visual != isinstance(self.value, Path | bytes):
            wanted = "a picture file" if self.modality.is_visual else "a sentence"
            raise DataError(f"query part {self.name!r}: modality {self.modality.value!r} needs {wanted}")
        if isinstance(self.value, str) and not self.value.strip():
            raise DataError("the sentence to search for is empty; describe the person in a few words or leave text out")

    @property
    def name(self) -> str | Path:
        """What the part is called where it is shown; bytes have no name of their own."""
        return f"given picture of {len(self.value):,} bytes" if isinstance(self.value, bytes) else self.value


@dataclass(frozen=True, slots=True, eq=False)
class PictureEmbedding:
    """The outcome for one picture file: a vector, float32 (E,) of unit length, or in one line why there is none, which
    `is_passing` where another attempt may end otherwise.
    """

    path: Path
    vector: NDArray[np.float32] | None
    error: str | None = None
    is_passing: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class QueryEmbedding:
    """One vector, float32 (E,) of unit length, for all parts of a query; and the words that were too many to read."""

    vector: NDArray[np.float32]
    unread_words: tuple[str, ...] = ()


class Embedder(Protocol):
    """A loaded model."""

    @property
    def weights_hash(self) -> str:
        """SHA-256 of the weights, in hex."""

    @property
    def embedding_size(self) -> int:
        """The number E of components of a vector."""

    def embed_pictures(self, paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
        """Yield one outcome per path, in the order of the paths, as soon as it is known."""

    def embed_query(self, parts: Sequence[QueryPart], fusion: str) -> QueryEmbedding:
        """Return the vector of all parts together; `fusion` is one of FUSIONS. An unreadable part is an AioError."""


class EmbedderFactory(Protocol):
    """Knows its weights without loading them, so that a search that finds all it needs in the cache stays fast."""

    @property
    def weights_hash(self) -> str:
        """SHA-256 of the weights, in hex; cheap."""

    def load(self) -> Embedder:
        """Load the model; slow."""


class LoadedOnce:
    """Loads the embedder of a factory when it is first asked for, and never twice."""

    def __init__(self, factory: EmbedderFactory) -> None:
        self._factory = factory
        self._embedder: Embedder | None = None
        self.weights_hash = factory.weights_hash

    def get(self) -> Embedder:
        """Return the loaded embedder."""
        if self._embedder is None:
            self._embedder = self._factory.load()
        return self._embedder


def unit_vector(vector: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return the vector, float32 (E,), scaled to length 1, or None where it has no direction (zero or not finite)."""
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not np.isfinite(length) or length == 0.0:
        return None
    return np.ascontiguousarray(vector / length, dtype=np.float32)
