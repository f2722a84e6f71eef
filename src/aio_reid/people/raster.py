"""Tubes: the one shape that bodies, clothes and bags are made of, and how they become pixels with surface coordinates.

A tube is a bent axis with elliptic cross-sections. Every pixel of it learns where on the surface it lies (angle around,
metres along), so that a print, a stripe or an open jacket stays on the garment whatever the view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aio_reid.people.geometry import Floats, Projector

LUT = 384
_STATIONS = np.linspace(0.0, 1.0, LUT)


@dataclass(frozen=True, slots=True)
class Tube:
    """A generalised cylinder in the body frame.

    Attributes:
        axis: control points (M, 3), metres.
        at: stations (K,) along the axis, rising from 0 to 1.
        across, through: half sizes at the stations (K,), metres: sideways (X) and front to back (Z).
        round_start, round_end: rounded instead of cut ends. turn: extra rotation about the vertical, radians.
        fade_end: the last metres fade out (where a tube runs into another of the same cloth).
        is_box: a rectangular cross-section. is_ball: closed and smooth at both ends, like a head.
    """

    axis: Floats
    at: Floats
    across: Floats
    through: Floats
    round_start: bool = False
    round_end: bool = False
    turn: float = 0.0
    fade_end: float = 0.0
    is_box: bool = False
    is_ball: bool = False


@dataclass(frozen=True, slots=True)
class Patch:
    """Pixels of a tube on a rectangle of the canvas, arrays (H, W) float32.

    Attributes:
        x, y: left upper corner on the canvas.
        alpha: coverage. u: -1 left to 1 right edge. facing: cosine to the camera of the normal, 0..1.
        angle: around the axis, radians, 0 at the person's front, rising to the person's left; in (-pi, pi].
        along: metres from the tube's start, measured on the surface. length: of the axis, metres.
        up: how far the surface leans towards the sky, -1..1.
        radius: typical radius, metres. ppm: pixels per metre.
    """

    x: int
    y: int
    alpha: Floats
    u: Floats
    facing: Floats
    angle: Floats
    along: Floats
    up: Floats
    length: float
    radius: float
    ppm: float


def tube_bounds(tube: Tube, camera: Projector) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom in pixels of all that the tube may cover."""
    xy, scale = camera.project(tube.axis)
    return _bounds(tube, xy, scale, camera.pitch)


def _bounds(tube: Tube, xy: Floats, scale: Floats, pitch: float) -> tuple[float, float, float, float]:
    reach = float(np.maximum(tube.across, tube.through).max()) * float(scale.max())
    low, high = xy.min(0), xy.max(0)
    pad_y = reach if tube.round_start or tube.round_end or len(xy) > 2 else reach * (0.15 + np.sin(pitch))
    pad_y = max(pad_y, reach * abs(float(xy[0, 0] - xy[-1, 0])) / (1e-3 + float(np.hypot(*(xy[0] - xy[-1])))))
    return float(low[0] - reach), float(low[1] - pad_y), float(high[0] + reach), float(high[1] + pad_y)


def rasterise(tube: Tube, camera: Projector, canvas_hw: tuple[int, int]) -> Patch | None:
    """Turn a tube into pixels; None when nothing of it lies on the canvas."""
    xy, scale = camera.project(tube.axis)
    left, top, right, bottom = _bounds(tube, xy, scale, camera.pitch)
    x0, y0 = max(int(left) - 1, 0), max(int(top) - 1, 0)
    x1, y1 = min(int(right) + 2, canvas_hw[1]), min(int(bottom) + 2, canvas_hw[0])
    if x1 - x0 < 1 or y1 - y0 < 1:
        return None
    steps = np.linalg.norm(np.diff(tube.axis, axis=0), axis=1)
    along, offset = _nearest_on_axis(xy - np.array([x0, y0], np.float32), steps, tube, (y1 - y0, x1 - x0))
    length = float(steps.sum())
    yaw = camera.yaw + tube.turn
    ppm = float(scale.mean())
    reach, slope, lean, delta = _profile(tube, yaw, length * float(np.cos(camera.pitch)))
    station = np.clip(along * ((LUT - 1) / max(length, 1e-4)), 0, LUT - 1).astype(np.int32)
    half = reach[station] * ppm
    u = np.clip(offset / np.maximum(half, 1e-3), -1.0, 1.0)
    facing = np.sqrt(1.0 - u * u)
    if tube.is_box:
        u, facing = _box_faces(u, tube, yaw)
    alpha = np.clip((half - np.abs(offset)) * slope[station] + 0.5, 0.0, 1.0)
    if not (tube.round_start and tube.round_end) and len(xy) == 2 and not (tube.is_box or tube.is_ball):
        along = along - facing * (reach[station] * float(np.tan(camera.pitch)))
    alpha = _cut_ends(alpha, along, tube, length, ppm)
    angle = np.arcsin(u) - delta
    angle = angle - (2.0 * np.pi) * np.floor((angle + np.pi) / (2.0 * np.pi)).astype(np.float32)
    radius = float(np.sqrt(0.5 * (tube.across.mean() ** 2 + tube.through.mean() ** 2)))
    up = lean[station] * np.float32(steps_down(xy))
    return Patch(x0, y0, alpha, u, facing, angle.astype(np.float32), along, up, length, radius, ppm)


def _box_faces(u: Floats, tube: Tube, yaw: float) -> tuple[Floats, Floats]:
    """Return sine and cosine of the normals of the two faces of a box that are seen, instead of those of a cylinder."""
    cos_yaw, sin_yaw = float(np.cos(yaw)), float(np.sin(yaw))
    wide, deep = float(tube.across.mean()) * abs(cos_yaw), float(tube.through.mean()) * abs(sin_yaw)
    turned = 1.0 if cos_yaw * sin_yaw > 0 else -1.0
    edge = turned * (deep - wide) / max(deep + wide, 1e-4)
    on_front = (u - edge) * turned > 0.0
    sine = np.where(on_front, turned * abs(sin_yaw), -turned * abs(cos_yaw))
    return sine.astype(np.float32), np.where(on_front, abs(cos_yaw), abs(sin_yaw)).astype(np.float32)


def steps_down(xy: Floats) -> float:
    """Return how straight down an axis (M, 2) runs on the picture: 1 down, 0 level, -1 up."""
    dx, dy = (float(v) for v in xy[-1] - xy[0])
    return dy / max(float(np.hypot(dx, dy)), 1e-3)


def _nearest_on_axis(xy: Floats, steps: Floats, tube: Tube, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return for each pixel the metres along the axis of the nearest point, and the signed distance in pixels."""
    rows = np.arange(shape[0], dtype=np.float32)[:, None] + 0.5
    columns = np.arange(shape[1], dtype=np.float32)[None, :] + 0.5
    best_along = best_offset = best_gap = None
    done = 0.0
    last = len(xy) - 2
    for i in range(last + 1):
        ex, ey = (float(v) for v in xy[i + 1] - xy[i])
        size = max(float(np.hypot(ex, ey)), 1e-3)
        ex, ey = ex / size, ey / size
        dx, dy = columns - float(xy[i, 0]), rows - float(xy[i, 1])
        t = dx * ex + dy * ey  # (H, W) pixels along the segment
        across = dx * ey - dy * ex  # (H, W) positive to the right of a segment that points down
        low = 0.0 if (i > 0 or tube.round_start) else -1e4
        high = size if (i < last or tube.round_end) else 1e4
        held = np.clip(t, low, high)
        beyond = t - held
        beyond_start, beyond_end = i == 0, i == last
        free = np.clip(t, None if beyond_start else 0.0, None if beyond_end else size)
        here = done + free * (float(steps[i]) / size)
        done += float(steps[i])
        if last == 0:
            if not (tube.round_start or tube.round_end):
                return here, across
            return here, np.copysign(np.hypot(across, beyond), across)
        gap = across * across + beyond * beyond
        offset = np.copysign(np.sqrt(gap), across)
        if best_gap is None or best_along is None or best_offset is None:
            best_along, best_offset, best_gap = here, offset, gap
            continue
        nearer = gap < best_gap
        best_along = np.where(nearer, here, best_along)
        best_offset = np.where(nearer, offset, best_offset)
        best_gap = np.where(nearer, gap, best_gap)
    assert best_along is not None and best_offset is not None
    return best_along, best_offset


def _profile(tube: Tube, yaw: float, length: float) -> tuple[Floats, Floats, Floats, float]:
    """Return tables (LUT,) of half width in metres, edge softness, upward lean; and the angle seen in the middle."""
    across = tube.across * abs(np.cos(yaw))
    through = tube.through * abs(np.sin(yaw))
    seen = across + through if tube.is_box else np.hypot(across, through)
    table = np.interp(_STATIONS, tube.at, seen).astype(np.float32)
    rise = np.empty_like(table)
    rise[1:] = np.diff(table) * ((LUT - 1) / max(length, 1e-3))
    rise[0] = rise[1]
    delta = float(np.arctan2(tube.through.mean() * np.sin(yaw), tube.across.mean() * np.cos(yaw)))
    soft = (1.0 / np.sqrt(1.0 + rise * rise)).astype(np.float32)
    return table, soft, (rise * soft).astype(np.float32), delta


def _cut_ends(alpha: Floats, along: Floats, tube: Tube, length: float, ppm: float) -> Floats:
    if not tube.round_start:
        alpha = alpha * np.clip(along * ppm + 0.5, 0.0, 1.0)
    if tube.fade_end > 0.0:
        return np.asarray(alpha * np.clip((length - along) / tube.fade_end, 0.0, 1.0))
    if not tube.round_end:
        alpha = alpha * np.clip((length - along) * ppm + 0.5, 0.0, 1.0)
    return alpha
