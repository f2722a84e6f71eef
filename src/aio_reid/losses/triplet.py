"""Weighted regularised triplet (AGW), the named alternative to feature binding (method.md 6.3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from aio_reid.losses.precision import full_precision


def weighted_triplet_loss(features: Tensor, labels: Tensor) -> Tensor:
    """Return the weighted regularised triplet loss, without a margin; as a naive loop:

        terms = []
        for i in range(B):
            d = [distance(features[i], features[j]) for j in range(B)]
            positives = [j for j in range(B) if labels[j] == labels[i]]       # i itself included
            negatives = [j for j in range(B) if labels[j] != labels[i]]
            if negatives:                                                     # other rows are no anchors
                far = sum(softmax(d over positives) * d over positives)       # far positives weigh more
                near = sum(softmax(-d over negatives) * d over negatives)     # near negatives weigh more
                terms.append(log(1 + exp(far - near)))
        return mean(terms) if terms else 0

    Args:
        features: (B, D) float, not normalised; of one modality or of several joined row by row.
        labels: (B,) int64 identities.

    Returns:
        Scalar float32; 0 with a gradient path if the batch has fewer than two identities.

    Source: method.md 6.3, "WRT (AGW)". Gradients flow through the weights, as there.
    """
    with full_precision(features):
        x = features.float()
        # Exact differences, not |a|^2 + |b|^2 - 2ab: there a row would not be at distance 0 from itself, where its
        # slope must be 0 too.
        distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")  # (B, B)
        positives = labels[:, None] == labels[None, :]  # (B, B)
        is_anchor = ~positives.all(dim=1)  # (B,)
        negatives = ~positives | ~is_anchor[:, None]  # a softmax over nothing would be NaN; such rows count for 0
        far = (distance.masked_fill(~positives, float("-inf")).softmax(dim=1) * distance).sum(dim=1)  # (B,)
        near = ((-distance).masked_fill(~negatives, float("-inf")).softmax(dim=1) * distance).sum(dim=1)  # (B,)
        terms = functional.softplus(far - near) * is_anchor
        return terms.sum() / is_anchor.sum().clamp(min=1)
