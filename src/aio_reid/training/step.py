"""The gradient of one step, in one pass over the batch or over micro-batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn

from aio_reid.data.tuples import TupleBatch
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.plan import Plan
from aio_reid.training.reading import Reading, detached, gathered, joined

Autocast = Callable[[], AbstractContextManager[object]]


def make_gradients(
    objective: TrainingObjective, batch: TupleBatch, step: int, *, micro_batches: int, autocast: Autocast
) -> dict[str, Tensor]:
    """Return the losses of a step, and add their gradient to the parameters if the total is finite.

    With several micro-batches the batch is read twice: first without a graph, to have all features; the losses of the
    whole batch are differentiated as far as those features; then each micro-batch is read again, and its features'
    gradient goes on to the parameters. Adding up the gradients of each micro-batch's own losses would be another
    training: contrast and classification bottleneck would see a part of the batch only. What does see
    one micro-batch at a time is batch normalisation in the stems; without it the gradient is exactly that of the
    undivided batch.

    Args:
        batch: this process's share of the step's batch, on the device of the model.
        micro_batches: parts of the share, as equal as can be.

    Source: the two passes are those of GradCache (Gao et al. 2021, arXiv 2101.06983).
    """
    if micro_batches == 1:
        with autocast():
            losses: dict[str, Tensor] = objective(batch, step)
        _backward(losses["total"])
        return losses
    plan = objective.plan(batch, step)
    parts = split_batch(batch, micro_batches)
    places = [sum(len(part.labels) for part in parts[:number]) for number in range(len(parts))]
    with torch.no_grad(), autocast(), _kept_statistics(objective.model.tokenizers):
        whole = joined([objective.read(part, plan, first) for part, first in zip(parts, places, strict=True)])
    leaves = detached(whole)
    with autocast():
        losses = objective.losses(gathered(leaves, objective.processes), plan)
    if _backward(losses["total"]):
        _second_pass(objective, parts, places, plan, leaves, autocast)
    return losses


def _backward(total: Tensor) -> bool:
    """Take the gradient, unless the loss is not finite: then the caller stops the run; return whether it is."""
    is_finite = bool(torch.isfinite(total))
    if is_finite:
        torch.autograd.backward(total)
    return is_finite


def _second_pass(
    objective: TrainingObjective,
    parts: list[TupleBatch],
    places: list[int],
    plan: Plan,
    leaves: Reading,
    autocast: Autocast,
) -> None:
    read = [0 for _ in leaves.outputs()]
    for part, first in zip(parts, places, strict=True):
        with autocast():
            outputs = objective.read(part, plan, first).outputs()
        wanted = []
        for number, (output, leaf) in enumerate(zip(outputs, leaves.outputs(), strict=True)):
            if output.requires_grad and leaf.grad is not None:
                wanted.append((output, leaf.grad[read[number] : read[number] + len(output)].to(output.dtype)))
            read[number] += len(output)
        torch.autograd.backward([output for output, _ in wanted], [gradient for _, gradient in wanted])


def split_batch(batch: TupleBatch, count: int) -> list[TupleBatch]:
    """Return `count` batches of tuples that follow each other, together `batch`; fewer where it has fewer tuples."""
    total = len(batch.labels)
    count = min(count, total)
    return [_part(batch, total * n // count, total * (n + 1) // count) for n in range(count)]


def _part(batch: TupleBatch, start: int, stop: int) -> TupleBatch:
    """Return the tuples `start` to `stop`."""
    inside = {m: (rows >= start) & (rows < stop) for m, rows in batch.rows.items()}
    kept = {m: mask for m, mask in inside.items() if m in batch.inputs and bool(mask.any())}
    masked_ids, masked_at, masked_labels = None, batch.masked_at[:0], batch.masked_labels[:0]
    text = next((mask for m, mask in kept.items() if not m.is_visual), None)
    if batch.masked_ids is not None and text is not None:
        masked_ids = batch.masked_ids[text]
        wanted = text[batch.masked_at[:, 0]]  # (K,)
        before = text.cumsum(0) - 1  # place of each kept sentence among the kept
        row, position = batch.masked_at[wanted].unbind(1)
        masked_at, masked_labels = torch.stack([before[row], position], dim=1), batch.masked_labels[wanted]
    tags = tag_rows = None
    if batch.tags is not None and batch.tag_rows is not None:
        told = (batch.tag_rows >= start) & (batch.tag_rows < stop)
        tags, tag_rows = batch.tags[told], batch.tag_rows[told] - start
    return TupleBatch(
        labels=batch.labels[start:stop],
        inputs={m: batch.inputs[m][mask] for m, mask in kept.items()},
        rows={m: batch.rows[m][mask] - start for m, mask in kept.items()},
        masked_ids=masked_ids,
        masked_at=masked_at,
        masked_labels=masked_labels,
        tags=tags,
        tag_rows=tag_rows,
    )


@contextmanager
def _kept_statistics(module: nn.Module) -> Iterator[None]:
    """Undo what the first pass does to running statistics: the second pass counts the same pictures."""
    kept = [(buffer, buffer.clone()) for buffer in module.buffers()]
    yield
    for buffer, before in kept:
        buffer.copy_(before)
