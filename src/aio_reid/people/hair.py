"""Hair, and the shape of the skull that it grows on."""

from __future__ import annotations

import numpy as np

from aio_reid.people.canvas import Look, Part, Piece, new_look, stuff_of
from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Identity
from aio_reid.people.patterns import folds
from aio_reid.people.pose import Body
from aio_reid.people.raster import Patch, Tube

_SKULL = np.array(
    [
        (0, 0.12),
        (0.015, 0.36),
        (0.05, 0.60),
        (0.12, 0.80),
        (0.25, 0.95),
        (0.4, 1.0),
        (0.55, 0.98),
        (0.7, 0.88),
        (0.84, 0.68),
        (0.94, 0.44),
        (1, 0.2),
    ],
    np.float32,
)


def turned(points: list[tuple[float, float, float]], turn: float, centre_z: float) -> Floats:
    """Turn points about the neck, and move them forward by `centre_z`."""
    p = np.array(points, np.float32)
    x = p[:, 0] * np.cos(turn) + p[:, 2] * np.sin(turn)
    z = p[:, 2] * np.cos(turn) - p[:, 0] * np.sin(turn)
    return np.stack([x, p[:, 1], z + centre_z], axis=1).astype(np.float32)


def skull_tube(top: float, size: float, centre_z: float, grow: float, turn: float, *, bottom: float = 1.0) -> Tube:
    """Return the head, `grow` times as wide, ending at the fraction `bottom` of its height."""
    lift = (grow - 1.0) * 0.45 * size
    axis = np.array([[0.0, top + lift, centre_z], [0.0, top - bottom * size, centre_z]], np.float32)
    at = np.linspace(0.0, 1.0, 20, dtype=np.float32)
    shape = np.interp(at * bottom, _SKULL[:, 0], _SKULL[:, 1]).astype(np.float32) * size * grow
    return Tube(axis, at, 0.345 * shape, 0.42 * shape, turn=turn, is_ball=True)


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
    return np.asarray(np.clip((edge - level) * size * patch.ppm * 0.8 + 0.5, 0.0, 1.0))


def _plain_hair(order: float, tube: Tube, identity: Identity, crease: float) -> Piece:
    return Piece(order, tube, lambda patch, rng: _hair_look(patch, identity, rng, None), crease=crease)


def hair_pieces(identity: Identity, body: Body, turn: float, facing: float, centre_z: float) -> list[Piece]:
    """Return the hair; `turn` of the head against the trunk, radians; `facing`, the face's cosine to the camera."""
    hair, size, top = identity.hair, body.head, body.height
    if hair.style == "bald":
        return []
    grow = {"short": 1.04 + 0.25 * hair.length, "curly": 1.24, "long": 1.10}.get(hair.style, 1.07)
    nape = {"short": 0.72, "curly": 0.9, "long": 1.4}.get(hair.style, 0.74)
    low = 0.26 + 0.012 * (identity.seed % 9)
    lift = (grow - 1.0) * 0.45 * size

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        return _hair_look(patch, identity, rng, _hairline(patch, size, low, nape, lift))

    pieces = [Piece(1.1, skull_tube(top, size, centre_z, grow, turn), paint, crease=0.12)]
    if hair.style in ("long", "curly"):
        pieces.extend(_loose_hair(identity, body, turn, facing, centre_z))
    if hair.style in ("ponytail", "braid"):
        tail = _tail(identity, top, size, turn, centre_z)
        pieces.append(_plain_hair(3.6 if facing < 0.2 else -1.6, tail, identity, 0.15))
    if hair.style == "bun":
        knot = turned([(0.0, top - 0.04 * size, -0.36 * size), (0.0, top - 0.16 * size, -0.42 * size)], turn, centre_z)
        sizes = np.full(2, 0.20 * size, np.float32)
        ball = Tube(knot, np.array([0.0, 1.0], np.float32), sizes, sizes, True, True)
        pieces.append(_plain_hair(1.15 if facing < 0.3 else -1.5, ball, identity, 0.1))
    return pieces


def _tail(identity: Identity, top: float, size: float, turn: float, centre_z: float) -> Tube:
    """Return a ponytail, or a braid with its knots."""
    reach = 0.7 + 2.2 * identity.hair.length
    points = [(0.30, 0.46), (0.75, 0.62), (0.75 + reach, 0.50)]
    strand = turned([(0.0, top - low * size, -back * size) for low, back in points], turn, centre_z)
    at = np.linspace(0.0, 1.0, 17, dtype=np.float32)
    shape = np.interp(at, [0.0, 0.2, 0.6, 1.0], [0.6, 1.0, 0.9, 0.4]).astype(np.float32)
    if identity.hair.style == "braid":
        shape = 0.75 * shape * (1.0 - 0.35 * (np.arange(17) % 2)).astype(np.float32)
    sizes = 0.16 * size * shape
    return Tube(strand, at, sizes, sizes, True, True)


def _loose_hair(identity: Identity, body: Body, turn: float, facing: float, centre_z: float) -> list[Piece]:
    """Return hair that falls on the back, and for long hair over the shoulders."""
    hair, size, top = identity.hair, body.head, body.height
    drop = (0.35 if hair.style == "curly" else 0.25 + 1.7 * hair.length) * size
    wide = 0.43 if hair.style == "curly" else 0.375
    axis = turned([(0.0, top - 0.30 * size, -0.14 * size), (0.0, top - size - drop, -0.20 * size)], turn, centre_z)
    at = np.array([0.0, 0.4, 0.8, 1.0], np.float32)
    across = np.array([0.9, 1.0, 1.0, 0.75], np.float32) * wide * size
    back = Tube(axis, at, across, np.array([0.8, 0.9, 0.6, 0.4], np.float32) * 0.30 * size, round_end=True)
    side_on = abs(facing) < 0.75
    order = 1.12 if facing < -0.2 else 1.08 if side_on else -1.5
    pieces = [_plain_hair(order, back, identity, 0.15)]
    if hair.style == "long" and facing > -0.2 and identity.seed % 2:
        for side in (-1.0, 1.0):
            strand = turned(
                [
                    (side * 0.36 * size, top - 0.4 * size, -0.04 * size),
                    (side * 0.42 * size, top - size - 0.6 * drop, 0.16 * size),
                ],
                turn,
                centre_z,
            )
            sizes = np.array([0.09, 0.14, 0.12, 0.05], np.float32) * size
            tube = Tube(strand, at, sizes, sizes, True, True)
            pieces.append(_plain_hair(1.12, tube, identity, 0.1))
    return pieces
