"""Weighted regularised triplet against a naive loop."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from aio_reid.losses.triplet import weighted_triplet_loss


def naive(features: Tensor, labels: list[int]) -> float:
    terms = []
    for i, row in enumerate(features.tolist()):
        d = [math.dist(row, other) for other in features.tolist()]
        positives = [d[j] for j in range(len(d)) if labels[j] == labels[i]]
        negatives = [d[j] for j in range(len(d)) if labels[j] != labels[i]]
        if negatives:
            far = sum(math.exp(v) * v for v in positives) / sum(math.exp(v) for v in positives)
            near = sum(math.exp(-v) * v for v in negatives) / sum(math.exp(-v) for v in negatives)
            terms.append(math.log(1 + math.exp(far - near)))
    return sum(terms) / len(terms) if terms else 0.0


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 1]])
@pytest.mark.parametrize("scale", [0.1, 3.0])
def test_equals_the_naive_loop(labels: list[int], scale: float) -> None:
    features = scale * torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    got = weighted_triplet_loss(features, torch.tensor(labels)).item()
    assert got == pytest.approx(naive(features, labels), rel=1e-4)


def test_equal_features_cost_log_two_and_keep_a_finite_gradient() -> None:
    features = torch.ones(4, 3, requires_grad=True)
    loss = weighted_triplet_loss(features, torch.tensor([0, 0, 1, 1]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()


@pytest.mark.parametrize("labels", [[], [3], [1, 1, 1]])
def test_one_identity_alone_gives_zero_with_a_gradient_path(labels: list[int]) -> None:
    features = torch.randn(len(labels), 3, requires_grad=True)
    loss = weighted_triplet_loss(features, torch.tensor(labels, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0.0
    assert features.grad is not None
    assert not features.grad.any()


def test_descent_separates_the_identities() -> None:
    features = torch.randn(8, 2, generator=torch.Generator().manual_seed(1)).requires_grad_()
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    for _ in range(60):
        (gradient,) = torch.autograd.grad(weighted_triplet_loss(features, labels), features)
        features = (features - 0.5 * gradient).detach().requires_grad_()
    distance = torch.cdist(features, features)
    same = labels[:, None] == labels[None, :]
    assert distance[same].max() < distance[~same].min()


def test_is_computed_in_float32_under_autocast() -> None:
    features = torch.randn(6, 4, generator=torch.Generator().manual_seed(2))
    labels = [0, 0, 1, 1, 2, 2]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = weighted_triplet_loss(features, torch.tensor(labels))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(naive(features, labels), rel=1e-4)
