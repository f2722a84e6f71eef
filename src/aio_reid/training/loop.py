"""The training loop: batches to steps, logs, checkpoints and validations, resumable at any step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader

from aio_reid.config import RunConfig
from aio_reid.data.samplers import IdentityBatches
from aio_reid.data.tuples import TupleBatch, TupleDataset, collate
from aio_reid.errors import TrainingError
from aio_reid.progress import Progress
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.optim import learning_rate_factor
from aio_reid.training.state import RunPosition, append_log, save_checkpoint

Validate = Callable[[], dict[str, float]]


@dataclass(frozen=True, slots=True)
class LoopParts:
    """What a loop works on; `validate` returns figures by name (fractions), `about` goes into every checkpoint."""

    config: RunConfig
    run: Path
    dataset: TupleDataset
    objective: TrainingObjective
    optimizer: torch.optim.Optimizer
    accelerator: Accelerator
    validate: Validate
    about: dict[str, Any]


def count_steps(config: RunConfig, num_identities: int) -> int:
    """Return how many steps the run has: epochs times batches, or the step cap where that is lower."""
    steps = config.optim.max_epochs * (num_identities // config.data.num_identities)
    return min(steps, config.optim.max_steps) if config.optim.max_steps else steps


def run_loop(parts: LoopParts, start: RunPosition, progress: Progress) -> RunPosition:
    """Train from `start` to the end; return the last position.

    Raises:
        TrainingError: a loss is not finite; names the step and the batch. The last checkpoint is untouched.
        StorageError: a checkpoint or the log cannot be written.
    """
    config = parts.config
    total = count_steps(config, parts.dataset.num_identities)
    batch_size = config.data.num_identities * config.data.tuples_per_identity
    writer = _tensorboard(parts.run / "tensorboard", start.step)
    position = start
    objective, optimizer = parts.accelerator.prepare(parts.objective, parts.optimizer)
    with progress.task(f"Training {config.name}", total=(total - start.step) * batch_size, unit="tuples") as task:
        for batch, position in _batches(parts, start, total):
            began = time.perf_counter()
            _set_rate(optimizer, config, position.step - 1, total)
            losses = _step(parts, objective, optimizer, batch, position.step - 1)
            row = _row(position, losses, optimizer, batch_size / (time.perf_counter() - began))
            _check_finite(row, batch, position)
            append_log(parts.run, row)
            for name, value in row.items():
                writer.add_scalar(f"train/{name}", value, position.step)
            note = " ".join(f"{n} {row[n]:.3f}" for n in ("total", "ce", "va", "fb"))
            task.advance(batch_size, note=f"epoch {position.epoch} step {position.step}/{total} {note}")
            if position.step % config.validate_every == 0 or position.step == total:
                for name, value in parts.validate().items():
                    writer.add_scalar(f"validation/{name}", value, position.step)
            if position.step % config.checkpoint_every == 0 or position.step == total:
                save_checkpoint(parts.run, parts.objective, parts.optimizer, position, parts.about)
    writer.close()
    return position


def _batches(parts: LoopParts, start: RunPosition, total: int) -> Iterator[tuple[TupleBatch, RunPosition]]:
    """Yield batches with the position after each; what random draws they hold depends on (seed, epoch, place) alone."""
    data = parts.config.data
    step, skip, epoch = start.step, start.batch, start.epoch
    while step < total:
        batches = IdentityBatches(
            parts.dataset.labels,
            num_identities=data.num_identities,
            tuples_per_identity=data.tuples_per_identity,
            seed=parts.config.seed,
            epoch=epoch,
            skip=skip,
        )
        loader = DataLoader(
            parts.dataset,
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=data.num_workers,
            worker_init_fn=_one_thread,
        )
        for place, batch in enumerate(loader, start=skip + 1):
            step += 1
            yield batch, RunPosition(step=step, epoch=epoch, batch=place)
            if step == total:
                return
        epoch, skip = epoch + 1, 0


def _step(
    parts: LoopParts, objective: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: TupleBatch, step: int
) -> dict[str, Tensor]:
    parts.objective.train()
    optimizer.zero_grad(set_to_none=True)
    with parts.accelerator.autocast():
        losses: dict[str, Tensor] = objective(_on_device(batch, parts.accelerator.device), step)
    if torch.isfinite(losses["total"]):  # otherwise the weights stay as they were, and the caller stops the run
        parts.accelerator.backward(losses["total"])
        parts.accelerator.clip_grad_norm_(
            [p for p in parts.objective.parameters() if p.requires_grad], parts.config.optim.clip_norm
        )
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


def _check_finite(row: dict[str, float], batch: TupleBatch, position: RunPosition) -> None:
    bad = {name: value for name, value in row.items() if not math.isfinite(value)}
    if bad:
        identities = sorted(set(batch.labels.tolist()))
        raise TrainingError(
            f"loss not finite at step {position.step} (epoch {position.epoch}, batch {position.batch}): "
            f"{', '.join(f'{n}={v}' for n, v in bad.items())}; identities {identities[:8]} of the batch; the last "
            "checkpoint is kept: lower optim.learning_rate or use precision fp32, then --resume"
        )


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)


def _tensorboard(folder: Path, purge_step: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=purge_step or None)
