"""Identity classification, equation (4), averaged per modality first (method.md 6.1)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional


def identity_loss(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean cross entropy of identity logits, as a naive loop:

        total = 0
        for i in range(B):
            for c in range(C):
                target = (1 - label_smoothing) * (c == labels[i]) + label_smoothing / C
                total -= target * log(softmax(logits[i])[c])
        return total / B

    Args:
        logits: (B, C) float of any precision; computed in float32.
        labels: (B,) int64 in 0..C-1.
        label_smoothing: share of the target spread evenly over all classes, 0 to 1.

    Returns:
        Scalar float32; 0 with a gradient path if B = 0.

    Source: method.md equation (4), one modality's part.
    """
    if len(labels) == 0:
        return logits.float().sum() * 0.0
    return functional.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)


def mean_over_modalities(losses: Mapping[str, Tensor | None]) -> Tensor:
    """Return the mean of per-modality losses, so that a modality with few samples weighs as much as one with many.

        present = [loss for loss in losses.values() if loss is not None]
        return sum(present) / len(present)

    Args:
        losses: modality (or "fused") to its scalar mean loss; leave out, or give None for, a modality without a sample.

    Raises:
        ValueError: no modality is present; a batch has at least one.

    Source: method.md 6.1, "average per modality first, then over modalities".
    """
    present = [loss for loss in losses.values() if loss is not None]
    if not present:
        raise ValueError(f"no modality present among {sorted(losses)}; a batch needs at least one")
    return torch.stack(present).mean()
