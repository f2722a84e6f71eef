"""Training augmentation varies a picture within bounds, decided by its generator alone."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from aio_reid.data import augment as module
from aio_reid.data.augment import augment, with_tones, without_colour
from aio_reid.data.images import CLIP_MEAN, GREY_MEAN, normalise
from aio_reid.errors import DataError
from aio_reid.records import VISUAL_MODALITIES, Modality

NOTHING = module.Recipe(colour=None, tone=0, blur=0, low_resolution=0, paper=False, erase=0)


def picture(modality: Modality, height: int = 64, width: int = 32) -> np.ndarray:
    """Return a soft random picture uint8 (3, H, W)."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(30, 220, (height // 8, width // 8, 3), dtype=np.uint8)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)
    return np.ascontiguousarray(soft if modality.has_colour else np.repeat(soft[:1], 3, axis=0))


def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off all that moves or erases."""
    for name, value in {"FLIP_SHARE": 0, "SHIFT": (0, 0), "SCALE": (1, 1), "ASPECT": (1, 1)}.items():
        monkeypatch.setattr(module, name, value)
    for name in ("COLOUR_PHOTO", "GREY_PHOTO", "COLOUR_DRAWING", "GREY_DRAWING"):
        monkeypatch.setattr(module, name, replace(getattr(module, name), erase=0))


@pytest.mark.parametrize("modality", VISUAL_MODALITIES)
def test_shape_type_and_input_stay(modality: Modality) -> None:
    pixels = picture(modality)
    before = pixels.copy()
    rng = np.random.default_rng(1)
    outs = [augment(pixels, modality, rng) for _ in range(30)]
    assert all(out.shape == pixels.shape and out.dtype == np.uint8 and out.flags["C_CONTIGUOUS"] for out in outs)
    assert np.array_equal(pixels, before)
    assert len({out.tobytes() for out in outs}) == 30
    assert modality.has_colour or all((out == out[0]).all() for out in outs)


@pytest.mark.parametrize("modality", VISUAL_MODALITIES)
def test_the_generator_decides_alone(modality: Modality) -> None:
    pixels = picture(modality)
    np.random.seed(0)  # noqa: NPY002
    first = [augment(pixels, modality, rng) for rng in [np.random.default_rng(5)] for _ in range(8)]
    np.random.seed(1)  # noqa: NPY002
    second = [augment(torch.from_numpy(pixels), modality, rng) for rng in [np.random.default_rng(5)] for _ in range(8)]
    assert all(isinstance(b, torch.Tensor) and np.array_equal(a, b.numpy()) for a, b in zip(first, second, strict=True))
    by_torch = [augment(pixels, modality, torch.Generator().manual_seed(2)) for _ in range(2)]
    assert np.array_equal(*by_torch)


@pytest.mark.parametrize("modality", VISUAL_MODALITIES)
def test_without_any_variation_nothing_changes(modality: Modality, monkeypatch: pytest.MonkeyPatch) -> None:
    still(monkeypatch)
    monkeypatch.setattr(module, "_recipe", lambda _: NOTHING)
    assert np.array_equal(augment(picture(modality), modality, np.random.default_rng(0)), picture(modality))


def test_half_are_flipped_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    still(monkeypatch)
    monkeypatch.setattr(module, "FLIP_SHARE", 0.5)
    monkeypatch.setattr(module, "_recipe", lambda _: NOTHING)
    pixels = picture(Modality.RGB)
    rng = np.random.default_rng(0)
    outs = [augment(pixels, Modality.RGB, rng) for _ in range(300)]
    flipped = [np.array_equal(out, pixels[:, :, ::-1]) for out in outs]
    assert all(f or np.array_equal(out, pixels) for f, out in zip(flipped, outs, strict=True))
    assert np.mean(flipped) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("modality", "outside"), [(Modality.SKETCH, 255), (Modality.INFRARED, 100)])
def test_shifts_are_bounded_and_show_paper_or_the_border(
    modality: Modality, outside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    still(monkeypatch)
    monkeypatch.setattr(module, "SHIFT", (10 / 384, 10 / 128))
    monkeypatch.setattr(module, "_recipe", lambda _: replace(NOTHING, paper=modality.on_paper))
    pixels = np.full((3, 384, 128), 100, np.uint8)
    pixels[:, 192, 64] = 0
    rng = np.random.default_rng(0)
    rows, columns = [], []
    for _ in range(100):
        out = augment(pixels, modality, rng)[0]
        row, column = np.unravel_index(np.argmin(out[20:-20, 20:-20]), (344, 88))
        rows.append(row + 20 - 192)
        columns.append(column + 20 - 64)
        assert set(np.unique(out[[0, -1]])) <= set(range(min(100, outside), max(100, outside) + 1))
    assert 8 <= max(np.abs(rows)) <= 10
    assert 8 <= max(np.abs(columns)) <= 10


@pytest.mark.parametrize("modality", VISUAL_MODALITIES)
def test_erasing_fills_a_rectangle_with_what_normalises_to_zero(
    modality: Modality, monkeypatch: pytest.MonkeyPatch
) -> None:
    still(monkeypatch)
    monkeypatch.setattr(module, "_recipe", lambda _: replace(NOTHING, erase=0.5, erase_area=(0.02, 0.4)))
    pixels = np.full((3, 128, 64), 255, np.uint8)
    mean = np.rint(np.multiply(CLIP_MEAN if modality.has_colour else (GREY_MEAN,) * 3, 255)).astype(int)
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(300):
        out = augment(pixels, modality, rng)
        gone = (out != 255).any(axis=0)  # (H, W)
        if not gone.any():
            continue
        rows, columns = np.flatnonzero(gone.any(axis=1)), np.flatnonzero(gone.any(axis=0))
        assert gone.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert (out[:, gone] == mean[:, None]).all()
        assert normalise(torch.from_numpy(out)[None], modality)[0][:, gone].abs().max() < 0.01
        shares.append(gone.mean())
    assert len(shares) / 300 == pytest.approx(0.5, abs=0.1)
    assert min(shares) > 0.015
    assert max(shares) < 0.42


def test_colour_jitter_is_brightness_contrast_saturation_and_hue() -> None:
    pixels = np.ascontiguousarray(picture(Modality.RGB).transpose(1, 2, 0)) // 2 + 60  # (H, W, 3), away from clipping
    jitter = module._jitter_colour
    assert np.abs(jitter(pixels, (0, 0, 0, 0), np.random.default_rng(0)).astype(int) - pixels).max() <= 1
    rng = np.random.default_rng(1)
    factor = 1 + np.random.default_rng(1).uniform(-1, 1, 3)[0] * 0.3
    assert np.abs(jitter(pixels, (0.3, 0, 0, 0), rng) - pixels * factor).max() <= 1
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    for half_widths in ((0, 0, 0.5, 0), (0, 0, 0, 0.1)):
        out = jitter(pixels, half_widths, np.random.default_rng(2))
        assert np.abs(out @ np.array([0.299, 0.587, 0.114]) - luma).max() <= 2  # neither changes the luma
        assert np.abs(out.astype(int) - pixels).max() > 3
    contrast = jitter(pixels, (0, 0.5, 0, 0), np.random.default_rng(3))
    assert contrast.mean(axis=(0, 1)) @ np.array([0.299, 0.587, 0.114]) == pytest.approx(luma.mean(), abs=1)
    assert abs(contrast.std() / pixels.std() - 1) > 0.05


def test_low_resolution_loses_detail_and_keeps_the_mean() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (32, 16))  # (H, W)
    coarse = module._lower_resolution(stripes, 0.5)
    assert coarse.shape == stripes.shape
    assert np.abs(coarse.astype(int) - 127.5).max() <= 1
    assert module._lower_resolution(np.zeros((1, 1), np.uint8), 0.3).shape == (1, 1)


def test_what_cannot_be_augmented() -> None:
    with pytest.raises(DataError, match="'text'"):
        augment(np.zeros((3, 4, 4), np.uint8), Modality.TEXT, np.random.default_rng(0))
    with pytest.raises(DataError, match="uint8"):
        augment(np.zeros((3, 4, 4), np.float32), Modality.RGB, np.random.default_rng(0))
    with pytest.raises(DataError, match="grey"):
        augment(picture(Modality.RGB), Modality.INFRARED, np.random.default_rng(0))


def test_without_colour_mixes_the_channels_of_each_picture_by_its_own_shares() -> None:
    pixels = torch.tensor([[10, 20, 60], [10, 20, 60], [7, 7, 7]], dtype=torch.uint8)[:, :, None, None].expand(
        3, 3, 4, 2
    )
    shares = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.25, 0.25], [0.2, 0.3, 0.5]])
    grey = without_colour(pixels, shares)
    assert grey.dtype == torch.uint8 and grey.shape == pixels.shape
    for row, value in enumerate((20, 25, 7)):
        assert torch.equal(grey[row], torch.full((3, 4, 2), value, dtype=torch.uint8))


def test_tones_are_looked_up_in_the_curve_of_each_picture() -> None:
    pixels = torch.tensor([[0, 3], [255, 3]], dtype=torch.uint8)[:, None, :, None].expand(2, 3, 2, 4)
    curves = torch.stack([torch.arange(255, -1, -1), torch.full((256,), 9)]).to(torch.uint8)
    toned = with_tones(pixels, curves)
    assert toned.dtype == torch.uint8 and toned.shape == pixels.shape
    assert toned[0, :, :, 0].tolist() == [[255, 252]] * 3 and bool((toned[1] == 9).all())


def test_a_drawing_is_redrawn_part_by_part() -> None:
    y, x, spread = np.linspace(-0.1, 1.1, 121), np.array([-8.0, 0.0, 4.0]), 0.3
    rows, columns = module._redrawn(y, x, np.random.default_rng(3), spread)
    tall, broad = np.exp(np.random.default_rng(3).normal(0.0, spread, (2, 6)))
    total = sum(tall[k] * (module._BODY[k] - module._BODY[k - 1]) for k in range(1, 6))
    for place, row, across in zip(y, rows, columns, strict=True):
        top, bottom = 0.0, 0.0
        for k in range(1, 6):  # walk down the parts of the new body until the place is in one
            top, bottom = bottom, bottom + tall[k] * (module._BODY[k] - module._BODY[k - 1]) / total
            if place <= bottom or k == 5:
                break
        share = (place - top) / (bottom - top)
        inside = 0 <= place <= 1
        expected = module._BODY[k - 1] + share * (module._BODY[k] - module._BODY[k - 1])
        if not inside:
            expected = place  # beyond the sheet nothing is stretched
        np.testing.assert_allclose(row, expected, atol=1e-9)
        wide = np.interp(expected, module._BODY, broad)
        np.testing.assert_allclose(across, x / wide, atol=1e-9)
    assert (np.diff(rows[:, 0]) > 0).all()


@pytest.mark.parametrize("modality", VISUAL_MODALITIES)
def test_proportions_vary_in_drawings_alone(modality: Modality) -> None:
    pixels = picture(modality)
    plain, varied = (
        np.stack([augment(pixels, modality, np.random.default_rng(n), proportions=spread) for n in range(20)])
        for spread in (0.0, 0.2)
    )
    assert (plain != varied).any() == modality.on_paper


@pytest.mark.parametrize("modality", [Modality.SKETCH, Modality.PENCIL])
def test_next_to_no_other_proportions_are_the_usual_warp(modality: Modality, monkeypatch: pytest.MonkeyPatch) -> None:
    for recipe in ("GREY_DRAWING", "COLOUR_DRAWING"):
        monkeypatch.setattr(module, recipe, replace(NOTHING, paper=True))
    pixels = picture(modality)
    for n in range(20):  # with flips, shifts and scales
        same, nearly = (
            augment(pixels, modality, np.random.default_rng(n), proportions=spread).astype(int)
            for spread in (0.0, 1e-9)
        )
        assert np.abs(same - nearly).max() <= 4 and np.abs(same - nearly).mean() < 0.5
