"""The state of a run on disk: the trained parts, the optimiser and where the run stands; enough to go on to the same
losses.
"""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aio_reid.errors import StorageError, TrainingError

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"


@dataclass(frozen=True, slots=True)
class RunPosition:
    """Where a run stands: `step` batches are done, of which `batch` in epoch `epoch`."""

    step: int = 0
    epoch: int = 0
    batch: int = 0


def trained_state(objective: nn.Module) -> dict[str, Tensor]:
    """Return everything that training changes: trainable parameters, and the buffers outside of the frozen encoder."""
    trainable = {name for name, p in objective.named_parameters() if p.requires_grad}
    frozen = {name for name, p in objective.named_parameters() if not p.requires_grad}
    return {
        name: tensor
        for name, tensor in objective.state_dict().items()
        if name in trainable or (name not in frozen and not name.startswith("model.encoder."))
    }


def save_checkpoint(
    run: Path, objective: nn.Module, optimizer: torch.optim.Optimizer, position: RunPosition, about: dict[str, Any]
) -> None:
    """Write the state atomically: killed at any moment, the run has the old checkpoint or the new one.

    Raises:
        StorageError: the disk is full or read-only; the old checkpoint is untouched.
    """
    state = {
        "trained": trained_state(objective),
        "optimizer": optimizer.state_dict(),
        "position": {"step": position.step, "epoch": position.epoch, "batch": position.batch},
        "about": json.dumps(about),
    }
    target = run / CHECKPOINT
    partial = target.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        partial.unlink(missing_ok=True)
        raise StorageError(
            f"checkpoint cannot be written to {str(target)!r}: {error}; free space, then --resume"
        ) from None


def load_checkpoint(
    run: Path, objective: nn.Module, optimizer: torch.optim.Optimizer, *, config_hash: str, encoder_hash: str
) -> RunPosition:
    """Put a run's state back in place; return where it stands (the start, if nothing was saved yet).

    Raises:
        TrainingError: the checkpoint is damaged, of another configuration or of another encoder.
    """
    path = run / CHECKPOINT
    if not path.exists():
        _cut_log(run / LOG, 0)
        return RunPosition()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        about = json.loads(state["about"])
    except (OSError, RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"checkpoint {str(path)!r} is damaged ({type(error).__name__}); delete it to start over"
        ) from None
    for what, expected in (("config_hash", config_hash), ("encoder_hash", encoder_hash)):
        if about.get(what) != expected:
            raise TrainingError(
                f"{str(run)!r} was started with another {what.replace('_hash', '')} ({str(about.get(what))[:12]}, now "
                f"{expected[:12]}): give the same one, or another --out"
            )
    missing = set(trained_state(objective)) ^ set(state["trained"])
    if missing:
        raise TrainingError(f"checkpoint {str(path)!r} does not fit the model: {sorted(missing)[0]} differs")
    objective.load_state_dict(state["trained"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    position = RunPosition(**state["position"])
    _cut_log(run / LOG, position.step)
    return position


def append_log(run: Path, row: dict[str, Any]) -> None:
    """Add one step's row to the run's log (JSON lines)."""
    try:
        with (run / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except OSError as error:
        raise StorageError(f"the log of {str(run)!r} cannot be written: {error}; free space, then --resume") from None


def read_log(run: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's log; a last line that was cut off by a kill is left out."""
    rows = []
    path = run / LOG
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return rows


def _cut_log(path: Path, step: int) -> None:
    """Drop the rows after the checkpoint: the resumed run writes them again."""
    if path.exists():
        rows = [row for row in read_log(path.parent) if row["step"] < step]
        partial = path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        os.replace(partial, path)
