"""A model of the service without weights: the mean colour of four bands, whose answers a test can work out itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from gallery_fakes import COLOURS, colour_vector
from PIL import Image

from aio_reid.errors import PictureError
from aio_reid.gallery.embedder import QueryPart
from aio_reid.records import Modality
from aio_reid.server.app import make_app
from aio_reid.server.audit import AuditLog
from aio_reid.server.galleries import Galleries
from aio_reid.server.keys import KeyRing
from aio_reid.server.limits import Limits
from aio_reid.server.model import Input
from aio_reid.server.service import Service

WEIGHTS = "ab" * 32
HOME = "http://127.0.0.1"


def sentence_vector(sentence: str) -> np.ndarray:
    """Return what a sentence stands for: the colours that it names, in all four bands, float32 (12,)."""
    known = [COLOURS[word] for word in sentence.split() if word in COLOURS] or [(90, 100, 110)]
    vector = np.tile(np.mean(known, axis=0), 4) - 100.0
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class BandModel:
    """`batches` holds the kinds and sizes of forward passes; each takes `seconds`, and waits while `gate` is closed."""

    weights_hash, embedding_size, preferred_fusion = WEIGHTS, 12, "late"
    modalities = tuple(Modality)
    context_length = 8
    num_lanes = 1

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def prepare(self, parts: Sequence[QueryPart], fusion: str) -> tuple[Input, ...]:
        return tuple(Input(part.modality, self._vector(part.value)) for part in parts)

    def count_tokens(self, sentence: str) -> int:
        return len(sentence.split()) + 2

    def unread_words(self, sentence: str) -> tuple[str, ...]:
        return tuple(sentence.split()[6:])

    def embed(self, values: Sequence[Any]) -> np.ndarray:
        self.gate.wait()
        time.sleep(self.seconds)
        self.batches.append(len(values))
        return np.stack(values)

    def _vector(self, value: Any) -> np.ndarray:
        if isinstance(value, str):
            return sentence_vector(value)
        try:
            return colour_vector(BytesIO(value))  # type: ignore[arg-type]  # Pillow takes both
        except (OSError, SyntaxError, ValueError) as error:
            raise PictureError(f"a picture is damaged ({error}); copy it again from its source") from error


def picture_bytes(colour: tuple[int, int, int], kind: str = "PNG", size: tuple[int, int] = (8, 16)) -> bytes:
    """Return a picture file of one colour."""
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def make_service(
    place: Path, model: BandModel, *, keys: Path | None = None, limits: Limits | None = None, log: Path | None = None
) -> Service:
    """Return a service of one gallery; the audit log lies in it, as by default."""
    audit = AuditLog(log or place / "audit.jsonl")
    return Service(model, Galleries([place]), audit, KeyRing(keys), limits=limits)


@contextmanager
def running(service: Service) -> Iterator[str]:
    """Answer on a free port of this machine until the end of the block; give the address."""
    config = uvicorn.Config(make_app(service), port=0, log_level="warning", access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"{HOME}:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive(), "the server did not end"
