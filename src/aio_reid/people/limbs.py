"""Arms, legs and feet, bare or dressed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aio_reid.people.canvas import Look, Painter, Part, Piece, new_look, stuff_of
from aio_reid.people.cloth import band, cloth_look, lay_trim, line, trim_of
from aio_reid.people.geometry import Floats, Projector
from aio_reid.people.identity import Garment, Identity
from aio_reid.people.pose import Body
from aio_reid.people.raster import Patch, Tube
from aio_reid.people.trunk import KNITTED, ease_of

# Fraction of the arm from the shoulder that a sleeve covers.
SLEEVES = {"long-sleeved": 0.97, "short-sleeved": 0.36, "sleeveless": 0.0, "": 0.36}


def cut_axis(points: Floats, start: float, end: float) -> Floats:
    """Return the part (M, 3) of a bent axis between two fractions of its length."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    inner = [p for p, f in zip(points, at, strict=True) if start + 0.02 < f < end - 0.02]
    ends = [np.array([np.interp(f, at, points[:, k]) for k in range(3)]) for f in (start, end)]
    return np.array([ends[0], *inner, ends[1]], np.float32)


def _limb(points: Floats, start: float, end: float, profile: Floats, *, round_start: bool, round_end: bool) -> Tube:
    """Return the tube of a limb between two fractions, its girths read from `profile` (K, 2) of fraction and radius."""
    at = np.linspace(0.0, 1.0, 9, dtype=np.float32)
    radius = np.interp(start + at * (end - start), profile[:, 0], profile[:, 1]).astype(np.float32)
    return Tube(cut_axis(points, start, end), at, radius, radius, round_start=round_start, round_end=round_end)


def arm_pieces(identity: Identity, body: Body, camera: Projector, skin: Floats) -> list[Piece]:
    """Return both arms: skin, sleeve, hand; the sleeve is the outermost garment's."""
    pieces: list[Piece] = []
    for side in (0, 1):
        reach = (body.elbows[side] + 2.0 * body.hands[side]) / 3.0
        depth = camera.depth(reach) - 0.35 * body.top_shift
        order = 2.0 + 0.1 * side if depth > -0.02 else -20.0 + 0.1 * side
        pieces.extend(_one_arm(identity, body, skin, side, order))
    return pieces


def _one_arm(identity: Identity, body: Body, skin: Floats, side: int, order: float) -> list[Piece]:
    h, heavy = body.height, body.heavy
    points = np.stack([body.shoulders[side], body.elbows[side], body.wrists[side]])
    thick = h * (0.0185 + 0.017 * heavy) * (1.0 - 0.12 * body.feminine)
    bare = np.array(
        [[0, 1.2 * thick], [0.25, 1.1 * thick], [0.5, 0.9 * thick], [0.62, 0.95 * thick], [1, 0.6 * thick]], np.float32
    )
    sleeve = _sleeve_of(identity)
    covered = SLEEVES[sleeve.sleeve] if sleeve is not None else 0.0
    pieces: list[Piece] = []
    if covered < 0.9:
        start = max(0.0, covered - 0.08)
        tube = _limb(points, start, 1.0, bare, round_start=True, round_end=True)
        pieces.append(Piece(order, tube, lambda patch, rng: new_look(patch, skin, Part.SKIN), crease=0.2))
    palm = np.stack([body.wrists[side], body.hands[side]])
    sizes = np.array([0.8, 1.0, 0.92, 0.5], np.float32) * h * 0.0185
    at = np.array([0.0, 0.35, 0.7, 1.0], np.float32)
    hand = Tube(palm, at, sizes, sizes * 0.85, round_start=True, round_end=True)
    pieces.append(Piece(order + 0.01, hand, lambda patch, rng: new_look(patch, skin, Part.SKIN)))
    if sleeve is None or covered <= 0.0:
        return pieces
    ease = ease_of(sleeve) * 0.8
    wide = bare.copy()
    wide[:, 1] += ease * np.array([0.25, 0.9, 1.0, 1.0, 0.55 if sleeve.kind in KNITTED else 0.9])
    if sleeve.sleeve == "short-sleeved":
        wide[1, 1] += 0.012 * sleeve.fit
    tube = _limb(points, 0.0, covered, wide, round_start=True, round_end=False)
    part = Part.OUTER if identity.outer is not None else Part.UPPER
    pieces.append(Piece(order + 0.02, tube, _sleeve_painter(sleeve, part, h, side), crease=0.3))
    return pieces


def _sleeve_of(identity: Identity) -> Garment | None:
    """Return the garment whose sleeve is seen; a vest lets the shirt's sleeve be seen."""
    outer = identity.outer
    if outer is not None and outer.sleeve != "sleeveless":
        return outer
    return identity.upper if identity.upper.sleeve != "sleeveless" else None


def _sleeve_painter(sleeve: Garment, part: Part, h: float, side: int) -> Painter:
    trim = trim_of(sleeve)
    cloth = replace(sleeve, paint=sleeve.second) if trim == "sleeves" else sleeve

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = cloth_look(patch, cloth, part, rng)
        cuff = (0.03 if sleeve.kind in KNITTED else 0.012) * h
        lay_trim(look, patch, sleeve, trim, cuff, side)
        look.draw(line(patch.along, patch.length - cuff, 0.004, patch.ppm) * 0.7, 0.2)
        return look

    return paint


def leg_pieces(identity: Identity, body: Body, camera: Projector, skin: Floats) -> list[Piece]:
    """Return both legs with shoes, the farther one first."""
    depths = [camera.depth((body.knees[s] + body.ankles[s]) / 2.0) for s in (0, 1)]
    pieces: list[Piece] = []
    for side in (0, 1):
        order = -10.0 if depths[side] < depths[1 - side] else -6.0
        pieces.extend(_one_leg(identity, body, skin, side, order))
    return pieces


def _one_leg(identity: Identity, body: Body, skin: Floats, side: int, order: float) -> list[Piece]:
    h, heavy = body.height, body.heavy
    points = np.stack([body.hips[side], body.knees[side], body.ankles[side]])
    thigh = h * (0.040 + 0.028 * heavy + 0.004 * body.feminine)
    shape = (
        (0, 1.0 * thigh),
        (0.25, 0.93 * thigh),
        (0.5, 0.64 * thigh),
        (0.66, 0.66 * thigh),
        (0.85, 0.42 * thigh),
        (1, 0.38 * thigh),
    )
    bare = np.array(shape, np.float32)
    lower = identity.lower
    covered = 0.0 if lower is None or lower.kind == "skirt" else lower.length
    pieces = _foot(identity, body, skin, side, order)
    if covered < 0.93:
        tube = _limb(points, max(0.0, covered - 0.08), 1.0, bare, round_start=True, round_end=True)
        pieces.append(Piece(order + 0.1, tube, lambda patch, rng: new_look(patch, skin, Part.SKIN), crease=0.15))
    pieces.extend(_shaft(identity, points, bare, order + 0.15))
    if lower is None or covered <= 0.0:
        return pieces
    inside_boot = identity.shoes.kind == "boots" and lower.fit < 0.5
    end = min(covered, _boot_top(identity) + 0.04) if inside_boot else max(covered, 0.12)
    tube = _limb(points, 0.0, end, _trouser_profile(lower, bare), round_start=True, round_end=False)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = cloth_look(patch, lower, Part.LOWER, rng)
        lay_trim(look, patch, lower, trim_of(lower), 0.014 * h, side)
        look.draw(line(patch.along, patch.length - 0.014 * h, 0.004, patch.ppm) * 0.7, 0.18)
        return look

    pieces.append(Piece(order + (0.12 if inside_boot else 0.3), tube, paint, crease=0.25))
    return pieces


def _trouser_profile(lower: Garment, bare: Floats) -> Floats:
    tight = lower.kind == "leggings"
    ease = 0.002 if tight else 0.006 + 0.026 * lower.fit
    wide = bare.copy()
    wide[:, 1] += ease * np.array([0.6, 0.9, 1.0, 1.0, 1.0, 1.0], np.float32)
    if not tight:
        straight = bare[1, 1] * (0.42 + 0.55 * lower.fit)
        wide[2:, 1] = np.maximum(wide[2:, 1], straight + (bare[2, 1] - straight) * np.array([0.6, 0.4, 0.15, 0.0]))
    if lower.kind == "sweatpants":
        wide[-1, 1] = bare[-1, 1] + 0.006
    return wide


def _boot_top(identity: Identity) -> float:
    """Return where on the leg a boot ends, as a fraction from the hip."""
    return 0.62 if identity.seed % 2 else 0.80


def _shaft(identity: Identity, points: Floats, bare: Floats, order: float) -> list[Piece]:
    """Return a boot's shaft, or a sock above a sneaker."""
    shoes = identity.shoes
    if shoes.kind == "boots":
        top = _boot_top(identity)
        stuff, part, ease = stuff_of(shoes.paint.rgb, shoes.paint.nir, 0.25), Part.SHOES, 0.014
    elif shoes.kind == "sneakers" and identity.seed % 5 < 3:
        top, ease, part = 0.80 + 0.03 * (identity.seed % 5), 0.003, Part.SOCKS
        tone = 0.92 if identity.seed % 2 else 0.12
        stuff = stuff_of((tone, tone, tone), 0.7, 0.7)
    else:
        return []
    wide = bare.copy()
    wide[:, 1] += ease
    tube = _limb(points, top, 1.0, wide, round_start=False, round_end=True)
    return [Piece(order, tube, lambda patch, rng: new_look(patch, stuff, part), crease=0.1)]


def _foot(identity: Identity, body: Body, skin: Floats, side: int, order: float) -> list[Piece]:
    h, shoes = body.height, identity.shoes
    ankle, toe = body.ankles[side], body.toes[side]
    lift = 0.035 * h if shoes.kind == "heels" else 0.0
    down = np.array([0.0, -0.022 * h, 0.0], np.float32)
    heel = ankle + down - 0.024 * h * toe + np.array([0.0, lift * 0.4, 0.0])
    tip = ankle + down + 0.098 * h * toe + np.array([0.0, -0.004 * h - lift * 0.6, 0.0])
    bulk = {"boots": 1.15, "sneakers": 1.12, "flats": 0.85, "heels": 0.75, "sandals": 0.85, "slippers": 0.95}.get(
        shoes.kind, 1.0
    )
    at = np.array([0.0, 0.3, 0.7, 1.0], np.float32)
    across = np.array([0.020, 0.023, 0.028, 0.018], np.float32) * h * bulk
    through = np.array([0.019, 0.020, 0.015, 0.009], np.float32) * h * bulk
    tube = Tube(np.stack([heel, tip]).astype(np.float32), at, across, through, round_start=True, round_end=True)
    pieces = [
        Piece(order, tube, _shoe_painter(identity, skin, max(0.0, 1.0 - 2.5 * abs(float(toe[1]) + 0.04))), crease=0.1)
    ]
    if lift > 0.0:
        spike = np.stack([heel, heel + np.array([0.0, -0.045 * h, 0.0])]).astype(np.float32)
        thin = np.full(2, 0.006 * h, np.float32)
        stuff = stuff_of(shoes.paint.rgb, shoes.paint.nir, 0.2)
        pieces.append(
            Piece(
                order - 0.1, Tube(spike, at[[0, 3]], thin, thin), lambda patch, rng: new_look(patch, stuff, Part.SHOES)
            )
        )
    return pieces


def _shoe_painter(identity: Identity, skin: Floats, level: float) -> Painter:
    shoes, seed = identity.shoes, identity.seed
    stuff = stuff_of(shoes.paint.rgb, shoes.paint.nir, 0.25)
    sole = stuff_of((0.9, 0.9, 0.88) if seed % 3 else (0.2, 0.2, 0.2), 0.6, 0.15)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        bare = shoes.kind in ("sandals", "flats", "slippers", "heels")
        look = new_look(patch, skin if bare else stuff, Part.SKIN if bare else Part.SHOES)
        rows = np.linspace(-1.0, 1.0, patch.alpha.shape[0], dtype=np.float32)[:, None] + 0.0 * patch.along
        share = patch.along / max(patch.length, 1e-3)
        if shoes.kind == "sandals":
            strap = np.maximum(np.abs(share - 0.25) < 0.13, np.abs(share - 0.72) < 0.10)
            look.cover(np.maximum(strap, rows > 0.45).astype(np.float32), stuff, Part.SHOES)
        elif bare:
            closed = (share > (0.35 if shoes.kind == "slippers" else 0.62)) | (rows > 0.2)
            closed |= (share < 0.15) & (shoes.kind != "slippers")
            look.cover(closed.astype(np.float32), stuff, Part.SHOES)
        elif shoes.kind == "sneakers":
            look.cover(level * np.clip((rows - 0.4) * 5.0, 0.0, 1.0), sole, Part.SHOES)
            look.cover(0.45 * band(share, 0.42, 0.68, 0.1) * (rows < 0.1), sole, Part.SHOES)
        look.draw(np.clip(1.0 - np.abs(rows - 0.45) * 4.0, 0.0, 1.0) * 0.6, 0.2)
        return look

    return paint
