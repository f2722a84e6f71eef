"""AdamW with the parameter groups and the schedule of method.md section 7."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

WORD_TABLE = "words.weight"
CLASSIFIER = "classifier."
HEADS = ("model.bottleneck.", CLASSIFIER, "attribute_head.", "tag_head.")


def build_optimizer(
    module: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    word_table_rate: float,
    head_rate: float = 1.0,
    classifier_rate: float = 1.0,
) -> torch.optim.AdamW:
    """Return AdamW over the trainable parameters of `module`.

    Matrices and kernels decay; norms, biases, [CLS], positions, codes and embeddings do not. The word table learns at
    `learning_rate` times `word_table_rate`, the `HEADS` at `learning_rate` times `head_rate`, and of these the identity
    classifier at that times `classifier_rate`.
    """

    def group(decay: float, rate: float) -> dict[str, Any]:
        return {"params": [], "weight_decay": decay, "lr": learning_rate * rate}

    groups = {  # in the order that checkpoints know
        "decayed": group(weight_decay, 1.0),
        "kept": group(0.0, 1.0),
        "words": group(0.0, word_table_rate),
        "decayed heads": group(weight_decay, head_rate),
        "kept heads": group(0.0, head_rate),
        "classifier": group(weight_decay, head_rate * classifier_rate),
    }
    embeddings = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        is_kept = parameter.ndim < 2 or id(parameter) in embeddings or ".sequence." in f".{name}"
        of_heads = " heads" if head_rate != 1.0 and name.startswith(HEADS) else ""
        kind = "words" if name.endswith(WORD_TABLE) else ("kept" if is_kept else "decayed") + of_heads
        if classifier_rate != 1.0 and name.startswith(CLASSIFIER):
            kind = "classifier"
        groups[kind]["params"].append(parameter)
    return torch.optim.AdamW([g for g in groups.values() if g["params"]], lr=learning_rate, betas=(0.9, 0.999))


def learning_rate_factor(step: int, *, total_steps: int, warmup_share: float) -> float:
    """Return the factor on the learning rate at `step` (0-based): linear warm-up, then cosine to zero at
    `total_steps`.
    """
    warmup = max(1, round(total_steps * warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total_steps - warmup)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
