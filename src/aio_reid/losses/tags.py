"""Attribute words as tags: which of them a person's sentences hold, told from one feature of that person."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def tag_loss(logits: Tensor, tags: Tensor) -> Tensor:
    """Return the binary cross entropy of every tag, summed over tags and averaged over features; as a naive loop:

        total = 0
        for i in range(b):
            for a in range(A):
                p = sigmoid(logits[i][a])
                total -= log(p) if tags[i][a] else log(1 - p)
        return total / b if b else 0

    Unlike the contrast between pictures it asks every picture for every word, however easily the batch is told apart:
    an encoder that could get by on colour has to learn form as well.

    Args:
        logits: (b, A) float of any precision, A attribute classes; computed in float32.
        tags: (b, A) bool, the classes that are named in any sentence about the person.

    Returns:
        Scalar float32; 0 with a gradient path if there is no feature.
    """
    total = functional.binary_cross_entropy_with_logits(logits.float(), tags.float(), reduction="sum")
    return total / max(1, len(logits))
