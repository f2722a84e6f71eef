"""What `AIO.embed` accepts, in one form: bundles of (modality, value) pairs, and how they are batched. No torch in
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aio_reid.errors import DataError, TextError
from aio_reid.records import Modality, Record, parse_modality

PICTURE_NAMES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")

Bundle = tuple[tuple[Modality, Any], ...]
"""What is known of one person: (modality, value) pairs; a value is a sentence, a path, bytes, a PIL image or an
array.
"""


def check_many(inputs: Any) -> None:
    """Refuse one input where a sequence of inputs is wanted: its letters, keys or rows would be taken for inputs.

    Raises:
        DataError: a sentence, path, picture, record, mapping or single array.
    """
    is_array = isinstance(inputs, np.ndarray) and inputs.ndim != 4  # (B, H, W, 3) is a sequence of pictures
    if is_array or not isinstance(inputs, (Sequence, np.ndarray)) or isinstance(inputs, (str, bytes)):
        raise DataError(f"embed takes a list of inputs, got one {type(inputs).__name__}; write embed([...])")


def as_bundle(value: Any, bare: Modality) -> Bundle:
    """Return what `AIO.embed` accepts as (modality, value) pairs in fusion order.

    Raises:
        DataError: an empty or unknown input, or a picture where `bare` is text.
        TextError: what is given as text is no sentence.
    """
    if isinstance(value, Record):
        value = (value,)
    if isinstance(value, tuple) and value and all(isinstance(r, Record) for r in value):
        pairs = [(r.modality, r.caption if r.image_path is None else r.image_path) for r in value]
    elif isinstance(value, Mapping):
        pairs = [
            (parse_modality(name), single)
            for name, given in value.items()
            for single in (given if isinstance(given, (list, tuple)) else [given])
        ]
    elif isinstance(value, str):
        pairs = [(Modality.TEXT, _sentence(value))]
    elif isinstance(value, (Path, bytes, Image.Image, np.ndarray)):
        if not bare.is_visual:
            raise DataError(f"a picture was given as modality {bare.value!r}; give a visual one, or a sentence")
        pairs = [(bare, value)]
    else:
        raise DataError(
            f"cannot embed a {type(value).__name__}; give a sentence, path, picture, array, Record, Query or mapping"
        )
    if not pairs:
        raise DataError("an input is empty: give at least one picture or sentence")
    for modality, single in pairs:
        if not modality.is_visual and not isinstance(single, str):
            raise TextError(f"text was given as {type(single).__name__}; give a sentence")
    rank = list(Modality)
    return tuple(sorted(pairs, key=lambda pair: rank.index(pair[0])))


def _sentence(text: str) -> str:
    if text.lower().endswith(PICTURE_NAMES):
        raise TextError(f"{text!r} is a sentence, but looks like the name of a picture; give Path({text!r})")
    return text


def exploded(
    bundle: Bundle, fusion: str, reliability: Mapping[Modality, float] | None = None
) -> list[tuple[Bundle, float]]:
    """Split a bundle into such with one value a modality, with weights: the vector of the whole is u(sum of weight *
    vector).

    Late fusion: one for each value, weighing the reliability of its modality (1 where none is given) divided by the
    number of values of its modality, so that two sketches do not outvote a sentence. Early fusion: as many as the most
    repeated modality has values, all of one weight; the n-th takes the n-th value of every modality, starting over
    where a modality has fewer.
    """
    values: dict[Modality, list[Any]] = {}
    for modality, value in bundle:
        values.setdefault(modality, []).append(value)
    if fusion == "late":
        trust = reliability or {}
        return [(((m, value),), trust.get(m, 1.0) / len(given)) for m, given in values.items() for value in given]
    rounds = max(len(given) for given in values.values())
    return [(tuple((m, given[n % len(given)]) for m, given in values.items()), 1.0) for n in range(rounds)]


def _batch_key(bundle: Bundle) -> tuple[tuple[str, ...], int]:
    length = sum(len(str(value)) for modality, value in bundle if modality is Modality.TEXT)
    return tuple(m.value for m, _ in bundle), length


def equal_batches(bundles: Sequence[Bundle], batch_size: int) -> Iterator[list[int]]:
    """Yield indices of bundles that have the same modalities, sentences of similar length together."""
    batch: list[int] = []
    for index in sorted(range(len(bundles)), key=lambda i: _batch_key(bundles[i])):
        if batch and (len(batch) == batch_size or _batch_key(bundles[index])[0] != _batch_key(bundles[batch[0]])[0]):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def chunks(paths: Iterable[Path], size: int) -> Iterator[list[Path]]:
    """Yield the paths of a stream in lists of `size`, the last one shorter."""
    stream = iter(paths)
    while chunk := list(islice(stream, size)):
        yield chunk
