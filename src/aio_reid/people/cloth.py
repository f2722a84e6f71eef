"""How cloth looks: colour, pattern, print, folds, seams, each laid on the surface of a tube."""

from __future__ import annotations

import cv2
import numpy as np

from aio_reid.people.canvas import Look, Part, new_look, stuff_of
from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Garment
from aio_reid.people.patterns import folds, print_motif, swatch, tiled
from aio_reid.people.raster import Patch

# Share of a pattern's contrast that is left at 850 nm, where most dyes are transparent.
NIR_PATTERN_CONTRAST = 0.22

# Warmth of the surface, 0 street to 1 bare skin: thick clothes keep the body's heat inside.
WARMTH = {
    "coat": 0.28,
    "jacket": 0.34,
    "hoodie": 0.45,
    "sweater": 0.45,
    "sweatshirt": 0.48,
    "suit": 0.42,
    "cardigan": 0.5,
    "vest": 0.36,
}
THIN_WARMTH = 0.62


def band(values: Floats, low: float, high: float, softness: float) -> Floats:
    """Return 1 where low < values < high, falling to 0 over `softness`, as float32."""
    inside = np.minimum(values - low, high - values)
    return np.asarray(np.clip(inside * (1.0 / softness) + 0.5, 0.0, 1.0))


def line(values: Floats, at: float | Floats, width: float, ppm: float) -> Floats:
    """Return an anti-aliased line (H, W), 0..1, where `values` in metres is near `at`; at least about a pixel wide."""
    half = max(width, 1.0 / ppm)
    return np.asarray(np.clip(1.5 - np.abs(values - at) / (0.6 * half), 0.0, 1.0))


def side_of(patch: Patch) -> Floats:
    """Return where on the body a surface point lies sideways: -1 the person's right, 1 the left (H, W)."""
    return np.asarray(np.sin(patch.angle))


def cloth_look(patch: Patch, garment: Garment, part: Part, rng: np.random.Generator, *, drape: float = 1.0) -> Look:
    """Return the look of a garment on a tube; `drape` above 1 stretches folds along the tube, as in a skirt."""
    warmth = WARMTH.get(garment.kind, THIN_WARMTH)
    look = new_look(patch, stuff_of(garment.paint.rgb, garment.paint.nir, warmth), part)
    around = patch.angle * patch.radius
    if garment.pattern and garment.pattern != "printed":
        _lay_pattern(look, garment, around, patch)
    _crumple(look, garment, around, patch, drape, rng)
    return look


def _lay_pattern(look: Look, garment: Garment, around: Floats, patch: Patch) -> None:
    tile, period = swatch(garment)
    # A whole number of periods goes around, so that no seam shows at the back.
    girth = 2.0 * np.pi * patch.radius
    fitted = around * np.float32(max(1, round(girth / period)) * period / girth)
    seen = tiled(tile, period, fitted, patch.along, patch.ppm)  # (H, W, 4)
    look.stuff[..., :3] = seen[..., :3]
    contrast = NIR_PATTERN_CONTRAST * (garment.second.nir - garment.paint.nir)
    look.stuff[..., 3] += contrast * seen[..., 3]


def _crumple(
    look: Look, garment: Garment, around: Floats, patch: Patch, drape: float, rng: np.random.Generator
) -> None:
    depth = {"cotton": 0.14, "wool": 0.09, "synthetic": 0.15, "denim": 0.13, "leather": 0.18}[garment.material]
    depth *= 0.45 + 0.9 * garment.fit
    offset = (float(rng.uniform(0.0, 1.0)), float(rng.uniform(0.0, 1.0)))
    slanted = around + np.float32(rng.uniform(-0.7, 0.7)) * patch.along
    relief = folds(slanted, patch.along, patch.ppm, offset, (0.55 / drape**0.5, 1.3 * drape))
    share = patch.along * (1.0 / max(patch.length, 1e-3))
    crumpled = 0.65 + 0.6 * np.exp(-np.square((share - 0.52) * 6.0)) + 0.5 * np.clip(share - 0.7, 0.0, 0.3)
    look.shade *= 1.0 + depth * relief * crumpled
    if garment.material in ("leather", "synthetic"):
        gloss = 0.20 if garment.material == "leather" else 0.05
        look.stuff[..., :3] += (gloss * np.clip(relief - 0.4, 0.0, 1.0) * patch.facing)[..., None]


def trim_of(garment: Garment) -> str:
    """Return what is in the second colour: "sleeves", "cuffs" (with the collar), a "stripe" along limbs, or ""."""
    draw = garment.pattern_seed % 100
    if garment.kind in ("sweatpants", "shorts", "pants", "leggings"):
        return "stripe" if draw < 18 and not garment.pattern else ""
    if garment.kind not in ("t-shirt", "polo", "sweatshirt", "hoodie", "jacket", "sweater") or garment.pattern not in (
        "",
        "printed",
    ):
        return ""
    return "sleeves" if draw < 10 else "cuffs" if draw < 22 else "stripe" if draw < 30 else ""


def lay_trim(look: Look, patch: Patch, garment: Garment, trim: str, cuff: float, side: int) -> None:
    """Lay the trim of a limb: `cuff` metres at its end, or a stripe on its outer side (`side` 0 is left)."""
    if trim == "cuffs":
        mask = band(patch.along, patch.length - cuff, patch.length + 1.0, 1.0 / patch.ppm)
    elif trim == "stripe":
        outer = np.pi / 2.0 if side == 0 else -np.pi / 2.0
        mask = np.clip((0.013 - np.abs(patch.angle - outer) * patch.radius) * patch.ppm + 0.5, 0.0, 1.0)
    else:
        return
    nir = garment.paint.nir + NIR_PATTERN_CONTRAST * (garment.second.nir - garment.paint.nir)
    look.cover(mask, stuff_of(garment.second.rgb, nir, THIN_WARMTH), Part(int(look.part.flat[0])))
    look.draw(np.clip(4.0 * mask * (1.0 - mask), 0.0, 1.0) * 0.7, 0.1)


def lay_print(look: Look, garment: Garment, patch: Patch, *, top: float, size: float, part: Part) -> None:
    """Lay the print on the front, `size` metres wide, its upper edge `top` metres below the tube's start."""
    motif = print_motif(garment)
    pixels = int(np.clip(size * patch.ppm * 1.3, 3, motif.shape[0]))
    small = cv2.resize(motif, (pixels, pixels), interpolation=cv2.INTER_AREA)
    step = np.float32(pixels / size)
    maps_x = (patch.angle * patch.radius * step + pixels / 2.0).astype(np.float32)
    maps_y = ((patch.along - top) * step).astype(np.float32)
    seen: Floats = np.asarray(cv2.remap(small, maps_x, maps_y, cv2.INTER_LINEAR), np.float32)  # (H, W, 4)
    stuff = look.stuff.copy()
    stuff[..., :3] = seen[..., :3]
    stuff[..., 3] += NIR_PATTERN_CONTRAST * (garment.second.nir - garment.paint.nir)
    look.cover(seen[..., 3], stuff, part)
