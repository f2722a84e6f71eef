"""What the similarity losses share: float32 inside, whatever autocast does outside, and safe unit vectors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def full_precision(like: Tensor) -> torch.autocast:
    """Return a context in which products on the device of `like` are not cast down: bf16 cannot hold cosine / 0.02."""
    return torch.autocast(device_type=like.device.type, enabled=False)


def unit_rows(features: Tensor, valid: Tensor) -> Tensor:
    """Return the rows at unit length in float32; rows that are not valid become 0, and pass no gradient, even if NaN.

    Args:
        features: (B, D) float.
        valid: (B,) bool.
    """
    kept = features.float().masked_fill(~valid[:, None], 0.0)  # (B, D)
    return functional.normalize(kept, dim=1)
