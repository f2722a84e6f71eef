"""Equation (4) and the mean over modalities, against naive loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from aio_reid.losses.identity import identity_loss, mean_over_modalities


def naive(logits: Tensor, labels: Tensor, smoothing: float) -> float:
    B, C = logits.shape
    total = 0.0
    for i in range(B):
        row = [math.exp(v) for v in logits[i].tolist()]
        for c in range(C):
            target = (1 - smoothing) * (c == labels[i].item()) + smoothing / C
            total -= target * math.log(row[c] / sum(row))
    return total / B


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_equals_the_naive_loop(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(6, 5, generator=generator), torch.tensor([0, 4, 2, 2, 1, 0])
    assert identity_loss(logits, labels, smoothing).item() == pytest.approx(naive(logits, labels, smoothing), abs=1e-5)


def test_uniform_logits_cost_log_of_the_class_count() -> None:
    assert identity_loss(torch.zeros(3, 7), torch.tensor([0, 3, 6]), 0.1).item() == pytest.approx(math.log(7))


def test_no_sample_gives_zero_with_a_gradient_path() -> None:
    logits = torch.zeros(0, 5, requires_grad=True)
    loss = identity_loss(logits, torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None


def test_half_precision_logits_are_summed_in_float32() -> None:
    logits = torch.randn(4, 9, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 1, 2, 3])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = identity_loss(logits.bfloat16(), labels)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(naive(logits.bfloat16().float(), labels, 0.0), abs=1e-5)


def test_a_modality_weighs_the_same_however_few_its_samples() -> None:
    losses = {"rgb": torch.tensor(1.0), "text": torch.tensor(4.0), "sketch": None}
    assert mean_over_modalities(losses).item() == pytest.approx(2.5)


def test_a_batch_without_any_modality_is_refused() -> None:
    with pytest.raises(ValueError, match="no modality present"):
        mean_over_modalities({"rgb": None})
