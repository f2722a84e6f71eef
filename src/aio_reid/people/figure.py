"""One person, drawn: from identity and view to layers that every renderer starts from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aio_reid.people.canvas import Canvas, Layers, Outline, Part, Piece, stuff_of
from aio_reid.people.carried import carried_pieces
from aio_reid.people.geometry import Projector, View, frontal_view, random_view
from aio_reid.people.head import head_pieces
from aio_reid.people.identity import Identity
from aio_reid.people.limbs import arm_pieces, leg_pieces
from aio_reid.people.pose import pose_body
from aio_reid.people.raster import rasterise, tube_bounds
from aio_reid.people.trunk import SKIN_NIR, seat_pieces, trunk_pieces

__all__ = ["Layers", "Outline", "Part", "View", "draw_figure", "frontal_view", "random_view"]

MARGIN_PX = 3.0


def draw_figure(
    identity: Identity,
    view: View,
    height: int,
    rng: np.random.Generator,
    *,
    fit_body: bool = False,
    outlines: bool = True,
) -> Layers:
    """Draw a person on a canvas (H, W) that holds all of the figure.

    Args:
        height: of the canvas in pixels, H; with `fit_body` instead the height of the body without carried things, and
            the canvas becomes as large as an umbrella or suitcase needs.
        rng: draws what differs from picture to picture, such as the fall of folds.
        outlines: without them drawing is faster, and `Layers.outlines` is empty.
    """
    pieces, camera = _build(identity, view)
    camera, shape, body_box = _fit(pieces, camera, height, fit_body)
    canvas = Canvas.blank(*shape, keep_masks=outlines)
    for piece in sorted(pieces, key=lambda p: p.order):
        patch = rasterise(piece.tube, camera, shape)
        if patch is not None:
            canvas.paint(patch, piece.paint(patch, rng), crease=piece.crease)
    planes = canvas.planes
    return Layers(
        part=canvas.part,
        albedo=np.clip(planes[..., :3], 0.0, 1.0),
        nir=planes[..., 3],
        warmth=planes[..., 4],
        shade=planes[..., 5],
        normal=planes[..., 6:8],
        alpha=canvas.alpha,
        ink=planes[..., 8],
        body=body_box,
        outlines=canvas.outlines() if outlines else (),
    )


def _build(identity: Identity, view: View) -> tuple[list[Piece], Projector]:
    body = pose_body(identity, view)
    yaw, pitch = float(np.radians(view.azimuth_deg)), float(np.radians(view.pitch_deg))
    camera = Projector(yaw=yaw, pitch=pitch, centre_m=body.height / 2.0, distance_m=view.distance_m)
    skin = stuff_of(identity.skin, SKIN_NIR, 1.0)
    pieces = [
        *leg_pieces(identity, body, camera, skin),
        *seat_pieces(identity, body),
        *trunk_pieces(identity, body, skin),
        *arm_pieces(identity, body, camera, skin),
        *head_pieces(identity, body, camera, view, skin),
        *carried_pieces(identity, body, camera),
    ]
    return pieces, camera


def _fit(
    pieces: list[Piece], camera: Projector, height: int, fit_body: bool
) -> tuple[Projector, tuple[int, int], tuple[float, float, float, float]]:
    """Return the camera scaled to the canvas, the canvas's (H, W), and the box around the body."""
    boxes = np.array([tube_bounds(piece.tube, camera) for piece in pieces], np.float32)  # (K, 4) at 1 pixel a metre
    of_body = boxes[[piece.is_body for piece in pieces]]
    whole = (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))
    body = (*of_body[:, :2].min(0), *of_body[:, 2:].max(0))
    reference = body if fit_body else whole
    ppm = (height - 2.0 * MARGIN_PX) / float(reference[3] - reference[1])
    origin = (MARGIN_PX - ppm * float(whole[0]), MARGIN_PX - ppm * float(whole[1]))
    shape = (
        int(np.ceil(ppm * (whole[3] - whole[1]) + 2 * MARGIN_PX)),
        int(np.ceil(ppm * (whole[2] - whole[0]) + 2 * MARGIN_PX)),
    )
    if not fit_body:
        shape = (height, shape[1])
    left, top, right, bottom = (float(v) for v in body)
    box = (origin[0] + ppm * left, origin[1] + ppm * top, origin[0] + ppm * right, origin[1] + ppm * bottom)
    return replace(camera, ppm=ppm, origin=origin), shape, box
