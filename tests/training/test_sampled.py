"""Partial FC: with all classes the dense loss and gradient, with some only their rows change; fewer identities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
import torch

from aio_reid.losses.identity import identity_loss
from aio_reid.models.heads import IdentityClassifier, SampledIdentityClassifier
from aio_reid.training import run
from aio_reid.training.plan import draw_classes
from aio_reid.training.state import read_log

LABELS = torch.tensor([40, 3, 3, 17])


def test_classes_are_those_of_the_batch_and_a_share_of_the_others_by_seed_and_step() -> None:
    classes = draw_classes(LABELS, 103, share=0.1, seed=1, step=5)
    assert classes.dtype == torch.int64 and classes.tolist() == sorted(set(classes.tolist()))
    assert {3, 17, 40} < set(classes.tolist()) and len(classes) == 3 + 10
    assert torch.equal(classes, draw_classes(LABELS.flip(0), 103, share=0.1, seed=1, step=5))
    assert not torch.equal(classes, draw_classes(LABELS, 103, share=0.1, seed=1, step=6))
    assert draw_classes(LABELS, 103, share=1.0, seed=1, step=5).tolist() == list(range(103))
    assert draw_classes(LABELS, 103, share=0.0, seed=1, step=5).tolist() == [3, 17, 40]
    drawn = np.bincount(
        torch.cat([draw_classes(LABELS, 103, share=0.1, seed=1, step=s) for s in range(2000)]), minlength=103
    )
    assert drawn[[3, 17, 40]].tolist() == [2000] * 3
    others = np.delete(drawn, [3, 17, 40])
    assert others.mean() == pytest.approx(200) and others.min() > 140 and others.max() < 265


def test_with_all_classes_loss_and_gradient_are_the_dense_ones_exactly() -> None:
    torch.manual_seed(0)
    dense, sampled = IdentityClassifier(6, 50), SampledIdentityClassifier(6, 50)
    sampled.weight.copy_(dense.linear.weight.detach())
    features = torch.randn(4, 6)
    mine, theirs = features.clone().requires_grad_(), features.clone().requires_grad_()
    classes = draw_classes(LABELS, 50, share=1.0, seed=0, step=0)
    loss = identity_loss(sampled(mine, classes), torch.searchsorted(classes, LABELS), 0.1)
    expected = identity_loss(dense(theirs), LABELS, 0.1)
    loss.backward()
    expected.backward()
    assert torch.equal(loss, expected) and torch.equal(mine.grad, theirs.grad)
    assert sampled.rows is not None and torch.equal(sampled.rows.grad, dense.linear.weight.grad)


def test_an_update_is_the_naive_loop_and_leaves_other_rows_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    table = SampledIdentityClassifier(3, 7)
    weight, moment, count = table.weight.clone(), torch.zeros(7), torch.zeros(7)
    rate, decay, beta, epsilon = 0.1, 0.05, 0.999, 1e-8
    for classes in ([0, 2, 5], [2, 3], [2, 5, 6]):
        logits = table(torch.randn(4, 3, generator=generator), torch.tensor(classes))
        (logits * torch.randn(logits.shape, generator=generator)).sum().backward()
        assert table.rows is not None and table.rows.grad is not None
        for c, gradient in zip(classes, table.rows.grad.clone(), strict=True):
            count[c] += 1
            moment[c] = beta * moment[c] + (1 - beta) * (gradient**2).mean()
            step = gradient / ((moment[c] / (1 - beta ** count[c])).sqrt() + epsilon)
            weight[c] = (1 - rate * decay) * weight[c] - rate * step
        table.update(learning_rate=rate, weight_decay=decay)
    torch.testing.assert_close(table.weight, weight)
    torch.testing.assert_close(table.second_moment, moment)
    assert table.num_updates.tolist() == [1, 0, 3, 1, 0, 2, 1]
    before = table.weight.clone()
    table.update(learning_rate=rate, weight_decay=decay)
    assert torch.equal(table.weight, before)


def test_a_run_with_sampled_classes_learns(tmp_path: Path) -> None:
    manifest = tiny.tiny_people(tmp_path)
    changes = {"loss": {"sampled_identities": 0.4}, "optim": {"max_epochs": 40, "learning_rate": 3e-3}}
    config = tiny.tiny_config(manifest, **changes, checkpoint_every=20)
    run.train(config, tmp_path / "whole")
    curve = [row["ce"] for row in read_log(tmp_path / "whole")]
    assert sum(curve[-10:]) < 0.8 * sum(curve[:10])
    state = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)
    assert state["trained"]["classifier.weight"].shape == (6, 32) and state["trained"]["classifier.num_updates"].any()
    shapes = {tuple(value["exp_avg"].shape) for value in state["optimizer"]["state"].values()}
    assert (6, 32) not in shapes


def test_a_run_says_on_how_many_identities_it_was_trained(tmp_path: Path) -> None:
    manifest = tiny.tiny_people(tmp_path)
    config = tiny.tiny_config(manifest, data={"max_identities": 4}, optim={"max_steps": 1})
    run.train(config, tmp_path / "run")
    about = run.read_weights(tmp_path / "run" / run.WEIGHTS).about
    assert about["data"]["identities"] == 4 and about["config"]["data"]["max_identities"] == 4
