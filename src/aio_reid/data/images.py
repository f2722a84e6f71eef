"""Pictures: any file that Pillow reads becomes (3, H, W) bytes, and those become what the image stems expect.

The three steps are separate because they run in different places: `read_image` and `fit_image` in loader threads or
workers (no torch needed), `normalise` on the device of the model, where bytes have just been copied.
"""

from __future__ import annotations

import threading
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from aio_reid.errors import DataError, PassingPictureError, PictureError
from aio_reid.records import PROGRAM_FORMATS, Modality

if TYPE_CHECKING:
    import torch

# What is wrong with a picture is said in our error, in one line. Pillow would print more lines beside it: about
# pictures above its own bound, which only warns (ours below is checked before decoding), and about each damaged field
# of a header.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

MAX_PIXELS = 2**27
"""Largest picture that is decoded (134 million pixels, 400 MB as RGB): a 100-megapixel camera passes."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""RGB statistics of CLIP's training pictures on [0, 1] (method.md 3.2)."""
GREY_MEAN = 0.4492
GREY_STD = 0.2686
"""Channel averages of the two above: with one scalar, three equal channels stay equal (method.md 3.2)."""

_EXIF_ORIENTATION = 0x0112
_TURN_OF_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset((5, 6, 7, 8))
_LOADING = threading.Lock()
# From this reduction on, plain bilinear sampling skips source pixels and thin strokes break up, so areas are averaged.
_AREA_FROM = 1.5


def read_image(
    path_or_bytes: str | Path | bytes,
    *,
    min_size: tuple[int, int] | None = None,
    formats: tuple[str, ...] | None = None,
) -> Image.Image:
    """Return the picture as 8-bit RGB, upright, first frame, transparency on white.

    Args:
        path_or_bytes: a file, or the bytes of one, in any pixel format that Pillow reads. Sixteen bits are scaled to
            eight.
        min_size: (H, W) that is needed at least. A large JPEG is then decoded at 1/2, 1/4 or 1/8 of its size where that
            is still enough, which costs a fraction of the time; other formats ignore it.
        formats: those that are tried, as Pillow names them; None tries all.

    Raises:
        PictureError: a missing, empty, foreign, damaged, cut short or too large picture, in one line;
            PassingPictureError where reading failed, and not the picture.
    """
    name = _checked_name(path_or_bytes)
    source = BytesIO(path_or_bytes) if isinstance(path_or_bytes, bytes) else path_or_bytes
    try:
        with Image.open(source, formats=formats) as image:
            _check_header(image, name)
            if min_size is not None and image.format == "JPEG":
                image.draft("RGB", _draft_size(image, min_size))
            image.load()
            return _as_rgb(_upright(image))
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"{name} is in no format that can be read; convert it to JPEG or PNG") from None
    except Image.DecompressionBombError:
        raise PictureError(f"{name} has more than {MAX_PIXELS:,} pixels; shrink it first") from None
    except Exception as error:  # a damaged file makes Pillow's many decoders raise nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, MemoryError) or getattr(error, "errno", None):
            raise PassingPictureError(f"{name} cannot be read now ({reason}); repeat later") from error
        raise PictureError(f"{name} is damaged or cut short ({reason}); copy it again from its source") from error


def as_image(value: Any) -> Image.Image:
    """Return a picture in memory as `read_image` returns one of a file: RGB, upright, transparency on white.

    Raises:
        PictureError: not a PIL image or uint8 array (H, W[, 3 or 4]), or a PIL image whose file is damaged.
    """
    shape = f" {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else ""
    try:
        if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim in (2, 3) and value.size:
            value = Image.fromarray(value)
        if isinstance(value, Image.Image):
            with _LOADING:  # Pillow reads a file and its EXIF data at first use, and one picture may be given twice
                value.load()
                value = _upright(value)
            return _as_rgb(value)
    except Exception as error:  # as above: a picture that Pillow opened may still be damaged
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"a picture given as {type(value).__name__}{shape} cannot be used ({reason})") from error
    raise PictureError(
        f"a picture was given as {type(value).__name__}{shape}; give a path, bytes, PIL image or uint8 (H, W[, 3])"
    )


def fit_image(image: Image.Image, size: tuple[int, int], modality: Modality) -> NDArray[np.uint8]:
    """Return the RGB picture as uint8 (3, H, W), stretched to `size` = (H, W) with averaging where it shrinks a lot.

    Modalities without colour get the luma (ITU-R 601) of the picture in all three channels (method.md 3.2).

    Raises:
        DataError: when `modality` is text.
    """
    _require_visual(modality)
    height, width = size
    surplus = min(image.width // width, image.height // height) // 2
    if surplus > 1:  # averaged by Pillow in place: as an array, a picture of the largest size would need another 800 MB
        image = image.reduce(surplus)
    mode = "RGB" if modality.has_colour else "L"
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))  # (h, w[, 3])
    if modality.has_colour:
        planes = np.empty((3, height, width), np.uint8)
        cv2.split(_resize(pixels, height, width), list(planes))
        return planes
    grey = _resize(pixels, height, width)  # (H, W)
    return np.repeat(grey[np.newaxis], 3, axis=0)  # (3, H, W)


def normalise(pixels: torch.Tensor, modality: Modality) -> torch.Tensor:
    """Return pixels uint8 (B, 3, H, W) as float32 (B, 3, H, W) of about zero mean, unit variance, on the same device.

    Colour modalities use CLIP's mean and deviation per channel, grey ones a single scalar of each (method.md 3.2).

    Raises:
        DataError: when `modality` is text, or the pixels are not uint8 (B, 3, H, W).
    """
    _require_visual(modality)
    if str(pixels.dtype) != "torch.uint8" or pixels.ndim != 4 or pixels.shape[1] != 3:
        raise DataError(f"pixels are {pixels.dtype} {tuple(pixels.shape)}; normalise takes uint8 (B, 3, H, W)")
    values = pixels.float()  # the one copy; all that follows is in place
    if not modality.has_colour:
        return values.mul_(1 / (255 * GREY_STD)).sub_(GREY_MEAN / GREY_STD)
    scale = values.new_tensor([1 / (255 * std) for std in CLIP_STD]).view(3, 1, 1)
    shift = values.new_tensor([mean / std for mean, std in zip(CLIP_MEAN, CLIP_STD, strict=True)]).view(3, 1, 1)
    return values.mul_(scale).sub_(shift)


def _require_visual(modality: Modality) -> None:
    if not modality.is_visual:
        raise DataError(f"modality {modality.value!r} has no pixels; choose one of the visual modalities")


def _checked_name(path_or_bytes: str | Path | bytes) -> str:
    """Return how messages call the picture, after the checks that need no decoder.

    Opening only regular files also keeps a pipe or a device from blocking the program.
    """
    if isinstance(path_or_bytes, bytes):
        if not path_or_bytes:
            raise PictureError("picture given as bytes is empty; give the bytes of a whole file")
        return "picture given as bytes"
    name = f"picture {str(path_or_bytes)!r}"
    path = Path(path_or_bytes)
    try:
        if path.is_dir():
            raise PictureError(f"{name} is a folder; name a file in it")
        if not path.is_file():
            raise PictureError(f"{name} does not exist; check the path")
        if path.stat().st_size == 0:
            raise PictureError(f"{name} is empty (0 bytes); copy it again from its source")
    except (OSError, ValueError) as error:
        raise PictureError(f"{name} cannot be opened ({error}); check the path and its permissions") from error
    return name


def _check_header(image: Image.Image, name: str) -> None:
    width, height = image.size
    if image.format in PROGRAM_FORMATS:
        raise PictureError(f"{name} is {image.format}, which may be a program and not pixels; convert it to PNG")
    if width < 1 or height < 1:
        raise PictureError(f"{name} has no pixels ({width} x {height}); copy it again from its source")
    if width * height > MAX_PIXELS:
        raise PictureError(f"{name} has {width} x {height} pixels, at most {MAX_PIXELS:,} are read; shrink it first")


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation 1 to 8; 1 where there is none, or a damaged block (the pixels may be fine)."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError):
        return 1


def _draft_size(image: Image.Image, min_size: tuple[int, int]) -> tuple[int, int]:
    """Return the (W, H) to ask the JPEG decoder for: as stored, so before the EXIF turn."""
    height, width = min_size
    return (height, width) if _orientation(image) in _SIDEWAYS else (width, height)


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURN_OF_ORIENTATION.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode[0] in "IF":
        return Image.fromarray(_eight_bits(image)).convert("RGB")
    if image.has_transparency_data:
        with_alpha = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        opaque = Image.new("RGB", image.size, "white")
        opaque.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return opaque
    if image.mode == "LAB":  # the one mode that Pillow converts only with colour profiles
        from PIL import ImageCms

        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
        return image.convert("L").convert("RGB") if converted is None else converted
    return image if image.mode == "RGB" else image.convert("RGB")  # no copy: the largest picture is 500 MB in Pillow


def _eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    """Return a one-channel integer or float picture as uint8 (H, W).

    Sixteen-bit modes keep their full scale. The 32-bit ones do not say their range: 0..1 (floats only), 0..255 and
    0..65535 are recognised by their values, anything else is stretched between its extremes.
    """
    values = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)  # (H, W)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 65535:
        low = 0.0
        high = 65535.0 if high > 255 else 255.0 if image.mode == "I" or high > 1 else 1.0
    scaled: NDArray[np.float64] = (values - low) * 255 / ((high - low) or 1)
    return np.rint(scaled).astype(np.uint8)


def _resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return pixels (h, w[, 3]) at (H, W[, 3]): areas averaged where it shrinks a lot, then bilinear."""
    h, w = pixels.shape[:2]
    if max(h / height, w / width) >= _AREA_FROM:
        # Shrink first, and only along the sides that shrink: OpenCV averages areas only if neither side grows.
        smaller = min(w, width), min(h, height)
        pixels = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    if pixels.shape[:2] != (height, width):
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return pixels
