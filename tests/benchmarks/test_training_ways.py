"""What is timed makes the same step either way: the plain loop and the training's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from training_ways import Trainer, config_of, dataset_of, real_batches

from aio_reid.people.plan import ViewCounts
from aio_reid.people.write import write_people

SMALL = (
    "precision=fp32",
    "model.image_size=[64, 32]",
    "model.encoder.width=32",
    "model.encoder.depth=1",
    "model.encoder.num_heads=2",
    "model.pyramid_widths=[8, 16, 32, 32]",
    "model.word_width=8",
    "data.num_identities=4",
    "data.lookalikes=1",
    "data.num_workers=0",
    "data.colourless_share=0",
    "data.tone_share=0",
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    views = ViewCounts(photos=2, infrared=1, sketches=1, pencils=1, captions=1)
    return write_people(tmp_path_factory.mktemp("people"), identities=6, seed=5, views=views, workers=1, size=(64, 32))


@pytest.mark.parametrize("name", ["nano-pretrain", "nano-stage1"])
def test_both_make_the_same_step(manifest: Path, name: str) -> None:
    config = config_of(name, manifest, SMALL)
    dataset = dataset_of(config)
    (batch,) = real_batches(config, dataset, 1)
    assert config.data.cache is None and dataset.tags is not None
    plain, own = (Trainer(config, dataset, torch.device("cpu"), is_plain=is_plain) for is_plain in (True, False))
    before = {n: p.detach().clone() for n, p in own.objective.named_parameters()}
    for trainer in (plain, own):
        trainer.step(batch)
        trainer.finish()
    changed = 0.0
    theirs = dict(plain.objective.named_parameters())
    for parameter_name, parameter in own.objective.named_parameters():
        gradient, other = parameter.grad, theirs[parameter_name].grad
        assert (gradient is None) == (other is None), parameter_name
        if gradient is not None and other is not None:
            scale = float(other.norm()) + 1e-6
            assert float((gradient - other).norm()) < 2e-3 * scale + 1e-6, parameter_name
        changed += float((parameter - before[parameter_name]).detach().abs().sum())
    assert changed > 0
