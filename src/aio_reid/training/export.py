"""A finished run's weights as one file to keep or to pass on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from aio_reid.errors import StorageError, TrainingError
from aio_reid.models.checkpoint import read_weights, write_weights
from aio_reid.training.run import WEIGHTS
from aio_reid.training.state import CHECKPOINT


def export_run(run: Path, out: Path, *, half: bool = False) -> Path:
    """Write the weights of a run (its folder, or a weights file) to `out`, floats as float16 if `half`; returns `out`.

    Raises:
        TrainingError: the run has not finished.
        WeightsError: there are no weights, or they are damaged or foreign.
        StorageError: the file cannot be written, or its name does not end in .safetensors.
    """
    if out.suffix != ".safetensors":
        raise StorageError(f"weights file {str(out)!r} must end in .safetensors")
    source = run / WEIGHTS if run.is_dir() else run
    if run.is_dir() and not source.exists() and (run / CHECKPOINT).exists():
        raise TrainingError(
            f"run {str(run)!r} has not finished; go on with it: aio-reid train CONFIG --resume --out {run}"
        )
    weights = read_weights(source)
    if half:
        weights = replace(weights, tensors={name: _half(tensor) for name, tensor in weights.tensors.items()})
    write_weights(out, weights)
    return out


def _half(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor
