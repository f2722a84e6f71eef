"""A finished run's weights as one file to keep or to pass on."""

from __future__ import annotations

from pathlib import Path

import torch

from aio_reid.config import ModelConfig, parse
from aio_reid.errors import StorageError, TrainingError
from aio_reid.models.build import export_weights, load_model
from aio_reid.models.checkpoint import write_weights
from aio_reid.training.start import WEIGHTS
from aio_reid.training.state import CHECKPOINT


def export_run(run: Path, out: Path, *, half: bool = False) -> Path:
    """Write the weights of a run (its folder, or a weights file) to `out`, floats as float16 if `half`; returns `out`.

    Raises:
        TrainingError: there is no such run, or it has not finished.
        WeightsError: there are no weights, or they are damaged or foreign.
        StorageError: the file cannot be written, or its name does not end in .safetensors.
    """
    if out.suffix != ".safetensors":
        raise StorageError(f"weights file {str(out)!r} must end in .safetensors")
    source = run / WEIGHTS if run.is_dir() else run
    if not run.exists() and not run.suffix:
        raise TrainingError(
            f"there is no run {str(run)!r}; train one first (aio-reid train CONFIG --out {run}), or name it"
        )
    if run.is_dir() and not source.exists() and (run / CHECKPOINT).exists():
        raise TrainingError(
            f"run {str(run)!r} has not finished; go on with it: aio-reid train CONFIG --resume --out {run}"
        )
    model, weights = load_model(source)
    config = parse(ModelConfig, weights.model, f"the header of {str(source)!r}")
    dtype = torch.float16 if half else torch.float32
    exported = export_weights(model, config, weights.about, dtype=dtype, with_encoder=weights.has_encoder)
    write_weights(out, exported)
    return out
