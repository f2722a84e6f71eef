"""Colour photos of synthetic people, as a security camera and a detector would cut them out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.people.background import draw_background
from aio_reid.people.camera import Camera, expose, record
from aio_reid.people.figure import Layers, View, draw_figure, random_view
from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Identity, random_identity

# Reflected light to sRGB: shading that is proportional to light acts on sRGB values with this exponent.
SRGB_EXPONENT = 0.4545


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a figure's canvas goes on the picture: its left upper corner, and the height of the body, in pixels."""

    x: int
    y: int
    body_height: int


def render_photo(
    identity: Identity, camera: Camera, rng: np.random.Generator, size: tuple[int, int] = (256, 128)
) -> NDArray[np.uint8]:
    """Take a colour photo of a person: uint8 (H, W, 3), RGB; the same arguments give the same bytes."""
    view = picture_view(camera, rng)
    light = photo_light(camera, rng)
    image, _ = draw_background(camera, size, rng)
    image *= _ground_level(camera)
    if rng.random() < 0.10 + 0.22 * camera.clutter:
        _add_bystander(image, camera, light, rng)
    layers, place = place_figure(identity, view, size, rng)
    cast_shadow(image, layers, place, camera, light)
    lit = light_figure(layers, light, camera.sun)
    compose(image, lit, layers.alpha, place)
    occlude(image, rng)
    _vignette(image, camera, rng)
    _dapple(image, camera, rng)
    return record(expose(image, camera, rng), camera, rng)


def picture_view(camera: Camera, rng: np.random.Generator) -> View:
    """Draw the view of one picture of a camera; most people walk along the camera's usual path, some do not."""
    azimuth = camera.azimuth_deg
    if azimuth is not None and rng.random() < 0.25:
        azimuth = float(rng.uniform(0.0, 360.0))
    view = random_view(rng, azimuth_deg=azimuth, pitch_deg=camera.pitch_deg)
    return replace(view, distance_m=camera.distance_m * float(rng.uniform(0.8, 1.25)))


def photo_light(camera: Camera, rng: np.random.Generator) -> Floats:
    """Return the direction to the main light (3,): right, up, towards the camera."""
    turn = np.radians(camera.light_deg + rng.normal(0.0, 15.0))
    up = camera.light_height
    level = np.sqrt(max(1e-3, 1.0 - up * up))
    return np.array([level * np.sin(turn), up, level * np.cos(turn)], np.float32)


def place_figure(
    identity: Identity, view: View, size: tuple[int, int], rng: np.random.Generator
) -> tuple[Layers, Placement]:
    """Draw a person and place them as an imprecise detector would cut them out: shifted, scaled, sometimes cut off."""
    height, width = size
    share = float(np.clip(rng.normal(0.92, 0.05), 0.74, 1.12))
    cut = rng.random()
    if cut < 0.06:
        share *= float(rng.uniform(1.05, 1.35))
    body_height = int(share * height)
    layers = draw_figure(identity, view, body_height, rng, fit_body=True, outlines=False)
    left, top, right, bottom = layers.body
    middle = width / 2.0 + rng.normal(0.0, 0.045) * width
    slack = height - (bottom - top)
    head_room = slack * rng.uniform(0.2, 0.8) if cut >= 0.06 else (slack * 0.1 if cut < 0.045 else slack * 0.95)
    x = round(middle - (left + right) / 2.0)
    y = round(head_room - top + rng.normal(0.0, 0.012) * height)
    return layers, Placement(x, y, body_height)


def light_figure(layers: Layers, light: Floats, sun: float) -> Floats:
    """Return the figure (H, W, 3) sRGB under even light and a main light of strength `sun`."""
    right = layers.normal[..., 0]
    toward = np.sqrt(np.clip(1.0 - right * right, 0.0, 1.0))
    direct = np.clip(light[0] * right + light[2] * toward + 0.35 * light[1], 0.0, 1.3)
    power = (1.0 - 0.55 * sun) + np.float32(sun) * (1.05 * direct - 0.2)
    lit = cv2.pow(np.clip(layers.shade * power, 0.02, 2.0), SRGB_EXPONENT * 1.35)
    gloss = 0.05 * lit * lit  # even black cloth sends some of the light back as it is
    return np.asarray(layers.albedo * (lit - 0.5 * gloss)[..., None] + gloss[..., None], np.float32)


def compose(image: Floats, lit: Floats, alpha: Floats, place: Placement) -> None:
    """Lay a figure over the picture, in place."""
    window = overlap(image.shape[:2], alpha.shape, place.x, place.y)
    if window is None:
        return
    on_image, on_figure = window
    below = image[on_image]
    below += alpha[on_figure][..., None] * (lit[on_figure] - below)


def overlap(
    image_hw: tuple[int, ...], figure_hw: tuple[int, ...], x: int, y: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Return the common rows and columns of a picture and of a figure laid at (x, y), on each; None without any."""
    y0, x0 = max(y, 0), max(x, 0)
    y1, x1 = min(y + figure_hw[0], image_hw[0]), min(x + figure_hw[1], image_hw[1])
    if y1 <= y0 or x1 <= x0:
        return None
    return (slice(y0, y1), slice(x0, x1)), (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))


def cast_shadow(image: Floats, layers: Layers, place: Placement, camera: Camera, light: Floats) -> None:
    """Darken the ground by the figure's shadow, in place: away from the light, harder the stronger the sun."""
    height, width = image.shape[:2]
    feet = place.y + layers.body[3] - 0.02 * place.body_height
    middle = place.x + (layers.body[0] + layers.body[2]) / 2.0
    small = cv2.resize(layers.alpha, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    reach = 0.22 + 0.5 * (1.0 - float(light[1]))
    slope = 0.12 + camera.pitch_deg / 60.0
    along_x, along_y = -float(light[0]) * reach, float(light[2]) * reach * slope + 0.02
    centre, base = (layers.body[0] + layers.body[2]) / 2.0, layers.body[3]
    # A body point `d` above the feet lands at middle + along_x d, feet - along_y d (small picture is 1/4).
    to_image = np.array(
        [[4.0, -4.0 * along_x, middle - centre + along_x * base], [0.0, -4.0 * -along_y, feet - along_y * base]],
        np.float32,
    )
    to_image[:, 2] *= 0.5
    to_image[:, :2] *= 0.5
    dark = cv2.warpAffine(small, to_image, (width // 2, height // 2), flags=cv2.INTER_LINEAR)
    dark = cv2.GaussianBlur(dark, (0, 0), 1.0 + 3.0 * (1.0 - camera.sun))
    contact = np.zeros_like(dark)
    axes = (max(2, int(0.06 * place.body_height)), max(1, int(0.018 * place.body_height)))
    cv2.ellipse(contact, (int(middle / 2), int(feet / 2)), axes, 0, 0, 360, 1.0, -1)
    dark = 0.55 * camera.sun * dark + 0.32 * cv2.GaussianBlur(contact, (0, 0), 3.0)
    image *= 1.0 - np.clip(cv2.resize(dark, (width, height)), 0.0, 0.75)[..., None]


def _ground_level(camera: Camera) -> np.float32:
    return np.float32(1.0 - 0.12 * camera.sun)


def _add_bystander(image: Floats, camera: Camera, light: Floats, rng: np.random.Generator) -> None:
    """Put somebody else behind the person, farther away or half out of the picture."""
    height, width = image.shape[:2]
    other = random_identity(int(rng.integers(2**31)))
    body_height = int(height * rng.uniform(0.35, 0.95))
    layers = draw_figure(other, picture_view(camera, rng), body_height, rng, fit_body=True, outlines=False)
    side = 1.0 if rng.random() < 0.5 else 0.0
    x = int(side * width + rng.normal(0.0, 0.16) * width - layers.alpha.shape[1] / 2.0)
    y = int(height * rng.uniform(0.0, 0.5) - 0.35 * (body_height - 0.5 * height))
    place = Placement(x, min(y, height - body_height // 2), body_height)
    cast_shadow(image, layers, place, camera, light)
    compose(image, light_figure(layers, light, camera.sun), layers.alpha, place)


def occlude(image: Floats, rng: np.random.Generator) -> None:
    """Put something before the person now and then: a pole, a box, a rail, a hedge, in place."""
    if rng.random() > 0.12:
        return
    height, width = image.shape[:2]
    colour = np.clip(rng.uniform(0.05, 0.85) + rng.normal(0.0, 0.08, 3), 0.0, 1.0).astype(np.float32)
    kind = int(rng.integers(4))
    if kind == 0:
        x, thick = int(rng.uniform(0.0, 1.0) * width), int(rng.uniform(0.03, 0.14) * width)
        region = image[:, max(0, x) : x + thick]
    elif kind == 1:
        region = image[int(height * rng.uniform(0.6, 0.92)) :]
    elif kind == 2:
        edge = int(width * rng.uniform(0.08, 0.3))
        top = int(height * rng.uniform(0.0, 0.6))
        region = image[top:, :edge] if rng.random() < 0.5 else image[top:, width - edge :]
    else:
        y = int(height * rng.uniform(0.4, 0.9))
        region = image[y : y + int(height * rng.uniform(0.02, 0.05))]
    if region.size:
        region[:] = colour * (1.0 + 0.05 * rng.standard_normal((*region.shape[:2], 1), np.float32))


def _vignette(image: Floats, camera: Camera, rng: np.random.Generator) -> None:
    """Darken one side a little: the crop is a piece of a wide picture that is darker at its border."""
    if camera.vignette < 0.03:
        return
    height, width = image.shape[:2]
    x, y = rng.uniform(-1.0, 1.0, 2) * camera.vignette * 0.7
    ramp = (
        1.0
        + x * np.linspace(-0.5, 0.5, width, dtype=np.float32)
        + y * np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    )
    image *= np.asarray(ramp - 0.3 * camera.vignette * abs(x + y), np.float32)[..., None]


def _dapple(image: Floats, camera: Camera, rng: np.random.Generator) -> None:
    """Let the shadow of trees or roofs fall over the scene on sunny days, in place."""
    if camera.sun < 0.3 or rng.random() > 0.3:
        return
    height, width = image.shape[:2]
    cells = int(rng.integers(2, 9))
    field = cv2.resize(
        rng.standard_normal((2 * cells, cells), np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    shadow = np.clip(field * 1.4 + float(rng.uniform(-1.0, 0.5)), 0.0, 1.0)
    image *= 1.0 - np.float32(0.55 * camera.sun) * shadow[..., None]
