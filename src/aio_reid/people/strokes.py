"""Pencil strokes on paper: wavering contours, hatching, paper grain. Coverage is float32 (H, W), 0..1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.people.artists import Hand
from aio_reid.people.geometry import Floats

_SUBPIXEL = 4  # bits
_TABLE = 64


def _smooth_noise(rng: np.random.Generator, count: int, step: int) -> Floats:
    """Return a wandering line (count, 2) of about unit size whose waves are about `step` points long."""
    knots = rng.standard_normal((count // step + 3, 2))
    at = np.arange(count) / step
    return np.stack([np.interp(at, np.arange(len(knots)), knots[:, k]) for k in (0, 1)], axis=1).astype(np.float32)


def _smoothed(points: Floats, reach: int) -> Floats:
    """Average a path (K, 2) over its neighbours, ends kept."""
    if reach < 1 or len(points) < 2 * reach + 3:
        return points
    padded = np.concatenate([np.repeat(points[:1], reach, 0), points, np.repeat(points[-1:], reach, 0)])
    sums = np.cumsum(np.concatenate([np.zeros((1, 2), np.float32), padded]), axis=0, dtype=np.float64)
    width = 2 * reach + 1
    return ((sums[width:] - sums[:-width]) / width).astype(np.float32)


def draw_contours(paths: Iterable[Floats], hand: Hand, rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Draw paths as a hand would, in several strokes that stray, break and overshoot; coverage (H, W).

    Args:
        paths: each (K, 2), pixels (x, y), points about a pixel apart. Small ones are drawn finely and once.
    """
    height, width = shape
    ink = np.zeros((height, width), np.uint8)
    layer = np.zeros((height, width), np.uint8)
    smooth = [_smoothed(path, round(hand.simplify * height / 512.0 * min(1.0, _care(path, height)))) for path in paths]
    for number in range(hand.passes):
        layer[:] = 0
        for path in smooth:
            care = min(1.0, _care(path, height))
            if number and care < 0.6:
                continue
            stray = hand.wobble * height * care
            wander = _smooth_noise(rng, len(path), 22) * stray
            pen = replace(hand, width=hand.width * (0.4 + 0.6 * care), pressure=hand.pressure * (0.5 + 0.5 * care))
            _draw_strokes(layer, path + wander + rng.normal(0.0, 0.4 * stray, 2).astype(np.float32), pen, rng)
        crossed = cv2.multiply(ink, layer, scale=0.4 / 255.0)  # strokes that cross get darker
        np.copyto(ink, cv2.add(cv2.max(ink, layer), crossed))
    return ink.astype(np.float32) * np.float32(1.0 / 255.0)


def _care(path: Floats, height: int) -> float:
    """Return how long a contour is against a large one; below 1 it is a detail."""
    return len(path) / (0.16 * height)


def _draw_strokes(layer: NDArray[np.uint8], path: Floats, hand: Hand, rng: np.random.Generator) -> None:
    """Draw one path as separate strokes on `layer`."""
    height = layer.shape[0]
    start = 0
    while start < len(path) - 3:
        stop = min(start + int(rng.uniform(0.06, 0.35) * height), len(path))
        begin, start = start, stop - 2
        if rng.random() < hand.gaps:
            continue
        piece = path[begin:stop:3]
        if len(piece) < 2:
            continue
        reach = min(hand.overshoot * height * rng.random(), 0.2 * len(path))
        tail = piece[-1] - piece[-2]
        tail = tail / (np.hypot(tail[0], tail[1]) + 1e-3)
        piece = np.concatenate([piece, piece[-1:] + reach * tail])
        dark = hand.pressure * rng.uniform(0.75, 1.1)
        thick = max(1, round(hand.width * height * rng.uniform(0.6, 1.25)))
        fixed = np.round(piece * (1 << _SUBPIXEL)).astype(np.int32)
        cv2.polylines(layer, [fixed], False, int(255 * min(dark, 1.0)), thick, cv2.LINE_AA, _SUBPIXEL)


def hatch(darkness: Floats, angle: Floats, bend: Floats, spacing: Floats, rng: np.random.Generator) -> Floats:
    """Hatch by darkness: lines grow wider and denser pressed the darker it is; coverage (H, W).

    Args:
        darkness: (H, W), 0..1. angle: (H, W) radians, direction of the lines. bend: (H, W) pixels, their shift.
        spacing: (H, W) pixels between lines.
    """
    height, width = darkness.shape
    cover = np.zeros(height * width, np.float32)
    where = np.flatnonzero(darkness > 0.033)  # (M,): only these get lines
    dark, turn, step = darkness.ravel()[where], angle.ravel()[where], spacing.ravel()[where]
    y, x = (where // width).astype(np.float32), (where % width).astype(np.float32)
    cos, sin = np.cos(turn), np.sin(turn)
    along, across = x * cos + y * sin, y * cos - x * sin
    table = rng.random((_TABLE, _TABLE), dtype=np.float32)
    across = (across + bend.ravel()[where]) / step + np.float32(1000.0)
    line = np.floor(across)
    place = (along / (7.0 * step) + 1000.0 + 3.7 * np.mod(line, 7.0)).astype(np.int32)
    luck = table[line.astype(np.int32) % _TABLE, place % _TABLE]
    middle = np.abs(across - line - 0.5 + 0.3 * (luck - 0.5))
    # A hand leaves light places to fewer lines, rather than drawing thinner ones.
    wide = (0.10 + 0.42 * dark) * np.clip(3.0 * (1.25 * dark - luck * 0.55) + 0.5, 0.0, 1.0)
    wide *= np.clip(12.0 * dark - 0.4, 0.0, 1.0)
    press = (0.45 + 0.55 * dark) * (0.75 + 0.4 * luck)
    cover[where] = np.clip((wide - middle) * step + 0.5, 0.0, 1.0) * press
    return cover.reshape(height, width)


def _grain_tile() -> Floats:
    """One seamless tile (256, 256) of paper tooth, mean 0, standard deviation 1."""
    rng = np.random.default_rng(0x9A9E)
    fine = rng.standard_normal((256, 256)).astype(np.float32)
    soft = cv2.GaussianBlur(np.tile(fine, (2, 2)), (0, 0), 1.1)[128:384, 128:384]
    return np.asarray(soft / soft.std(), np.float32)


_GRAIN = _grain_tile()


def grain(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return paper tooth (H, W), mean 0, standard deviation 1."""
    height, width = shape
    down, right = (int(v) for v in rng.integers(0, 256, 2))
    tiles = np.tile(_GRAIN, ((down + height) // 256 + 1, (right + width) // 256 + 1))
    return np.asarray(tiles[down : down + height, right : right + width], np.float32)


def soft_noise(shape: tuple[int, int], cells: int, rng: np.random.Generator) -> Floats:
    """Return smooth noise (H, W) of about unit size with `cells` waves over the height."""
    knots = rng.standard_normal((cells + 1, max(2, cells // 2) + 1)).astype(np.float32)
    return np.asarray(cv2.resize(knots, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)
