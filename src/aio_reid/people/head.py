"""Head: neck, face, hair, headwear and what is worn on the face."""

from __future__ import annotations

import numpy as np

from aio_reid.people.canvas import Look, Part, Piece, new_look, stuff_of
from aio_reid.people.cloth import band, line
from aio_reid.people.geometry import Floats, Projector, View
from aio_reid.people.identity import Identity
from aio_reid.people.patterns import folds
from aio_reid.people.pose import Body
from aio_reid.people.raster import Patch, Tube

_SKULL = np.array(
    [(0, 0.16), (0.04, 0.50), (0.12, 0.76), (0.25, 0.94), (0.4, 1.0), (0.55, 0.98), (0.7, 0.88), (0.84, 0.68), (0.94, 0.44), (1, 0.2)], np.float32
)


def head_pieces(identity: Identity, body: Body, camera: Projector, view: View, skin: Floats) -> list[Piece]:
    """Return neck, head, hair, headwear and face wear."""
    turn = float(np.radians(view.head_turn_deg))
    size, centre_z = body.head, body.top_shift + 0.012 * body.height
    top = body.height
    facing = float(np.cos(camera.yaw + turn))
    pieces = [_neck(body, skin), *_scarf(identity, body)]
    skull = _skull_tube(top, size, centre_z, 1.0, turn)
    pieces.append(Piece(1.0, skull, lambda patch, rng: _face_look(patch, identity, skin), crease=0.3))
    nose = Tube(
        _turned([(0.0, top - 0.52 * size, 0.36 * size), (0.0, top - 0.64 * size, 0.43 * size)], turn, centre_z),
        np.array([0.0, 1.0], np.float32), np.full(2, 0.045 * size, np.float32), np.full(2, 0.045 * size, np.float32), True, True,
    )
    if facing > -0.15:
        pieces.append(Piece(1.05, nose, lambda patch, rng: new_look(patch, skin, Part.FACE)))
    pieces.extend(_hair_pieces(identity, body, turn, facing, centre_z))
    pieces.extend(_headwear_pieces(identity, body, turn, facing, centre_z))
    if "headphones" in identity.worn:
        pieces.extend(_headphones(identity, top, size, turn, centre_z))
    return pieces


def _turned(points: list[tuple[float, float, float]], turn: float, centre_z: float) -> Floats:
    """Turn points about the neck, and move them forward by `centre_z`."""
    p = np.array(points, np.float32)
    x = p[:, 0] * np.cos(turn) + p[:, 2] * np.sin(turn)
    z = p[:, 2] * np.cos(turn) - p[:, 0] * np.sin(turn)
    return np.stack([x, p[:, 1], z + centre_z], axis=1).astype(np.float32)


def _skull_tube(top: float, size: float, centre_z: float, grow: float, turn: float, *, bottom: float = 1.0) -> Tube:
    """Return the head, `grow` times as wide, ending at the fraction `bottom` of its height."""
    lift = (grow - 1.0) * 0.45 * size
    axis = np.array([[0.0, top + lift, centre_z], [0.0, top - bottom * size, centre_z]], np.float32)
    at = np.linspace(0.0, 1.0, 20, dtype=np.float32)
    shape = np.interp(at * bottom, _SKULL[:, 0], _SKULL[:, 1]).astype(np.float32) * size * grow
    return Tube(axis, at, 0.345 * shape, 0.42 * shape, turn=turn)


def _neck(body: Body, skin: Floats) -> Piece:
    h = body.height
    thick = h * (0.027 + 0.008 * body.heavy - 0.004 * body.feminine)
    top = (0.0, body.chin + 0.04 * h, body.top_shift + 0.004 * h)
    low = (0.0, body.neck - 0.045 * h, body.top_shift - 0.008 * h)
    at = np.array([0.0, 0.6, 1.0], np.float32)
    tube = Tube(np.array([top, low], np.float32), at, np.array([1, 1, 1.7], np.float32) * thick, np.array([1, 1, 1.5], np.float32) * thick)
    return Piece(-0.5, tube, lambda patch, rng: new_look(patch, skin, Part.SKIN))


def _blob(patch: Patch, size: float, angle: float, level: float, wide: float, high: float) -> Floats:
    """Return a soft spot (H, W), 0..1, on the face; level and sizes in heads, angle in radians."""
    dx = (patch.angle - angle) / wide
    dy = (patch.along / size - level) / high
    return np.exp(-(dx * dx + dy * dy)).astype(np.float32)


def _face_look(patch: Patch, identity: Identity, skin: Floats) -> Look:
    size = patch.length
    look = new_look(patch, skin, Part.SKIN)
    look.shade = (0.74 + 0.30 * patch.facing).astype(np.float32)
    front = np.abs(patch.angle) < 1.25
    look.part[front] = Part.FACE
    hair = stuff_of(identity.hair.paint.rgb, identity.hair.paint.nir, 0.5)
    if identity.has_beard:
        beard = band(np.abs(patch.angle), -1.0, 1.45, 0.3) * np.clip((patch.along / size - 0.66) * 9.0, 0.0, 0.85)
        look.cover(beard, hair, Part.HAIR)
    for side in (-0.42, 0.42):
        look.cover(0.75 * _blob(patch, size, side, 0.445, 0.26, 0.022), hair, Part.FACE)
        look.draw(_blob(patch, size, side, 0.515, 0.17, 0.030), 0.6)
        look.draw(0.5 * _blob(patch, size, side * 3.7, 0.54, 0.10, 0.07), 0.35)
    look.draw(_blob(patch, size, 0.0, 0.68, 0.20, 0.022) * 0.8, 0.28)
    mouth = _blob(patch, size, 0.0, 0.79, 0.30, 0.028)
    look.cover(0.5 * mouth, stuff_of((0.62, 0.27, 0.26), 0.5, 1.0), Part.FACE)
    look.draw(mouth * 0.8, 0.15)
    _face_wear(look, patch, identity, size)
    return look


def _face_wear(look: Look, patch: Patch, identity: Identity, size: float) -> None:
    level, turned = patch.along / size, np.abs(patch.angle)
    if "mask" in identity.worn:
        rgb = ((0.93, 0.94, 0.95), (0.62, 0.78, 0.90), (0.08, 0.08, 0.09))[identity.seed % 3]
        cover = band(level, 0.60, 1.1, 0.03) * np.clip((1.3 - turned) * 6.0, 0.0, 1.0)
        look.cover(cover, stuff_of(rgb, 0.75, 0.7), Part.ACCESSORY)
    ppm = patch.ppm / 1.0
    if "glasses" in identity.worn:
        ring = np.hypot((turned - 0.43) * 0.30, level - 0.515)
        frame = np.clip(1.5 - np.abs(ring - 0.085) * size * ppm / 0.8, 0.0, 1.0) + band(level, 0.49, 0.51, 0.02) * (turned > 0.7)
        look.cover(np.clip(frame, 0.0, 1.0) * (turned < 1.6) * 0.85, stuff_of((0.08, 0.08, 0.09), 0.2, 0.3), Part.ACCESSORY)
    if "sunglasses" in identity.worn:
        ring = np.hypot((turned - 0.44) * 0.28, level - 0.52)
        lens = np.clip((0.10 - ring) * size * ppm + 0.5, 0.0, 1.0)
        lens = np.maximum(lens, band(level, 0.485, 0.51, 0.02) * (turned < 1.6))
        look.cover(lens, stuff_of((0.05, 0.05, 0.06), 0.15, 0.1), Part.ACCESSORY)
    look.ink = np.maximum(look.ink, (look.part == Part.ACCESSORY) * np.float32(0.5))


def _hair_look(patch: Patch, identity: Identity, rng: np.random.Generator, mask: Floats | None) -> Look:
    paint = identity.hair.paint
    look = new_look(patch, stuff_of(paint.rgb, paint.nir, 0.45), Part.HAIR)
    strands = folds(patch.angle * patch.radius, patch.along, patch.ppm, (float(rng.uniform()), 0.0), (0.25, 0.9))
    look.shade *= 1.0 + 0.18 * strands
    look.stuff[..., :3] += (0.07 * patch.facing**6 * np.clip(0.5 + strands, 0, 1))[..., None]
    if mask is not None:
        look.alpha = look.alpha * mask
    return look


def _hairline(patch: Patch, size: float, low: float, nape: float, lift: float) -> Floats:
    """Return where the scalp is covered (H, W), 0..1: above the forehead, round the ears, down to the nape."""
    turned = np.abs(patch.angle)
    level = (patch.along - lift) / size
    edge = low + 0.10 * np.cos(patch.angle * 3.0) * 0.2
    side = np.clip((turned - 0.78) / 0.35, 0.0, 1.0)
    back = np.clip((turned - 1.45) / 0.45, 0.0, 1.0)
    edge = edge + (0.46 - low) * side * side + (nape - 0.46) * back
    return np.clip((edge - level) * size * patch.ppm * 0.8 + 0.5, 0.0, 1.0)


def _hair_pieces(identity: Identity, body: Body, turn: float, facing: float, centre_z: float) -> list[Piece]:
    hair, size, top = identity.hair, body.head, body.height
    if hair.style == "bald":
        return []
    grow = {"short": 1.04 + 0.25 * hair.length, "curly": 1.24, "long": 1.10}.get(hair.style, 1.07)
    nape = {"short": 0.72, "curly": 0.86, "long": 1.0}.get(hair.style, 0.74)
    low = 0.26 + 0.012 * (identity.seed % 9)
    tube = _skull_tube(top, size, centre_z, grow, turn)
    lift = (grow - 1.0) * 0.45 * size

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        return _hair_look(patch, identity, rng, _hairline(patch, size, low, nape, lift))

    pieces = [Piece(1.1, tube, paint, crease=0.12)]
    behind = 0.7 if facing < -0.2 else -1.5
    if hair.style in ("long", "curly"):
        pieces.extend(_loose_hair(identity, body, turn, facing, centre_z))
    strand: list[tuple[float, float, float]] = []
    if hair.style in ("ponytail", "braid"):
        reach = 0.7 + 2.2 * hair.length
        strand = [(0.0, top - 0.30 * size, -0.46 * size), (0.0, top - 0.75 * size, -0.62 * size), (0.0, top - (0.75 + reach) * size, -0.50 * size)]
        girth = 0.16 if hair.style == "ponytail" else 0.10
        sizes = np.array([0.6, 1.0, 0.9, 0.4], np.float32) * girth * size
        tail = Tube(_turned(strand, turn, centre_z), np.array([0, 0.2, 0.6, 1], np.float32), sizes, sizes, True, True)
        pieces.append(Piece(3.6 if facing < 0.2 else -1.6, tail, lambda patch, rng: _hair_look(patch, identity, rng, None), crease=0.15))
    if hair.style == "bun":
        knot = _turned([(0.0, top - 0.04 * size, -0.36 * size), (0.0, top - 0.16 * size, -0.42 * size)], turn, centre_z)
        sizes = np.full(2, 0.20 * size, np.float32)
        ball = Tube(knot, np.array([0.0, 1.0], np.float32), sizes, sizes, True, True)
        pieces.append(Piece(1.15 if facing < 0.3 else behind, ball, lambda patch, rng: _hair_look(patch, identity, rng, None), crease=0.1))
    return pieces


def _loose_hair(identity: Identity, body: Body, turn: float, facing: float, centre_z: float) -> list[Piece]:
    """Return hair that falls on the back, and for long hair over the shoulders."""
    hair, size, top = identity.hair, body.head, body.height
    drop = (0.35 if hair.style == "curly" else 0.25 + 1.7 * hair.length) * size
    wide = 0.43 if hair.style == "curly" else 0.375
    axis = _turned([(0.0, top - 0.30 * size, -0.14 * size), (0.0, top - size - drop, -0.20 * size)], turn, centre_z)
    at = np.array([0.0, 0.4, 0.8, 1.0], np.float32)
    across = np.array([0.9, 1.0, 1.0, 0.75], np.float32) * wide * size
    back = Tube(axis, at, across, np.array([0.8, 0.9, 0.6, 0.4], np.float32) * 0.30 * size, round_end=True)
    side_on = abs(facing) < 0.75
    order = 0.9 if facing < -0.2 or side_on else -1.5
    pieces = [Piece(order, back, lambda patch, rng: _hair_look(patch, identity, rng, None), crease=0.15)]
    if hair.style == "long" and facing > -0.2 and identity.seed % 2:
        for side in (-1.0, 1.0):
            strand = _turned([(side * 0.30 * size, top - 0.4 * size, 0.02 * size), (side * 0.34 * size, top - size - 0.8 * drop, 0.14 * size)], turn, centre_z)
            sizes = np.array([0.08, 0.11, 0.10, 0.05], np.float32) * size
            tube = Tube(strand, at, sizes, sizes, True, True)
            pieces.append(Piece(1.12, tube, lambda patch, rng: _hair_look(patch, identity, rng, None), crease=0.1))
    return pieces


def _headwear_pieces(identity: Identity, body: Body, turn: float, facing: float, centre_z: float) -> list[Piece]:
    wear, size, top = identity.headwear, body.head, body.height
    if wear is None:
        return []
    stuff = stuff_of(wear.paint.rgb, wear.paint.nir, 0.35)
    grow = 1.17
    crown = _skull_tube(top + 0.02 * size, size, centre_z, grow, turn, bottom=0.34)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = new_look(patch, stuff, Part.HEADWEAR)
        look.draw(line(np.abs(patch.angle) * patch.radius, 0.0, 0.003, patch.ppm) * 0.5, 0.15)
        if wear.kind == "hat":
            second = stuff_of(wear.second.rgb, wear.second.nir, 0.35)
            look.cover(band(patch.along, patch.length - 0.09 * size, patch.length, 0.01), second, Part.HEADWEAR)
        return look

    plain = lambda patch, rng: new_look(patch, stuff, Part.HEADWEAR)  # noqa: E731
    at = np.array([0.0, 0.6, 1.0], np.float32)
    if wear.kind == "cap":
        axis = _turned([(0.0, top - 0.29 * size, 0.28 * size), (0.0, top - 0.36 * size, 0.72 * size)], turn, centre_z)
        brim = Tube(axis, at, np.array([0.33, 0.30, 0.16], np.float32) * size, np.full(3, 0.035 * size, np.float32), True, True)
        return [Piece(1.3, crown, paint, crease=0.2), Piece(1.35 if facing > -0.1 else 0.95, brim, plain, crease=0.3)]
    level = top - 0.30 * size
    axis = np.array([[0.0, level + 0.03 * size, centre_z], [0.0, level - 0.05 * size, centre_z]], np.float32)
    rim = np.array([0.55, 0.68, 0.70], np.float32) * size
    return [Piece(1.35, crown, paint), Piece(1.3, Tube(axis, at, rim, rim), plain, crease=0.4)]


def _scarf(identity: Identity, body: Body) -> list[Piece]:
    if "scarf" not in identity.worn:
        return []
    h = body.height
    stuff = stuff_of(identity.worn_paint.rgb, identity.worn_paint.nir, 0.4)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = new_look(patch, stuff, Part.ACCESSORY)
        look.shade *= 1.0 + 0.2 * folds(patch.angle * patch.radius, patch.along, patch.ppm, (float(rng.uniform()), 0.3), (1.5, 0.5))
        return look

    at = np.array([0.0, 0.5, 1.0], np.float32)
    ring = np.array([[0.0, body.neck + 0.035 * h, body.top_shift], [0.0, body.neck - 0.035 * h, body.top_shift]], np.float32)
    sizes = np.array([0.045, 0.062, 0.060], np.float32) * h
    side = 0.03 * h * (1 if identity.seed % 2 else -1)
    tail = np.array([[side, body.neck - 0.02 * h, 0.075 * h], [side, body.neck - 0.22 * h, 0.095 * h]], np.float32)
    wide = np.array([0.022, 0.026, 0.028], np.float32) * h
    return [Piece(0.85, Tube(ring, at, sizes, sizes), paint, crease=0.3), Piece(0.3, Tube(tail, at, wide, wide * 0.4), paint, crease=0.3)]


def _headphones(identity: Identity, top: float, size: float, turn: float, centre_z: float) -> list[Piece]:
    stuff = stuff_of(identity.worn_paint.rgb, 0.3, 0.2)
    paint = lambda patch, rng: new_look(patch, stuff, Part.ACCESSORY)  # noqa: E731
    arc = [(-0.37, 0.45), (-0.34, 0.12), (-0.16, -0.05), (0.16, -0.05), (0.34, 0.12), (0.37, 0.45)]
    at = np.array([0.0, 1.0], np.float32)
    thin = np.full(2, 0.035 * size, np.float32)
    band_axis = _turned([(x * size, top - y * size, 0.0) for x, y in arc], turn, centre_z)
    pieces = [Piece(1.4, Tube(band_axis, at, thin, thin, True, True), paint)]
    for side in (-1.0, 1.0):
        cup = _turned([(side * 0.37 * size, top - 0.42 * size, 0.0), (side * 0.37 * size, top - 0.60 * size, 0.0)], turn, centre_z)
        pieces.append(Piece(1.41, Tube(cup, at, np.full(2, 0.05 * size, np.float32), np.full(2, 0.11 * size, np.float32), True, True), paint))
    return pieces
