"""Whether a picture has colour: infrared frames have none, and are told from photos by it.

The chroma of a pixel is the largest of its R, G, B minus the smallest. On a reduced picture, where the noise of a
compressed video is averaged away, 95 of 100 pixels of a frame without colour have next to none; a photo of a person has
skin, and hardly a street is exactly grey: among 180 photos of a public set the least that 5 of 100 pixels reach is 19,
among drawn people 11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from aio_reid.gallery.embedder import QueryPart
from aio_reid.records import Modality

CHROMA_LIMIT = 8
"""Of 255; what 5 of 100 pixels of a picture with colour reach at least."""

_REDUCED = (32, 64)  # width, height
_NUM_LOOKED_AT = 24
_NEARLY_ALL = 0.9


def is_colourless(picture: Path | bytes, formats: tuple[str, ...] | None = None) -> bool:
    """Tell whether a picture, a file or its bytes, has no colour; False where it cannot be read, which whoever embeds
    it reports. `formats` as `read_image`."""
    from PIL import Image  # here: a search that knows all its pictures opens none

    from aio_reid.pages.thumbnails import open_picture

    try:
        with open_picture(picture, formats) as image:
            image.draft("RGB", _REDUCED)
            pixels = np.asarray(image.convert("RGB").resize(_REDUCED, Image.Resampling.BOX)).astype(np.int16)
    except Exception:  # noqa: BLE001 - a damaged file makes Pillow's decoders raise nearly anything
        return False
    chroma = pixels.max(axis=-1) - pixels.min(axis=-1)  # (64, 32)
    return bool(np.percentile(chroma, 95) < CHROMA_LIMIT)


def guess_modality(path: Path) -> Modality:
    """Return infrared for a picture without colour, rgb for any other."""
    return Modality.INFRARED if is_colourless(path) else Modality.RGB


def colourless_notes(paths: Sequence[Path], modality: Modality, remedy: str) -> tuple[str, ...]:
    """Return a line that says so, with a remedy, where pictures that are taken for photos have no colour.

    Of many pictures `_NUM_LOOKED_AT`, spread over all, are looked at.
    """
    if modality is not Modality.RGB or not paths:
        return ()
    chosen = paths[:: -(-len(paths) // _NUM_LOOKED_AT)]
    num_grey = sum(is_colourless(path) for path in chosen)
    if num_grey < _NEARLY_ALL * len(chosen):
        return ()
    return (
        f"{num_grey} of {len(chosen)} pictures looked at have no colour; if they are infrared frames, {remedy}: "
        "as photos they are found less well",
    )


def colourless_photos(parts: Iterable[QueryPart], formats: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return a line for each photo of a query that has no colour; `formats` as `read_image`."""
    photos = [part.value for part in parts if part.modality is Modality.RGB and not isinstance(part.value, str)]
    return tuple(
        f"photo {number} of the query has no colour; if it is an infrared frame, give it as infrared"
        for number, photo in enumerate(photos, start=1)
        if is_colourless(photo, formats)
    )
