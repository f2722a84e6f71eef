"""Infrared frames: grey in three channels, without the contrast of dyes, and warm people in thermal ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aio_reid.people.camera import neutral_camera, random_camera
from aio_reid.people.identity import random_identity
from aio_reid.people.infrared import render_infrared
from aio_reid.people.paint import random_paint
from aio_reid.people.photo import render_photo


@pytest.mark.parametrize("thermal", [False, True])
def test_three_equal_channels_and_the_same_bytes_again(thermal: bool) -> None:
    for seed in range(4):
        person, camera = random_identity(seed), random_camera(seed)
        first, second = (
            render_infrared(person, camera, np.random.default_rng(seed), (128, 64), thermal=thermal) for _ in range(2)
        )
        assert first.shape == (128, 64, 3)
        assert first.dtype == np.uint8
        assert np.array_equal(first[..., 0], first[..., 1])
        assert np.array_equal(first[..., 0], first[..., 2])
        assert first.tobytes() == second.tobytes()
        assert first.std() > 2.0


def mean_nir(colour: str) -> float:
    draws = [random_paint(np.random.default_rng(seed), "cotton", colour=colour).nir for seed in range(200)]
    return float(np.mean(draws))


def test_black_and_white_cotton_look_far_more_alike_than_in_colour() -> None:
    person = random_identity(4)
    camera = neutral_camera()
    means: dict[str, list[float]] = {"photo": [], "infrared": []}
    for colour in ("black", "white"):
        paint = replace(random_paint(np.random.default_rng(1), "cotton", colour=colour), nir=mean_nir(colour))
        top = replace(person.upper, kind="t-shirt", paint=paint, pattern="", pattern_seed=77, length=0.1)
        dressed = replace(person, upper=top, outer=None, carried=(), worn=())
        chest = (slice(72, 110), slice(54, 74))
        photos = [render_photo(dressed, camera, np.random.default_rng(s))[chest].mean() for s in range(6)]
        frames = [render_infrared(dressed, camera, np.random.default_rng(s))[chest].mean() for s in range(6)]
        means["photo"].append(float(np.median(photos)))
        means["infrared"].append(float(np.median(frames)))
    photo_gap, infrared_gap = (abs(np.diff(means[kind])[0]) for kind in ("photo", "infrared"))
    assert photo_gap > 100.0
    assert infrared_gap < 0.4 * photo_gap


def test_people_glow_in_thermal_frames() -> None:
    middle, border = [], []
    for seed in range(6):
        frame = render_infrared(random_identity(seed), neutral_camera(), np.random.default_rng(seed), thermal=True)
        middle.append(frame[60:200, 52:76, 0].mean())
        border.append(frame[60:200, :10, 0].mean())
    assert np.mean(middle) > np.mean(border) + 30.0
