"""Patterns, prints and folds: small pictures that are laid on garments in metres, so that they follow the surface."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Garment

TILE = 96
FOLD_TILE = 128
FOLD_METRES = 0.55


def swatch(garment: Garment) -> tuple[Floats, float]:
    """Draw one period of a garment's pattern.

    Returns:
        (TILE, TILE, 4) float32: sRGB, and how much of the pixel is pattern (0..1); and the period in metres.
    """
    rng = np.random.default_rng((garment.pattern_seed, 0x5A7C))
    tile, periods = _SWATCHES[garment.pattern](rng)
    first, second = np.array(garment.paint.rgb, np.float32), np.array(garment.second.rgb, np.float32)
    share = np.clip(tile[..., :1], 0.0, 1.0)
    third = np.clip(second * rng.uniform(0.5, 1.0) + rng.uniform(0.0, 0.35, 3), 0.02, 0.98).astype(np.float32)
    colour = first + share * (second - first)
    colour = colour + np.clip(tile[..., 1:2], 0.0, 1.0) * (third - colour)
    share = np.maximum(share, tile[..., 1:2])
    return np.concatenate([colour, share], axis=2).astype(np.float32), garment.pattern_scale * periods


def _blank() -> Floats:
    return np.zeros((TILE, TILE, 2), np.float32)


def _striped(rng: np.random.Generator) -> tuple[Floats, float]:
    tile = _blank()
    share = rng.uniform(0.25, 0.6)
    cut = int(TILE * share)
    tile[:cut, :, 0] = 1.0
    if rng.random() < 0.3:
        tile[int(TILE * (share + 0.12)) : int(TILE * (share + 0.24)), :, 1] = 1.0
    if rng.random() < 0.25:
        tile = np.ascontiguousarray(tile.transpose(1, 0, 2))
    return tile, 1.0


def _plaid(rng: np.random.Generator) -> tuple[Floats, float]:
    tile = _blank()
    width = rng.uniform(0.35, 0.55)
    band = (np.arange(TILE) < TILE * width).astype(np.float32)
    tile[..., 0] = 0.5 * band[:, None] + 0.5 * band[None, :]
    if rng.random() < 0.6:
        thin = (np.abs(np.arange(TILE) - TILE * 0.78) < TILE * 0.035).astype(np.float32)
        tile[..., 1] = 0.8 * np.maximum(thin[:, None], thin[None, :])
    return tile, 1.2


def _dotted(rng: np.random.Generator) -> tuple[Floats, float]:
    tile = _blank()
    radius = int(TILE * rng.uniform(0.13, 0.2))
    ink = np.zeros((TILE, TILE), np.float32)
    for x, y in ((0, 0), (0, TILE), (TILE, 0), (TILE, TILE), (TILE // 2, TILE // 2)):
        cv2.circle(ink, (x, y), radius, 1.0, -1, cv2.LINE_AA)
    tile[..., 0] = ink
    return tile, 1.0


def _floral(rng: np.random.Generator) -> tuple[Floats, float]:
    tile = _blank()
    petals, leaves = np.zeros((TILE, TILE), np.float32), np.zeros((TILE, TILE), np.float32)
    for _ in range(int(rng.integers(3, 7))):
        centre = rng.integers(0, TILE, 2)
        size = TILE * rng.uniform(0.07, 0.15)
        for turn in np.arange(5) * (2 * np.pi / 5) + rng.uniform(0, 6):
            tip = centre + size * np.array([np.cos(turn), np.sin(turn)])
            _wrapped_dot(petals, tip, size * 0.62)
        _wrapped_dot(leaves, centre.astype(np.float64), size * 0.5)
        _wrapped_dot(leaves, centre + size * 2.0, size * 0.4)
    tile[..., 0], tile[..., 1] = petals, leaves
    return tile, 2.4


def _wrapped_dot(ink: Floats, centre: np.ndarray, radius: float) -> None:
    for shift_x in (-TILE, 0, TILE):
        for shift_y in (-TILE, 0, TILE):
            x, y = int(centre[0] + shift_x), int(centre[1] + shift_y)
            if -radius < x < TILE + radius and -radius < y < TILE + radius:
                cv2.circle(ink, (x, y), max(1, int(radius)), 1.0, -1, cv2.LINE_AA)


def _camouflage(rng: np.random.Generator) -> tuple[Floats, float]:
    tile = _blank()
    for channel in range(2):
        field = cv2.resize(
            np.tile(rng.random((5, 5)).astype(np.float32), (3, 3)), (3 * TILE, 3 * TILE), interpolation=cv2.INTER_CUBIC
        )
        field = field[TILE : 2 * TILE, TILE : 2 * TILE]
        tile[..., channel] = (field > np.quantile(field, 0.58)).astype(np.float32)
    return tile, 3.5


_SWATCHES: dict[str, Callable[[np.random.Generator], tuple[Floats, float]]] = {
    "striped": _striped,
    "plaid": _plaid,
    "dotted": _dotted,
    "floral": _floral,
    "camouflage": _camouflage,
}


def tiled(tile: Floats, period_m: float, x_m: Floats, y_m: Floats, ppm: float) -> Floats:
    """Look a periodic picture (T, T[, C]) up at surface coordinates (H, W), metres, softened to the resolution."""
    pixels = int(np.clip(period_m * ppm * 1.5, 2, tile.shape[0]))
    small = cv2.resize(tile, (pixels, pixels), interpolation=cv2.INTER_AREA) if pixels < tile.shape[0] else tile
    step = np.float32(pixels / period_m)
    maps_x, maps_y = np.mod(x_m * step, pixels), np.mod(y_m * step, pixels)
    return np.asarray(cv2.remap(small, maps_x, maps_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def print_motif(garment: Garment) -> Floats:
    """Draw the print on a chest: (64, 64, 4) float32, sRGB and coverage 0..1; letters, a badge, a shape."""
    rng = np.random.default_rng((garment.pattern_seed, 0x9217))
    colour = np.array(garment.second.rgb, np.float32)
    other = np.clip(1.0 - colour + rng.normal(0, 0.2, 3), 0.05, 0.95).astype(np.float32)
    motif = np.zeros((64, 64, 4), np.float32)
    motif[..., :3] = colour
    ink = np.zeros((64, 64), np.float32)
    _MOTIFS[int(rng.integers(len(_MOTIFS)))](rng, ink)
    motif[..., 3] = ink
    if rng.random() < 0.6:
        accent = np.zeros((64, 64), np.float32)
        _MOTIFS[int(rng.integers(len(_MOTIFS)))](rng, accent)
        accent = accent * (ink if rng.random() < 0.7 else 1.0)
        motif[..., :3] += accent[..., None] * (other - motif[..., :3])
        motif[..., 3] = np.maximum(ink, accent)
    return motif


def _letters(rng: np.random.Generator, ink: Floats) -> None:
    rows = int(rng.integers(1, 4))
    height = 64 // rows
    for row in range(rows):
        top, x = row * height + height // 6, int(rng.integers(0, 8))
        bottom = top + int(height * 0.66)
        while x < 56:
            width = int(rng.integers(5, 13))
            thick = max(2, width // 4)
            cv2.line(ink, (x, top), (x + int(rng.integers(-2, 3)), bottom), 1.0, thick, cv2.LINE_AA)
            y = (top, bottom, (top + bottom) // 2)[int(rng.integers(3))]
            cv2.line(ink, (x, y), (x + width - 3, y), 1.0, thick, cv2.LINE_AA)
            if rng.random() < 0.5:
                cv2.line(ink, (x + width - 3, top), (x + width - 3, bottom), 1.0, thick, cv2.LINE_AA)
            x += width + 3


def _block(rng: np.random.Generator, ink: Floats) -> None:
    x, y = (int(v) for v in rng.integers(0, 16, 2))
    cv2.rectangle(ink, (x, y), (63 - x, 63 - y), 1.0, -1)
    if rng.random() < 0.5:
        cv2.circle(ink, (32, 32), int(rng.integers(8, 16)), 0.0, -1, cv2.LINE_AA)


def _disc(rng: np.random.Generator, ink: Floats) -> None:
    thickness = -1 if rng.random() < 0.6 else int(rng.integers(5, 11))
    cv2.ellipse(
        ink, (32, 32), (int(rng.integers(18, 28)), int(rng.integers(18, 28))), 0, 0, 360, 1.0, thickness, cv2.LINE_AA
    )


def _creature(rng: np.random.Generator, ink: Floats) -> None:
    count = int(rng.integers(6, 12))
    turn = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(12, 31, count)
    points = np.stack([32 + radius * np.cos(turn), 32 + radius * np.sin(turn)], 1).astype(np.int32)
    cv2.fillPoly(ink, [points], 1.0, cv2.LINE_AA)
    for _ in range(3):
        cv2.circle(ink, tuple(int(v) for v in rng.integers(18, 46, 2)), int(rng.integers(2, 5)), 0.0, -1, cv2.LINE_AA)


def _band(rng: np.random.Generator, ink: Floats) -> None:
    tilt = int(rng.integers(-20, 21))
    cv2.line(ink, (0, 32 + tilt), (63, 32 - tilt), 1.0, int(rng.integers(10, 24)), cv2.LINE_AA)


_MOTIFS: tuple[Callable[[np.random.Generator, Floats], None], ...] = (
    _letters,
    _block,
    _disc,
    _creature,
    _letters,
    _band,
)


def _fold_tile() -> Floats:
    """One seamless tile (T, T) of crumpled cloth, about -1..1: ridges, seen under light from the upper left."""
    rng = np.random.default_rng(0xF01D)
    height = np.zeros((FOLD_TILE, FOLD_TILE), np.float32)
    for cells, weight in ((3, 1.0), (7, 0.5), (15, 0.18)):
        noise = np.tile(rng.standard_normal((cells, cells)).astype(np.float32), (3, 3))
        wide = cv2.resize(noise, (3 * FOLD_TILE, 3 * FOLD_TILE), interpolation=cv2.INTER_CUBIC)
        height += weight * np.abs(wide[FOLD_TILE : 2 * FOLD_TILE, FOLD_TILE : 2 * FOLD_TILE])
    relief = height - np.roll(height, (5, 4), (0, 1))
    relief = np.asarray(relief / relief.std(), np.float32)
    return np.asarray(np.tanh(0.6 * relief), np.float32)


_FOLDS = _fold_tile()


def folds(x_m: Floats, y_m: Floats, ppm: float, offset: tuple[float, float], stretch: tuple[float, float]) -> Floats:
    """Return cloth folds (H, W), about -1..1, stretched by (x, y) along the surface."""
    return tiled(_FOLDS, FOLD_METRES, x_m / stretch[0] + offset[0], y_m / stretch[1] + offset[1], ppm)
