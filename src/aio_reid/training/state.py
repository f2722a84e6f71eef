"""The state of a run on disk: the trained parts, the optimiser and where the run stands; enough to go on to the same
losses.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aio_reid.config import RunConfig, parse
from aio_reid.errors import ConfigError, StorageError, TrainingError
from aio_reid.storage import written_whole

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
VALIDATION = "validation.jsonl"
ABSENT = "nothing"
LONGEST_SHOWN = 60
"""Characters of a setting's value in a message."""


@dataclass(frozen=True, slots=True)
class RunPosition:
    """Where a run stands: `step` batches are done, of which `batch` in epoch `epoch`."""

    step: int = 0
    epoch: int = 0
    batch: int = 0

    @property
    def before(self) -> RunPosition:
        """One batch earlier in the same epoch."""
        return RunPosition(self.step - 1, self.epoch, self.batch - 1)


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
    try:
        with written_whole(target) as part, part.open("wb") as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        raise StorageError(
            f"checkpoint cannot be written to {str(target)!r}: {error}; free space, then --resume"
        ) from None


def load_checkpoint(
    run: Path,
    objective: nn.Module,
    optimizer: torch.optim.Optimizer,
    about: Mapping[str, Any],
    *,
    cut_logs: bool = True,
) -> RunPosition:
    """Put a run's state back in place; return where it stands (the start, if nothing was saved yet).

    `about` is what the present run would store: its "config", "encoder_hash" and "persons_hash" must be those stored.
    With `cut_logs` the logs are cut back to where the checkpoint stands.

    Raises:
        TrainingError: the checkpoint is damaged, or of another configuration, encoder or set of persons.
        StorageError: the log cannot be cut back to where the checkpoint stands.
    """
    path = run / CHECKPOINT
    if not path.exists():
        return _cut_logs(run, RunPosition(), cut_logs)
    state, stored, position = _read(path)
    _check_same(run, stored, about)
    own, trained = trained_state(objective), state["trained"]
    differing = set(own) ^ set(trained) or {name for name in own if own[name].shape != trained[name].shape}
    if differing:
        raise TrainingError(
            f"checkpoint {str(path)!r} does not fit the model and training set: {sorted(differing)[0]} differs; "
            "give those that the run was started with, or another --out"
        )
    objective.load_state_dict(trained, strict=False)
    optimizer.load_state_dict(state["optimizer"])
    return _cut_logs(run, position, cut_logs)


def read_trained(run: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what a run's checkpoint says about it, and all that was trained, by name, on the CPU.

    Raises:
        TrainingError: there is none, or it is damaged.
    """
    state, about, _ = _read(run / CHECKPOINT)
    return about, state["trained"]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any], RunPosition]:
    """Return the state of a checkpoint, what it says of its run, and where that stands."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return state, json.loads(state["about"]), RunPosition(**state["position"])
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"checkpoint {str(path)!r} is damaged ({type(error).__name__}); delete it to start over"
        ) from None


def _check_same(run: Path, stored: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Refuse to go on with something else. A setting that the stored configuration does not know had its default."""
    for what, difference in _differences(stored, about):
        if difference is not None:
            raise TrainingError(
                f"{str(run)!r} was started with another {what} ({difference}): give the same one, or another --out"
            )


def _differences(stored: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield what must be the same, and where it differs; None where it does not."""
    try:
        config = parse(RunConfig, stored.get("config"), "as stored").model_dump(mode="json")
        yield "configuration", first_difference(deciding_settings(config), deciding_settings(about["config"]))
    except ConfigError as error:
        yield "configuration", f"this version cannot read it, {error}"
    then, now = stored.get("encoder_hash"), about["encoder_hash"]
    yield "encoder", None if then == now else f"{str(then)[:12]} then, {now[:12]} now"
    then, now = stored.get("persons_hash", about["persons_hash"]), about["persons_hash"]
    counts = [found.get("data", {}).get("identities", "some") for found in (stored, about)]
    others = "other " if counts[0] == counts[1] else ""
    yield "set of training persons", None if then == now else f"{counts[0]} persons then, {others}{counts[1]} now"
    yield "set of tags", first_difference(stored.get("tags", about["tags"]), about["tags"], "tags")


def first_difference(then: Any, now: Any, place: str = "") -> str | None:
    """Return where two values of plain data differ first, e.g. "seed: 3 then, 4 now"; None where they do not.

    Args:
        place: of both, before the names inside them: "optim" makes "optim.max_steps: ...".
    """
    if then == now:
        return None
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        then, now = (dict(enumerate(values)) for values in (then, now))
    if isinstance(then, dict) and isinstance(now, dict):
        inside = f"{place}." if place else ""
        name = next(name for name in then | now if name not in then or name not in now or then[name] != now[name])
        return first_difference(then.get(name, ABSENT), now.get(name, ABSENT), f"{inside}{name}")
    shown = [value if value is ABSENT else json.dumps(value) for value in (then, now)]
    shown = [text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..." for text in shown]
    return f"{place}: {shown[0]} then, {shown[1]} now" if place else f"{shown[0]} then, {shown[1]} now"


def deciding_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that decide the losses; how often to save and who loads pictures may change on the way."""
    free = ("checkpoint_every", "validate_every", "num_validation_identities", "activation_checkpointing", "compile")
    data = {name: value for name, value in config["data"].items() if name not in ("num_workers", "cache")}
    return {name: value for name, value in config.items() if name not in free} | {"data": data}


def append_row(run: Path, name: str, row: Mapping[str, Any]) -> None:
    """Add one row to a JSON lines file of the run, `LOG` or `VALIDATION`; its "step" counts from 0.

    Raises:
        StorageError: the disk is full or read-only.
    """
    try:
        with (run / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except OSError as error:
        raise StorageError(f"{str(run / name)!r} cannot be written: {error}; free space, then --resume") from None


def read_log(run: Path, name: str = LOG) -> list[dict[str, Any]]:
    """Return the rows of a JSON lines file of the run; a last line that was cut off by a kill is left out."""
    rows = []
    path = run / name
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return rows


def cut_rows(run: Path, name: str, step: int) -> None:
    """Drop the rows of `step` (from 0) and later ones from a JSON lines file of the run, because they come again.

    Raises:
        StorageError: the disk is full or read-only; the file is as it was.
    """
    path = run / name
    try:
        kept = "".join(json.dumps(row) + "\n" for row in read_log(run, name) if row.get("step", -1) < step)
        if path.exists() and path.read_text(encoding="utf-8") != kept:
            with written_whole(path) as part:
                part.write_text(kept, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be rewritten: {error}; free space, then --resume") from None


def _cut_logs(run: Path, position: RunPosition, wanted: bool) -> RunPosition:
    """Cut the logs back to the position if wanted; return the position."""
    for name in (LOG, VALIDATION) if wanted else ():
        cut_rows(run, name, position.step)
    return position
