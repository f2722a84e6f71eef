"""Bags and things in hand."""

from __future__ import annotations

import numpy as np

from aio_reid.people.canvas import Look, Painter, Part, Piece, new_look, stuff_of
from aio_reid.people.cloth import band, line
from aio_reid.people.geometry import Floats, Projector
from aio_reid.people.identity import Carried, Identity
from aio_reid.people.pose import Body
from aio_reid.people.raster import Patch, Tube
from aio_reid.people.trunk import girths

_AT4 = np.array([0.0, 0.12, 0.85, 1.0], np.float32)
_AT2 = np.array([0.0, 1.0], np.float32)


def carried_pieces(identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    """Return everything that a person carries."""
    pieces: list[Piece] = []
    for thing in identity.carried:
        pieces.extend(_DRAWERS[thing.kind](thing, identity, body, camera))
    return pieces


def _axis(*points: Floats) -> Floats:
    return np.stack(points).astype(np.float32)


def _bag_painter(thing: Carried, seed: int) -> Painter:
    stuff = stuff_of(thing.paint.rgb, thing.paint.nir, 0.15)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = new_look(patch, stuff, Part.BAG)
        look.shade = (0.68 + 0.34 * patch.facing).astype(np.float32)
        share = patch.along / max(patch.length, 1e-3)
        flap = 0.30 + 0.1 * (seed % 3)
        look.draw(np.clip(1.4 - np.abs(share - flap) * patch.length * patch.ppm, 0.0, 1.0), 0.3)
        if seed % 2:
            pocket = np.maximum(
                line(share * patch.length, 0.55 * patch.length, 0.004, patch.ppm),
                line(np.abs(patch.u), 0.62, 0.05, 20.0),
            )
            look.draw(pocket * band(share, 0.54, 0.97, 0.02) * (np.abs(patch.u) < 0.7), 0.25)
        return look

    return paint


def _side_point(body: Body, thing: Carried) -> int:
    return 0 if thing.side < 0 else 1


def _backpack(thing: Carried, identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    h, size = body.height, thing.size
    thick = 0.050 * h * size
    back = float(girths(body)[4, 2]) + (0.02 if identity.outer else 0.01)
    z = -back - thick * 0.75
    top = np.array([0.0, body.shoulder + 0.005 * h, z + body.top_shift])
    low = np.array([0.0, body.shoulder - 0.245 * h * (0.6 + 0.4 * size), z + 0.2 * body.top_shift])
    across = np.array([0.055, 0.078, 0.092, 0.075], np.float32) * h * size
    through = np.array([0.6, 0.95, 1.1, 0.8], np.float32) * thick
    tube = Tube(_axis(top, low), _AT4, across, through, round_start=False, round_end=False)
    depth = camera.depth(np.array([0.0, 0.0, -1.0], np.float32))
    order = -16.0 if depth < -0.35 else 0.6 if depth < 0.5 else 3.0
    return [Piece(order, tube, _bag_painter(thing, identity.seed), crease=0.3, is_body=False)]


def _hanging(
    thing: Carried, identity: Identity, body: Body, camera: Projector, shape: tuple[float, float, float]
) -> list[Piece]:
    """Return a bag below a hand with its handle; `shape`: height, half length, half thickness for a body of 1."""
    h, k = body.height, _side_point(body, thing)
    high, long, thick = (v * h * thing.size for v in shape)
    grip = body.hands[k]
    gap = np.array([0.0, -0.045 * h, 0.0])
    top = grip + gap
    low = top - np.array([0.0, high, 0.0])
    sizes = np.array([0.86, 0.96, 1.0, 0.94], np.float32)
    tube = Tube(_axis(top, low), _AT4, sizes * thick, sizes * long, is_box=True)
    stuff = stuff_of(thing.paint.rgb, thing.paint.nir, 0.15)
    thin = np.full(2, 0.006 * h, np.float32)
    order = 2.5 if camera.depth(grip) > -0.02 else -20.5
    pieces = [Piece(order, tube, _bag_painter(thing, identity.seed), crease=0.2, is_body=False)]
    for shift in (-0.6, 0.6):
        foot = top + np.array([0.0, 0.0, shift * long])
        strap = Tube(_axis(grip, foot), _AT2, thin, thin, True, True)
        pieces.append(Piece(order - 0.01, strap, lambda patch, rng: new_look(patch, stuff, Part.BAG), is_body=False))
    return pieces


def _handbag(thing: Carried, identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    if identity.hanging(thing) == "hand":
        return _hanging(thing, identity, body, camera, (0.115, 0.085, 0.03))
    return _at_hip(thing, identity, body, camera, (0.13, 0.075, 0.035))


def _briefcase(thing: Carried, identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    return _hanging(thing, identity, body, camera, (0.155, 0.115, 0.025))


def _at_hip(
    thing: Carried, identity: Identity, body: Body, camera: Projector, shape: tuple[float, float, float]
) -> list[Piece]:
    """Return a bag on a strap, beside the hip on its side."""
    h = body.height
    high, long, thick = (v * h * thing.size for v in shape)
    x = -thing.side * (float(girths(body)[7, 1]) + thick + 0.02)
    top = np.array([x, body.waist - 0.005 * h, 0.02 * h])
    low = top - np.array([0.0, high, 0.0])
    tube = Tube(
        _axis(top, low), _AT4, np.full(4, thick, np.float32), np.array([0.9, 1, 1, 0.9], np.float32) * long, is_box=True
    )
    near = camera.depth(top.astype(np.float32)) > -0.05
    order = 2.6 if near else -18.0
    pieces = [Piece(order, tube, _bag_painter(thing, identity.seed), crease=0.25, is_body=False)]
    if identity.hanging(thing) == "shoulder":
        shoulder = np.array([-thing.side * body.broad * 0.72, body.shoulder + 0.012 * h, 0.01 * h])
        thin = np.full(2, 0.008 * h, np.float32)
        stuff = stuff_of(thing.paint.rgb, thing.paint.nir, 0.15)
        strap = Tube(_axis(shoulder, top), _AT2, thin, thin, True, True)
        pieces.append(Piece(order - 0.01, strap, lambda patch, rng: new_look(patch, stuff, Part.BAG), is_body=False))
    return pieces


def _bag(thing: Carried, identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    if identity.hanging(thing) == "across":
        return _at_hip(thing, identity, body, camera, (0.125, 0.085, 0.035))
    return _hanging(thing, identity, body, camera, (0.20, 0.085, 0.04))


def _suitcase(thing: Carried, identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    h, k = body.height, _side_point(body, thing)
    grip = body.hands[k]
    high = 0.33 * h * thing.size
    middle = np.array([float(grip[0]) * 1.25, 0.0, float(grip[2]) - 0.16 * h])
    low, top = middle + np.array([0.0, 0.03 * h, 0.0]), middle + np.array([0.0, 0.03 * h + high, 0.0])
    across, through = np.full(4, 0.10 * h * thing.size, np.float32), np.full(4, 0.065 * h * thing.size, np.float32)
    tube = Tube(_axis(top, low), _AT4, across, through, is_box=True)
    order = 2.7 if camera.depth(middle.astype(np.float32)) > 0 else -21.0
    dark = stuff_of((0.25, 0.25, 0.26), 0.3, 0.1)
    plain = lambda patch, rng: new_look(patch, dark, Part.BAG)  # noqa: E731
    thin = np.full(2, 0.006 * h, np.float32)
    pole = Tube(_axis(grip, top), _AT2, thin, thin, True, True)
    wheel = np.full(2, 0.016 * h, np.float32)
    pieces = [
        Piece(order - 0.02, pole, plain, is_body=False),
        Piece(order, tube, _bag_painter(thing, identity.seed), 0.2, is_body=False),
    ]
    for shift in (-0.07, 0.07):
        spot = middle + np.array([shift * h, 0.014 * h, 0.0])
        axle = Tube(_axis(spot, spot + np.array([0.0, 0.004, 0.0])), _AT2, wheel, wheel, True, True)
        pieces.append(Piece(order - 0.01, axle, plain, is_body=False))
    return pieces


def _umbrella(thing: Carried, identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    h, k = body.height, _side_point(body, thing)
    stuff = stuff_of(thing.paint.rgb, thing.paint.nir, 0.1)
    dark = stuff_of((0.2, 0.2, 0.2), 0.3, 0.1)
    thin = np.full(2, 0.006 * h, np.float32)
    grip = body.hands[k]
    pole_top = np.array([0.35 * float(grip[0]), h + 0.19 * h, 0.05 * h])
    pole = Tube(_axis(grip, pole_top), _AT2, thin, thin, True, True)
    at = np.linspace(0.0, 1.0, 12, dtype=np.float32)
    rim = (0.28 * h * thing.size * np.sqrt(at * (2.0 - at))).astype(np.float32)
    dome_axis = _axis(pole_top + np.array([0.0, 0.02 * h, 0.0]), pole_top - np.array([0.0, 0.14 * h, 0.0]))
    dome = Tube(dome_axis, at, rim, rim, round_start=True)

    def paint(patch: Patch, rng: np.random.Generator) -> Look:
        look = new_look(patch, stuff, Part.BAG)
        ribs = np.abs(np.mod(patch.angle / (np.pi / 4.0), 1.0) - 0.5)
        look.draw(np.clip((0.06 - ribs) * 20.0, 0.0, 1.0), 0.25)
        look.shade *= 0.85 + 0.3 * ribs
        return look

    order = 2.3 if camera.depth(grip) > -0.02 else -20.6
    return [
        Piece(order, pole, lambda p, rng: new_look(p, dark, Part.ACCESSORY), is_body=False),
        Piece(4.0, dome, paint, 0.3, is_body=False),
    ]


def _phone(thing: Carried, identity: Identity, body: Body, camera: Projector) -> list[Piece]:
    h, k = body.height, _side_point(body, thing)
    stuff = stuff_of(thing.paint.rgb, thing.paint.nir, 0.4)
    low, top = body.hands[k], body.hands[k] + np.array([0.0, 0.055 * h, 0.02 * h])
    wide, thin = np.full(2, 0.021 * h, np.float32), np.full(2, 0.007 * h, np.float32)
    tube = Tube(_axis(top, low), _AT2, wide, thin, is_box=True)
    order = 2.4 if camera.depth(low) > -0.02 else -20.4
    return [Piece(order, tube, lambda patch, rng: new_look(patch, stuff, Part.ACCESSORY), is_body=False)]


_DRAWERS = {
    "backpack": _backpack,
    "handbag": _handbag,
    "bag": _bag,
    "briefcase": _briefcase,
    "suitcase": _suitcase,
    "umbrella": _umbrella,
    "phone": _phone,
}
