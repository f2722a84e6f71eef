"""The trunk: shirt, jacket, dress, and the upper end of trousers or a skirt."""

from __future__ import annotations

import numpy as np

from aio_reid.people.canvas import Look, Part, Piece, stuff_of
from aio_reid.people.cloth import band, cloth_look, lay_print, line, side_of, trim_of
from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Garment, Identity
from aio_reid.people.pose import Body
from aio_reid.people.raster import Patch, Tube

COLLARED = ("shirt", "polo", "suit", "coat", "blouse", "jacket")
KNITTED = ("sweater", "sweatshirt", "hoodie", "cardigan")
SKIN_NIR = 0.62


def girths(body: Body) -> Floats:
    """Return (K, 3) of height above ground, half width, half depth of the bare trunk in metres, from the neck down."""
    h, heavy, fem = body.height, body.heavy, body.feminine * (1.0 - body.child)
    belly = 0.030 * heavy * heavy
    rows = (
        (body.neck + 0.012 * h, 0.036 * h, 0.040 * h),
        (body.neck - 0.006 * h, 0.054 * h, 0.046 * h),
        (body.shoulder, body.broad * 0.84, 0.050 * h),
        (body.shoulder - 0.022 * h, body.broad * 0.96, 0.056 * h),
        (body.shoulder - 0.085 * h, body.broad * 0.88, h * (0.056 + 0.014 * fem + 0.030 * heavy)),
        (body.waist + 0.03 * h, h * (0.073 - 0.010 * fem + 0.048 * heavy), h * (0.046 + 0.034 * heavy + belly)),
        (body.waist - 0.02 * h, h * (0.070 - 0.006 * fem + 0.054 * heavy), h * (0.046 + 0.038 * heavy + belly)),
        (body.hip + 0.01 * h, h * (0.080 + 0.006 * fem + 0.040 * heavy), h * (0.055 + 0.032 * heavy + 0.008 * fem)),
        (body.crotch, h * (0.082 + 0.007 * fem + 0.040 * heavy), h * (0.057 + 0.030 * heavy + 0.006 * fem)),
    )
    return np.array(rows, np.float32)


def trunk_tube(
    body: Body, top: float, bottom: float, ease: float, *, flare: float = 0.0, loose: float = 0.0, fade: float = 0.0
) -> Tube:
    """Return the tube around the trunk between two heights, `ease` metres wider than the body.

    `loose` 0..1 hides the waist; `flare` metres widens the part below the hip, to its lower end.
    """
    table = girths(body)
    lowest = min(bottom, float(table[-1, 0]) - 1e-3)
    table = np.concatenate([table, [[lowest - 1e-3, table[-1, 1], table[-1, 2]]]])[::-1]  # rising heights
    heights = np.linspace(top, bottom, 24)
    across = np.interp(heights, table[:, 0], table[:, 1])
    through = np.interp(heights, table[:, 0], table[:, 2])
    chest_across, chest_through = float(table[5, 1]), float(table[5, 2])
    below_chest = heights < body.shoulder - 0.085 * body.height
    hang = np.clip((heights - body.crotch) / max(body.waist - body.crotch, 1e-3), 0.0, 1.0)
    across = np.where(
        below_chest, across + loose * np.clip(chest_across * (0.86 + 0.06 * hang) - across, 0, None), across
    )
    through = np.where(below_chest, through + loose * np.clip(chest_through - through, 0, None), through)
    widen = flare * np.clip((body.hip - heights) / max(body.hip - bottom, 1e-3), 0.0, 1.0)
    eased = ease * np.clip((body.neck + 0.01 * body.height - heights) / (0.05 * body.height), 0.15, 1.0)
    shift = body.top_shift
    span = max(body.neck - body.hip, 1e-3)
    z_top, z_bottom = (shift * np.clip((y - body.hip) / span, 0.0, 1.1) for y in (top, bottom))
    axis = np.array([[0.0, top, z_top], [0.0, bottom, z_bottom]], np.float32)
    at = np.linspace(0.0, 1.0, 24, dtype=np.float32)
    return Tube(
        axis,
        at,
        (across + eased + widen).astype(np.float32),
        (through + eased + widen).astype(np.float32),
        fade_end=fade,
    )


def hem_height(body: Body, garment: Garment) -> float:
    """Return the height above ground of a garment's lower edge."""
    return body.hip - 0.015 * body.height - garment.length * (body.leg_length - 0.02 * body.height)


def ease_of(garment: Garment) -> float:
    """Return how far a garment stands off the body, in metres."""
    thick = {
        "coat": 0.022,
        "jacket": 0.018,
        "hoodie": 0.014,
        "sweater": 0.012,
        "vest": 0.014,
        "suit": 0.012,
        "cardigan": 0.012,
    }
    return thick.get(garment.kind, 0.005) + 0.022 * garment.fit


def trunk_pieces(identity: Identity, body: Body, skin: Floats) -> list[Piece]:
    """Return the shirt or dress with the jacket over it as one piece, and the neck below it."""
    shown = identity.outer or identity.upper
    bottom = hem_height(body, shown)
    tucked = is_tucked(identity)
    if tucked:
        bottom = body.waist - 0.03 * body.height
    below_hip = max(body.hip - bottom, 0.0)
    flare = below_hip * (0.10 + 0.25 * shown.fit + (0.16 if shown.kind == "dress" else 0.0))
    loose = float(np.clip(0.08 + 0.85 * shown.fit - (0.35 if shown.kind in ("dress", "suit") else 0.0), 0.0, 1.0))
    tube = trunk_tube(body, body.neck + 0.006 * body.height, bottom, ease_of(shown), flare=flare, loose=loose)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = upper_look(patch, identity, body, skin, rng)
        add_straps(look, patch, identity, body)
        return look

    return [Piece(0.0, tube, paint, crease=0.25)]


def is_tucked(identity: Identity) -> bool:
    """Return whether the shirt is tucked in, so that the waistband and a belt are seen."""
    return "belt" in identity.worn and identity.outer is None and identity.lower is not None


def upper_look(patch: Patch, identity: Identity, body: Body, skin: Floats, rng: np.random.Generator) -> Look:
    """Return what the trunk wears: the shirt, and over it the jacket, closed or open."""
    outer = identity.outer
    if outer is None:
        look = cloth_look(patch, identity.upper, Part.UPPER, rng, drape=1.6 if identity.upper.kind == "dress" else 1.0)
        _finish_inner(look, patch, identity, body, skin)
        _finish_edges(look, patch, identity.upper, body)
        return look
    look = cloth_look(patch, identity.upper, Part.UPPER, rng)
    _finish_inner(look, patch, identity, body, skin)
    inner_end = body.neck + 0.006 * body.height - hem_height(body, identity.upper)
    over = cloth_look(patch, outer, Part.OUTER, rng)
    _finish_edges(over, patch, outer, body)
    opening = _opening(patch, outer, body)
    look.alpha = look.alpha * (1.0 - opening * np.clip((patch.along - inner_end) * patch.ppm, 0.0, 1.0))
    look.draw(opening * (1.0 - band(opening, 0.9, 2.0, 0.2)), 0.2)
    look.shade *= 1.0 - 0.16 * opening
    closed = 1.0 - opening
    look.shade += closed * (over.shade - look.shade)
    look.ink += closed * (over.ink - look.ink)
    look.stuff += closed[..., None] * (over.stuff - look.stuff)
    look.part[closed > 0.5] = over.part[closed > 0.5]
    edge = 4.0 * opening * (1.0 - opening)
    look.draw(np.clip(edge, 0.0, 1.0), 0.3)
    return look


def _opening(patch: Patch, outer: Garment, body: Body) -> Floats:
    """Return where (H, W), 0..1, the fronts of a jacket leave the shirt to be seen."""
    down = patch.along / max(patch.length, 1e-3)
    if outer.kind == "suit" or not outer.is_open:
        depth = 0.22 if outer.kind == "suit" else 0.055
        half = 0.42 * (1.0 - patch.along / (depth * body.height / 0.8))
    else:
        half = 0.30 + 0.26 * down + 0.12 * np.sin(3.0 * down)
    soft = 1.2 / max(patch.ppm * patch.radius, 1.0)
    return np.asarray(np.clip((half - np.abs(patch.angle)) / soft + 0.5, 0.0, 1.0))


def _neckline(kind: str, seed: int) -> tuple[float, float, float]:
    """Return a neckline's depth at the front for a height of 1, half width in radians, and 1 for a V shape."""
    if kind in ("tank",):
        return 0.075, 1.0, 0.0
    if kind in ("blouse", "dress"):
        return 0.045 + 0.02 * (seed % 3), 0.95, float(seed % 2)
    if kind in ("shirt", "polo", "suit"):
        return 0.05, 0.5, 1.0
    if kind in ("sweater", "cardigan", "vest"):
        return 0.03 + 0.03 * (seed % 2), 0.62, float(seed % 2)
    return 0.028, 0.8, 0.0


def _finish_inner(look: Look, patch: Patch, identity: Identity, body: Body, skin: Floats) -> None:
    """Add neckline, bare shoulders, print, tie to the garment on the skin."""
    upper = identity.upper
    depth, width, is_v = _neckline(upper.kind, upper.pattern_seed)
    turned = np.abs(patch.angle) / width
    curve = 1.0 - turned if is_v else np.sqrt(np.clip(1.0 - turned * turned, 0.0, None))
    level = 0.012 * body.height + depth * body.height * np.clip(curve, 0.0, 1.0)
    gap = (level - patch.along) * patch.ppm
    look.cover(np.clip(gap + 0.5, 0.0, 1.0), skin, Part.SKIN)
    look.draw(np.clip(1.4 - np.abs(gap), 0.0, 1.0), 0.25)
    if upper.sleeve == "sleeveless" and identity.outer is None:
        strap = 0.60 if upper.kind in ("tank", "dress") else 0.78
        bare = np.abs(side_of(patch)) - strap - 0.5 * np.clip(patch.along / (0.11 * body.height) - 0.6, 0.0, 2.0)
        look.cover(np.clip(bare * patch.radius * patch.ppm * 1.5, 0.0, 1.0), skin, Part.SKIN)
    if upper.pattern == "printed":
        size = 0.11 * body.height * (0.7 + 6.0 * upper.pattern_scale)
        lay_print(look, upper, patch, top=0.115 * body.height, size=size, part=Part.UPPER)
    if "tie" in identity.worn:
        half = (0.018 + 0.022 * np.clip(patch.along / (0.28 * body.height), 0.0, 1.0)) * body.height * 0.5
        tie = np.clip((half - np.abs(patch.angle) * patch.radius) * patch.ppm + 0.5, 0.0, 1.0)
        tie = tie * band(patch.along, 0.03 * body.height, 0.29 * body.height, 0.01)
        look.cover(tie, stuff_of(identity.worn_paint.rgb, identity.worn_paint.nir, 0.55), Part.ACCESSORY)


def _finish_edges(look: Look, patch: Patch, garment: Garment, body: Body) -> None:
    """Add collar, buttons, zip, pockets and hem where the garment itself is seen."""
    h, ppm = body.height, patch.ppm
    around = np.abs(patch.angle) * patch.radius
    cloth = (look.part == (Part.OUTER if look.part.max() == Part.OUTER else Part.UPPER)).astype(np.float32)
    if trim_of(garment) == "cuffs":
        collar = band(patch.along, -1.0, 0.026 * h, 1.0 / ppm) * cloth
        look.cover(collar, stuff_of(garment.second.rgb, garment.paint.nir, 0.6), Part(int(look.part.max())))
    hem = line(patch.along, patch.length - (0.035 if garment.kind in KNITTED else 0.014) * h, 0.004, ppm)
    look.draw(hem * 0.8, 0.18)
    if garment.kind in ("shirt", "blouse", "coat", "jacket", "cardigan", "vest", "suit") and not garment.is_open:
        look.draw(line(around, 0.0, 0.004, ppm) * cloth, 0.22)
    if garment.kind in COLLARED:
        flap = 0.032 * h + 0.5 * around
        collar = band(patch.along, 0.0, 0.036 * h, 0.01) * (around < 0.1) * cloth
        look.shade *= 1.0 + 0.10 * collar
        look.draw(line(patch.along, flap, 0.004, ppm) * (around < 0.075 * h) * cloth, 0.25)
    if garment.kind == "hoodie":
        pouch = line(patch.along, 0.22 * h, 0.004, ppm) * (around < 0.055 * h)
        pouch = np.maximum(pouch, line(around, 0.075 * h, 0.004, ppm))
        look.draw(pouch * band(patch.along, 0.218 * h, 0.30 * h, 0.01) * (np.abs(patch.angle) < 1.3), 0.22)
    if garment.kind in ("coat", "suit", "jacket"):
        level = min(0.62 * patch.length, 0.30 * h)
        pocket = line(patch.along, level, 0.005, ppm) * band(around, 0.05 * h, 0.105 * h, 0.01)
        look.draw(pocket * (np.abs(patch.angle) < 1.35), 0.3)


def add_straps(look: Look, patch: Patch, identity: Identity, body: Body) -> None:
    """Lay the straps of a backpack or of a bag worn across over the trunk, and a belt over a coat or dress."""
    h = body.height
    for thing in identity.carried:
        stuff = stuff_of(thing.paint.rgb, thing.paint.nir, 0.3)
        if thing.kind == "backpack":
            path = 0.60 + 0.9 * np.clip(patch.along / (0.20 * h) - 0.55, 0.0, 1.0) ** 2
            mask = np.clip((0.019 - np.abs(np.abs(patch.angle) - path) * patch.radius) * patch.ppm + 0.5, 0.0, 1.0)
            mask = mask * band(patch.along, -0.1, 0.21 * h, 0.02)
            look.cover(mask, stuff, Part.BAG)
            look.draw(np.clip(4.0 * mask * (1.0 - mask), 0.0, 1.0), 0.2)
        if identity.hanging(thing) == "across":
            across = thing.side * (0.55 - 1.5 * patch.along / (0.33 * h))  # from the other shoulder down to the bag
            mask = np.clip((0.013 - np.abs(side_of(patch) - across) * patch.radius) * patch.ppm + 0.5, 0.0, 1.0)
            look.cover(mask * (patch.along < 0.36 * h), stuff, Part.BAG)
            look.draw(np.clip(4.0 * mask * (1.0 - mask), 0.0, 1.0) * (patch.along < 0.36 * h), 0.2)
    if "belt" in identity.worn and not is_tucked(identity):
        level = body.neck - body.waist + 0.02 * h
        mask = band(patch.along, level - 0.012 * h, level + 0.012 * h, 1.0 / patch.ppm) * (
            look.part != Part.UPPER if identity.outer else 1.0
        )
        look.cover(
            mask.astype(np.float32), stuff_of(identity.worn_paint.rgb, identity.worn_paint.nir, 0.4), Part.ACCESSORY
        )


def seat_pieces(identity: Identity, body: Body) -> list[Piece]:
    """Return the upper end of the trousers, or the whole skirt."""
    lower = identity.lower
    if lower is None:
        return []
    h = body.height
    top = body.waist - 0.005 * h
    tucked = is_tucked(identity)
    if lower.kind == "skirt":
        bottom = hem_height(body, lower)
        flare = (body.hip - bottom) * (0.06 + 0.42 * lower.fit)
        tube = trunk_tube(body, top, bottom, 0.008, flare=flare)
    else:
        tube = trunk_tube(body, top, body.crotch - 0.03 * h, 0.004 + 0.014 * lower.fit, flare=-0.016 * h, fade=0.05 * h)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = cloth_look(patch, lower, Part.LOWER, rng, drape=2.6 if lower.kind == "skirt" else 1.0)
        if lower.kind != "skirt":
            fly = line(np.abs(patch.angle) * patch.radius, 0.0, 0.004, patch.ppm) * (patch.along > 0.03 * h)
            look.draw(fly * look.alpha, 0.25)
        if tucked:
            mask = band(patch.along, 0.004 * h, 0.028 * h, 1.0 / patch.ppm)
            look.cover(mask, stuff_of(identity.worn_paint.rgb, identity.worn_paint.nir, 0.4), Part.ACCESSORY)
        return look

    return [Piece(0.2 if tucked else -2.0, tube, paint, crease=0.1)]
