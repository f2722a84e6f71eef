"""From where a person is seen: the view, and how points of the body (metres) land on the picture (pixels).

Body frame: X to the person's left (the right of a frontal picture), Y up from the ground, Z to the person's front.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class View:
    """Viewpoint and pose of one picture; everything that changes from picture to picture but the light.

    Attributes:
        azimuth_deg: 0 seen from the front, 90 the person's right side (facing the picture's right), 180 from the back.
        pitch_deg: how far the camera looks down; 0 is level.
        stride_phase: where in the walking cycle, radians. stride: 0 standing to 1.3 striding out.
        arm_swing: 0 hanging to 1.3 swinging. elbow_deg: bend of both elbows. abduct_deg: arms away from the body.
        lean_deg: forward lean of the trunk. head_turn_deg: turn of the head against the trunk.
        distance_m: distance of the camera; near ones see the head larger than the feet.
        raised_hand: -1 left, 1 right, 2 both hands lifted before the chest, 0 none.
    """

    azimuth_deg: float = 0.0
    pitch_deg: float = 0.0
    stride_phase: float = 0.0
    stride: float = 0.0
    arm_swing: float = 0.0
    elbow_deg: float = 12.0
    abduct_deg: float = 9.0
    lean_deg: float = 0.0
    head_turn_deg: float = 0.0
    distance_m: float = 9.0
    raised_hand: int = 0


def random_view(rng: np.random.Generator, *, azimuth_deg: float | None = None, pitch_deg: float | None = None) -> View:
    """Draw a view: any direction, mostly walking; a given azimuth or pitch (a camera's) is kept up to some spread."""
    azimuth = rng.uniform(0.0, 360.0) if azimuth_deg is None else rng.normal(azimuth_deg, 14.0)
    pitch = abs(rng.normal(11.0, 8.0)) if pitch_deg is None else rng.normal(pitch_deg, 2.5)
    walks = rng.random() < 0.8
    raised = int(rng.choice((-1, 1, 2))) if rng.random() < 0.2 else 0
    return View(
        azimuth_deg=float(azimuth % 360.0),
        pitch_deg=float(np.clip(pitch, 0.0, 38.0)),
        stride_phase=float(rng.uniform(0.0, 2.0 * np.pi)),
        stride=float(rng.uniform(0.35, 1.15) if walks else rng.uniform(0.0, 0.2)),
        arm_swing=float(rng.uniform(0.1, 1.1) if walks else rng.uniform(0.0, 0.2)),
        elbow_deg=float(rng.uniform(5.0, 50.0)),
        abduct_deg=float(np.clip(rng.normal(9.0, 4.0), 3.0, 24.0)),
        lean_deg=float(rng.normal(2.0, 2.5)),
        head_turn_deg=float(np.clip(rng.normal(0.0, 16.0), -55.0, 55.0)),
        distance_m=float(rng.uniform(4.5, 14.0)),
        raised_hand=raised,
    )


def frontal_view(rng: np.random.Generator | None = None) -> View:
    """Return the view of somebody who draws from memory: frontal, standing; slightly varied when `rng` is given."""
    if rng is None:
        return View()
    return View(
        azimuth_deg=float(rng.normal(0.0, 7.0) % 360.0),
        pitch_deg=float(abs(rng.normal(0.0, 2.0))),
        stride_phase=float(rng.uniform(0.0, 2.0 * np.pi)),
        stride=float(rng.uniform(0.0, 0.15)),
        arm_swing=float(rng.uniform(0.0, 0.2)),
        elbow_deg=float(rng.uniform(5.0, 25.0)),
        abduct_deg=float(rng.uniform(8.0, 18.0)),
        head_turn_deg=float(rng.normal(0.0, 6.0)),
        distance_m=14.0,
    )


@dataclass(frozen=True, slots=True)
class Projector:
    """A pinhole camera that looks at the middle of the body.

    Attributes:
        yaw, pitch: radians, of the view. centre_m: height of the point looked at. distance_m: of the camera.
        ppm: pixels per metre at that point, and `origin`, where it lands (x, y).
    """

    yaw: float
    pitch: float
    centre_m: float
    distance_m: float
    ppm: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)

    def depth(self, point: Floats) -> float:
        """Return how far a point (3,) of the body lies towards the camera from the body's middle, in metres."""
        return float(point[2] * np.cos(self.yaw) - point[0] * np.sin(self.yaw))

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Project points (K, 3) in metres to pixels (K, 2), with the scale there in pixels per metre (K,)."""
        cos_yaw, sin_yaw = np.cos(self.yaw), np.sin(self.yaw)
        cos_pitch, sin_pitch = np.cos(self.pitch), np.sin(self.pitch)
        side = points[:, 0] * cos_yaw + points[:, 2] * sin_yaw
        near = points[:, 2] * cos_yaw - points[:, 0] * sin_yaw
        up = points[:, 1] - self.centre_m
        toward = near * cos_pitch + up * sin_pitch
        scale = self.ppm * self.distance_m / (self.distance_m - toward)
        x = self.origin[0] + scale * side
        y = self.origin[1] - scale * (up * cos_pitch - near * sin_pitch)
        return np.stack([x, y], axis=1).astype(np.float32), scale.astype(np.float32)
