"""Colours of cloth, leather and hair, as the eye and as a near infrared camera see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aio_reid.people import wardrobe

RGB = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Paint:
    """One colour of a thing.

    Attributes:
        colour: colour class ("navy").
        tone: "", "dark" or "light".
        rgb: the very colour of this thing, sRGB in 0..1.
        nir: share of near infrared light (850 nm) that it reflects, 0..1. Most dyes are transparent there, so it says
            little about
            the colour: a black cotton shirt may look as light as a white one.
    """

    colour: str
    tone: str
    rgb: RGB
    nir: float


def random_paint(rng: np.random.Generator, material: str, *, colour: str | None = None) -> Paint:
    """Draw a colour as cloth shops sell it: a class, sometimes dark or light, and a shade of its own."""
    name = colour or pick(rng, {n: weight for n, (_, weight) in wardrobe.COLOURS.items()})
    base = np.array(wardrobe.COLOURS[name][0])
    tone = "" if name in ("black", "white", "navy", "maroon") else pick(rng, {"": 70.0, "dark": 15.0, "light": 15.0})
    if tone == "dark":
        base = base * 0.6
    if tone == "light":
        base = base + (1.0 - base) * 0.42
    shade = base * rng.uniform(0.88, 1.12) + rng.normal(0.0, 0.022, 3)
    return Paint(colour=name, tone=tone, rgb=to_rgb(shade), nir=_near_infrared(rng, material, shade))


def _near_infrared(rng: np.random.Generator, material: str, shade: np.ndarray) -> float:
    """Reflectance at 850 nm: high for plant and wool fibres whatever their dye, low for carbon black, leather and
    some synthetics.
    """
    mean, spread, trace = {
        "cotton": (0.62, 0.14, 0.10),
        "wool": (0.58, 0.14, 0.08),
        "synthetic": (0.50, 0.20, 0.15),
        "denim": (0.55, 0.10, 0.10),
        "leather": (0.25, 0.12, 0.15),
    }[material]
    luma = float(shade @ np.array([0.299, 0.587, 0.114]))
    value = rng.normal(mean, spread) + trace * (luma - 0.5)
    if rng.random() < 0.2:  # pigment instead of dye: as dark there as to the eye
        value = 0.1 + 0.7 * luma
    return float(np.clip(value, 0.05, 0.95))


def hair_paint(rng: np.random.Generator, name: str) -> Paint:
    """Draw a shade of a hair colour; melanin fades out towards 850 nm, so dark hair looks lighter there."""
    shade = np.array(wardrobe.HAIR_COLOURS[name][0]) * rng.uniform(0.8, 1.2)
    return Paint(colour=name, tone="", rgb=to_rgb(shade), nir=float(np.clip(rng.normal(0.38, 0.1), 0.1, 0.8)))


def other_paint(rng: np.random.Generator, paint: Paint, material: str = "cotton", *, but: str = "") -> Paint:
    """Draw a cloth colour of any class but that of `paint`, nor the class `but`."""
    names = {n: weight for n, (_, weight) in wardrobe.COLOURS.items() if n not in (paint.colour, but)}
    return random_paint(rng, material, colour=pick(rng, names))


def pick(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """Draw a name with the given relative weights."""
    names = list(weights)
    share = np.array([weights[n] for n in names])
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def to_rgb(values: np.ndarray) -> RGB:
    """Return three numbers as a colour that neither clips nor vanishes."""
    red, green, blue = np.clip(values, 0.02, 0.98)
    return float(red), float(green), float(blue)
