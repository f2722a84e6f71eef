"""Colour photos: determinism, shapes, true colours, and what cameras change."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from aio_reid.people.background import draw_background
from aio_reid.people.camera import SCENES, Camera, neutral_camera, random_camera
from aio_reid.people.figure import Part, View, draw_figure
from aio_reid.people.identity import random_identity
from aio_reid.people.paint import random_paint
from aio_reid.people.photo import light_figure, overlap, photo_light, render_photo


def shoot(person: int, camera: Camera, seed: int, size: tuple[int, int] = (256, 128)) -> np.ndarray:
    return render_photo(random_identity(person), camera, np.random.default_rng(seed), size)


@pytest.mark.parametrize("size", [(256, 128), (128, 64), (384, 192)])
def test_photos_have_the_asked_size(size: tuple[int, int]) -> None:
    for seed in range(3):
        photo = shoot(seed, random_camera(seed), seed, size)
        assert photo.shape == (*size, 3)
        assert photo.dtype == np.uint8
        assert photo.std() > 5.0


def test_same_seeds_give_the_same_bytes_and_others_do_not() -> None:
    for seed in range(6):
        camera = random_camera(seed)
        assert shoot(seed, camera, 3).tobytes() == shoot(seed, camera, 3).tobytes()
        assert shoot(seed, camera, 3).tobytes() != shoot(seed, camera, 4).tobytes()


def test_the_global_random_state_and_threads_do_not_matter() -> None:
    camera = random_camera(2)
    first = shoot(1, camera, 0)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    np.random.default_rng(1).random(10)
    try:
        assert np.array_equal(first, shoot(1, camera, 0))
    finally:
        cv2.setNumThreads(threads)


def test_cameras_are_deterministic_and_differ() -> None:
    assert random_camera(5) == random_camera(5)
    assert len({random_camera(seed).scene for seed in range(60)}) == len(SCENES)


@pytest.mark.parametrize("colour", ["red", "white", "green", "yellow", "purple", "gray"])
def test_a_neutral_camera_shows_the_colour_of_the_cloth(colour: str) -> None:
    person = random_identity(4)
    paint = random_paint(np.random.default_rng(5), "cotton", colour=colour)
    top = replace(person.upper, kind="t-shirt", paint=paint, pattern="", pattern_seed=77, fit=0.3)
    person = replace(person, upper=top, outer=None, carried=(), worn=())
    camera = neutral_camera()
    layers = draw_figure(person, View(), 240, np.random.default_rng(0))
    lit = light_figure(layers, photo_light(camera, np.random.default_rng(0)), camera.sun)
    seen = lit[layers.part == Part.UPPER].mean(axis=0)
    assert np.abs(seen - np.array(paint.rgb)).max() < 0.13
    assert np.argmax(seen) == np.argmax(paint.rgb) or np.ptp(paint.rgb) < 0.1


def test_two_cameras_see_the_same_person_differently() -> None:
    dark, bright = (replace(neutral_camera(), exposure=value) for value in (0.5, 1.2))
    assert shoot(3, dark, 0).mean() < shoot(3, bright, 0).mean() - 25.0
    cold, warm = (replace(neutral_camera(), white_balance=gains) for gains in ((0.8, 1.0, 1.2), (1.2, 1.0, 0.8)))
    tint = [float(shoot(3, camera, 0)[..., 0].mean() - shoot(3, camera, 0)[..., 2].mean()) for camera in (cold, warm)]
    assert tint[1] > tint[0] + 20.0


def test_few_lines_make_a_coarse_picture() -> None:
    def detail(lines: int) -> float:
        grey = shoot(3, replace(neutral_camera(), lines=lines), 1).mean(axis=2)
        return float(np.abs(np.diff(grey, axis=0)).mean())

    assert detail(48) < 0.75 * detail(512)


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_draws_in_range(scene: str) -> None:
    camera = replace(random_camera(7), scene=scene, clutter=1.0)
    for seed in range(3):
        image, plants = draw_background(camera, (128, 64), np.random.default_rng(seed))
        assert image.shape == (128, 64, 3)
        assert plants.shape == (128, 64)
        for layer in (image, plants):
            assert layer.min() >= 0.0
            assert layer.max() <= 1.0


def test_overlap_by_hand() -> None:
    window = overlap((10, 8), (4, 6), -2, 8)
    assert window is not None
    on_image, on_figure = window
    assert on_image == (slice(8, 10), slice(0, 4))
    assert on_figure == (slice(0, 2), slice(2, 6))
    assert overlap((10, 8), (4, 6), 8, 0) is None
