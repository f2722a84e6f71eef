"""`AIO`: pictures, sentences and any combination of them to unit vectors. What a Python user needs, in one class.

model = AIO.load("aio-nano")
gallery = model.embed(list(Path("crops").glob("*.jpg")))
query = model.embed([{"text": "a woman in a red jacket", "sketch": Path("witness.png")}])
order = (gallery @ query[0]).argsort()[::-1]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aio_reid.data.images import as_image, fit_image, normalise, read_image
from aio_reid.data.text import ClipBpe, pad_ids
from aio_reid.errors import AioError, ConfigError, DataError
from aio_reid.inputs import Bundle, as_bundle, check_many, chunks, equal_batches, exploded
from aio_reid.models.build import load_model
from aio_reid.models.model import AIOModel
from aio_reid.models.recorded import Reading, record_reading
from aio_reid.records import FUSIONS, Modality, Query, parse_modality
from aio_reid.weights import find_weights, hash_weights

Vectors = NDArray[np.float32]
DECODERS = 2
"""Threads that decode pictures while the model computes; Pillow and torch both work outside of Python's lock."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A bundle as model inputs: uint8 (3, H, W) arrays and tuples of byte-pair ids; or why it has none."""

    signature: tuple[Modality, ...]
    values: tuple[Any, ...]
    error: AioError | None = None


class AIO:
    """A model ready to embed, with everything that its inputs need.

    `weights_hash` names the weights; vectors of different weights must never be compared.
    """

    def __init__(
        self,
        model: AIOModel,
        *,
        image_size: tuple[int, int],
        context_length: int,
        weights_hash: str = "",
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model.eval()
        self.image_size = image_size
        self.context_length = context_length
        self.weights_hash = weights_hash
        self.about = dict(about or {})
        self.picture_formats: tuple[str, ...] | None = None
        """Of files and their bytes, as Pillow names them; None: every format that Pillow reads."""
        self._bpe = ClipBpe.load()
        self._recorded: dict[tuple[Modality, ...], Reading] = {}

    @classmethod
    def load(cls, name_or_path: str | Path = "aio-nano", device: str | None = None) -> AIO:
        """Load packaged weights by name, or a weights file.

        `device` is a torch device ("cpu", "cuda"); None takes a GPU where there is one.

        Raises:
            WeightsError: missing, damaged or foreign weights.
            ConfigError: the device cannot be used.
        """
        path = find_weights(name_or_path)
        model, weights = load_model(path)
        size = weights.model["image_size"]
        return cls(
            model.to(usable_device(device)),
            image_size=(size[0], size[1]),
            context_length=weights.model["context_length"],
            weights_hash=hash_weights(path),
            about=weights.about,
        )

    @property
    def embedding_size(self) -> int:
        """E, the length of a vector."""
        return self.model.encoder.width

    @property
    def reliability(self) -> dict[Modality, float]:
        """How much each modality counts in late fusion; empty where the weights do not say: all the same."""
        return {parse_modality(name): float(factor) for name, factor in self.about.get("reliability", {}).items()}

    @property
    def preferred_fusion(self) -> str:
        """ "early" or "late": which did better on validation people; early where the weights do not say."""
        return "late" if self.about.get("fusion") == "late" else "early"

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.model.sequence.cls.device

    def embed(
        self,
        inputs: Sequence[Any],
        *,
        modality: Modality | str = Modality.RGB,
        fusion: str | None = None,
        batch_size: int = 64,
    ) -> Vectors:
        """Return one unit vector per input, float32 (B, E).

        Args:
            inputs: each a sentence (str), a picture (Path, bytes, PIL image, uint8 array (H, W[, 3])), a `Record`, a
                `Query` (tuple of records), or a mapping from modality to one value or a list of values, e.g.
                `{"text": "a man in a suit", "sketch": [Path("a.png"), Path("b.png")]}`. Kinds may be mixed.
            modality: what bare pictures are.
            fusion: "early" reads all modalities of an input as one sequence, "late" adds their vectors; None takes
                `preferred_fusion`. Several values of one modality are averaged (see `inputs.exploded`).
            batch_size: sequences per forward pass.

        Raises:
            PictureError, TextError: an input cannot be read; names it.
            DataError: an input is empty, of an unknown kind, or of a modality that the weights do not know.
            ConfigError: unknown fusion, or a batch size below 1.
        """
        check_many(inputs)
        fusion = self.preferred_fusion if fusion is None else fusion
        if fusion not in FUSIONS:
            raise ConfigError(f"unknown fusion {fusion!r}; choose one of: {', '.join(FUSIONS)}")
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}; give at least 1")
        bare = parse_modality(modality)
        singles: list[Bundle] = []
        shares: list[tuple[int, float]] = []  # which input each belongs to, and how much it weighs there
        for number, value in enumerate(inputs):
            for single, weight in exploded(self._checked(as_bundle(value, bare)), fusion, self.reliability):
                singles.append(single)
                shares.append((number, weight))
        vectors = self._embed_singles(singles, batch_size)
        if len(singles) == len(inputs):
            return vectors
        owners, weights = zip(*shares, strict=True)
        summed = np.zeros((len(inputs), self.embedding_size), np.float32)
        np.add.at(summed, list(owners), vectors * np.array(weights, np.float32)[:, None])
        return cast(Vectors, summed / np.linalg.norm(summed, axis=1, keepdims=True))

    def embed_queries(self, queries: Sequence[Query], fusion: str) -> Vectors:
        """Return one unit vector per query, float32 (Q, E): `embed` in the form that evaluation expects."""
        return self.embed(queries, fusion=fusion)

    def iterate_pictures(
        self, paths: Iterable[Path], modality: Modality, *, batch_size: int = 64
    ) -> Iterator[tuple[Path, NDArray[np.float32] | AioError]]:
        """Yield (path, vector (E,) or the error that it met) in order, for streams of any length in bounded memory."""
        self._checked(((modality, ""),))
        with ThreadPoolExecutor(DECODERS) as pool:
            waiting: tuple[list[Path], Any] | None = None
            for chunk in chunks(paths, batch_size):
                following = (chunk, pool.map(self._load, [((modality, path),) for path in chunk]))
                if waiting is not None:
                    yield from self._outcomes(*waiting)
                waiting = following
            if waiting is not None:
                yield from self._outcomes(*waiting)

    def prepare(self, given: Any, *, fusion: str) -> list[tuple[Loaded, float]]:
        """Decode one input of `embed` now, to compute it later: what forward passes read, each with its weight.

        The vector of the input is u(sum of weight * vector), u(x) = x / |x|; for `embed_prepared`.

        Raises:
            PictureError, TextError, DataError: as `embed`.
        """
        loaded: list[tuple[Loaded, float]] = []
        for single, weight in exploded(self._checked(as_bundle(given, Modality.RGB)), fusion, self.reliability):
            item = self._load(single)
            if item.error is not None:
                raise item.error
            loaded.append((item, weight))
        return loaded

    def record(self) -> None:
        """Let pictures of one modality be read by recorded graphs from now on (`models.recorded`).

        For programs whose other threads keep Python busy. Vectors stay the same; sentences and early fusion are read as
        before.
        """
        for modality in (m for m in self.model.modalities if m.is_visual):
            reading = record_reading(self.model, modality)
            if reading is not None:
                self._recorded[(modality,)] = reading

    def embed_prepared(self, loaded: Sequence[Loaded]) -> Vectors:
        """Return unit vectors, float32 (B, E), of prepared inputs in one forward pass; all have one signature."""
        return self._forward(loaded)

    def count_tokens(self, sentence: str) -> int:
        """Return the number of tokens of a whole sentence, read or not, its start and end included.

        Raises:
            TextError: there is nothing to read in it.
        """
        # No byte pair is shorter than a byte; cleaning can lengthen a text, but never so much.
        room = 16 * len(sentence.encode("utf-8", "replace")) + 3
        return len(self._bpe.encode(sentence, context_length=room).ids)

    def unread_words(self, sentence: str) -> tuple[str, ...]:
        """Return the words of a sentence that are beyond what the model reads."""
        return self._bpe.encode(sentence, context_length=self.context_length).unread

    def _outcomes(self, paths: list[Path], loaded: Any) -> Iterator[tuple[Path, NDArray[np.float32] | AioError]]:
        outcomes: list[Loaded] = list(loaded)
        good = [item for item in outcomes if item.error is None]
        vectors = iter(self._forward(good)) if good else iter(())
        for path, item in zip(paths, outcomes, strict=True):
            yield path, item.error if item.error is not None else next(vectors)

    def _embed_singles(self, bundles: Sequence[Bundle], batch_size: int) -> Vectors:
        """Embed bundles of at most one value a modality, batched by equal modalities and similar length of sentence."""
        vectors = np.zeros((len(bundles), self.embedding_size), np.float32)
        batches = list(equal_batches(bundles, batch_size))
        with ThreadPoolExecutor(DECODERS) as pool:
            loading = [pool.map(self._load, [bundles[i] for i in batches[0]])] if batches else []
            for number, batch in enumerate(batches):
                loaded: list[Loaded] = list(loading.pop())
                if number + 1 < len(batches):
                    loading.append(pool.map(self._load, [bundles[i] for i in batches[number + 1]]))
                for item in loaded:
                    if item.error is not None:
                        raise item.error
                vectors[batch] = self._forward(loaded)
        return vectors

    def _load(self, bundle: Bundle) -> Loaded:
        try:
            values = tuple(self._value(modality, value) for modality, value in bundle)
        except AioError as error:
            return Loaded((), (), error)
        return Loaded(tuple(m for m, _ in bundle), values)

    def _value(self, modality: Modality, value: Any) -> Any:
        if modality is Modality.TEXT:
            return self._bpe.encode(value, context_length=self.context_length).ids
        if isinstance(value, (Path, str, bytes)):
            image = read_image(value, min_size=self.image_size, formats=self.picture_formats)
        else:
            image = as_image(value)
        return fit_image(image, self.image_size, modality)

    def _forward(self, loaded: Sequence[Loaded]) -> Vectors:
        """Return (B, E) of bundles that have the same modalities."""
        signature = loaded[0].signature
        inputs = {
            modality: self._stacked(modality, [item.values[place] for item in loaded])
            for place, modality in enumerate(signature)
        }
        with torch.inference_mode():
            if signature in self._recorded:
                vectors = self._recorded[signature](inputs[signature[0]])
            else:
                vectors = self.model.embed(inputs)
        return cast(Vectors, vectors.cpu().numpy())

    def _stacked(self, modality: Modality, values: list[Any]) -> Tensor:
        if modality is Modality.TEXT:
            return pad_ids(values).to(self.device)
        return normalise(torch.from_numpy(np.stack(values)).to(self.device), modality)

    def _checked(self, bundle: Bundle) -> Bundle:
        unknown = [m.value for m, _ in bundle if m not in self.model.modalities]
        if unknown:
            known = ", ".join(m.value for m in self.model.modalities)
            raise DataError(f"these weights do not read {unknown[0]!r}; they read: {known}")
        return bundle


def usable_device(name: str | None) -> torch.device:
    """Return the device of that name, or by default a GPU where torch reports one, after it computed a small product.

    Raises:
        ConfigError: it cannot be used.
    """
    name = ("cuda" if torch.cuda.is_available() else "cpu") if name is None else name
    try:
        device = torch.device(name)
        torch.ones(2, 2, device=device).matrix_power(2).cpu()  # old drivers and cards without kernels show only here
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"device {name!r} cannot be used ({reason}); give --device cpu") from None
    return device
