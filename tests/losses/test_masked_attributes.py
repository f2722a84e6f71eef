"""Equation (5) against a naive loop, and check 8 of method.md section 13."""

from __future__ import annotations

import math

import pytest
import torch

from aio_reid.losses.masked_attributes import masked_attribute_loss


def test_equals_the_naive_loop() -> None:
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([3, -100, 0, 0, -100, 2])
    total, count = 0.0, 0
    for k in range(6):
        if labels[k] != -100:
            row = [math.exp(v) for v in logits[k].tolist()]
            total -= math.log(row[int(labels[k])] / sum(row))
            count += 1
    assert masked_attribute_loss(logits, labels).item() == pytest.approx(total / count, abs=1e-5)


def test_uniform_logits_cost_log_of_the_class_count() -> None:
    assert masked_attribute_loss(torch.zeros(3, 88), torch.tensor([0, 50, 87])).item() == pytest.approx(math.log(88))


@pytest.mark.parametrize("labels", [[], [-100, -100]])
def test_nothing_masked_gives_zero_with_a_gradient_path(labels: list[int]) -> None:
    logits = torch.randn(len(labels), 5, requires_grad=True)
    loss = masked_attribute_loss(logits, torch.tensor(labels, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_ignored_positions_change_nothing() -> None:
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(2))
    alone = masked_attribute_loss(logits[:1], torch.tensor([4]))
    assert masked_attribute_loss(logits, torch.tensor([4, -100, -100])).item() == pytest.approx(alone.item())
