"""Training augmentation of one picture, per modality (recipe of method.md section 7, constants of its lineage).

NumPy and OpenCV on bytes, because a crop of 128 x 64 costs a tenth of what torchvision's transforms need for it.
Everything geometric is one affine warp, and everything about colour one 3 x 4 matrix, so nothing is interpolated or
rounded twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.data.images import CLIP_MEAN, GREY_MEAN
from aio_reid.data.synthesis import Pixels, as_array, like, numpy_generator, tone_jitter
from aio_reid.errors import DataError
from aio_reid.records import VISUAL_MODALITIES, Modality

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Recipe:
    """How strongly a modality is varied; shares are probabilities, pairs are ranges.

    Attributes:
        colour: half-widths of brightness, contrast, saturation (factors about 1) and hue (turns); None for grey
            modalities.
        tone: share of gamma and contrast jitter of grey modalities.
        blur, low_resolution: shares of a Gaussian blur and of a detour over fewer pixels.
        paper: what lies outside the picture is white, as around a drawing, and not the picture's last row or column.
        erase: share of erasing.
        erase_area: of what is erased, as a share of the picture.
    """

    colour: tuple[float, float, float, float] | None
    tone: float
    blur: float
    low_resolution: float
    paper: bool
    erase: float = 0.5
    erase_area: tuple[float, float] = (0.02, 0.4)


COLOUR_PHOTO = Recipe(colour=(0.3, 0.3, 0.3, 0.015), tone=0.0, blur=0.2, low_resolution=0.2, paper=False)
# Frames at night are blurred, coarse and dark as they are: what little they show of a person is spared. With the shares
# of photos less is learned of them in the same time (docs/experiments.md 13).
GREY_PHOTO = Recipe(
    colour=None, tone=0.5, blur=0.05, low_resolution=0.05, paper=False, erase=0.25, erase_area=(0.02, 0.15)
)
COLOUR_DRAWING = Recipe(colour=(0.2, 0.2, 0.3, 0.015), tone=0.0, blur=0.2, low_resolution=0.1, paper=True)
GREY_DRAWING = Recipe(colour=None, tone=0.3, blur=0.2, low_resolution=0.1, paper=True)

FLIP_SHARE = 0.5
ERASE_ASPECT = (0.3, 3.33)
SHIFT = (10 / 384, 10 / 128)
"""Pad 10 and crop at 384 x 128, as shares of (H, W)."""
SCALE = (0.9, 1.1)
ASPECT = (0.93, 1.07)
BLUR_SIGMA = (0.3, 1.2)
LOW_RESOLUTION = (0.35, 0.8)
_ERASE_ATTEMPTS = 10
_BODY = np.array([0.0, 0.17, 0.33, 0.5, 0.75, 1.0])
"""Where a drawn body's parts end, as shares of the sheet: head, chest, hips, knees, feet."""

# Rows: luma and two chroma axes (YIQ). A turn of hue is a rotation of the last two.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


def augment(
    pixels: Pixels, modality: Modality, rng: np.random.Generator | torch.Generator, *, proportions: float = 0.0
) -> Pixels:
    """Return a varied copy of a picture, uint8 (3, H, W) to uint8 (3, H, W), decided by the generator alone.

    All: flip, shift and slight scale and aspect in one warp, blur, low resolution, erasing (filled with the mean that
    `normalise` turns into zero). Colour modalities: brightness, contrast, saturation, hue. Grey ones: gamma and
    contrast, and their three channels stay equal. Drawings: other proportions of the body. The input is not altered.

    Args:
        proportions: deviation of the logarithm of how tall and how broad each part of a drawn body becomes; photos and
            infrared frames keep theirs.

    Raises:
        DataError: text, another shape or type, or a grey modality whose channels differ.
    """
    recipe = _recipe(modality)
    planes = as_array(pixels)
    if planes.dtype != np.uint8 or planes.ndim != 3 or planes.shape[0] != 3:
        raise DataError(f"pixels are {planes.dtype} {planes.shape}; augment takes uint8 (3, H, W)")
    generator = numpy_generator(rng)
    if modality.has_colour:
        picture = _vary(cv2.merge(list(planes)), recipe, generator, proportions)  # (H, W, 3)
        out = np.empty(planes.shape, np.uint8)
        cv2.split(picture, list(out))
        return like(pixels, out)
    if not (np.array_equal(planes[0], planes[1]) and np.array_equal(planes[0], planes[2])):
        raise DataError(f"a picture of modality {modality.value!r} has three different channels; make it grey first")
    picture = _vary(planes[0], recipe, generator, proportions)  # (H, W)
    return like(pixels, np.repeat(picture[np.newaxis], 3, axis=0))


def without_colour(pixels: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return a batch (B, 3, H, W) uint8 in grey: each picture's channels mixed by its own shares (B, 3), which sum to
    1, and the mixture put into all three. Copying one channel (method.md 8.1) is the case of shares 0 and 1.
    """
    grey = (pixels * shares[:, :, None, None]).sum(dim=1, keepdim=True)  # (B, 1, H, W)
    return grey.round().clamp(0, 255).to(pixels.dtype).expand_as(pixels)


def with_tones(pixels: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """Return a batch (B, 3, H, W) uint8 whose values are looked up in a curve for each picture, (B, 256) uint8."""
    values = pixels.flatten(1).long()  # (B, 3 H W)
    return curves.gather(1, values).view_as(pixels)


def _recipe(modality: Modality) -> Recipe:
    if not modality.is_visual:
        allowed = ", ".join(m.value for m in VISUAL_MODALITIES)
        raise DataError(f"modality {modality.value!r} has no pixels to augment; choose one of: {allowed}")
    if modality.on_paper:
        return COLOUR_DRAWING if modality.has_colour else GREY_DRAWING
    return COLOUR_PHOTO if modality.has_colour else GREY_PHOTO


def _vary(
    picture: NDArray[np.uint8], recipe: Recipe, rng: np.random.Generator, proportions: float
) -> NDArray[np.uint8]:
    """Return the varied picture, (H, W) or (H, W, 3)."""
    picture = _warp(picture, rng, recipe.paper, proportions if recipe.paper else 0.0)
    if recipe.colour is not None:
        picture = _jitter_colour(picture, recipe.colour, rng)
    if rng.random() < recipe.tone:
        picture = tone_jitter(picture, rng)
    if rng.random() < recipe.blur:
        picture = _bytes(cv2.GaussianBlur(picture, (0, 0), rng.uniform(*BLUR_SIGMA)))
    if rng.random() < recipe.low_resolution:
        picture = _lower_resolution(picture, rng.uniform(*LOW_RESOLUTION))
    if rng.random() < recipe.erase:
        _erase(picture, recipe.erase_area, rng)
    return picture


def _warp(
    picture: NDArray[np.uint8], rng: np.random.Generator, is_paper: bool, proportions: float
) -> NDArray[np.uint8]:
    """Return the picture flipped (half the time), scaled about its centre and shifted, perhaps in other proportions, in
    one interpolation.
    """
    height, width = picture.shape[:2]
    scale, aspect = rng.uniform(*SCALE), math.sqrt(rng.uniform(*ASPECT))
    across, down = scale * aspect, scale / aspect
    if rng.random() < FLIP_SHARE:
        across = -across
    shift_y, shift_x = rng.uniform(-1, 1, 2) * (SHIFT[0] * height, SHIFT[1] * width)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    matrix = np.array(
        [[across, 0, middle_x - across * middle_x + shift_x], [0, down, middle_y - down * middle_y + shift_y]]
    )
    white = (255, 255, 255)
    border = cv2.BORDER_CONSTANT if is_paper else cv2.BORDER_REPLICATE
    if proportions:
        back = cv2.invertAffineTransform(matrix)
        y = (back[1, 1] * np.arange(height) + back[1, 2]) / (height - 1)  # (H,)
        x = back[0, 0] * np.arange(width) + back[0, 2] - middle_x  # (W,)
        rows, columns = _redrawn(y, x, rng, proportions)
        down_map, across_map = (rows * (height - 1)).astype(np.float32), (columns + middle_x).astype(np.float32)
        return _bytes(cv2.remap(picture, across_map, down_map, cv2.INTER_LINEAR, borderMode=border, borderValue=white))
    return _bytes(
        cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=white)
    )


def _redrawn(
    y: NDArray[np.float64], x: NDArray[np.float64], rng: np.random.Generator, spread: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where an artist with other proportions has each place from, (H, W) rows and columns.

    Args:
        y: (H,) rows, 0 the top of the sheet, 1 its end; x: (W,) columns from its middle.
        spread: `proportions` of `augment`.
    """
    tall, broad = np.exp(rng.normal(0.0, spread, (2, len(_BODY))))
    ends = np.cumsum(tall[1:] * np.diff(_BODY))
    rows = np.interp(y, np.concatenate([[0.0], ends / ends[-1]]), _BODY) + np.minimum(y, 0.0) + np.maximum(y - 1.0, 0.0)
    breadth = np.interp(rows, _BODY, broad)  # (H,)
    return np.repeat(rows[:, np.newaxis], len(x), axis=1), x / breadth[:, np.newaxis]


def _jitter_colour(
    picture: NDArray[np.uint8], half_widths: tuple[float, float, float, float], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return (H, W, 3) with brightness, contrast (about the mean luma), saturation and hue changed in one matrix."""
    brightness, contrast, saturation = 1 + rng.uniform(-1, 1, 3) * half_widths[:3]
    turn = 2 * math.pi * half_widths[3] * rng.uniform(-1, 1)
    cosine, sine = saturation * math.cos(turn), saturation * math.sin(turn)
    chroma = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    colours = brightness * contrast * (_FROM_YIQ @ chroma @ _TO_YIQ)  # (3, 3)
    mean_luma = float(_TO_YIQ[0] @ cv2.mean(picture)[:3])
    offset = brightness * (1 - contrast) * mean_luma
    return _bytes(cv2.transform(picture, np.column_stack([colours, np.full(3, offset)])))


def _lower_resolution(picture: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Return the picture as seen with `share` of its pixels along each side."""
    height, width = picture.shape[:2]
    small = max(1, round(width * share)), max(1, round(height * share))
    few = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    return _bytes(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR))


def _erase(picture: NDArray[np.uint8], share: tuple[float, float], rng: np.random.Generator) -> None:
    """Fill a random rectangle of the picture, which is ours, with the mean of its modality."""
    height, width = picture.shape[:2]
    for _ in range(_ERASE_ATTEMPTS):
        area = rng.uniform(*share) * height * width
        aspect = math.exp(rng.uniform(math.log(ERASE_ASPECT[0]), math.log(ERASE_ASPECT[1])))
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < h < height and 0 < w < width:
            top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
            mean = GREY_MEAN if picture.ndim == 2 else CLIP_MEAN
            picture[top : top + h, left : left + w] = np.rint(np.multiply(mean, 255)).astype(np.uint8)
            return


def _bytes(picture: Any) -> NDArray[np.uint8]:
    """Return OpenCV's result, whose stubs promise less, as what it is here."""
    pixels: NDArray[np.uint8] = picture
    return pixels
