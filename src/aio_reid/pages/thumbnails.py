"""Small copies of pictures that are written into a page."""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from aio_reid.errors import PictureError
from aio_reid.records import PROGRAM_FORMATS

MAX_HEIGHT = 256  # pixels
MAX_WIDTH = 384  # pixels
JPEG_QUALITY = 84

# What Pillow raises for damaged files (SyntaxError among it) and for pictures that would fill the memory.
_UNREADABLE = (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG as a data URI, and its size in pixels."""

    uri: str
    width: int
    height: int


def thumbnail(path: Path | bytes) -> Thumbnail | None:
    """Return a picture, given as a file or as its bytes, of at most MAX_HEIGHT by MAX_WIDTH, upright, on white; None
    where it cannot be read.
    """
    try:
        return read_thumbnail(path)
    except PictureError:
        return None  # the page shows a blank place; the search has said what is unreadable


def read_thumbnail(path: Path | bytes) -> Thumbnail:
    """Return a picture (a file, or the bytes of one) of at most MAX_HEIGHT by MAX_WIDTH, upright, on white.

    Raises:
        PictureError: it cannot be read; why in a few words, without the path, to stand in the picture's place.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # such large ones are searched, too
            small = _small_picture(path)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    except _UNREADABLE as error:
        raise PictureError(_reason(error)) from error
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{code}", small.width, small.height)


def open_picture(picture: Path | bytes, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Open a picture, a file or its bytes, of one of the formats (None: all); its pixels are not read yet.

    Raises:
        UnidentifiedImageError: as Pillow; also for `PROGRAM_FORMATS`.
    """
    image = Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture, formats=formats)
    if image.format in PROGRAM_FORMATS:
        image.close()
        raise UnidentifiedImageError("may be a program, not pixels")
    return image


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    if isinstance(error, UnidentifiedImageError):
        return "not a picture that can be read"
    if isinstance(error, MemoryError | Image.DecompressionBombError):
        return "too many pixels"
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else "the picture is damaged"


def _small_picture(path: Path | bytes) -> Image.Image:
    with open_picture(path) as image:
        image.draft("RGB", (2 * MAX_WIDTH, 2 * MAX_HEIGHT))  # lets JPEG decode at a fraction of its size
        upright = ImageOps.exif_transpose(image)
        plain = _as_rgb(upright)
    plain.thumbnail((MAX_WIDTH, MAX_HEIGHT), Image.Resampling.LANCZOS)
    return plain


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode[0] in "IF":  # 16 or 32 bits of grey: Pillow would cut them off at 255
        values = np.asarray(image, dtype=np.float64)
        lowest, highest = float(np.nanmin(values)), float(np.nanmax(values))
        scaled = (values - lowest) * (255.0 / max(highest - lowest, 1e-9))
        return Image.fromarray(np.nan_to_num(scaled).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        colours = image.convert("RGBA")
        paper = Image.new("RGBA", colours.size, "white")
        return Image.alpha_composite(paper, colours).convert("RGB")
    return image.convert("RGB")
