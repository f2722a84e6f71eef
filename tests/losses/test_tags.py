"""The loss of attribute words against a naive loop, and its edges."""

from __future__ import annotations

import math

import pytest
import torch

from aio_reid.losses.tags import tag_loss


def test_equals_the_naive_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 5, generator=generator)
    tags = torch.rand(3, 5, generator=generator) < 0.4
    total = 0.0
    for i in range(3):
        for a in range(5):
            p = 1 / (1 + math.exp(-logits[i, a].item()))
            total -= math.log(p) if tags[i, a] else math.log(1 - p)
    assert tag_loss(logits, tags).item() == pytest.approx(total / 3, abs=1e-5)


def test_knowing_nothing_costs_one_bit_a_tag_and_knowing_all_nothing() -> None:
    tags = torch.tensor([[True, False, True, False]])
    assert tag_loss(torch.zeros(1, 4), tags).item() == pytest.approx(4 * math.log(2))
    assert tag_loss(torch.where(tags, 50.0, -50.0), tags).item() == pytest.approx(0.0, abs=1e-6)


def test_half_precision_is_computed_in_full() -> None:
    logits = torch.tensor([[0.1, -3.0]], dtype=torch.bfloat16)
    tags = torch.tensor([[True, False]])
    assert tag_loss(logits, tags).dtype == torch.float32
    assert tag_loss(logits, tags).item() == tag_loss(logits.float(), tags).item()


def test_no_feature_gives_zero_with_a_gradient_path() -> None:
    logits = torch.randn(0, 5, requires_grad=True)
    loss = tag_loss(logits, torch.zeros(0, 5, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
