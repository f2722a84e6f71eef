"""Head: neck, face, hair, headwear and what is worn on the face."""

from __future__ import annotations

import numpy as np

from aio_reid.people.canvas import Look, Part, Piece, new_look, stuff_of
from aio_reid.people.cloth import band, line
from aio_reid.people.geometry import Floats, Projector, View
from aio_reid.people.hair import hair_pieces, skull_tube, turned
from aio_reid.people.identity import Identity
from aio_reid.people.patterns import folds
from aio_reid.people.pose import Body
from aio_reid.people.raster import Patch, Tube


def head_pieces(identity: Identity, body: Body, camera: Projector, view: View, skin: Floats) -> list[Piece]:
    """Return neck, head, hair, headwear and face wear."""
    turn = float(np.radians(view.head_turn_deg))
    size, centre_z = body.head, body.top_shift + 0.012 * body.height
    top = body.height
    facing = float(np.cos(camera.yaw + turn))
    pieces = [_neck(body, skin), *_scarf(identity, body, camera)]
    skull = skull_tube(top, size, centre_z, 1.0, turn)
    pieces.append(Piece(1.0, skull, lambda patch, rng: _face_look(patch, identity, skin), crease=0.3))
    nose = Tube(
        turned([(0.0, top - 0.52 * size, 0.36 * size), (0.0, top - 0.64 * size, 0.43 * size)], turn, centre_z),
        np.array([0.0, 1.0], np.float32),
        np.full(2, 0.045 * size, np.float32),
        np.full(2, 0.045 * size, np.float32),
        True,
        True,
    )
    if facing > -0.15:
        pieces.append(Piece(1.05, nose, lambda patch, rng: new_look(patch, skin, Part.FACE)))
    pieces.extend(hair_pieces(identity, body, turn, facing, centre_z))
    pieces.extend(_headwear_pieces(identity, body, turn, facing, centre_z))
    if "headphones" in identity.worn:
        pieces.extend(_headphones(identity, top, size, turn, centre_z))
    return pieces


def _neck(body: Body, skin: Floats) -> Piece:
    h = body.height
    thick = h * (0.027 + 0.008 * body.heavy - 0.004 * body.feminine)
    top = (0.0, body.chin + 0.04 * h, body.top_shift + 0.004 * h)
    low = (0.0, body.neck - 0.045 * h, body.top_shift - 0.008 * h)
    at = np.array([0.0, 0.6, 1.0], np.float32)
    tube = Tube(
        np.array([top, low], np.float32),
        at,
        np.array([1, 1, 1.7], np.float32) * thick,
        np.array([1, 1, 1.5], np.float32) * thick,
    )
    return Piece(-0.5, tube, lambda patch, rng: new_look(patch, skin, Part.SKIN))


def _blob(patch: Patch, size: float, angle: float, level: float, wide: float, high: float) -> Floats:
    """Return a soft spot (H, W), 0..1, on the face; level and sizes in heads, angle in radians."""
    dx = (patch.angle - angle) / wide
    dy = (patch.along / size - level) / high
    return np.asarray(np.exp(-(dx * dx + dy * dy)), np.float32)


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
        frame = np.clip(1.5 - np.abs(ring - 0.085) * size * ppm / 0.8, 0.0, 1.0) + band(level, 0.49, 0.51, 0.02) * (
            turned > 0.7
        )
        look.cover(
            np.clip(frame, 0.0, 1.0) * (turned < 1.6) * 0.85, stuff_of((0.08, 0.08, 0.09), 0.2, 0.3), Part.ACCESSORY
        )
    if "sunglasses" in identity.worn:
        ring = np.hypot((turned - 0.44) * 0.28, level - 0.52)
        lens = np.clip((0.10 - ring) * size * ppm + 0.5, 0.0, 1.0)
        lens = np.maximum(lens, band(level, 0.485, 0.51, 0.02) * (turned < 1.6))
        look.cover(lens, stuff_of((0.05, 0.05, 0.06), 0.15, 0.1), Part.ACCESSORY)
    look.ink = np.maximum(look.ink, (look.part == Part.ACCESSORY) * np.float32(0.5))


def _headwear_pieces(identity: Identity, body: Body, turn: float, facing: float, centre_z: float) -> list[Piece]:
    wear, size, top = identity.headwear, body.head, body.height
    if wear is None:
        return []
    stuff = stuff_of(wear.paint.rgb, wear.paint.nir, 0.35)
    grow = 1.17
    crown = skull_tube(top + 0.02 * size, size, centre_z, grow, turn, bottom=0.34)

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
        brim = _brim(top, size, turn, centre_z, facing)
        return [Piece(1.3, crown, paint, crease=0.2), Piece(1.35 if facing > -0.1 else 0.95, brim, plain, crease=0.3)]
    level = top - 0.30 * size
    axis = np.array([[0.0, level + 0.03 * size, centre_z], [0.0, level - 0.05 * size, centre_z]], np.float32)
    rim = np.array([0.55, 0.68, 0.70], np.float32) * size
    return [Piece(1.35, crown, paint), Piece(1.3, Tube(axis, at, rim, rim), plain, crease=0.4)]


def _brim(top: float, size: float, turn: float, centre_z: float, facing: float) -> Tube:
    """Return the brim of a cap: a tube along its longer side, as seen from the front or from the side."""
    if abs(facing) < 0.6:
        axis = turned([(0.0, top - 0.29 * size, 0.28 * size), (0.0, top - 0.36 * size, 0.72 * size)], turn, centre_z)
        flat = np.array([0.07, 0.06, 0.03], np.float32) * size
        return Tube(axis, np.array([0.0, 0.6, 1.0], np.float32), flat, flat, True, True)
    level = top - 0.34 * size
    axis = turned([(-0.30 * size, level, 0.46 * size), (0.30 * size, level, 0.46 * size)], turn, centre_z)
    bow = np.array([0.05, 0.10, 0.12, 0.10, 0.05], np.float32) * size
    return Tube(axis, np.linspace(0.0, 1.0, 5, dtype=np.float32), bow, bow, True, True)


def _scarf(identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    if "scarf" not in identity.worn:
        return []
    h = body.height
    stuff = stuff_of(identity.worn_paint.rgb, identity.worn_paint.nir, 0.4)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = new_look(patch, stuff, Part.ACCESSORY)
        look.shade *= 1.0 + 0.2 * folds(
            patch.angle * patch.radius, patch.along, patch.ppm, (float(rng.uniform()), 0.3), (1.5, 0.5)
        )
        return look

    at = np.array([0.0, 0.5, 1.0], np.float32)
    ring = np.array(
        [[0.0, body.neck + 0.022 * h, body.top_shift], [0.0, body.neck - 0.038 * h, body.top_shift]], np.float32
    )
    sizes = np.array([0.045, 0.062, 0.060], np.float32) * h
    side = 0.03 * h * (1 if identity.seed % 2 else -1)
    tail = np.array([[side, body.neck - 0.02 * h, 0.075 * h], [side, body.neck - 0.22 * h, 0.095 * h]], np.float32)
    wide = np.array([0.022, 0.026, 0.028], np.float32) * h
    return [
        Piece(0.85, Tube(ring, at, sizes, sizes), paint, crease=0.3),
        Piece(0.3 if camera.depth(tail[1]) > 0.0 else -3.0, Tube(tail, at, wide, wide * 0.4), paint, crease=0.3),
    ]


def _headphones(identity: Identity, top: float, size: float, turn: float, centre_z: float) -> list[Piece]:
    stuff = stuff_of(identity.worn_paint.rgb, 0.3, 0.2)
    paint = lambda patch, rng: new_look(patch, stuff, Part.ACCESSORY)  # noqa: E731
    arc = [(-0.37, 0.45), (-0.34, 0.12), (-0.16, -0.05), (0.16, -0.05), (0.34, 0.12), (0.37, 0.45)]
    at = np.array([0.0, 1.0], np.float32)
    thin = np.full(2, 0.035 * size, np.float32)
    band_axis = turned([(x * size, top - y * size, 0.0) for x, y in arc], turn, centre_z)
    pieces = [Piece(1.4, Tube(band_axis, at, thin, thin, True, True), paint)]
    for side in (-1.0, 1.0):
        cup = turned(
            [(side * 0.37 * size, top - 0.42 * size, 0.0), (side * 0.37 * size, top - 0.60 * size, 0.0)], turn, centre_z
        )
        pieces.append(
            Piece(
                1.41,
                Tube(cup, at, np.full(2, 0.05 * size, np.float32), np.full(2, 0.11 * size, np.float32), True, True),
                paint,
            )
        )
    return pieces
