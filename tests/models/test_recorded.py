"""A recorded reading gives what the model gives, for every kind of picture and size of batch."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from PIL import Image

from aio_reid.api import AIO
from aio_reid.models.recorded import record_reading
from aio_reid.records import Modality

VISUAL = [m for m in Modality if m.is_visual]


@pytest.fixture(scope="module")
def nano() -> AIO:
    return AIO.load("aio-nano", "cpu")


@pytest.mark.parametrize("modality", VISUAL)
def test_a_recording_is_the_model(nano: AIO, modality: Modality) -> None:
    recorded = record_reading(nano.model, modality)
    assert recorded is not None
    for size in (1, 2, 7):
        pixels = torch.randn(size, 3, *nano.image_size, generator=torch.Generator().manual_seed(size))
        with torch.inference_mode():
            expected = nano.model.embed({modality: pixels})
            torch.testing.assert_close(recorded(pixels), expected, atol=1e-5, rtol=0)


def test_a_recording_that_gives_other_vectors_is_not_used(nano: AIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.jit, "trace", lambda reading, x, **_: lambda pixels: reading(pixels).roll(1, dims=1))
    assert record_reading(nano.model, Modality.RGB) is None


def test_where_nothing_can_be_recorded_the_model_is_used(nano: AIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.jit, "trace")
    assert record_reading(nano.model, Modality.RGB) is None


def test_embedding_with_recordings_gives_the_same_vectors_from_several_threads() -> None:
    plain, recorded = AIO.load("aio-nano", "cpu"), AIO.load("aio-nano", "cpu")
    recorded.record()
    noise = np.random.default_rng(0).integers(0, 256, (12, 192, 96, 3), dtype=np.uint8)
    inputs = [*map(Image.fromarray, noise), "a man in a red coat", {"rgb": Image.fromarray(noise[0]), "text": "a man"}]
    expected = plain.embed(inputs, fusion="early")
    found: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: recorded.embed(inputs, fusion="early")})) for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(3):
        np.testing.assert_allclose(found[n], expected, atol=1e-5)
