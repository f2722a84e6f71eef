"""Where the joints are: a body of given build in a given pose, in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aio_reid.people.geometry import Floats, View
from aio_reid.people.identity import Identity

LEFT, RIGHT = 0, 1


@dataclass(frozen=True, slots=True)
class Body:
    """Joints and girths, metres, body frame; pairs are (left, right).

    Attributes:
        height, head, chin, neck, shoulder, waist, hip, crotch: heights above ground; `head` is the size of the head.
        heavy: 0 slim to 1 heavy. feminine, child: bools as 0 or 1. broad: half width of the shoulders.
        elbows, hands, wrists, shoulders, hips, knees, ankles: points (2, 3). heel_lift: of heeled shoes.
        toes: unit directions of the feet (2, 3). top_shift: forward shift of the neck by leaning.
    """

    height: float
    head: float
    chin: float
    neck: float
    shoulder: float
    waist: float
    hip: float
    crotch: float
    heavy: float
    feminine: float
    child: float
    broad: float
    shoulders: Floats
    elbows: Floats
    wrists: Floats
    hands: Floats
    hips: Floats
    knees: Floats
    ankles: Floats
    toes: Floats
    top_shift: float
    leg_length: float


def pose_body(identity: Identity, view: View) -> Body:
    """Put a person into a pose."""
    h = identity.height_m
    child, feminine = (float(identity.gender in kinds) for kinds in (("boy", "girl"), ("woman", "girl")))
    head = 0.131 * h + 0.05 * max(0.0, 1.65 - h)
    neck = h - 1.21 * head
    hip = h * (0.495 + 0.42 * (identity.leg - 1.0)) - 0.02 * child * h
    hips, knees, ankles, toes = _legs(identity, view, hip)
    drop = float(ankles[:, 1].min()) - 0.043 * h
    for points in (hips, knees, ankles):
        points[:, 1] -= drop
    hip -= drop
    broad, shoulder = h * (0.107 + 0.022 * identity.build) * identity.shoulder, neck - drop - 0.034 * h
    shift = float(np.sin(np.radians(view.lean_deg))) * (neck - hip)
    joints = np.array([[s * broad * 0.84, shoulder - 0.042 * h, shift] for s in (1.0, -1.0)], np.float32)
    elbows, wrists, hands = _arms(identity, view, joints)
    return Body(
        height=h - drop,
        head=head,
        chin=h - drop - head,
        neck=neck - drop,
        shoulder=shoulder,
        waist=hip + 0.105 * h,
        hip=hip,
        crotch=hip - 0.045 * h,
        heavy=identity.build,
        feminine=feminine,
        child=child,
        broad=broad,
        shoulders=joints,
        elbows=elbows,
        wrists=wrists,
        hands=hands,
        hips=hips,
        knees=knees,
        ankles=ankles,
        toes=toes,
        top_shift=shift,
        leg_length=hip - 0.04 * h,
    )


def _legs(identity: Identity, view: View, hip: float) -> tuple[Floats, Floats, Floats, Floats]:
    h = identity.height_m
    thigh, shin = 0.52 * (hip - 0.043 * h), 0.48 * (hip - 0.043 * h)
    spread = h * (0.044 + 0.015 * identity.build)
    hips, knees, ankles, toes = (np.zeros((2, 3), np.float32) for _ in range(4))
    for side, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
        phase = view.stride_phase + (0.0 if side == LEFT else np.pi)
        swing = np.radians(24.0) * view.stride * np.sin(phase)
        bend = np.radians(4.0 + view.stride * (8.0 + 42.0 * max(0.0, float(np.cos(phase)))))
        hips[side] = (sign * spread, hip, 0.0)
        knees[side] = hips[side] + thigh * np.array([sign * 0.02, -np.cos(swing), np.sin(swing)])
        back = swing - bend
        ankles[side] = knees[side] + shin * np.array([0.0, -np.cos(back), np.sin(back)])
        tip = np.clip(back * 0.7 - 0.04, -0.9, 0.25)
        toes[side] = (sign * 0.18, np.sin(tip), np.cos(tip))
    return hips, knees, ankles, toes


def _arms(identity: Identity, view: View, joints: Floats) -> tuple[Floats, Floats, Floats]:
    h = identity.height_m
    upper, fore, palm = 0.168 * h, 0.142 * h, 0.055 * h
    elbows, wrists, hands = (np.zeros((2, 3), np.float32) for _ in range(3))
    loads = {thing.side for thing in identity.carried if thing.kind in ("handbag", "bag", "briefcase", "suitcase")}
    lifted = {thing.side for thing in identity.carried if thing.kind in ("phone", "umbrella")}
    for side, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
        person_side = -1 if side == LEFT else 1
        phase = view.stride_phase + (np.pi if side == LEFT else 0.0)
        swing = np.radians(26.0) * view.arm_swing * np.sin(phase)
        elbow = np.radians(view.elbow_deg)
        out = np.radians(view.abduct_deg + 5.0 * identity.build)
        if person_side in loads:
            swing, elbow = 0.25 * swing, np.radians(6.0)
        inward = 0.0
        if (view.raised_hand in (person_side, 2) and person_side not in loads) or person_side in lifted:
            swing, elbow, inward = np.radians(12.0), np.radians(112.0), 0.42
        down = np.array([sign * np.sin(out), -np.cos(swing) * np.cos(out), np.sin(swing)])
        elbows[side] = joints[side] + upper * down
        reach = swing + elbow
        along = np.array([sign * (0.5 * np.sin(out) - inward), -np.cos(reach), np.sin(reach)])
        along = along / np.linalg.norm(along)
        wrists[side] = elbows[side] + fore * along
        hands[side] = wrists[side] + palm * along
    return elbows, wrists, hands
