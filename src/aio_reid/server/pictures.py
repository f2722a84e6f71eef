"""Uploaded pictures, looked at before anything of them is decoded.

Only the five formats of photos are tried, here and when it is decoded, so no other decoder of Pillow ever sees an
upload. Size and number of frames
stand in the header. What remains, a picture that is cut short or damaged, is found when it is decoded, of a size that
is known by then. Sixteen bits, CMYK, palettes and transparency are pictures like others.
"""

from __future__ import annotations

import struct
import warnings
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from aio_reid.server.limits import MIB, Limits
from aio_reid.server.problems import Refusal

# A problem tells what is wrong; Pillow would print lines of its own beside it. For the process as a whole, because
# filters of warnings cannot be changed for one thread.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG of some cameras, with a preview behind it
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
}
ADVICE = "send JPEG, PNG, WebP, BMP or TIFF"

_HEAD = 4096
_FOREIGN = (b"%pdf-", b"<html", b"<script", b"<svg", b"<?php", b"<!doctype")
_ZIP_END = b"PK\x05\x06"
_ZIP_END_SIZE = 22
_LONGEST_ZIP_COMMENT = 65535


def check_picture(data: bytes, name: str, limits: Limits) -> str:
    """Return the media type of a picture, from its header alone; `name` is how messages call it.

    Raises:
        Refusal: not a picture of a known format, too large, animated, or another kind of file at the same time.
    """
    if not data:
        raise _refused("picture_empty", f"{name} is empty", "send the picture itself")
    if len(data) > limits.picture_bytes:
        message = f"{name} has {len(data) / MIB:.1f} MiB, allowed are {limits.picture_bytes / MIB:g}"
        raise Refusal(413, "picture_too_large", message, "shrink it, a person needs a few hundred pixels")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            (width, height), kind = image.size, str(image.format)
            is_animated = kind != "MPO" and bool(getattr(image, "is_animated", False))
    except UnidentifiedImageError:
        raise _refused("picture_unreadable", f"{name} is no picture that is read here", ADVICE) from None
    except Image.DecompressionBombError:
        raise _too_many_pixels(name, "far too many", limits) from None
    except Exception as error:  # noqa: BLE001 - a damaged header makes decoders raise nearly anything
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise _refused("picture_unreadable", f"{name} has a damaged header ({reason})", ADVICE) from None
    if width * height > limits.pixels:
        raise _too_many_pixels(name, f"{width} x {height}", limits)
    if is_animated:
        raise _refused("picture_animated", f"{name} has several frames", "send the one that is meant")
    if is_something_else(data):
        raise _refused("picture_polyglot", f"{name} is another kind of file as well", "save it anew as a picture")
    return MEDIA_TYPES[kind]


def is_something_else(data: bytes) -> bool:
    """Tell whether a picture is a document, a page or an archive as well, by the marks that such files must have."""
    head = data[:_HEAD].lower()
    return any(mark in head for mark in _FOREIGN) or _ends_as_archive(data)


def _ends_as_archive(data: bytes) -> bool:
    """A ZIP archive ends with a record that says how long its own comment is."""
    tail = data[-(_ZIP_END_SIZE + _LONGEST_ZIP_COMMENT) :]
    at = tail.rfind(_ZIP_END)
    while at >= 0:
        if len(tail) - at >= _ZIP_END_SIZE:
            (comment,) = struct.unpack_from("<H", tail, at + 20)
            if at + _ZIP_END_SIZE + comment == len(tail):
                return True
        at = tail.rfind(_ZIP_END, 0, at)
    return False


def _refused(code: str, message: str, remedy: str) -> Refusal:
    return Refusal(422, code, message, remedy)


def _too_many_pixels(name: str, size: str, limits: Limits) -> Refusal:
    message = f"{name} has {size} pixels, allowed are {limits.pixels:,}"
    return _refused("picture_too_many_pixels", message, "shrink it, a person needs a few hundred pixels")
