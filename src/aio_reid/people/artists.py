"""Artists: how a hand draws, and what a memory keeps of a person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aio_reid.people.identity import Garment, Identity
from aio_reid.people.paint import RGB, Paint


@dataclass(frozen=True, slots=True)
class Hand:
    """Habits of an artist; lengths are fractions of the picture's height.

    Attributes:
        passes: how often a contour is drawn. wobble: how far the hand strays. overshoot: how far strokes run on.
        gaps: share of a contour that is left out, 0..1. width: of a contour. pressure: its darkness, 0..1.
        simplify: how much corners are cut (pixels of smoothing along the contour at full size).
        shading: "soft", "hatch", "cross" or "scribble". tone: how dark the shading gets, 0 pure contour to 1 black.
        spacing: between hatching lines. angle_deg: their direction. bend: how much they follow the body.
        detail: darkness of seams, buttons and the face, 0..1. pattern: how much of a pattern is drawn, 0..1.
        skin: shading of the skin, 0..1. head: enlargement of the head. broad: of the body sideways. legs: of the
            legs downwards.
    """

    passes: int
    wobble: float
    overshoot: float
    gaps: float
    width: float
    pressure: float
    simplify: float
    shading: str
    tone: float
    spacing: float
    angle_deg: float
    bend: float
    detail: float
    pattern: float
    skin: float
    head: float
    broad: float
    legs: float


_STYLES: tuple[Hand, ...] = (
    # Clean contour, hardly any shading.
    Hand(1, 0.0015, 0.004, 0.03, 0.0052, 0.85, 2, "soft", 0.22, 0.011, 45, 0.2, 0.9, 0.8, 0.0, 1.1, 1.0, 1.0),
    # Wobbling double contour, light hatching.
    Hand(3, 0.0048, 0.012, 0.10, 0.0038, 0.55, 3, "hatch", 0.5, 0.013, 52, 0.2, 0.7, 0.7, 0.1, 1.15, 1.05, 0.97),
    # Hatching that follows the darkness of the clothes.
    Hand(1, 0.0025, 0.006, 0.06, 0.0042, 0.75, 2, "hatch", 0.95, 0.0095, 40, 0.6, 0.85, 0.8, 0.15, 1.15, 1.05, 0.96),
    # Soft shading by tone, smudged.
    Hand(2, 0.0020, 0.004, 0.06, 0.0036, 0.60, 2, "soft", 0.85, 0.010, 60, 0.4, 0.9, 0.9, 0.3, 1.2, 1.05, 0.95),
    # Large head on a simplified body.
    Hand(2, 0.0035, 0.006, 0.04, 0.0050, 0.75, 7, "hatch", 0.6, 0.014, 70, 0.1, 0.6, 0.6, 0.05, 1.55, 1.15, 0.86),
    # Detailed face and hair, every pattern drawn.
    Hand(2, 0.0015, 0.004, 0.03, 0.0034, 0.75, 1, "cross", 0.75, 0.0085, 48, 0.7, 1.0, 1.0, 0.35, 1.25, 1.05, 0.95),
    # Fast gesture lines.
    Hand(4, 0.0080, 0.025, 0.25, 0.0034, 0.50, 9, "scribble", 0.55, 0.017, 35, 0.1, 0.5, 0.5, 0.05, 1.1, 1.0, 1.0),
    # Ink: heavy lines and black.
    Hand(1, 0.0020, 0.003, 0.02, 0.0068, 1.0, 3, "cross", 1.0, 0.0105, 30, 0.5, 1.0, 0.9, 0.0, 1.2, 1.08, 0.94),
)
NUM_STYLES = len(_STYLES)
NUM_ARTISTS = 4 * NUM_STYLES
"""Four hands of each style; `artist % NUM_STYLES` is the style."""


def artist_hand(artist: int, rng: np.random.Generator) -> Hand:
    """Return the habits of an artist on one day: the style, the artist's own manner, and the day's (`rng`)."""
    style = _STYLES[artist % NUM_STYLES]
    own = np.random.default_rng((artist, 0xA27))
    spread, days = own.normal(0.0, 1.0, 12), rng.normal(0.0, 1.0, 12)
    mix = 0.8 * spread + 0.5 * days

    def scaled(value: float, index: int, share: float) -> float:
        return float(value * np.exp(share * mix[index]))

    return replace(
        style,
        wobble=scaled(style.wobble, 0, 0.25),
        overshoot=scaled(style.overshoot, 1, 0.3),
        width=scaled(0.8 * style.width, 2, 0.2),
        pressure=float(np.clip(scaled(style.pressure, 3, 0.12) * rng.uniform(0.6, 1.0), 0.3, 1.0)),
        tone=float(np.clip(scaled(style.tone, 4, 0.18), 0.0, 1.0)),
        spacing=scaled(0.85 * style.spacing, 5, 0.18),
        angle_deg=float(style.angle_deg * (-1.0 if own.random() < 0.25 else 1.0) + 9.0 * mix[6]),
        detail=float(np.clip(style.detail + 0.1 * mix[7], 0.3, 1.0)),
        pattern=float(np.clip(style.pattern + 0.1 * mix[8], 0.2, 1.0)),
        head=float(np.clip(style.head + 0.12 + 0.1 * mix[9], 1.0, 1.85)),
        broad=float(np.clip(style.broad + 0.05 * mix[10], 0.9, 1.3)),
        legs=float(np.clip(style.legs + 0.04 * mix[11], 0.78, 1.08)),
    )


def recall(identity: Identity, rng: np.random.Generator) -> Identity:
    """Return the person as remembered: proportions are off, a small thing may be missing, tones are about right."""
    worn = tuple(name for name in identity.worn if rng.random() > 0.10)
    carried = tuple(
        replace(thing, size=thing.size * _about(rng, 0.12)) for thing in identity.carried if rng.random() > 0.05
    )
    return replace(
        identity,
        height_m=identity.height_m * _about(rng, 0.015),
        build=float(np.clip(identity.build + rng.normal(0.05, 0.09), 0.0, 1.0)),
        shoulder=identity.shoulder * _about(rng, 0.035),
        leg=float(np.clip(identity.leg * _about(rng, 0.02), 0.88, 1.12)),
        hair=replace(identity.hair, length=float(np.clip(identity.hair.length * _about(rng, 0.12), 0.0, 1.0))),
        has_beard=identity.has_beard and rng.random() > 0.1,
        headwear=identity.headwear if identity.headwear is None or rng.random() > 0.03 else None,
        upper=_recall_garment(identity.upper, rng),
        outer=_recall_garment(identity.outer, rng) if identity.outer else None,
        lower=_recall_garment(identity.lower, rng) if identity.lower else None,
        shoes=replace(identity.shoes, paint=_recall_paint(identity.shoes.paint, rng)),
        carried=carried,
        worn=worn,
    )


def _recall_garment(garment: Garment, rng: np.random.Generator) -> Garment:
    forgets_pattern = rng.random() < 0.05
    return replace(
        garment,
        paint=_recall_paint(garment.paint, rng),
        second=_recall_paint(garment.second, rng),
        pattern="" if forgets_pattern else garment.pattern,
        pattern_seed=garment.pattern_seed if rng.random() < 0.85 else int(rng.integers(2**31)),
        pattern_scale=garment.pattern_scale * _about(rng, 0.2),
        length=float(np.clip(garment.length + rng.normal(0.0, 0.03), 0.0, 1.0)),
        fit=float(np.clip(garment.fit + rng.normal(0.0, 0.08), 0.02, 1.0)),
    )


def _recall_paint(paint: Paint, rng: np.random.Generator) -> Paint:
    shade = np.clip(np.array(paint.rgb) * _about(rng, 0.13) + rng.normal(0.0, 0.02, 3), 0.02, 0.98)
    rgb: RGB = (float(shade[0]), float(shade[1]), float(shade[2]))
    return replace(paint, rgb=rgb)


def _about(rng: np.random.Generator, spread: float) -> float:
    return float(np.exp(rng.normal(0.0, spread)))
