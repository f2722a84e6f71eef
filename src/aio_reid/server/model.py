"""What the service needs of a model."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aio_reid.gallery.embedder import QueryPart
from aio_reid.records import Modality


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """What one row of a forward pass reads. Values of one `kind` can be read together; `weight` is how much the row's
    vector counts in that of the query it belongs to.
    """

    kind: Hashable
    value: Any
    weight: float = 1.0


class ServiceModel(Protocol):
    """A loaded model. `prepare` is called by many threads at a time, `embed` by `num_lanes`."""

    @property
    def weights_hash(self) -> str:
        """SHA-256 of the weights, in hex."""

    @property
    def embedding_size(self) -> int:
        """The number E of components of a vector."""

    @property
    def num_lanes(self) -> int:
        """How many batches are best computed at a time, each by a thread of its own."""

    @property
    def preferred_fusion(self) -> str:
        """One of FUSIONS: what is taken where a request does not say."""

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What the model reads."""

    @property
    def context_length(self) -> int:
        """The most tokens of a sentence that are read, its start and end included."""

    def prepare(self, parts: Sequence[QueryPart], fusion: str) -> tuple[Input, ...]:
        """Decode the parts of one query; its vector is u(sum of weight * vector), u(x) = x / |x|. What cannot be read
        is an AioError.
        """

    def count_tokens(self, sentence: str) -> int:
        """Return the number of tokens of a whole sentence, read or not, its start and end included."""

    def unread_words(self, sentence: str) -> tuple[str, ...]:
        """Return the words of a sentence that are beyond what the model reads."""

    def embed(self, values: Sequence[Any]) -> NDArray[np.float32]:
        """Return unit vectors, float32 (B, E), of values of one kind."""
