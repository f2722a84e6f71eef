"""Similarity distribution matching against a naive loop."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from aio_reid.losses.sdm import sdm_loss


def naive(first: Tensor, second: Tensor, labels: list[int], rows: list[int], temperature: float) -> float:
    total = 0.0
    for a, b in ((first, second), (second, first)):
        for i in rows:
            scores = [torch.cosine_similarity(a[i], b[j], dim=0).item() / temperature for j in rows]
            shares = [math.exp(s - max(scores)) for s in scores]
            same = [float(labels[j] == labels[i]) for j in rows]
            for share, s in zip(shares, same, strict=True):
                p = share / sum(shares)
                total += p * (math.log(p) - math.log(s / sum(same) + 1e-8)) if p else 0.0
    return total / len(rows)


@pytest.mark.parametrize("temperature", [0.02, 0.2])
@pytest.mark.parametrize("valid", [[True] * 6, [True, False, True, True, False, True]])
def test_equals_the_naive_loop(valid: list[bool], temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(6, 5, generator=generator), torch.randn(6, 5, generator=generator)
    labels = [0, 0, 1, 1, 2, 2]
    expected = naive(first, second, labels, [i for i, v in enumerate(valid) if v], temperature)
    got = sdm_loss(first, second, torch.tensor(labels), valid=torch.tensor(valid), temperature=temperature)
    assert got.item() == pytest.approx(expected, rel=1e-4)


def test_the_right_distribution_costs_nothing() -> None:
    features = torch.eye(3)[[0, 0, 1, 2]]
    assert sdm_loss(features, 2 * features, torch.tensor([5, 5, 8, 9])).item() == pytest.approx(0.0, abs=1e-4)


def test_no_valid_tuple_gives_zero_with_a_gradient_path() -> None:
    first, second = torch.full((3, 2), float("nan"), requires_grad=True), torch.randn(3, 2, requires_grad=True)
    loss = sdm_loss(first, second, torch.arange(3), valid=torch.zeros(3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0.0
    assert first.grad is not None
    assert not first.grad.any()


def test_invalid_rows_are_ignored_even_if_not_finite() -> None:
    first = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    second, labels, valid = first.flip(0).clone(), torch.tensor([0, 0, 1, 1]), torch.tensor([True, True, True, False])
    expected = sdm_loss(first, second, labels, valid=valid).item()
    second[3] = float("inf")
    assert sdm_loss(first, second, labels, valid=valid).item() == pytest.approx(expected)


def test_is_computed_in_float32_under_autocast() -> None:
    first = torch.randn(6, 5, generator=torch.Generator().manual_seed(3))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = sdm_loss(first, first.flip(0), labels)
    assert inside.dtype == torch.float32
    assert inside.item() == pytest.approx(sdm_loss(first, first.flip(0), labels).item(), rel=1e-5)
