"""The model as the gallery sees it: a factory that knows its weights at once and loads torch only when it must."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aio_reid.errors import AioError, ConfigError, PassingPictureError
from aio_reid.gallery.embedder import PictureEmbedding, QueryEmbedding, QueryPart
from aio_reid.records import Modality
from aio_reid.weights import find_weights, hash_weights

if TYPE_CHECKING:
    from aio_reid.api import AIO


_DEVICE_KINDS = ("cpu", "cuda", "mps", "xpu", "hpu", "xla", "mtia", "privateuseone")


class ModelFactory:
    """Names weights by their hash; `load` builds the model.

    Raises:
        WeightsError: no such weights.
        ConfigError: no kind of device of torch; whether this machine has it is known when the model is loaded.
    """

    def __init__(self, weights: str | Path, device: str | None = None) -> None:
        if device is not None and device.partition(":")[0] not in _DEVICE_KINDS:
            raise ConfigError(f"device {device!r} is none that torch knows; give cpu, or for a GPU cuda or cuda:1")
        self._path = find_weights(weights)
        self._device = device
        self.weights_hash = hash_weights(self._path)

    def load(self) -> ModelEmbedder:
        """Load the model; imports torch."""
        from aio_reid.api import AIO

        return ModelEmbedder(AIO.load(self._path, self._device))


class ModelEmbedder:
    """`AIO` behind the gallery's `Embedder` protocol."""

    def __init__(self, aio: AIO) -> None:
        self._aio = aio
        self.weights_hash = aio.weights_hash
        self.embedding_size = aio.embedding_size

    def embed_pictures(self, paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
        """Yield one outcome per path in their order; an unreadable picture is an outcome, not an error."""
        for path, outcome in self._aio.iterate_pictures(iter(paths), modality):
            if isinstance(outcome, AioError):
                yield PictureEmbedding(path, None, str(outcome), isinstance(outcome, PassingPictureError))
            else:
                yield PictureEmbedding(path, outcome)

    def embed_query(self, parts: Sequence[QueryPart], fusion: str) -> QueryEmbedding:
        """Return the vector of all parts together, and the words that were too many to read."""
        values: dict[str, list[str | Path | bytes]] = {}
        for part in parts:
            values.setdefault(part.modality.value, []).append(part.value)
        unread = [w for part in parts if isinstance(part.value, str) for w in self._aio.unread_words(part.value)]
        return QueryEmbedding(self._aio.embed([values], fusion=fusion)[0], tuple(unread))
