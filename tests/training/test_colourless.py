"""Batches without colour, and without their tones: how often, of which pictures, and what is left of a pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from aio_reid.config import LossConfig, ModelConfig
from aio_reid.data.tuples import TupleBatch
from aio_reid.models.build import build_model
from aio_reid.models.heads import AttributeHead, IdentityClassifier, TagHead
from aio_reid.records import Modality
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.plan import ColourlessSteps

RGB, INFRARED, PENCIL = Modality.RGB, Modality.INFRARED, Modality.PENCIL
SKETCH, TEXT = Modality.SKETCH, Modality.TEXT
B, D = 6, 16
MODEL = ModelConfig.model_validate(
    {
        "encoder": {"kind": "plain", "width": D, "depth": 1, "num_heads": 2},
        "image_size": [32, 16],
        "stem_width": 4,
        "word_width": 8,
        "modalities": ["rgb", "infrared", "pencil", "sketch", "text"],
    }
)


def objective(colourless: ColourlessSteps) -> TrainingObjective:
    return TrainingObjective(
        build_model(MODEL, seed=1),
        classifier=IdentityClassifier(D, 3),
        attribute_head=AttributeHead(D, 5),
        tag_head=TagHead(D, ["a"]),
        loss=LossConfig(),
        seed=3,
        colourless=colourless,
    )


@pytest.fixture(scope="module")
def batch() -> TupleBatch:
    generator = torch.Generator().manual_seed(0)
    inputs = {
        m: torch.randint(0, 256, (B, 3, 32, 16), generator=generator, dtype=torch.uint8)
        for m in (RGB, INFRARED, PENCIL, SKETCH)
    }
    inputs[TEXT] = torch.randint(300, 49000, (B, 9), generator=generator)
    nothing = torch.zeros(0, dtype=torch.int64)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    return TupleBatch(labels, inputs, {m: torch.arange(B) for m in inputs}, None, nothing.reshape(0, 2), nothing)


def seen_by(made: TrainingObjective, batch: TupleBatch, step: int) -> dict[Modality, Tensor]:
    plan = made.plan(batch, step)
    return {m: made._input(m, batch, plan, 0) for m in batch.inputs}


def test_a_share_of_the_batches_is_seen_without_colour(batch: TupleBatch) -> None:
    made, same = (objective(ColourlessSteps(0.3)) for _ in range(2))
    seen = [seen_by(made, batch, step) for step in range(400)]
    grey = [not torch.equal(inputs[RGB], batch.inputs[RGB]) for inputs in seen]
    assert np.mean(grey) == pytest.approx(0.3, abs=0.07)
    for inputs, without in zip(seen, grey, strict=True):
        assert all(bool((inputs[m] == inputs[m][:, :1]).all()) == without for m in (RGB, PENCIL))
        assert all(torch.equal(inputs[m], batch.inputs[m]) for m in (INFRARED, SKETCH, TEXT))
    assert torch.equal(seen_by(same, batch, grey.index(True))[RGB], seen[grey.index(True)][RGB])


def test_the_share_without_colour_grows_over_its_ramp() -> None:
    ramp = ColourlessSteps(0.4, ramp=100)
    assert [ramp.share_at(step) for step in (0, 50, 100, 900)] == [0.0, 0.2, 0.4, 0.4]
    assert ColourlessSteps(0.4).share_at(0) == 0.4


def test_the_tones_of_a_share_of_them_pass_a_curve_for_each_photo(batch: TupleBatch) -> None:
    made = objective(ColourlessSteps(0.5, tones=0.4))
    plans = [made.plan(batch, step) for step in range(300)]
    toned = [plan for plan in plans if plan.tones]
    assert all(plan.greys for plan in toned)
    assert len(toned) / sum(bool(plan.greys) for plan in plans) == pytest.approx(0.4, abs=0.1)
    plan = toned[0]
    seen = {m: made._input(m, batch, plan, 0) for m in batch.inputs}
    for row in range(B):
        grey = {m: (batch.inputs[m][row] * plan.greys[m][row][:, None, None]).sum(0).round() for m in (RGB, PENCIL)}
        for channel in range(3):
            assert torch.equal(seen[RGB][row, channel], plan.tones[RGB][row][grey[RGB].long()])
            assert torch.equal(seen[PENCIL][row, channel], grey[PENCIL].to(torch.uint8))  # paper stays white
    assert len({curve.numpy().tobytes() for curve in plan.tones[RGB]}) == B
    assert all(torch.equal(seen[m], batch.inputs[m]) for m in (INFRARED, SKETCH, TEXT))
    assert torch.equal(made.plan(batch, plan.step).tones[RGB], plan.tones[RGB])
