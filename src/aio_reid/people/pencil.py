"""Colour pencil drawings: coloured hatching through which the paper shows, with dark contours."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.people.artists import artist_hand
from aio_reid.people.canvas import Part
from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Identity
from aio_reid.people.page import Page, lay_out
from aio_reid.people.sketch import drawn_lines, relief, shading
from aio_reid.people.strokes import grain


def render_pencil(
    identity: Identity, artist: int, rng: np.random.Generator, size: tuple[int, int] = (256, 128)
) -> NDArray[np.uint8]:
    """Draw a person in colour pencil: uint8 (H, W, 3), on white. Arguments as in `render_sketch`."""
    hand = artist_hand(artist, rng)
    manner = "soft" if rng.random() < 0.3 else hand.shading
    hand = replace(hand, tone=float(np.clip(0.75 + 0.3 * hand.tone, 0.0, 1.0)), shading=manner)
    page = lay_out(identity, hand, rng, (2 * size[0], 2 * size[1]))
    cover = np.maximum(shading(_pressure(page, rng), page, hand, rng), 0.35 * rng.random() * page.alpha)
    lines = drawn_lines(page, hand, rng)
    lead = np.clip(_leads(page, rng), 0.0, 1.0)
    contour = np.array([0.16, 0.13, 0.12], np.float32) * np.float32(rng.uniform(0.3, 1.6))
    paper = 1.0 - cover[..., None] * (1.0 - lead)  # (H, W, 3)
    drawn = paper + (lines * np.float32(0.9))[..., None] * (contour - paper)
    small = cv2.resize(drawn, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    white = np.array([1.0, 1.0, 1.0]) * rng.uniform(0.95, 1.0) - np.array([0.0, 0.005, 0.02]) * rng.random()
    noise = 0.004 * grain(size, rng)[..., None]
    return np.asarray(np.clip(np.round((small * white + noise) * 255.0), 0, 255), np.uint8)


def _pressure(page: Page, rng: np.random.Generator) -> Floats:
    """Return how hard the pencil is pressed (H, W), 0..1: more for full and dark colours, little for white and skin."""
    strongest = 1.0 - np.minimum(
        page.albedo[..., 0], np.minimum(page.albedo[..., 1], page.albedo[..., 2])
    )  # white needs no pencil
    gain = rng.uniform(0.85, 1.15, len(Part)).astype(np.float32)
    gain[[Part.SKIN, Part.FACE]] *= 0.75
    tone = np.clip(1.25 * strongest - 0.05, 0.0, 1.0) * gain[page.part]
    return np.asarray(np.clip(tone + 0.6 * relief(page), 0.0, 1.0) * page.alpha, np.float32)


def _leads(page: Page, rng: np.random.Generator) -> Floats:
    """Return the colour of the pencil used at each place (H, W, 3): purer than the cloth."""
    mean = cv2.transform(page.albedo, np.full((1, 3), 1.0 / 3.0))[..., None]
    purer = mean + (page.albedo - mean) * np.float32(rng.uniform(1.0, 1.35))
    return np.asarray(
        purer * (0.75 + 0.3 * np.clip(page.shade, 0.0, 1.0))[..., None] + rng.normal(0.0, 0.015, 3), np.float32
    )
