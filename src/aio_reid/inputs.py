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

from aio_reid.errors import DataError, PictureError
from aio_reid.records import Modality, Record, parse_modality

Bundle = tuple[tuple[Modality, Any], ...]
"""What is known of one person: (modality, value) pairs; a value is a sentence, a path, bytes, a PIL image or an
array.
"""


def as_bundle(value: Any, bare: Modality) -> Bundle:
    """Return what `AIO.embed` accepts as (modality, value) pairs in fusion order.

    Raises:
        DataError: an empty or unknown input.
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
        pairs = [(Modality.TEXT, value)]
    elif isinstance(value, (Path, bytes, Image.Image, np.ndarray)):
        pairs = [(bare, value)]
    else:
        raise DataError(
            f"cannot embed a {type(value).__name__}; give a sentence, path, picture, array, Record, Query or mapping"
        )
    if not pairs:
        raise DataError("an input is empty: give at least one picture or sentence")
    rank = list(Modality)
    return tuple(sorted(pairs, key=lambda pair: rank.index(pair[0])))


def exploded(bundle: Bundle, fusion: str) -> list[Bundle]:
    """Split a bundle into such with one value a modality: one per value (late), or as many as the most repeated
    modality has.

    In early fusion the n-th takes the n-th value of every modality, starting over where a modality has fewer.
    """
    if fusion == "late":
        return [(pair,) for pair in bundle]
    values: dict[Modality, list[Any]] = {}
    for modality, value in bundle:
        values.setdefault(modality, []).append(value)
    rounds = max(len(given) for given in values.values())
    return [tuple((m, given[n % len(given)]) for m, given in values.items()) for n in range(rounds)]


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


def as_image(value: Any) -> Image.Image:
    """Return a picture in memory as RGB.

    Raises:
        PictureError: not a PIL image or uint8 (H, W[, 3]) array.
    """
    if isinstance(value, Image.Image):
        return value.convert("RGB")
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim in (2, 3) and value.size:
        try:
            return Image.fromarray(value).convert("RGB")
        except (TypeError, ValueError):
            pass
    shape = f" {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else ""
    raise PictureError(
        f"a picture was given as {type(value).__name__}{shape}; give a path, bytes, PIL image or uint8 (H, W[, 3])"
    )
