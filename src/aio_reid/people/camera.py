"""What a camera does to all of its pictures: where it hangs, its light, its colours, its sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.people.geometry import Floats

SCENES = ("pavement", "road", "grass", "tiles", "indoor", "wall", "shops")


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera of a network.

    Attributes:
        seed: of everything about its scene. scene: one of `SCENES`. clutter: 0 empty to 1 crowded background.
        pitch_deg, distance_m: how it looks at people. azimuth_deg: usual direction of people, or None for any.
        light_deg: direction of the main light, 0 from the camera, 90 from the right.
        light_height: 0 level to 1 overhead.
        sun: 0 even light to 1 hard sun. light_rgb: its colour. white_balance: gains of red, green, blue.
        exposure: gain. contrast: around 1. gamma: tone curve. saturation: 0 grey to above 1. haze: veil of light.
        vignette: darkening of the scene's border. blur_px: at a height of 256.
        noise: standard deviation of a dark pixel, of 1.
        jpeg_quality: 0..100. lines: height in pixels at which people are recorded before being scaled.
        sharpen: overshoot of the camera's edge enhancement.
    """

    seed: int
    scene: str = "pavement"
    clutter: float = 0.3
    pitch_deg: float = 10.0
    distance_m: float = 8.0
    azimuth_deg: float | None = None
    light_deg: float = 30.0
    light_height: float = 0.6
    sun: float = 0.4
    light_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    exposure: float = 1.0
    contrast: float = 1.0
    gamma: float = 1.0
    saturation: float = 1.0
    haze: float = 0.0
    vignette: float = 0.1
    blur_px: float = 0.6
    noise: float = 0.01
    jpeg_quality: int = 85
    lines: int = 200
    sharpen: float = 0.0


def neutral_camera() -> Camera:
    """Return a camera that changes nothing: even white light, sharp, without noise."""
    return Camera(
        seed=0,
        clutter=0.0,
        pitch_deg=0.0,
        sun=0.0,
        vignette=0.0,
        blur_px=0.0,
        noise=0.0,
        jpeg_quality=98,
        lines=512,
        scene="wall",
    )


def random_camera(seed: int) -> Camera:
    """Draw a camera; the same seed gives the same camera."""
    rng = np.random.default_rng((seed, 0xCA3E))
    warm = rng.normal(0.0, 0.055)
    green = rng.normal(0.0, 0.022)
    lamp = rng.normal(0.0, 0.04)
    return Camera(
        seed=seed,
        scene=SCENES[int(rng.integers(len(SCENES)))],
        clutter=float(rng.uniform(0.0, 1.0)),
        pitch_deg=float(np.clip(rng.gamma(2.2, 6.0), 0.0, 34.0)),
        distance_m=float(rng.uniform(4.5, 16.0)),
        azimuth_deg=None if rng.random() < 0.55 else float(rng.uniform(0.0, 360.0)),
        light_deg=float(rng.uniform(-180.0, 180.0)),
        light_height=float(rng.uniform(0.2, 0.9)),
        sun=float(rng.beta(1.1, 1.6)),
        light_rgb=(float(1.0 + lamp), 1.0, float(1.0 - lamp)),
        white_balance=(float(np.exp(warm)), float(np.exp(green)), float(np.exp(-warm))),
        exposure=float(np.exp(rng.normal(0.0, 0.18))),
        contrast=float(np.clip(rng.normal(1.0, 0.16), 0.6, 1.5)),
        gamma=float(np.exp(rng.normal(0.0, 0.15))),
        saturation=float(np.clip(rng.normal(0.95, 0.18), 0.4, 1.45)),
        haze=float(max(0.0, rng.normal(-0.02, 0.06))),
        vignette=float(rng.uniform(0.0, 0.35)),
        blur_px=float(rng.gamma(2.0, 0.24)),
        noise=float(rng.gamma(1.5, 0.006)),
        jpeg_quality=int(rng.integers(45, 97)),
        lines=int(np.exp(rng.uniform(np.log(95.0), np.log(460.0)))),
        sharpen=float(max(0.0, rng.normal(0.1, 0.35))),
    )


def expose(image: Floats, camera: Camera, rng: np.random.Generator) -> Floats:
    """Apply colours and tones (H, W, 3) sRGB 0..1, with the automatic exposure's variation from picture to picture."""
    gain = camera.exposure * float(np.exp(rng.normal(0.0, 0.06)))
    gains = np.array(camera.white_balance, np.float32) * np.array(camera.light_rgb, np.float32) * np.float32(gain)
    seen = image * gains
    if camera.saturation != 1.0:
        grey = seen @ np.array([0.299, 0.587, 0.114], np.float32)
        seen = grey[..., None] + np.float32(camera.saturation) * (seen - grey[..., None])
    if camera.contrast != 1.0:
        seen = 0.45 + np.float32(camera.contrast) * (seen - 0.45)
    if camera.haze > 0.0:
        seen = camera.haze + (1.0 - camera.haze) * seen
    seen = np.clip(seen, 0.0, 1.0).astype(np.float32)
    return seen if camera.gamma == 1.0 else np.asarray(cv2.pow(seen, camera.gamma), np.float32)


def record(image: Floats, camera: Camera, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blur, coarsen, add noise and compress (H, W, 3) sRGB 0..1; return uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    blur = camera.blur_px * height / 256.0 * float(rng.uniform(0.6, 1.4))
    if blur > 0.25:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float32)
    if camera.blur_px > 0.0 and rng.random() < 0.15:
        image = _motion_blur(image, rng)
    lines = int(camera.lines * rng.uniform(0.75, 1.25))
    small = image
    if lines < height * 0.9:
        shape = (max(24, lines * width // height), lines)
        small = np.asarray(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), np.float32)
    if camera.noise > 0.0:
        small = small + _noise(small, camera.noise, rng)
    if camera.sharpen > 0.05:
        small = small + np.float32(camera.sharpen) * (small - cv2.GaussianBlur(small, (0, 0), 1.1))
    frame = np.asarray(cv2.convertScaleAbs(np.clip(small, 0.0, 1.0), alpha=255.0), np.uint8)
    if camera.jpeg_quality < 97:
        frame = compressed(frame, int(np.clip(camera.jpeg_quality + rng.integers(-8, 9), 20, 96)))
    if frame.shape[:2] != (height, width):
        way = cv2.INTER_CUBIC if camera.seed % 2 else cv2.INTER_LINEAR
        frame = np.asarray(cv2.resize(frame, (width, height), interpolation=way), np.uint8)
    return frame


def compressed(frame: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return a frame (H, W) or (H, W, 3) after JPEG compression."""
    grey = frame.ndim == 2
    data = cv2.imencode(".jpg", frame if grey else frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    seen = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR), np.uint8)
    return seen if grey else np.ascontiguousarray(seen[..., ::-1])


def _noise(image: Floats, level: float, rng: np.random.Generator) -> Floats:
    """Sensor noise: stronger in the dark, partly common to the channels."""
    height, width = image.shape[:2]
    field = rng.standard_normal((height, width, 3), np.float32)
    field += 0.8 * field[..., 1:2]
    return np.asarray(field * (np.float32(level) * (1.15 - 0.6 * image)), np.float32)


def _motion_blur(image: Floats, rng: np.random.Generator) -> Floats:
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    turn = rng.normal(0.0, 0.4)
    middle = (length - 1) / 2.0
    tip = np.array([np.cos(turn), np.sin(turn)]) * middle
    ends = [tuple(round(v) for v in middle + s * tip) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)
