"""AdamW with the parameter groups and the schedule of method.md section 7."""

from __future__ import annotations

import math

import torch
from torch import nn

WORD_TABLE = "words.weight"
HEADS = ("model.bottleneck.", "classifier.", "attribute_head.", "tag_head.")


def build_optimizer(
    module: nn.Module, *, learning_rate: float, weight_decay: float, word_table_rate: float, head_rate: float = 1.0
) -> torch.optim.AdamW:
    """Return AdamW over the trainable parameters of `module`.

    Matrices and kernels decay; norms, biases, [CLS], positions, codes and embeddings do not. The word table learns at
    `learning_rate` times `word_table_rate`, the `HEADS` at `learning_rate` times `head_rate`.
    """
    embeddings = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    words: list[nn.Parameter] = []
    decayed_heads: list[nn.Parameter] = []
    kept_heads: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        is_head = head_rate != 1.0 and name.startswith(HEADS)
        if name.endswith(WORD_TABLE):
            words.append(parameter)
        elif parameter.ndim < 2 or id(parameter) in embeddings or ".sequence." in f".{name}":
            (kept_heads if is_head else kept).append(parameter)
        else:
            (decayed_heads if is_head else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": weight_decay, "lr": learning_rate},
        {"params": kept, "weight_decay": 0.0, "lr": learning_rate},
        {"params": words, "weight_decay": 0.0, "lr": learning_rate * word_table_rate},
        {"params": decayed_heads, "weight_decay": weight_decay, "lr": learning_rate * head_rate},
        {"params": kept_heads, "weight_decay": 0.0, "lr": learning_rate * head_rate},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, betas=(0.9, 0.999))


def learning_rate_factor(step: int, *, total_steps: int, warmup_share: float) -> float:
    """Return the factor on the learning rate at `step` (0-based): linear warm-up, then cosine to zero at
    `total_steps`.
    """
    warmup = max(1, round(total_steps * warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total_steps - warmup)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
