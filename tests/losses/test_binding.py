"""Equations (6) to (8) against a naive loop, and check 7 of method.md section 13."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from aio_reid.losses.binding import binding_loss

Others = Mapping[str, tuple[Tensor, Tensor]]


def unit(rows: Tensor) -> list[list[float]]:
    return [[value / math.hypot(*row) for value in row] for row in rows.tolist()]


def naive_direction(
    rows: list[list[float]],
    columns: list[list[float]],
    labels: list[int],
    temperature: float,
    allowed: Callable[[int, int], bool],
) -> float | None:
    terms = []
    for i, row in enumerate(rows):
        shares = {
            j: math.exp(sum(a * b for a, b in zip(row, columns[j], strict=True)) / temperature)
            for j in range(len(rows))
            if allowed(i, j)
        }
        positives = [j for j in shares if labels[j] == labels[i]]
        if positives:
            terms.append(-sum(math.log(shares[p] / sum(shares.values())) for p in positives) / len(positives))
    return sum(terms) / len(terms) if terms else None


def naive(
    rgb: Tensor,
    others: Others,
    labels: Tensor,
    rgb_valid: Tensor | None = None,
    temperature: float = 0.05,
    contains_rgb: tuple[str, ...] = (),
    include_rgb_pairs: bool = False,
) -> float:
    seen = torch.ones(len(labels), dtype=torch.bool) if rgb_valid is None else rgb_valid
    members = [(x, valid, name in contains_rgb) for name, (x, valid) in others.items()]
    if include_rgb_pairs:
        members.append((rgb, seen, True))
    losses = []
    for x, valid, no_self in members:

        def pair(r: int, m: int, valid: Tensor = valid, no_self: bool = no_self) -> bool:
            return bool(seen[r] and valid[m] and not (no_self and r == m))

        ids = labels.tolist()
        there = naive_direction(unit(rgb), unit(x), ids, temperature, pair)
        back = naive_direction(unit(x), unit(rgb), ids, temperature, lambda m, r, pair=pair: pair(r, m))
        if there is not None and back is not None:
            losses.append((there + back) / 2)
    return sum(losses) / len(losses) if losses else 0.0


def make_batch(seed: int, B: int = 8, D: int = 6) -> tuple[Tensor, dict[str, tuple[Tensor, Tensor]], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    names = ("infrared", "sketch", "text", "fused")
    others = {n: (torch.randn(B, D, generator=generator), torch.rand(B, generator=generator) < 0.7) for n in names}
    return torch.randn(B, D, generator=generator), others, torch.randint(0, 3, (B,), generator=generator)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.5},
    {"contains_rgb": ("fused",)},
    {"include_rgb_pairs": True, "contains_rgb": ("fused", "text")},
    {"rgb_valid": torch.tensor([True, False, True, True, False, True, True, False])},
    {"rgb_valid": torch.tensor([False, True] * 4), "contains_rgb": ("fused",), "include_rgb_pairs": True},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_naive_loop(seed: int, options: dict[str, Any]) -> None:
    rgb, others, labels = make_batch(seed)
    expected = naive(rgb, others, labels, **options)
    assert binding_loss(rgb, others, labels, **options).item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_bound_and_orthogonal_identities_cost_nothing() -> None:
    rgb = torch.eye(5)
    loss = binding_loss(rgb, {"text": (3 * rgb, torch.ones(5, dtype=torch.bool))}, torch.arange(5))
    assert loss.item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("contains_rgb", "candidates"), [((), 6), (("fused",), 5)])
def test_equal_features_cost_log_of_the_candidate_count(contains_rgb: tuple[str, ...], candidates: int) -> None:
    rgb = torch.ones(6, 4)
    others = {"fused": (rgb.clone(), torch.ones(6, dtype=torch.bool))}
    loss = binding_loss(rgb, others, torch.tensor([0, 0, 1, 1, 2, 2]), contains_rgb=contains_rgb)
    assert loss.item() == pytest.approx(math.log(candidates), rel=1e-5)


def test_missing_rows_are_ignored_whatever_they_hold() -> None:
    rgb, others, labels = make_batch(1)
    spoilt = {n: (torch.where(v[:, None], x, float("nan")).requires_grad_(), v) for n, (x, v) in others.items()}
    loss = binding_loss(rgb, spoilt, labels)
    loss.backward()
    assert loss.item() == pytest.approx(binding_loss(rgb, others, labels).item())
    for x, valid in spoilt.values():
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()
        assert not x.grad[~valid].any()


def test_a_missing_rgb_is_ignored_whatever_it_holds() -> None:
    rgb, others, labels = make_batch(2)
    rgb_valid = torch.tensor([True, True, False, True, True, True, False, True])
    spoilt = torch.where(rgb_valid[:, None], rgb, float("nan")).requires_grad_()
    loss = binding_loss(spoilt, others, labels, rgb_valid=rgb_valid)
    loss.backward()
    assert loss.item() == pytest.approx(binding_loss(rgb, others, labels, rgb_valid=rgb_valid).item())
    assert spoilt.grad is not None
    assert torch.isfinite(spoilt.grad).all()


@pytest.mark.parametrize("case", ["nothing else", "none valid", "no rgb", "self only"])
def test_no_valid_pair_gives_zero_with_a_gradient_path(case: str) -> None:
    rgb, x = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    all_valid, labels = torch.ones(4, dtype=torch.bool), torch.arange(4)
    others = {} if case == "nothing else" else {"fused": (x, all_valid & (case != "none valid"))}
    rgb_valid = torch.zeros_like(all_valid) if case == "no rgb" else None
    loss = binding_loss(rgb, others, labels, rgb_valid=rgb_valid, contains_rgb=("fused",))
    loss.backward()
    assert loss.item() == 0.0
    assert rgb.grad is not None
    assert not rgb.grad.any()


def test_a_modality_absent_from_the_batch_is_not_averaged_in() -> None:
    rgb, others, labels = make_batch(3)
    absent = (torch.zeros(8, 6), torch.zeros(8, dtype=torch.bool))
    with_absent = binding_loss(rgb, {**others, "pencil": absent}, labels)
    assert with_absent.item() == pytest.approx(binding_loss(rgb, others, labels).item())


def test_rgb_can_be_detached() -> None:
    rgb, others, labels = make_batch(4)
    rgb.requires_grad_()
    sketch = others["sketch"][0].requires_grad_()
    loss = binding_loss(rgb, others, labels, detach_rgb=True)
    loss.backward()
    assert rgb.grad is None
    assert sketch.grad is not None
    assert sketch.grad.any()
    assert loss.item() == pytest.approx(binding_loss(rgb, others, labels).item())


def test_gradient_equals_finite_differences() -> None:
    rgb, others, labels = make_batch(5, B=5, D=3)
    x, valid = others["text"]
    x.requires_grad_()

    def loss_at(features: Tensor) -> Tensor:
        return binding_loss(rgb, {"text": (features, valid)}, labels, temperature=0.5)

    (gradient,) = torch.autograd.grad(loss_at(x), x)
    for i in range(5):
        for k in range(3):
            step = torch.zeros_like(x)
            step[i, k] = 1e-2
            slope = (loss_at(x + step) - loss_at(x - step)).item() / 2e-2
            assert gradient[i, k].item() == pytest.approx(slope, abs=2e-3)


def test_autocast_does_not_cast_the_similarities_down() -> None:
    rgb, others, labels = make_batch(6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = binding_loss(rgb, others, labels, temperature=0.02)
    assert inside.dtype == torch.float32
    assert inside.item() == pytest.approx(binding_loss(rgb, others, labels, temperature=0.02).item(), rel=1e-5)


def test_order_of_the_batch_does_not_matter() -> None:
    rgb, others, labels = make_batch(7)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    shuffled = {n: (x[order], v[order]) for n, (x, v) in others.items()}
    expected = binding_loss(rgb, others, labels, contains_rgb=("fused",)).item()
    got = binding_loss(rgb[order], shuffled, labels[order], contains_rgb=("fused",)).item()
    assert got == pytest.approx(expected, rel=1e-5)
