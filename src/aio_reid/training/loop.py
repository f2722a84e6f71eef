"""The training loop: batches to steps, logs, checkpoints and validations, resumable at any step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from aio_reid.config import RunConfig
from aio_reid.data.tuples import TupleBatch, TupleDataset
from aio_reid.errors import AioError, DataError, TrainingError
from aio_reid.progress import Progress
from aio_reid.training.batches import count_steps, iterate_batches
from aio_reid.training.curves import Curves
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.optim import learning_rate_factor
from aio_reid.training.processes import errors_of_all
from aio_reid.training.state import LOG, RunPosition, append_row, save_checkpoint
from aio_reid.training.step import make_gradients

Validate = Callable[[int], dict[str, float]]
"""Takes the step (0-based, as in the log) after which it is called; returns figures by name, fractions."""


@dataclass(frozen=True, slots=True)
class LoopParts:
    """What a loop works on; `about` goes into every checkpoint. The objective is on the accelerator's device."""

    config: RunConfig
    run: Path
    dataset: TupleDataset
    objective: TrainingObjective
    optimizer: torch.optim.Optimizer
    accelerator: Accelerator
    validate: Validate
    about: dict[str, Any]


def run_loop(parts: LoopParts, start: RunPosition, progress: Progress) -> RunPosition:
    """Train from `start` to the end; return the last position.

    Raises:
        TrainingError: a loss or its gradient is not finite; names the step and the batch. The last checkpoint is
            untouched.
        DataError: a picture of the training set cannot be read; names it. What was trained so far is kept.
        StorageError: a checkpoint, the log or the curves cannot be written.
    """
    config = parts.config
    total = count_steps(config, parts.dataset.groups)
    batch_size = config.data.num_identities * config.data.tuples_per_identity
    position = start
    watched = progress.task(f"Training {config.name}", total=(total - start.step) * batch_size, unit="tuples")
    processes = parts.objective.processes
    with closing(Curves(parts.run / "tensorboard", start.step + 1)) as curves, watched as task:
        for made, position in iterate_batches(config, parts.dataset, start, total, processes):
            batch = _usable(parts, made, position.before, start)
            began = time.perf_counter()
            _set_rate(parts.optimizer, config, position.step - 1, total)
            losses = _step(parts, parts.objective, parts.optimizer, batch, position.step - 1)
            row = _row(position, losses, parts.optimizer, batch_size / (time.perf_counter() - began))
            _check_finite(row, batch, position, parts.dataset.persons)
            with errors_of_all(processes):
                if processes.is_main:
                    _record(parts, row, position, curves, position.step == total)
            note = " ".join(f"{n} {row[n]:.3f}" for n in ("total", "ce", "va", "fb", "tags"))
            task.advance(batch_size, note=f"epoch {position.epoch} step {position.step}/{total} {note}")
    return position


def _record(parts: LoopParts, row: dict[str, float], position: RunPosition, curves: Curves, is_last: bool) -> None:
    """Write what a step leaves on disk; the other processes meanwhile wait to hear whether it could be written."""
    append_row(parts.run, LOG, row)
    is_validated = position.step % parts.config.validate_every == 0 or is_last
    if position.step % parts.config.checkpoint_every == 0 or is_validated:  # a broken picture may end a validation
        save_checkpoint(parts.run, parts.objective, parts.optimizer, position, parts.about)
    curves.add("train", row, position.step)
    if is_validated:
        curves.add("validation", parts.validate(position.step - 1), position.step)


def _usable(parts: LoopParts, made: TupleBatch | AioError, before: RunPosition, start: RunPosition) -> TupleBatch:
    """Return the batch, or keep what was trained so far and raise what kept it from being made."""
    processes = parts.objective.processes
    problem = processes.first_message(None if isinstance(made, TupleBatch) else str(made))
    if problem is None and isinstance(made, TupleBatch):
        return made
    with errors_of_all(processes):
        if before.step > start.step and processes.is_main:
            save_checkpoint(parts.run, parts.objective, parts.optimizer, before, parts.about)
    raise DataError(
        f"step {before.step + 1} has no batch: {problem}; or take it out of {parts.config.data.places}; then go on "
        "with --resume"
    )


def _step(
    parts: LoopParts, objective: TrainingObjective, optimizer: torch.optim.Optimizer, batch: TupleBatch, step: int
) -> dict[str, Tensor]:
    objective.train()
    optimizer.zero_grad(set_to_none=True)
    losses = make_gradients(
        objective,
        _on_device(batch, parts.accelerator.device),
        step,
        micro_batches=parts.config.optim.micro_batches,
        autocast=parts.accelerator.autocast,
    )
    if torch.isfinite(losses["total"]):  # otherwise the weights stay as they were, and the caller stops the run
        leaves = objective.leaves()
        objective.processes.average_gradients(leaves)
        norm = torch.nn.utils.clip_grad_norm_(leaves, parts.config.optim.clip_norm)
        losses = {**losses, "grad_norm": norm}
        if torch.isfinite(norm):
            optimizer.step()
    return losses


def _on_device(batch: TupleBatch, device: torch.device) -> TupleBatch:
    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device, non_blocking=True)

    return TupleBatch(
        labels=move(batch.labels),
        inputs={m: move(x) for m, x in batch.inputs.items()},
        rows={m: move(x) for m, x in batch.rows.items()},
        masked_ids=None if batch.masked_ids is None else move(batch.masked_ids),
        masked_at=move(batch.masked_at),
        masked_labels=move(batch.masked_labels),
        tags=None if batch.tags is None else move(batch.tags),
        tag_rows=None if batch.tag_rows is None else move(batch.tag_rows),
    )


def _set_rate(optimizer: torch.optim.Optimizer, config: RunConfig, step: int, total: int) -> None:
    factor = learning_rate_factor(step, total_steps=total, warmup_share=config.optim.warmup_share)
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor


def _row(
    position: RunPosition, losses: dict[str, Tensor], optimizer: torch.optim.Optimizer, rate: float
) -> dict[str, float]:
    values = {name: float(value.detach()) for name, value in losses.items()}
    rate_now = float(optimizer.param_groups[0]["lr"])
    return {
        "step": position.step - 1,
        "epoch": position.epoch,
        "lr": rate_now,
        "tuples_per_s": round(rate, 2),
        **values,
    }


def _check_finite(row: dict[str, float], batch: TupleBatch, position: RunPosition, persons: tuple[str, ...]) -> None:
    bad = {name: value for name, value in row.items() if not math.isfinite(value)}
    if bad:
        identities = [persons[label] for label in sorted(set(batch.labels.tolist()))]
        raise TrainingError(
            f"loss not finite at step {position.step} (epoch {position.epoch}, batch {position.batch}): "
            f"{', '.join(f'{n}={v}' for n, v in bad.items())}; identities {identities[:8]} of the batch; the last "
            "checkpoint is kept; start anew in another --out with a lower optim.learning_rate or with precision fp32"
        )
