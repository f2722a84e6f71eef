"""Missing modalities made from photos (method.md section 8): infrared by channel augmentation, sketch by a line filter.

The line filter is NOT Lineart: that is a network with published weights (`aio_reid.models.lineart`). Where results are
reported, the label of the `Painter` says which of the two drew. Text is never synthesised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.records import Modality

if TYPE_CHECKING:
    import torch

Pixels = TypeVar("Pixels", "NDArray[Any]", "torch.Tensor")

_LUMA = (0.2989, 0.5870, 0.1140)
_JITTER_GAMMA = (0.7, 1.5)
_JITTER_CONTRAST = (0.7, 1.3)


@dataclass(frozen=True, slots=True)
class Strokes:
    """How the line filter draws.

    Attributes:
        sigma: width of the finer Gaussian, in pixels of a picture at most `_REFERENCE_HEIGHT` tall.
        sharpness: weight of the difference of Gaussians against the picture's own tone.
        shade: tones below this share of the picture's mean become grey, as an artist shades dark hair and cloth; 0
            draws lines only.
        softness: slope of the threshold; small is pencil, large is ink.
    """

    sigma: float = 0.8
    sharpness: float = 15.0
    shade: float = 0.5
    softness: float = 3.0


_SIGMA_RATIO = 1.6  # 0.8 and 1.28 pixels
_REFERENCE_HEIGHT = 256


@dataclass(frozen=True, slots=True)
class Painter:
    """A way to make one modality from photos.

    Attributes:
        label: what made the picture, for reports and for the files themselves.
        draw: uint8 (3, H, W) photo and a random generator -> uint8 (3, H, W), three equal channels.
    """

    label: str
    draw: Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]


def numpy_generator(generator: np.random.Generator | torch.Generator) -> np.random.Generator:
    """Return the generator, or a NumPy one seeded by the next draw of a torch one."""
    if isinstance(generator, np.random.Generator):
        return generator
    import torch

    return np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator, device=generator.device)))


def as_array(pixels: NDArray[Any] | torch.Tensor) -> NDArray[Any]:
    """Return pixels as an array, sharing memory with a tensor that is on the CPU."""
    array: NDArray[Any] = pixels if isinstance(pixels, np.ndarray) else pixels.cpu().numpy()
    return array


def like(pixels: Pixels, values: NDArray[Any]) -> Pixels:
    """Return the values as what `pixels` is: an array, or a tensor on the same device."""
    if isinstance(pixels, np.ndarray):
        return values
    import torch

    return torch.from_numpy(values).to(pixels.device)


def channel_augment(
    pixels: Pixels, generator: np.random.Generator | torch.Generator, *, gray: int = 2, jitter: bool = False
) -> Pixels:
    """Return pictures that look like infrared: one channel of each, drawn at random, in all three (method.md 8.1).

    A picture whose channels are equal already, real infrared, comes back unchanged. The input is not altered.

    Args:
        pixels: (B, 3, H, W) or (3, H, W), uint8 or float in [0, 1], before normalisation; a draw for each picture.
        generator: source of the draws.
        gray: 2 draws one of R, G, B; 3 draws one of R, G, B and luma.
        jitter: also gamma in [0.7, 1.5] and contrast in [0.7, 1.3].

    Raises:
        DataError: another shape, or `gray` neither 2 nor 3.
    """
    if gray not in (2, 3):
        raise DataError(f"gray is {gray}; choose 2 (one of R, G, B) or 3 (or luma)")
    rng = numpy_generator(generator)
    batch = _as_batch(as_array(pixels))
    out = np.empty(batch.shape, batch.dtype)  # (B, 3, H, W)
    for picture, drawn in zip(batch, out, strict=True):
        choice = int(rng.integers(gray + 1))
        single = picture[choice] if choice < 3 else _luma(picture)  # (H, W)
        if jitter and not _is_grey(picture):
            single = tone_jitter(single, rng)
        drawn[:] = single
    return like(pixels, out.reshape(as_array(pixels).shape))


def draw_lines(pixels: Pixels, generator: np.random.Generator | torch.Generator | None = None) -> Pixels:
    """Return line drawings, dark strokes on white, by an extended difference of Gaussians (method.md 8.2, fallback).

    This is a filter, not Lineart. Without a generator it is deterministic; with one, each picture gets its own pen:
    width, softness and amount of shading vary. The input is not altered.

    Args:
        pixels: uint8 (B, 3, H, W) or (3, H, W), RGB.
        generator: source of the variation, or None.

    Raises:
        DataError: another shape or type.
    """
    batch = _as_batch(as_array(pixels))
    if batch.dtype != np.uint8:
        raise DataError(f"pixels are {batch.dtype}; lines are drawn from uint8")
    rng = None if generator is None else numpy_generator(generator)
    out = np.empty(batch.shape, np.uint8)  # (B, 3, H, W)
    for picture, drawn in zip(batch, out, strict=True):
        drawn[:] = _drawing(picture, Strokes() if rng is None else _random_strokes(rng))
    return like(pixels, out.reshape(as_array(pixels).shape))


def default_painter(modality: Modality) -> Painter:
    """Return how a modality is made where nothing better, such as Lineart weights, is at hand.

    Raises:
        DataError: a modality that is never synthesised.
    """
    if modality not in _PAINTERS:
        allowed = ", ".join(m.value for m in _PAINTERS)
        raise DataError(f"modality {modality.value!r} is not synthesised from photos; choose one of: {allowed}")
    return _PAINTERS[modality]


def tone_jitter(channel: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Return one channel, uint8 or float in [0, 1], with gamma in [0.7, 1.5] and contrast in [0.7, 1.3] about its
    mean."""
    gamma, contrast = rng.uniform(*_JITTER_GAMMA), rng.uniform(*_JITTER_CONTRAST)
    if channel.dtype != np.uint8:
        tones = channel**gamma
        mean = tones.mean()
        stretched: NDArray[Any] = np.clip(mean + contrast * (tones - mean), 0, 1).astype(channel.dtype)
        return stretched
    tones = (np.arange(256) / 255) ** gamma
    mean = tones[int(channel.mean() + 0.5)]
    curve = np.rint(255 * np.clip(mean + contrast * (tones - mean), 0, 1)).astype(np.uint8)  # (256,)
    jittered: NDArray[Any] = cv2.LUT(channel, curve)
    return jittered


def _as_batch(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim not in (3, 4) or pixels.shape[-3] != 3:
        raise DataError(f"pixels are of shape {pixels.shape}; give (3, H, W) or (B, 3, H, W)")
    batch: NDArray[Any] = pixels.reshape(-1, *pixels.shape[-3:])  # (B, 3, H, W)
    return batch


def _is_grey(picture: NDArray[Any]) -> bool:
    return bool((picture == picture[:1]).all())


def _luma(picture: NDArray[Any]) -> NDArray[Any]:
    """Return (H, W) of the type of the picture (3, H, W)."""
    red, green, blue = picture.astype(np.float32)
    luma: NDArray[np.float32] = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue  # (H, W)
    return np.rint(luma).astype(np.uint8) if picture.dtype == np.uint8 else luma.astype(picture.dtype)


def _random_strokes(rng: np.random.Generator) -> Strokes:
    return Strokes(
        sigma=rng.uniform(0.6, 1.1),
        sharpness=rng.uniform(10, 25),
        shade=rng.uniform(0, 0.7),
        softness=rng.uniform(1.5, 4.5),
    )


def _drawing(picture: NDArray[np.uint8], strokes: Strokes) -> NDArray[np.uint8]:
    """Return uint8 (H, W) of a picture (3, H, W).

    With G the luma in [0, 1] blurred by sigma and by 1.6 sigma: S = G1 + sharpness (G1 - G2), and the paper stays white
    where S reaches the shade level e, else 1 + tanh(softness (S - e)).
    """
    _, height, _ = picture.shape
    sigma = strokes.sigma * max(1.0, height / _REFERENCE_HEIGHT)  # so that a drawing looks alike at any resolution
    luma = _luma(picture.astype(np.float32) / 255)  # (H, W)
    fine = cv2.GaussianBlur(luma, (0, 0), sigma)
    coarse = cv2.GaussianBlur(luma, (0, 0), sigma * _SIGMA_RATIO)
    sharpened = fine + strokes.sharpness * (fine - coarse)  # (H, W)
    below: NDArray[np.float32] = np.minimum(sharpened - strokes.shade * luma.mean(), 0)
    paper: NDArray[np.uint8] = np.rint(255 * (1 + np.tanh(strokes.softness * below))).astype(np.uint8)
    return paper


_PAINTERS: dict[Modality, Painter] = {
    Modality.INFRARED: Painter("channel augmentation (not real infrared)", lambda p, rng: channel_augment(p, rng)),
    Modality.SKETCH: Painter("line filter, extended difference of Gaussians (not Lineart)", lambda p, _: draw_lines(p)),
}
