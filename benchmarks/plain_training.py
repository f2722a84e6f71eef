"""The training step as one would write it down in an afternoon: the same model and losses, nothing around them.

No processes, micro-batches, checkpoints, compiler or log; sentences are padded to the longest of the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aio_reid.data.images import normalise
from aio_reid.data.tuples import TupleBatch
from aio_reid.losses.binding import binding_loss
from aio_reid.losses.identity import identity_loss
from aio_reid.losses.masked_attributes import masked_attribute_loss
from aio_reid.losses.tags import tag_loss
from aio_reid.records import Modality
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.plan import draw_subset


def plain_losses(made: TrainingObjective, batch: TupleBatch, step: int) -> Tensor:
    """Return the total loss of a batch; `made` only carries model, heads and weights of the losses."""
    model, loss, labels = made.model, made.loss, batch.labels
    tokens = {m: model.tokenize(m, normalise(x, m) if m.is_visual else x) for m, x in batch.inputs.items()}
    features = {m.value: model.feature({m: t}) for m, t in tokens.items()}
    rows = {m.value: batch.rows[m] for m in tokens}
    subset = draw_subset([m for m in Modality if m in tokens], seed=made.seed, step=step, every=loss.fused_every)
    if subset:
        having = torch.stack([torch.isin(torch.arange(len(labels), device=labels.device), rows[m]) for m in subset])
        rows["fused"] = having.all(dim=0).nonzero()[:, 0]
        kept = {m: torch.isin(rows[m], rows["fused"]) for m in subset}
        features["fused"] = model.feature({m: tokens[m].chosen(kept[m]) for m in subset})
    total = torch.zeros((), device=labels.device)
    if loss.ce_weight:
        logits = made.classifier(model.bottleneck(torch.cat([f.float() for f in features.values()])))
        split = logits.split([len(f) for f in features.values()])
        ce = [
            identity_loss(part, labels[rows[n]], loss.label_smoothing) for n, part in zip(features, split, strict=True)
        ]
        total = total + loss.ce_weight * torch.stack(ce).mean()
    if loss.va_weight and batch.masked_ids is not None and len(batch.masked_labels):
        outputs = model.encode({Modality.TEXT: model.tokenize(Modality.TEXT, batch.masked_ids)}).tokens
        row, position = batch.masked_at.unbind(1)
        logits = made.attribute_head(outputs[row, position], features["rgb"][rows["text"][row]])
        total = total + loss.va_weight * masked_attribute_loss(logits, batch.masked_labels)
    if loss.tag_weight and batch.tags is not None and batch.tag_rows is not None:
        tags = batch.tags.new_zeros(len(labels), batch.tags.shape[1])
        tags[batch.tag_rows] = batch.tags
        told = {n: torch.isin(r, batch.tag_rows) for n, r in rows.items()}
        each = [tag_loss(made.tag_head(f[told[n]]), tags[rows[n][told[n]]]) for n, f in features.items()]
        total = total + loss.tag_weight * torch.stack(each).mean()
    return total + loss.fb_weight * plain_binding(made, features, rows, labels, Modality.RGB in subset)


def plain_binding(
    made: TrainingObjective, features: dict[str, Tensor], rows: dict[str, Tensor], labels: Tensor, fused_with_rgb: bool
) -> Tensor:
    """Return the binding loss of a batch."""
    others = {}
    for name, feature in features.items():
        if name != "rgb":
            full = feature.new_zeros(len(labels), feature.shape[1])
            full[rows[name]] = feature
            others[name] = (full, torch.isin(torch.arange(len(labels), device=labels.device), rows[name]))
    return binding_loss(
        features["rgb"],
        others,
        labels,
        temperature=made.loss.temperature,
        contains_rgb=("fused",) if fused_with_rgb else (),
        include_rgb_pairs=made.loss.bind_rgb_pairs,
    )
