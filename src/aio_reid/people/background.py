"""What stands behind people: streets, walls, floors, greenery, clutter; one scene per camera, seen in other pieces."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from aio_reid.people.camera import Camera
from aio_reid.people.geometry import Floats

RGBTuple = tuple[float, float, float]

_GREENS: tuple[RGBTuple, ...] = ((0.16, 0.30, 0.10), (0.25, 0.38, 0.14), (0.33, 0.44, 0.20), (0.12, 0.22, 0.09))
_GREYS: tuple[RGBTuple, ...] = (
    (0.55, 0.55, 0.54),
    (0.68, 0.66, 0.62),
    (0.42, 0.43, 0.45),
    (0.75, 0.74, 0.72),
    (0.60, 0.55, 0.48),
)
_WALLS: tuple[RGBTuple, ...] = (
    (0.80, 0.77, 0.70),
    (0.62, 0.42, 0.34),
    (0.86, 0.86, 0.84),
    (0.48, 0.50, 0.54),
    (0.70, 0.62, 0.50),
)


def draw_background(camera: Camera, size: tuple[int, int], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw what a camera sees behind a person.

    Returns:
        (H, W, 3) float32 sRGB, and (H, W) float32 how much of it is living plants, which shine in near infrared.
    """
    height, width = size[0] // 2, size[1] // 2
    scene_rng = np.random.default_rng((camera.seed, 0x5CE2))
    image = np.empty((height, width, 3), np.float32)
    plants = np.zeros((height, width), np.float32)
    horizon = _horizon(camera, height, rng)
    palette = _palette(scene_rng)
    _fill_back(image, plants, camera, horizon, palette, rng)
    _fill_ground(image, plants, camera, horizon, palette, rng)
    for _ in range(int(rng.poisson(3.5 * camera.clutter))):
        _CLUTTER[int(rng.integers(len(_CLUTTER)))](image, plants, horizon, rng)
    image *= 1.0 + 0.10 * _smooth_noise((height, width), 5, rng)[..., None]
    blur = float(rng.uniform(0.3, 1.6))
    full = (size[1], size[0])
    wide, leafy = (cv2.resize(cv2.GaussianBlur(layer, (0, 0), blur), full) for layer in (image, plants))
    return np.clip(wide, 0.0, 1.0), np.clip(leafy, 0.0, 1.0)


def _palette(scene_rng: np.random.Generator) -> dict[str, Floats]:
    """Pick the colours that a camera always sees."""

    def pick(colours: tuple[RGBTuple, ...]) -> Floats:
        base = np.array(colours[int(scene_rng.integers(len(colours)))], np.float32)
        return np.clip(base * scene_rng.uniform(0.75, 1.2) + scene_rng.normal(0.0, 0.014, 3), 0.03, 0.97).astype(
            np.float32
        )

    return {"ground": pick(_GREYS), "wall": pick(_WALLS), "green": pick(_GREENS), "second": pick(_GREYS)}


def _horizon(camera: Camera, height: int, rng: np.random.Generator) -> int:
    """Return the row where ground begins: high up when the camera looks down."""
    share = 0.62 - camera.pitch_deg / 28.0 + rng.normal(0.0, 0.05)
    row = int(np.clip(share, 0.0, 0.85) * height)
    return row if row > 1 else 0  # a single row of wall is no wall: the ground fills the picture


def _smooth_noise(shape: tuple[int, int], cells: int, rng: np.random.Generator) -> Floats:
    coarse = rng.standard_normal((max(2, 2 * cells), max(2, cells)), np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def _grain(shape: tuple[int, int], amount: float, rng: np.random.Generator) -> Floats:
    return rng.standard_normal(shape, np.float32)[..., None] * np.float32(amount)


def _fill_back(
    image: Floats, plants: Floats, camera: Camera, horizon: int, palette: dict[str, Floats], rng: np.random.Generator
) -> None:
    if horizon == 0:
        return
    region = image[:horizon]
    shape = region.shape[:2]
    kind = camera.scene
    if kind in ("grass", "pavement") and rng.random() < 0.75:
        leaves = _smooth_noise(shape, 14, rng)
        region[:] = palette["green"] * (1.0 + 0.45 * leaves)[..., None] + _grain(shape, 0.05, rng)
        plants[:horizon] = 1.0
        return
    region[:] = palette["wall"]
    region += 0.02 * _smooth_noise(shape, 6, rng)[..., None] + _grain(shape, 0.012, rng)
    if kind in ("shops", "indoor", "road"):
        _windows(region, kind, rng)
    elif rng.random() < 0.6:
        _bricks(region, rng)


def _windows(region: Floats, kind: str, rng: np.random.Generator) -> None:
    height, width = region.shape[:2]
    for _ in range(int(rng.integers(2, 6))):
        x, y = int(rng.integers(-10, width)), int(rng.integers(-5, max(1, height // 2)))
        w, h = int(rng.integers(8, 36)), int(rng.integers(12, max(14, height)))
        level = rng.uniform(0.1, 0.95) if kind == "shops" else rng.uniform(0.15, 0.6)
        colour = np.clip(level + rng.normal(0.0, 0.045, 3), 0.02, 0.98)
        cv2.rectangle(region, (x, y), (x + w, y + h), tuple(float(c) for c in colour), -1)
        frame = tuple(float(c) for c in np.clip(colour * rng.uniform(0.3, 1.6), 0.0, 1.0))
        cv2.rectangle(region, (x, y), (x + w, y + h), frame, 1)


def _bricks(region: Floats, rng: np.random.Generator) -> None:
    step = int(rng.integers(5, 14))
    tint = float(rng.uniform(0.75, 0.95))
    region[int(rng.integers(step)) :: step] *= tint
    if rng.random() < 0.6:
        region[:, int(rng.integers(step)) :: 2 * step] *= tint


def _fill_ground(
    image: Floats, plants: Floats, camera: Camera, horizon: int, palette: dict[str, Floats], rng: np.random.Generator
) -> None:
    top = max(horizon, 0)
    region = image[top:]
    shape = region.shape[:2]
    colour = palette["green"] * 1.15 if camera.scene == "grass" else palette["ground"]
    region[:] = colour
    region += 0.05 * _smooth_noise(shape, 4, rng)[..., None] + _grain(shape, 0.028, rng)
    if camera.scene == "grass":
        plants[top:] = 0.9
    if camera.scene in ("tiles", "indoor", "pavement"):
        _tile_lines(region, rng)
    for _ in range(int(rng.integers(0, 3))):
        _stripe(region, palette["second"] if rng.random() < 0.6 else palette["ground"] * 1.25, rng)
    if camera.scene in ("pavement", "road") and rng.random() < 0.4:
        _verge(region, plants[top:], palette["green"], rng)


def _tile_lines(region: Floats, rng: np.random.Generator) -> None:
    height, width = region.shape[:2]
    tint = float(rng.uniform(0.8, 0.97))
    y = float(rng.uniform(2, 8))
    step = float(rng.uniform(6, 16))
    while y < height:
        region[int(y)] *= tint
        y += step * (0.5 + y / max(height, 1))
    vanish = (float(rng.uniform(-1, 2) * width), float(-height * rng.uniform(0.5, 3.0)))
    shade = np.ones((height, width), np.float32)
    for x in np.arange(-2 * width, 3 * width, rng.uniform(14, 30)):
        cv2.line(shade, (int(vanish[0]), int(vanish[1])), (int(x), height), tint, 1, cv2.LINE_AA)
    region *= shade[..., None]


def _stripe(region: Floats, colour: Floats, rng: np.random.Generator) -> None:
    """A kerb, a painted line, a shadow's edge: a slanting band across the ground."""
    height, width = region.shape[:2]
    y0, y1 = (int(v) for v in rng.uniform(-0.3 * height, 1.3 * height, 2))
    thick = int(np.exp(rng.uniform(0.5, 3.6)))
    cv2.line(region, (-5, y0), (width + 5, y1), tuple(float(c) for c in np.clip(colour, 0, 1)), thick, cv2.LINE_AA)


def _verge(region: Floats, plants: Floats, green: Floats, rng: np.random.Generator) -> None:
    """Greenery along one side."""
    height, width = region.shape[:2]
    left = rng.random() < 0.5
    x0, x1 = (int(v) for v in rng.uniform(0.05, 0.6, 2) * width)
    polygon = np.array([[0, 0], [x0, 0], [x1, height], [0, height]])
    if not left:
        polygon[:, 0] = width - polygon[:, 0]
    mask = np.zeros((height, width), np.float32)
    cv2.fillPoly(mask, [polygon], 1.0)
    leaves = green * (1.0 + 0.4 * _smooth_noise((height, width), 12, rng))[..., None] + _grain(
        (height, width), 0.05, rng
    )
    region += mask[..., None] * (leaves - region)
    np.maximum(plants, mask, out=plants)


def _random_colour(rng: np.random.Generator) -> tuple[float, float, float]:
    base = rng.uniform(0.05, 0.9)
    colour = np.clip(base + rng.normal(0.0, 0.05 if rng.random() < 0.7 else 0.16, 3), 0.02, 0.98)
    return float(colour[0]), float(colour[1]), float(colour[2])


def _box(image: Floats, plants: Floats, horizon: int, rng: np.random.Generator) -> None:
    width = image.shape[1]
    x, y = int(rng.integers(-15, width)), int(max(horizon, 0) + rng.integers(-30, 20))
    w, h = int(rng.integers(6, 45)), int(rng.integers(8, 50))
    colour = _random_colour(rng)
    cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
    cv2.rectangle(image, (x, y), (x + w, y + max(1, h // 4)), tuple(min(1.0, 1.25 * c) for c in colour), -1)
    cv2.rectangle(plants, (x, y), (x + w, y + h), 0.0, -1)


def _car(image: Floats, plants: Floats, horizon: int, rng: np.random.Generator) -> None:
    x, y = int(rng.integers(-40, image.shape[1])), int(max(horizon, 0) + rng.integers(-12, 14))
    w, h = int(rng.integers(40, 80)), int(rng.integers(14, 26))
    colour = _random_colour(rng)
    cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
    roof = np.array([[x + w // 6, y], [x + w // 3, y - h // 2], [x + 3 * w // 4, y - h // 2], [x + 7 * w // 8, y]])
    cv2.fillPoly(image, [roof], (0.15, 0.17, 0.2), cv2.LINE_AA)
    for wheel in (x + w // 5, x + 4 * w // 5):
        cv2.circle(image, (wheel, y + h), h // 3, (0.06, 0.06, 0.06), -1, cv2.LINE_AA)
    cv2.rectangle(plants, (x, y - h // 2), (x + w, y + h), 0.0, -1)


def _pole(image: Floats, plants: Floats, horizon: int, rng: np.random.Generator) -> None:
    x, bottom = int(rng.integers(0, image.shape[1])), int(max(horizon, 0) + rng.integers(0, 30))
    cv2.line(image, (x, -2), (x, bottom), _random_colour(rng), int(rng.integers(1, 5)), cv2.LINE_AA)


def _bush(image: Floats, plants: Floats, horizon: int, rng: np.random.Generator) -> None:
    height, width = image.shape[:2]
    centre = (int(rng.integers(0, width)), int(max(horizon, 0) + rng.integers(-20, 10)))
    axes = (int(rng.integers(8, 26)), int(rng.integers(8, 28)))
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    green = np.array(_GREENS[int(rng.integers(len(_GREENS)))], np.float32)
    leaves = green * (1.0 + 0.5 * _smooth_noise((height, width), 16, rng))[..., None]
    image += mask[..., None] * (leaves - image)
    np.maximum(plants, mask, out=plants)


def _patch(image: Floats, plants: Floats, horizon: int, rng: np.random.Generator) -> None:
    """A lamp's pool, a stain or a shadow on the ground."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    centre = (int(rng.integers(0, width)), int(rng.integers(max(horizon, 0), height)))
    cv2.ellipse(mask, centre, (int(rng.integers(8, 50)), int(rng.integers(4, 22))), 0, 0, 360, 1.0, -1)
    image *= 1.0 + float(rng.uniform(-0.4, 0.3)) * cv2.GaussianBlur(mask, (0, 0), 2.0)[..., None]


_CLUTTER: tuple[Callable[[Floats, Floats, int, np.random.Generator], None], ...] = (
    _box,
    _car,
    _pole,
    _bush,
    _patch,
    _box,
)
