"""An embedder without a model: the mean colour of four bands of a picture, so that what a search must find is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from aio_reid.errors import PictureError
from aio_reid.gallery.embedder import PictureEmbedding, QueryEmbedding, QueryPart
from aio_reid.records import Modality

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220), "grey": (120, 120, 120)}
MAX_WORDS = 6


def colour_vector(path: Path) -> np.ndarray:
    """Return the mean colour of four horizontal bands, centred, of unit length, float32 (12,)."""
    with Image.open(path) as image:
        bands = np.asarray(image.convert("RGB").resize((1, 4), Image.Resampling.BOX), dtype=np.float64)
    vector = bands.ravel() - 100.0
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class ColourEmbedder:
    """Counts what it is asked to embed."""

    embedding_size = 12

    def __init__(self, weights_hash: str) -> None:
        self.weights_hash = weights_hash
        self.embedded: list[Path] = []
        self.num_queries = 0

    def embed_pictures(self, paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
        for path in paths:
            self.embedded.append(path)
            try:
                yield PictureEmbedding(path, colour_vector(path))
            except OSError as error:
                yield PictureEmbedding(path, None, f"{path}: no picture\n({type(error).__name__})")

    def embed_query(self, parts: Sequence[QueryPart], fusion: str) -> QueryEmbedding:
        self.num_queries += 1
        vectors = [self._part(part) for part in parts]
        words = [word for part in parts if isinstance(part.value, str) for word in part.value.split()[MAX_WORDS:]]
        mean = np.mean(vectors, axis=0)
        return QueryEmbedding((mean / np.linalg.norm(mean)).astype(np.float32), tuple(words))

    def _part(self, part: QueryPart) -> np.ndarray:
        if isinstance(part.value, Path):
            try:
                return colour_vector(part.value)
            except OSError as error:
                raise PictureError(f"query picture {str(part.value)!r} cannot be read") from error
        known = [COLOURS[word] for word in part.value.split()[:MAX_WORDS] if word in COLOURS] or [(90, 100, 110)]
        vector = np.tile(np.mean(known, axis=0), 4) - 100.0
        return vector / np.linalg.norm(vector)


class ColourFactory:
    """Counts how often the model is loaded."""

    def __init__(self, weights: str = "first") -> None:
        self.weights_hash = hashlib.sha256(weights.encode()).hexdigest()
        self.num_loads = 0
        self.embedder = ColourEmbedder(self.weights_hash)

    def load(self) -> ColourEmbedder:
        self.num_loads += 1
        return self.embedder


def write_picture(path: Path, colour: tuple[int, int, int], seed: int = 0) -> Path:
    """Write a small noisy picture of one colour; the suffix chooses the format."""
    noise = np.random.default_rng(seed).integers(-25, 26, size=(16, 8, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
