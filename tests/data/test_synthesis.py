"""Synthesised infrared and sketches: method.md section 8, and check 5 of section 13."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aio_reid.data.synthesis import channel_augment, default_painter, draw_lines
from aio_reid.errors import DataError
from aio_reid.records import Modality


@pytest.fixture
def photos() -> np.ndarray:
    """Return 200 noise pictures uint8 (B, 3, H, W) whose channels all differ."""
    return np.random.default_rng(0).integers(0, 256, (200, 3, 6, 5), dtype=np.uint8)


def chosen_channels(photos: np.ndarray, out: np.ndarray) -> list[int]:
    """Return per picture which input channel its output is; fails where it is none, or the three output channels
    differ."""
    channels = []
    for picture, drawn in zip(photos, out, strict=True):
        assert (drawn == drawn[0]).all()
        (channel,) = (c for c in range(3) if np.array_equal(picture[c], drawn[0]))
        channels.append(channel)
    return channels


def test_channel_augmentation_copies_one_channel_each_equally_often(photos: np.ndarray) -> None:
    before = photos.copy()
    rng = np.random.default_rng(0)
    channels = [c for _ in range(10) for c in chosen_channels(photos, channel_augment(photos, rng))]
    assert np.bincount(channels) / len(channels) == pytest.approx([1 / 3] * 3, abs=0.04)
    assert np.array_equal(photos, before)


def test_gray_3_draws_luma_too(photos: np.ndarray) -> None:
    out = channel_augment(photos, np.random.default_rng(0), gray=3)
    luma = np.rint(np.einsum("c,bchw->bhw", [0.2989, 0.5870, 0.1140], photos))
    is_luma = [np.abs(drawn[0] - expected).max() <= 1 for drawn, expected in zip(out, luma, strict=True)]
    assert np.mean(is_luma) == pytest.approx(0.25, abs=0.1)
    others = [i for i, by_luma in enumerate(is_luma) if not by_luma]
    assert set(chosen_channels(photos[others], out[others])) == {0, 1, 2}
    with pytest.raises(DataError, match="choose 2"):
        channel_augment(photos, np.random.default_rng(0), gray=4)


@pytest.mark.parametrize("jitter", [False, True])
@pytest.mark.parametrize("gray", [2, 3])
def test_real_infrared_passes_unchanged(gray: int, jitter: bool) -> None:
    real = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16).repeat(3, axis=1)
    rng = np.random.default_rng(0)
    for _ in range(10):
        assert np.array_equal(channel_augment(real, rng, gray=gray, jitter=jitter), real)


def test_tensors_and_single_pictures_are_taken_alike(photos: np.ndarray) -> None:
    by_array = channel_augment(photos, np.random.default_rng(5))
    by_tensor = channel_augment(torch.from_numpy(photos), np.random.default_rng(5))
    assert isinstance(by_tensor, torch.Tensor)
    assert np.array_equal(by_array, by_tensor.numpy())
    one = channel_augment(photos[0], np.random.default_rng(5))
    assert np.array_equal(one, by_array[0])
    first, second = (channel_augment(photos, torch.Generator().manual_seed(3)) for _ in range(2))
    assert np.array_equal(first, second)
    as_floats = channel_augment(photos.astype(np.float32) / 255, np.random.default_rng(5))
    assert np.array_equal(np.rint(as_floats * 255), by_array)


def test_jitter_keeps_the_order_of_tones(photos: np.ndarray) -> None:
    plain = channel_augment(photos, np.random.default_rng(0))
    ramp = np.stack([np.tile(np.arange(0, 256, 5), (4, 1)), np.zeros((4, 52)), np.full((4, 52), 9)]).astype(np.uint8)
    changed = 0
    for seed in range(20):
        tones = channel_augment(ramp, np.random.default_rng(seed), jitter=True)[0, 0].astype(int)
        assert (np.diff(tones) >= 0).all()
        changed += not any(np.array_equal(tones, channel[0]) for channel in ramp)
    assert changed > 3
    jittered = channel_augment(photos.astype(np.float32) / 255, np.random.default_rng(0), jitter=True)
    assert jittered.min() >= 0
    assert jittered.max() <= 1
    assert jittered.shape == plain.shape


def picture_of_a_square() -> np.ndarray:
    """Return a red square on pale ground, uint8 (3, H, W)."""
    pixels = np.full((3, 64, 64), 220, np.uint8)
    pixels[:, 16:48, 16:48] = np.array([180, 40, 40], np.uint8)[:, None, None]
    return pixels


def test_lines_are_dark_on_white_and_where_the_edges_are() -> None:
    drawing = draw_lines(picture_of_a_square())
    assert drawing.dtype == np.uint8
    assert (drawing == drawing[0]).all()
    page = drawing[0].astype(int)
    assert (page[:12] == 255).all()
    assert page[16, 20:44].max() < 100  # the dark side of an edge
    assert page[20:44, 47].max() < 100
    assert page[24:40, 24:40].min() > page[16, 32] + 80  # the inside is paper or light shade


def test_dark_areas_are_shaded() -> None:
    pixels = picture_of_a_square()
    pixels[:, 16:48, 16:48] = 10
    page = draw_lines(pixels)[0]
    assert page[28:36, 28:36].max() < 160
    assert page[2, 2] == 255


@pytest.mark.parametrize("value", [0, 10, 128, 255])
def test_a_picture_without_edges_is_blank_paper(value: int) -> None:
    blank = draw_lines(np.full((3, 20, 10), value, np.uint8))
    assert (blank == 255).all()


def test_lines_without_a_generator_never_vary_and_with_one_do(photos: np.ndarray) -> None:
    square = picture_of_a_square()
    assert np.array_equal(draw_lines(square), draw_lines(square))
    varied = [draw_lines(square, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert np.array_equal(varied[0], varied[1])
    assert not np.array_equal(varied[0], varied[2])
    batch = draw_lines(torch.from_numpy(photos[:3]))
    assert isinstance(batch, torch.Tensor)
    assert np.array_equal(batch[1].numpy(), draw_lines(photos[1]))
    assert draw_lines(photos[0, :, :1, :1]).shape == (3, 1, 1)


def test_a_drawing_looks_alike_at_any_resolution() -> None:
    square = picture_of_a_square().repeat(4, axis=1).repeat(4, axis=2)  # 256
    twice = square.repeat(2, axis=1).repeat(2, axis=2)  # 512
    small = draw_lines(square)[0].astype(float)
    large = draw_lines(twice)[0].reshape(256, 2, 256, 2).mean(axis=(1, 3))
    assert np.abs(small - large).mean() < 2


def test_what_cannot_be_synthesised() -> None:
    with pytest.raises(DataError, match="infrared, sketch"):
        default_painter(Modality.TEXT)
    with pytest.raises(DataError, match="shape"):
        channel_augment(np.zeros((4, 4), np.uint8), np.random.default_rng(0))
    with pytest.raises(DataError, match="float32"):
        draw_lines(np.zeros((3, 4, 4), np.float32))
    assert "not Lineart" in default_painter(Modality.SKETCH).label
