"""The model as the service sees it: inputs are decoded by the threads of the requests, vectors computed in batches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aio_reid.api import AIO
from aio_reid.gallery.embedder import QueryPart
from aio_reid.provenance import usable_cores
from aio_reid.records import Modality
from aio_reid.server.model import Input
from aio_reid.server.pictures import FORMATS

MOST_LANES = 4
"""With more cores each batch gets several: a request that is alone should not wait for one core to do it all."""


class LoadedModel:
    """`AIO` behind the service's `ServiceModel` protocol.

    On a CPU up to MOST_LANES batches are computed at a time, each on its share of the cores. One batch on all cores
    would make the cores wait for one another after every layer, and for whichever is busy with a request. Pictures are
    read by recorded graphs: between two layers nothing waits for the threads of the requests to give Python back.
    """

    def __init__(self, aio: AIO) -> None:
        self._aio = aio
        aio.picture_formats = FORMATS  # what an upload was taken for by its header is what decodes it
        self.weights_hash = aio.weights_hash
        self.embedding_size = aio.embedding_size
        self.preferred_fusion = aio.preferred_fusion
        self.context_length: int = aio.context_length
        cores = min(torch.get_num_threads(), usable_cores())
        self.num_lanes = min(cores, MOST_LANES) if aio.device.type == "cpu" else 1
        self._cores_of_a_lane = cores // self.num_lanes
        self._lane = threading.local()
        _record(aio, self._cores_of_a_lane)
        self.modalities: tuple[Modality, ...] = tuple(m for m in Modality if m in aio.model.modalities)

    @classmethod
    def load(cls, weights: str | Path, device: str | None = None) -> LoadedModel:
        """Load weights by name or file.

        Raises:
            WeightsError: missing, damaged or foreign weights.
            ConfigError: no such device.
        """
        return cls(AIO.load(weights, device))

    def prepare(self, parts: Sequence[QueryPart], fusion: str) -> tuple[Input, ...]:
        """Decode the parts of one query; see `ServiceModel`."""
        values: dict[str, list[str | Path | bytes]] = {}
        for part in parts:
            values.setdefault(part.modality.value, []).append(part.value)
        return tuple(Input(item.signature, item, weight) for item, weight in self._aio.prepare(values, fusion=fusion))

    def count_tokens(self, sentence: str) -> int:
        """Return the number of tokens of a whole sentence, read or not, its start and end included."""
        return self._aio.count_tokens(sentence)

    def unread_words(self, sentence: str) -> tuple[str, ...]:
        """Return the words of a sentence that are beyond what the model reads."""
        return self._aio.unread_words(sentence)

    def embed(self, values: Sequence[Any]) -> NDArray[np.float32]:
        """Return unit vectors, float32 (B, E), of values of one kind."""
        if self.num_lanes > 1 and not hasattr(self._lane, "is_set"):
            torch.set_num_threads(self._cores_of_a_lane)  # of this thread, and of those that begin later
            self._lane.is_set = True
        return self._aio.embed_prepared(values)


def _record(aio: AIO, num_threads: int) -> None:
    """Record the model's readings with as many threads as a lane has: on a busy machine small batches on all cores took
    twenty times as long (29 s for 1.4 s), since the cores wait for one another.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        aio.record()
    finally:
        torch.set_num_threads(before)
