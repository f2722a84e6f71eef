"""Sketches: what an artist draws of a person from memory, dark pencil or ink on white paper, frontal and standing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.people.artists import NUM_ARTISTS, Hand, artist_hand
from aio_reid.people.canvas import Part
from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Identity
from aio_reid.people.page import Page, lay_out
from aio_reid.people.strokes import draw_contours, grain, hatch, soft_noise

__all__ = ["NUM_ARTISTS", "render_sketch"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_BARE = (Part.SKIN, Part.FACE)
# Hatching has a direction of its own on each kind of thing, degrees against the artist's.
_TURN = {Part.LOWER: 22.0, Part.OUTER: -10.0, Part.SHOES: -50.0, Part.BAG: 65.0, Part.HEADWEAR: -25.0}


def render_sketch(
    identity: Identity, artist: int, rng: np.random.Generator, size: tuple[int, int] = (256, 128)
) -> NDArray[np.uint8]:
    """Draw a sketch: uint8 (H, W, 3), three equal channels, dark on white.

    Args:
        artist: 0 <= artist < NUM_ARTISTS, who draws; each has a style.
        size: (height, width) in pixels.
    """
    hand = artist_hand(artist, rng)
    page = lay_out(identity, hand, rng, (2 * size[0], 2 * size[1]))
    tone = remember_tone(page, hand, rng)
    cover = shading(tone, page, hand, rng)
    lines = drawn_lines(page, hand, rng)
    light = (1.0 - 0.92 * lines) * (1.0 - cover)
    small = cv2.resize(light, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    grey = _scanned(np.asarray(small, np.float32), rng)
    return np.repeat(grey[..., None], 3, axis=2)


def remember_tone(page: Page, hand: Hand, rng: np.random.Generator) -> Floats:
    """Return how dark each place is to be drawn (H, W), 0..1: colours only count as tone, and paper white is white."""
    dark = 1.0 - page.albedo @ _LUMA
    gain = rng.uniform(0.6, 1.05, len(Part)).astype(np.float32)
    gain[[*_BARE]] = hand.skin * rng.uniform(0.5, 1.0)
    tone = np.clip((dark - 0.12) * 1.15, 0.0, 1.0) ** np.float32(rng.uniform(0.9, 1.8)) * gain[page.part]
    rim = max(0.0, float(rng.uniform(-0.3, 0.75)))  # many shade the sides and leave the middle light
    tone *= (1.0 - rim) + rim * (0.25 + 1.15 * page.bend * page.bend)
    folds = (
        relief(page) * np.float32(0.5 + 0.7 * hand.tone) * np.where(gain < 0.5, 0.5, 1.0).astype(np.float32)[page.part]
    )
    return np.asarray(np.clip(tone + folds, 0.0, 1.0) * page.alpha, np.float32)


def relief(page: Page) -> Floats:
    """Return what roundness, folds and creases darken (H, W), 0..1."""
    reach = max(3, page.shade.shape[0] // 36) | 1
    local = cv2.blur(page.shade, (reach, reach)) - page.shade
    return np.asarray(np.clip(0.86 - page.shade, 0.0, 0.5) + np.clip(2.2 * local, 0.0, 0.5), np.float32)


def shading(tone: Floats, page: Page, hand: Hand, rng: np.random.Generator) -> Floats:
    """Lay the tone on paper in the artist's manner; coverage (H, W), 0..1."""
    tone = tone * np.float32(hand.tone)
    tooth = grain((tone.shape[0], tone.shape[1]), rng)
    angle, bend, spacing = _strokes_of(page, hand, rng)
    if hand.shading == "soft":
        strokes = hatch(tone, angle, bend, np.float32(0.6) * spacing, rng)
        smudged = 0.72 * cv2.blur(tone, (5, 5)) + 0.35 * cv2.blur(strokes, (3, 3))
        return np.asarray(np.clip(smudged * (0.97 + 0.08 * tooth), 0.0, 0.97), np.float32)
    cover = hatch(tone, angle, bend, spacing, rng)
    if hand.shading == "cross":
        second = np.clip(1.6 * tone - 0.55, 0.0, 1.0)
        cover = np.maximum(cover, hatch(second, angle + np.float32(1.2), bend, np.float32(1.1) * spacing, rng))
    ground = 0.35 * np.clip(tone - 0.12, 0.0, 1.0)  # graphite smears between the lines
    return np.asarray(np.clip(np.maximum(cover * 0.9, ground) * (0.95 + 0.1 * tooth), 0.0, 1.0), np.float32)


def _strokes_of(page: Page, hand: Hand, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return of hatching the direction in radians, its shift in pixels, and pixels between lines, each (H, W)."""
    turn = rng.normal(0.0, 8.0, len(Part))
    for part, degrees in _TURN.items():
        turn[part] += degrees
    turn[Part.HAIR] += 90.0 - hand.angle_deg  # hair falls
    angle = np.radians(hand.angle_deg + turn).astype(np.float32)[page.part]
    height, width = page.part.shape
    spacing = hand.spacing * height
    bend = page.bend * np.float32(hand.bend * 3.0 * spacing)
    if hand.shading == "scribble":
        bend += soft_noise((height, width), 18, rng) * np.float32(0.45 * spacing)
    fine = np.ones(len(Part), np.float32)
    fine[[Part.HAIR, Part.SHOES, Part.ACCESSORY]] = 0.6
    return angle, bend, np.float32(spacing) * fine[page.part]


def drawn_lines(page: Page, hand: Hand, rng: np.random.Generator) -> Floats:
    """Draw contours, seams, faces and the edges of patterns; coverage (H, W), 0..1."""
    height, width = page.alpha.shape
    contours = draw_contours(page.paths, hand, rng, (height, width))
    seams = page.ink * page.alpha * np.float32(0.85 * hand.detail)
    edges = _pattern_edges(page) * np.float32(0.75 * hand.pattern)
    pressure = np.clip(0.9 + 0.12 * grain((height, width), rng), 0.3, 1.0)
    return np.asarray(np.clip(np.maximum(contours, np.maximum(seams, edges)) * pressure, 0.0, 1.0), np.float32)


def _pattern_edges(page: Page) -> Floats:
    """Return where the colour changes within one thing (H, W), 0..1: the outlines of stripes, letters, flowers."""
    colours = cv2.convertScaleAbs(page.albedo, alpha=255.0)
    found = np.zeros(page.part.shape, np.uint8)
    late, early, full = slice(1, None), slice(None, -1), slice(None)
    for here, there in (((late, full), (early, full)), ((full, late), (full, early))):
        red, green, blue = cv2.split(cv2.absdiff(colours[here], colours[there]))
        step = cv2.max(red, cv2.max(green, blue))
        step[page.part[here] != page.part[there]] = 0
        found[here] = np.maximum(found[here], step)
    return np.asarray(np.clip(found.astype(np.float32) * (3.2 / 255.0) - 0.15, 0.0, 1.0), np.float32)


def _scanned(light: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the drawing as scanned: paper not quite white, a little noise, sharper or softer, uint8 (H, W)."""
    softness = rng.uniform(-0.5, 0.7)
    if softness > 0.25:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), float(softness)), np.float32)
    white = 256.0 - 16.0 * rng.random() ** 2
    contrast = rng.uniform(0.8, 1.15)
    grey = white * (1.0 - contrast * (1.0 - light)) + rng.normal(0.0, 1.0) * 0.8 * grain(
        (light.shape[0], light.shape[1]), rng
    )
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)
