"""Multimodal feature binding to RGB, equations (6) to (8) of method.md."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from aio_reid.losses.precision import full_precision, unit_rows


def binding_loss(
    rgb: Tensor,
    others: Mapping[str, tuple[Tensor, Tensor]],
    labels: Tensor,
    *,
    rgb_valid: Tensor | None = None,
    temperature: float = 0.05,
    contains_rgb: Collection[str] = (),
    detach_rgb: bool = False,
    include_rgb_pairs: bool = False,
) -> Tensor:
    """Pull every modality to the RGB features of the same identity, push it from the others; as a naive loop:

        def direction(rows, columns, allowed):      # equation (6), and (7) with the roles exchanged
            terms = []
            for i in range(B):
                candidates = [j for j in range(B) if allowed(i, j)]
                positives = [j for j in candidates if labels[j] == labels[i]]
                if positives:                       # other rows are no anchors
                    total = sum(exp(rows[i] @ columns[j] / temperature) for j in candidates)
                    terms.append(-mean(log(exp(rows[i] @ columns[p] / temperature) / total) for p in positives))
            return mean(terms)

        losses = []
        for name, (features, valid) in others.items():   # with include_rgb_pairs also rgb itself, self excluded
            allowed = lambda r, m: rgb_valid[r] and valid[m] and not (name in contains_rgb and r == m)
            if any row has a positive:
                losses.append((direction(u(rgb), u(features), allowed) + direction(u(features), u(rgb), allowed)) / 2)
        return mean(losses) if losses else 0             # equation (8)

    Args:
        rgb: (B, D) float, one RGB feature for each tuple.
        others: name to (features (B, D), valid (B,) bool); row j is of the same tuple as row j of `rgb`. What stands in
            rows that are not valid is ignored, NaN too.
        labels: (B,) int64 identity of each tuple.
        rgb_valid: (B,) bool, None when every tuple has RGB.
        temperature: divides the cosine similarity.
        contains_rgb: the names in `others` that were fused with the tuple's own RGB; their pair with that very RGB row
            is left out of numerator and denominator, because it is trivial.
        detach_rgb: no gradient reaches `rgb`.
        include_rgb_pairs: bind RGB to other RGB pictures of the same identity too.

    Returns:
        Scalar float32; 0 with a gradient path, never NaN, if no valid pair exists.

    Source: method.md equations (6) to (8), after ImageBind's binding to one modality.
    """
    with full_precision(rgb):
        everywhere = torch.ones(len(labels), dtype=torch.bool, device=rgb.device)
        rgb_valid = everywhere if rgb_valid is None else rgb_valid
        anchors = unit_rows(rgb.detach() if detach_rgb else rgb, rgb_valid)  # (B, D)
        members = [(unit_rows(x, valid), valid, name in contains_rgb) for name, (x, valid) in others.items()]
        if include_rgb_pairs:
            members.append((anchors, rgb_valid, True))
        same_identity = labels[:, None] == labels[None, :]  # (B, B)
        own_pair = torch.eye(len(labels), dtype=torch.bool, device=rgb.device)
        total = anchors.sum() * 0.0
        num_bound = torch.zeros((), device=rgb.device)
        for bound, valid, self_excluded in members:
            allowed = rgb_valid[:, None] & valid[None, :]  # (B, B): RGB rows, columns of the other modality
            if self_excluded:
                allowed = allowed & ~own_pair
            positives = allowed & same_identity
            cosine = anchors @ bound.T  # (B, B)
            there = _direction(cosine / temperature, allowed, positives)
            back = _direction(cosine.T / temperature, allowed.T, positives.T)
            total = total + (there + back) / 2
            num_bound = num_bound + positives.any()
        return total / num_bound.clamp(min=1)


def _direction(scores: Tensor, allowed: Tensor, positives: Tensor) -> Tensor:
    """Return equation (6) for scores (B, B), rows are anchors; rows without a positive are no anchors.

    Every operation keeps its shape, so that nothing waits for the device to count the pairs.
    """
    num_positives = positives.sum(dim=1)  # (B,)
    is_anchor = num_positives > 0
    # A row without any candidate would be a softmax over nothing, NaN in the gradient: it reads all, and counts for 0.
    candidates = allowed | ~is_anchor[:, None]
    log_share = scores.masked_fill(~candidates, float("-inf")).log_softmax(dim=1)
    per_anchor = -log_share.masked_fill(~positives, 0.0).sum(dim=1) / num_positives.clamp(min=1)  # (B,)
    return per_anchor.sum() / is_anchor.sum().clamp(min=1)
