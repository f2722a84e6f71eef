"""Infrared frames of synthetic people: near infrared under the camera's own lamp, or thermal."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.people.background import draw_background
from aio_reid.people.camera import Camera, compressed
from aio_reid.people.canvas import Part
from aio_reid.people.figure import Layers
from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Identity
from aio_reid.people.photo import Placement, overlap, picture_view, place_figure

PLANT_NIR = 0.62


def render_infrared(
    identity: Identity,
    camera: Camera,
    rng: np.random.Generator,
    size: tuple[int, int] = (256, 128),
    *,
    thermal: bool = False,
) -> NDArray[np.uint8]:
    """Take an infrared frame of a person: uint8 (H, W, 3) with three equal channels.

    Near infrared shows reflectance at 850 nm under a lamp beside the lens, not the grey of the colours; `thermal` shows
    warmth.
    """
    view = picture_view(camera, rng)
    layers, place = place_figure(identity, view, size, rng)
    light = _thermal(layers, place, camera, size, rng) if thermal else _near(layers, place, camera, size, rng)
    frame = _sensor(light, camera, rng, thermal=thermal)
    return np.repeat(frame[..., None], 3, axis=2)


def _near(layers: Layers, place: Placement, camera: Camera, size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return the light (H, W) that comes back from person and scene."""
    scene, plants = draw_background(camera, size, rng)
    grey = scene @ np.array([0.4, 0.35, 0.25], np.float32)
    back = (0.25 + 0.45 * grey) * (1.0 - plants) + (PLANT_NIR + 0.5 * (grey - 0.3)) * plants
    back *= float(rng.uniform(0.2, 1.0))
    facing = np.sqrt(np.clip(1.0 - layers.normal[..., 0] ** 2, 0.0, 1.0))
    front = layers.nir * np.clip(layers.shade, 0.0, 1.2) * (0.55 + 0.5 * facing)
    front = front * float(rng.uniform(0.95, 1.35))
    front = _glints(front, layers, rng)
    _lay(back, front, layers.alpha, place)
    return np.asarray(back * _lamp(size, rng), np.float32)


def _glints(front: Floats, layers: Layers, rng: np.random.Generator) -> Floats:
    """Light up retro-reflecting things: shoe and bag trims now and then."""
    if rng.random() < 0.25:
        trims = (layers.part == int(Part.SHOES)) & (layers.ink > 0.35)
        front = np.where(trims, 1.4, front)
    if rng.random() < 0.2:
        trims = (layers.part == int(Part.BAG)) & (layers.ink > 0.6)
        front = np.where(trims, 1.2, front)
    return np.asarray(front, np.float32)


def _lamp(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return the lamp's cone (H, W): brightest somewhere near the middle, falling off towards the border."""
    height, width = size
    y = (np.linspace(-1.0, 1.0, height, dtype=np.float32) - np.float32(rng.normal(-0.1, 0.25)))[:, None]
    x = (np.linspace(-0.5, 0.5, width, dtype=np.float32) - np.float32(rng.normal(0.0, 0.2)))[None, :]
    spread = np.float32(rng.uniform(0.8, 2.2))
    return np.asarray(float(rng.uniform(0.55, 1.15)) * np.exp(-(x * x + y * y) / (spread * spread)), np.float32)


def _thermal(
    layers: Layers, place: Placement, camera: Camera, size: tuple[int, int], rng: np.random.Generator
) -> Floats:
    scene, plants = draw_background(camera, size, rng)
    grey = scene @ np.array([0.33, 0.34, 0.33], np.float32)
    street = float(rng.uniform(0.05, 0.35))
    back = street + 0.14 * (grey - 0.5) - 0.05 * plants
    front = street + (0.95 - street) * layers.warmth * (0.85 + 0.15 * np.clip(layers.shade, 0.0, 1.1))
    _lay(back, front, layers.alpha, place)
    return np.asarray(cv2.GaussianBlur(back, (0, 0), size[0] / 256.0 * float(rng.uniform(1.5, 3.0))), np.float32)


def _lay(back: Floats, front: Floats, alpha: Floats, place: Placement) -> None:
    window = overlap(back.shape, alpha.shape, place.x, place.y)
    if window is None:
        return
    on_back, on_figure = window
    below = back[on_back]
    below += alpha[on_figure] * (front[on_figure] - below)


def _sensor(frame: Floats, camera: Camera, rng: np.random.Generator, *, thermal: bool) -> NDArray[np.uint8]:
    """Bloom, blur, coarsen, add noise, stretch and compress: (H, W) light to uint8 (H, W)."""
    height, width = frame.shape
    if not thermal:  # automatic gain, never quite enough
        frame = frame * float(np.clip((0.38 / max(float(frame.mean()), 0.02)) ** 0.6, 0.6, 2.2))
    bloom = cv2.GaussianBlur(np.clip(frame - 0.75, 0.0, 1.0), (0, 0), 4.0)
    seen = cv2.GaussianBlur(frame + 0.6 * bloom, (0, 0), 0.4 + 0.8 * camera.blur_px * height / 256.0)
    lines = int(min(camera.lines, 220) * rng.uniform(0.6, 1.1))
    if lines < 0.9 * height:
        seen = cv2.resize(seen, (max(24, lines * width // height), lines), interpolation=cv2.INTER_AREA)
    noise = 0.010 + 0.8 * camera.noise + (0.0 if thermal else 0.008)
    seen = seen + np.float32(noise) * rng.standard_normal(seen.shape, np.float32)
    contrast = float(np.clip(rng.normal(0.95, 0.15), 0.55, 1.35))
    seen = 0.42 + contrast * (seen - 0.42) + float(rng.normal(0.02, 0.05))
    grey = np.asarray(cv2.convertScaleAbs(np.clip(seen, 0.0, 1.0), alpha=255.0), np.uint8)
    grey = compressed(grey, int(np.clip(camera.jpeg_quality, 40, 95)))
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
