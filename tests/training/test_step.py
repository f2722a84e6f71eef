"""Micro-batches: the gradient of the undivided batch, but for batch normalisation in the stems; splitting a batch."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from torch import Tensor, nn

from aio_reid.config import RunConfig
from aio_reid.data.tuples import TupleBatch
from aio_reid.datasets.manifest import read_rows, write_manifest
from aio_reid.models.tokenizers import IBN
from aio_reid.records import Modality
from aio_reid.training import run
from aio_reid.training.batches import iterate_batches
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.sources import load_sources
from aio_reid.training.state import RunPosition, read_log
from aio_reid.training.step import make_gradients, split_batch


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    manifest = tiny.tiny_people(tmp_path_factory.mktemp("people"), identities=8, train=6)
    rows = [row for row in read_rows(manifest) if row.modality is not Modality.TEXT or int(row.person) % 2]
    manifest.unlink()
    write_manifest(manifest, rows)
    made: RunConfig = tiny.tiny_config(
        manifest,
        data={"num_identities": 4, "tuples_per_identity": 2, "colourless_share": 0.5, "tone_share": 1.0},
        loss={"tag_weight": 0.1, "bind_rgb_pairs": True},
    )
    return made


@pytest.fixture(scope="module")
def batch(config: RunConfig) -> TupleBatch:
    dataset = run._dataset(config, load_sources(config.data, seed=0))
    made, _ = next(iter(iterate_batches(config, dataset, RunPosition(), 1)))
    assert isinstance(made, TupleBatch)
    return made


def objective_of(config: RunConfig) -> TrainingObjective:
    torch.manual_seed(0)
    return run._objective(config, 6).train()


def gradients(
    objective: TrainingObjective, batch: TupleBatch, step: int, parts: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    losses = make_gradients(objective, batch, step, micro_batches=parts, autocast=nullcontext)
    return losses, {n: p.grad for n, p in objective.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("parts", [2, 3, 8])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_losses_and_gradients_are_those_of_the_whole_batch(
    config: RunConfig, batch: TupleBatch, parts: int, step: int
) -> None:
    whole, split = objective_of(config), objective_of(config)
    for objective in (whole, split):  # what sees a part is held fast; the bottleneck sees the whole batch
        for module in objective.model.tokenizers.modules():
            if isinstance(module, nn.BatchNorm2d | IBN):
                module.eval()
    losses, expected = gradients(whole, batch, step, 1)
    same, found = gradients(split, batch, step, parts)
    for name, value in losses.items():
        torch.testing.assert_close(same[name], value, rtol=1e-5, atol=1e-6)
    assert set(found) == set(expected)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-6, msg=lambda text, n=name: n + text)
    torch.testing.assert_close(whole.model.bottleneck.norm.running_var, split.model.bottleneck.norm.running_var)


def test_with_batch_normalisation_the_losses_differ_and_each_picture_counts_once(
    config: RunConfig, batch: TupleBatch
) -> None:
    whole, split = objective_of(config), objective_of(config)
    losses, _ = gradients(whole, batch, 0, 1)
    other, found = gradients(split, batch, 0, 2)
    assert torch.isfinite(other["total"]) and not torch.allclose(other["total"], losses["total"], rtol=1e-4)
    counted = [
        int(m.num_batches_tracked) for m in split.model.tokenizers["rgb"].modules() if isinstance(m, nn.BatchNorm2d)
    ]
    assert counted == [2, 2, 2]
    assert all(torch.isfinite(gradient).all() for gradient in found.values())


def test_a_loss_that_is_not_finite_leaves_no_gradient(config: RunConfig, batch: TupleBatch) -> None:
    objective = objective_of(config)
    with torch.no_grad():
        objective.classifier.linear.weight.fill_(float("nan"))
    losses, found = gradients(objective, batch, 0, 2)
    assert torch.isnan(losses["total"]) and found == {}


@pytest.mark.parametrize("parts", [1, 2])
def test_a_batch_in_which_nothing_is_said_changes_nothing(config: RunConfig, batch: TupleBatch, parts: int) -> None:
    loss = config.loss.model_copy(update={"ce_weight": 0.0, "fb_weight": 0.0})
    silent = replace(batch, masked_ids=None, masked_at=batch.masked_at[:0], masked_labels=batch.masked_labels[:0])
    silent = replace(silent, tags=None, tag_rows=None)
    losses, found = gradients(objective_of(config.model_copy(update={"loss": loss})), silent, 0, parts)
    assert losses["total"] == 0 and not any(gradient.any() for gradient in found.values())


def test_parts_of_a_batch_hold_its_tuples_in_order(batch: TupleBatch) -> None:
    assert batch.masked_ids is not None and batch.tags is not None and batch.tag_rows is not None
    parts = split_batch(batch, 3)
    assert [len(part.labels) for part in parts] == [2, 3, 3]
    assert torch.equal(torch.cat([part.labels for part in parts]), batch.labels)
    first, sentences = 0, 0
    for part in parts:
        for m, rows in part.rows.items():
            for row, value in zip(rows.tolist(), part.inputs[m], strict=True):
                at = batch.rows[m].tolist().index(first + row)
                assert torch.equal(value, batch.inputs[m][at])
        for (row, position), label in zip(part.masked_at.tolist(), part.masked_labels.tolist(), strict=True):
            assert [sentences + row, position] in batch.masked_at.tolist()
            at = batch.masked_at.tolist().index([sentences + row, position])
            assert label == int(batch.masked_labels[at])
        sentences += 0 if part.masked_ids is None else len(part.masked_ids)
        assert part.tag_rows is not None and part.tags is not None
        for row, tags in zip(part.tag_rows.tolist(), part.tags, strict=True):
            assert torch.equal(tags, batch.tags[batch.tag_rows.tolist().index(first + row)])
        first += len(part.labels)
    assert sentences == len(batch.masked_ids)
    assert sum(len(part.masked_labels) for part in parts) == len(batch.masked_labels)
    assert len(split_batch(batch, 100)) == len(batch.labels)


def test_a_run_in_micro_batches_has_losses(config: RunConfig, tmp_path: Path) -> None:
    settings = config.model_copy(update={"optim": config.optim.model_copy(update={"micro_batches": 3})})
    run.train(settings, tmp_path / "run")
    rows = read_log(tmp_path / "run")
    assert len(rows) == 3 and all(row["total"] > 0 for row in rows)
