"""Vision-guided masked attribute modelling, equation (5) of method.md."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

IGNORED = -100
"""Label of a position that asks for no attribute."""


def masked_attribute_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross entropy of attribute logits over the masked positions, as a naive loop:

        total, count = 0, 0
        for k in range(K):
            if labels[k] != -100:
                total -= log(softmax(logits[k])[labels[k]])
                count += 1
        return total / count if count else 0

    Args:
        logits: (K, A) float of any precision, A attribute classes; computed in float32.
        labels: (K,) int64 in 0..A-1, or -100 where nothing is asked.

    Returns:
        Scalar float32; 0 with a gradient path if no position counts.

    Source: method.md equation (5).
    """
    count = (labels != IGNORED).sum()
    total = functional.cross_entropy(logits.float(), labels, ignore_index=IGNORED, reduction="sum")
    return total / count.clamp(min=1)
