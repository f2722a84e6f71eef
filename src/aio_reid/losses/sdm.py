"""Similarity distribution matching (IRRA), the other named alternative to feature binding (method.md 6.3)."""

from __future__ import annotations

import torch
from torch import Tensor

from aio_reid.losses.precision import full_precision, unit_rows


def sdm_loss(
    first: Tensor,
    second: Tensor,
    labels: Tensor,
    *,
    valid: Tensor | None = None,
    temperature: float = 0.02,
    epsilon: float = 1e-8,
) -> Tensor:
    """Match the softmax of similarities between two modalities to the distribution of same identities; a naive loop:

        rows = [i for i in range(B) if valid[i]]
        total = 0
        for a, b in ((first, second), (second, first)):
            for i in rows:
                share = softmax([u(a[i]) @ u(b[j]) / temperature for j in rows])
                same = [labels[j] == labels[i] for j in rows]
                for p, s in zip(share, same):
                    total += p * (log(p) - log(s / sum(same) + epsilon))
        return total / len(rows) if rows else 0

    Args:
        first: (B, D) float of one modality.
        second: (B, D) float of another; row j is of the same tuple as row j of `first`.
        labels: (B,) int64 identities.
        valid: (B,) bool, tuples that have both modalities; None for all.
        temperature: divides the cosine similarity.
        epsilon: keeps the logarithm finite for other identities.

    Returns:
        Scalar float32, the sum of both directions; 0 with a gradient path if no tuple is valid.

    Source: method.md 6.3, "SDM (IRRA/ReID5o)".
    """
    with full_precision(first):
        valid = torch.ones_like(labels, dtype=torch.bool) if valid is None else valid
        a, b = unit_rows(first, valid)[valid], unit_rows(second, valid)[valid]  # (V, D)
        if len(a) == 0:
            return (a.sum() + b.sum()) * 0.0
        same = (labels[valid][:, None] == labels[valid][None, :]).float()  # (V, V)
        log_target = (same / same.sum(dim=1, keepdim=True) + epsilon).log()
        total = torch.zeros((), device=first.device)
        for scores in (a @ b.T / temperature, b @ a.T / temperature):
            log_share = scores.log_softmax(dim=1)
            total = total + (log_share.exp() * (log_share - log_target)).sum(dim=1).mean()
        return total
