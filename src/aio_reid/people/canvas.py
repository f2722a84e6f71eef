"""What a drawn figure consists of: layers of physical quantities; photo, infrared frame and sketch start from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from aio_reid.people.geometry import Floats
from aio_reid.people.raster import Patch, Tube


class Part(IntEnum):
    """What a pixel shows."""

    BACKGROUND = 0
    SKIN = 1
    FACE = 2
    HAIR = 3
    HEADWEAR = 4
    UPPER = 5
    OUTER = 6
    LOWER = 7
    SHOES = 8
    BAG = 9
    ACCESSORY = 10
    SOCKS = 11


@dataclass(frozen=True, slots=True)
class Outline:
    """A visible contour: `points` (K, 2) float32 pixels (x, y), of something of the kind `part`."""

    part: Part
    points: Floats


@dataclass(frozen=True, slots=True)
class Layers:
    """A figure drawn on a canvas (H, W), nothing cut off.

    Attributes:
        part: uint8 (H, W), `Part` values.
        albedo: float32 (H, W, 3), sRGB of the thing itself in 0..1, before any light.
        nir: float32 (H, W), reflectance at 850 nm. warmth: float32 (H, W), 0 as cold as the street to 1 bare skin.
        shade: float32 (H, W), about 0.3..1.1: roundness, folds and creases under an even light.
        normal: float32 (H, W, 2), surface normal to the right and up, -1..1.
        alpha: float32 (H, W), coverage by the figure.
        ink: float32 (H, W), 0..1: seams, edges, buttons and features that somebody who draws would draw.
        body: left, top, right, bottom in pixels of the body without carried things.
        outlines: visible contours.
    """

    part: NDArray[np.uint8]
    albedo: Floats
    nir: Floats
    warmth: Floats
    shade: Floats
    normal: Floats
    alpha: Floats
    ink: Floats
    body: tuple[float, float, float, float]
    outlines: tuple[Outline, ...]


@dataclass(slots=True)
class Look:
    """How a patch looks: `stuff` (H, W, 5) is sRGB, near infrared, warmth; all else (H, W), as in `Layers`."""

    stuff: Floats
    shade: Floats
    ink: Floats
    part: NDArray[np.uint8]
    alpha: Floats

    def cover(self, mask: Floats, stuff: Floats, part: Part) -> None:
        """Lay another stuff (5,) or (H, W, 5) over this one where `mask` (H, W), 0..1, says so."""
        self.stuff += mask[..., None] * (stuff - self.stuff)
        self.part[mask > 0.5] = part

    def draw(self, mask: Floats, darkness: float) -> None:
        """Draw a line or dent (H, W), 0..1, that darkens by up to `darkness`, and that artists see."""
        self.shade *= 1.0 - darkness * mask
        np.maximum(self.ink, mask, out=self.ink)


def stuff_of(rgb: tuple[float, float, float], nir: float, warmth: float) -> Floats:
    """Pack a stuff (5,)."""
    return np.array([*rgb, nir, warmth], np.float32)


def new_look(patch: Patch, stuff: Floats, part: Part) -> Look:
    """Return the look of a plain round thing: evenly lit, darker where it turns away."""
    height, width = patch.alpha.shape
    plane = np.empty((height, width, 5), np.float32)
    plane[:] = stuff
    shade = (0.50 + 0.52 * patch.facing) * (1.0 + 0.22 * patch.up)
    ink = np.zeros((height, width), np.float32)
    return Look(plane, shade.astype(np.float32), ink, np.full((height, width), int(part), np.uint8), patch.alpha)


Painter = Callable[[Patch, np.random.Generator], Look]


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to paint.

    Attributes:
        order: smaller is painted earlier (farther away). tube: its shape. paint: what it looks like, given its pixels.
        crease: how much it shades its surroundings, 0..1. is_body: counts for the box around the body.
    """

    order: float
    tube: Tube
    paint: Painter
    crease: float = 0.0
    is_body: bool = True


@dataclass(slots=True)
class Canvas:
    """The canvas being painted, from far to near. `planes` (H, W, 9): stuff 5, shade, normal 2, ink."""

    planes: Floats
    alpha: Floats
    part: NDArray[np.uint8]
    order: NDArray[np.uint8]
    masks: list[tuple[Part, int, int, Floats]] = field(default_factory=list)
    keep_masks: bool = True

    @classmethod
    def blank(cls, height: int, width: int, *, keep_masks: bool) -> Canvas:
        """Return an empty canvas (H, W)."""
        shape = (height, width)
        planes = np.zeros((*shape, 9), np.float32)
        return cls(
            planes, np.zeros(shape, np.float32), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), [], keep_masks
        )

    def paint(self, patch: Patch, look: Look, *, crease: float = 0.0) -> None:
        """Paint a patch over what is there; `crease` 0..1 lets it shade its surroundings, as a sleeve does a shirt."""
        height, width = patch.alpha.shape
        rows, columns = slice(patch.y, patch.y + height), slice(patch.x, patch.x + width)
        if crease > 0.0:
            self._shade_around(patch, look.alpha, crease)
        alpha = look.alpha
        top = np.empty((height, width, 9), np.float32)
        top[..., :5] = look.stuff
        top[..., 5] = look.shade
        top[..., 6] = patch.u
        top[..., 7] = patch.up
        top[..., 8] = look.ink
        below = self.planes[rows, columns]
        below += alpha[..., None] * (top - below)
        self.alpha[rows, columns] += alpha * (1.0 - self.alpha[rows, columns])
        solid = alpha > 0.5
        np.copyto(self.part[rows, columns], look.part, where=solid)
        if self.keep_masks:
            self.masks.append((Part(int(np.bincount(look.part.ravel()).argmax())), patch.x, patch.y, alpha))
            self.order[rows, columns][solid] = len(self.masks)

    def _shade_around(self, patch: Patch, alpha: Floats, crease: float) -> None:
        size = max(3, int(0.035 * patch.ppm) | 1)
        y0, x0 = max(patch.y - size, 0), max(patch.x - size, 0)
        height, width = patch.alpha.shape
        y1, x1 = min(patch.y + height + size, self.alpha.shape[0]), min(patch.x + width + size, self.alpha.shape[1])
        halo = np.zeros((y1 - y0, x1 - x0), np.float32)
        halo[patch.y - y0 : patch.y - y0 + height, patch.x - x0 : patch.x - x0 + width] = alpha
        halo = cv2.blur(halo, (size, size))
        self.planes[y0:y1, x0:x1, 5] *= 1.0 - crease * halo

    def outlines(self) -> tuple[Outline, ...]:
        """Return the visible pieces of the contours of everything painted."""
        found: list[Outline] = []
        for index, (part, x, y, alpha) in enumerate(self.masks, start=1):
            solid = (alpha > 0.5).astype(np.uint8)
            contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            for contour in contours:
                points = contour[:, 0, :] + np.array([x, y])  # (K, 2)
                seen = self.order[points[:, 1], points[:, 0]] == index
                found.extend(Outline(part, run) for run in _runs(points, seen))
        return tuple(found)


def _runs(points: NDArray[np.int32], seen: NDArray[np.bool_]) -> list[Floats]:
    """Split a closed contour (K, 2) into its seen runs of at least four points."""
    if seen.all():
        return [np.concatenate([points, points[:1]]).astype(np.float32)] if len(points) >= 4 else []
    start = int(np.argmin(seen))
    points, seen = np.roll(points, -start, axis=0), np.roll(seen, -start)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]])))
    pairs = edges.reshape(-1, 2)
    return [points[a:b].astype(np.float32) for a, b in pairs if b - a >= 4]
