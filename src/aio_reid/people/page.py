"""A person on a drawing's page: the figure as memory bends it, placed on paper, still as layers and paths."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.people.artists import Hand, recall
from aio_reid.people.canvas import Layers, Part
from aio_reid.people.figure import draw_figure, frontal_view
from aio_reid.people.geometry import Floats
from aio_reid.people.identity import Identity
from aio_reid.people.strokes import soft_noise

FIGURE_HEIGHT = 272


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be drawn, on a page (H, W).

    Attributes:
        part: uint8 (H, W), `Part` values. albedo: float32 (H, W, 3).
        shade, alpha, ink, bend: float32 (H, W), as in `Layers`; `bend` is the sideways
            normal, -1..1.
        paths: contours (K, 2) in pixels (x, y).
    """

    part: NDArray[np.uint8]
    albedo: Floats
    shade: Floats
    alpha: Floats
    ink: Floats
    bend: Floats
    paths: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class _Bend:
    """How rows of the figure (0 top to 1 bottom) become rows of the page, and how wide each gets.

    Attributes:
        rows, page_rows: matching heights, rising. widths: horizontal enlargement at `rows`.
        box: left, top, width, height of the figure on its canvas; frame: the same of its place on the page.
        stray: (H, W, 2) wandering of the hand in pixels of the page.
    """

    rows: Floats
    page_rows: Floats
    widths: Floats
    box: tuple[float, float, float, float]
    frame: tuple[float, float, float, float]
    stray: Floats

    def maps(self) -> tuple[Floats, Floats]:
        """Return where on the figure's canvas each pixel (H, W) of the page comes from."""
        height, width = self.stray.shape[:2]
        x = np.arange(width, dtype=np.float32)[None, :] + self.stray[..., 0]
        y = np.arange(height, dtype=np.float32)[:, None] + self.stray[..., 1]
        left, top, frame_width, frame_height = self.frame
        page_row = ((y - top) / frame_height).astype(np.float32)
        table_at = np.linspace(-0.1, 1.1, 512)
        table = np.interp(table_at, self.page_rows, self.rows)
        table += np.clip(table_at, None, 0.0) + np.clip(table_at - 1.0, 0.0, None)  # beyond the figure
        place = np.clip((page_row + 0.1) * (511 / 1.2), 0, 511).astype(np.int32)
        row = table.astype(np.float32)[place]
        wide = np.interp(table, self.rows, self.widths).astype(np.float32)[place]
        offset = (x - (left + 0.5 * frame_width)) / (frame_width * wide)
        from_x, from_y = self.box[0] + self.box[2] * (0.5 + offset), self.box[1] + self.box[3] * row
        return np.asarray(from_x, np.float32), np.asarray(from_y, np.float32)

    def move(self, path: Floats) -> Floats:
        """Return where a path (K, 2) of the figure's canvas lies on the page."""
        row = (path[:, 1] - self.box[1]) / self.box[3]
        offset = ((path[:, 0] - self.box[0]) / self.box[2] - 0.5) * np.interp(row, self.rows, self.widths)
        x = self.frame[0] + self.frame[2] * (0.5 + offset)
        y = self.frame[1] + self.frame[3] * np.interp(row, self.rows, self.page_rows)
        height, width = self.stray.shape[:2]
        column, line = np.clip(x, 0, width - 1).astype(np.int32), np.clip(y, 0, height - 1).astype(np.int32)
        return np.asarray(np.stack([x, y], axis=1) - self.stray[line, column], np.float32)


def lay_out(identity: Identity, hand: Hand, rng: np.random.Generator, size: tuple[int, int]) -> Page:
    """Remember a person and lay the figure out on a page of `size` (H, W), frontal, standing."""
    layers = draw_figure(recall(identity, rng), frontal_view(rng), FIGURE_HEIGHT, rng)
    bend = _bend(layers, hand, rng, size)
    map_x, map_y = bend.maps()
    flat = np.dstack([layers.shade, layers.alpha, layers.ink, layers.normal[..., 0]])
    seen = _taken(flat, map_x, map_y)
    step_x, step_y = bend.frame[2] / bend.box[2], bend.frame[3] / bend.box[3]
    dense = [_densified(bend.move(outline.points), max(step_x, step_y)) for outline in layers.outlines]
    return Page(
        part=np.asarray(cv2.remap(layers.part, map_x, map_y, cv2.INTER_NEAREST), np.uint8),
        albedo=_taken(layers.albedo, map_x, map_y),
        shade=seen[..., 0],
        alpha=seen[..., 1],
        ink=seen[..., 2],
        bend=seen[..., 3],
        paths=tuple(dense),
    )


def _bend(layers: Layers, hand: Hand, rng: np.random.Generator, size: tuple[int, int]) -> _Bend:
    solid = layers.alpha > 0.5
    columns, lines = np.flatnonzero(solid.any(0)), np.flatnonzero(solid.any(1))
    left, right, top, bottom = (float(v) for v in (columns[0], columns[-1] + 1, lines[0], lines[-1] + 1))
    face = np.flatnonzero((layers.part == Part.FACE).any(1))
    chin = float(np.clip((face[-1] - top) / (bottom - top), 0.09, 0.3)) if len(face) else 0.14
    rows = np.array([0.0, chin, chin + 0.06, 0.53, 1.0])
    density = np.array([hand.head, 0.5 + 0.5 * hand.head, 1.0, hand.legs])
    page_rows = np.concatenate([[0.0], np.cumsum(np.diff(rows) * density)])
    stretch = float(page_rows[-1])
    page_rows /= stretch
    centre = 0.5 * (layers.body[0] + layers.body[2])
    half = max(centre - left, right - centre)
    box = (centre - half, top, 2.0 * half, bottom - top)
    # Widths are against the height: a head that is higher is also wider; the frame below sets the rest.
    head = hand.head * float(rng.uniform(1.0, 1.25))
    widths = np.array([head, head, 0.5 * (hand.head + hand.broad), hand.broad, hand.broad]) / stretch
    widest = float(widths[2:].max())
    frame = _frame(box, (left - centre) * widest / half, (right - centre) * widest / half, rng, size)
    stray = np.dstack([soft_noise(size, 7, rng), soft_noise(size, 7, rng)]) * np.float32(
        0.35 * hand.wobble * size[0] + 0.4
    )
    table = rows.astype(np.float32), page_rows.astype(np.float32), widths.astype(np.float32)
    return _Bend(*table, box=box, frame=frame, stray=stray)


def _frame(
    box: tuple[float, float, float, float], low: float, high: float, rng: np.random.Generator, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return left, top, width, height on the page of the figure's box, drawn from `low` to `high` half widths.

    Most drawings are cut out tightly and stretched to the shape of the page; some keep their shape on a wider sheet.
    """
    height, width = size
    tight = rng.random() < 0.7
    tall = height * float(rng.uniform(0.955, 0.995) if tight else rng.uniform(0.82, 0.97))
    kept = tall * box[2] / box[3]  # width of the whole box if the shape is kept
    reach = 0.5 * (high - low)
    fitted = width * float(rng.uniform(0.9, 0.99)) / reach
    wide = (
        min(fitted, kept * float(rng.uniform(1.15, 1.6)))
        if tight
        else min(kept * float(rng.uniform(0.95, 1.1)), fitted)
    )
    room_x, room_y = width - wide * reach, height - tall
    start = room_x * float(rng.uniform(0.3, 0.7) if tight else rng.uniform(0.15, 0.85))
    left = start - wide * 0.5 * (1.0 + low)
    return left, room_y * float(rng.uniform(0.2, 0.8)), wide, tall


def _taken(plane: Floats, map_x: Floats, map_y: Floats) -> Floats:
    return np.asarray(cv2.remap(plane, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)


def _densified(path: Floats, step: float) -> Floats:
    """Return the path with points about a pixel apart."""
    count = max(len(path), round(len(path) * step))
    at = np.linspace(0.0, len(path) - 1.0, count)
    old = np.arange(len(path))
    return np.stack([np.interp(at, old, path[:, 0]), np.interp(at, old, path[:, 1])], axis=1).astype(np.float32)
