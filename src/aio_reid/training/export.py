"""A finished run's weights as one file to keep or to pass on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from aio_reid.config import ModelConfig, parse
from aio_reid.errors import StorageError, TrainingError
from aio_reid.models.build import export_weights, load_model
from aio_reid.models.checkpoint import WeightsFile, write_weights
from aio_reid.models.model import AIOModel
from aio_reid.storage import file_content
from aio_reid.training.start import WEIGHTS
from aio_reid.training.state import CHECKPOINT


def export_run(
    run: Path,
    out: Path,
    *,
    half: bool = False,
    averaged: Sequence[Path] = (),
    mirrored: bool | None = None,
    with_encoder: bool = False,
) -> Path:
    """Write the weights of a run (its folder, or a weights file) to `out`; returns `out`.

    With `half` floats are stored as float16.
    With `with_encoder` a frozen encoder that came from elsewhere goes in, so that the file needs no other.
    `mirrored`, where given, decides whether the model reads each picture's mirror image too (`ModelConfig.mirrored`).

    With `averaged`, further runs of the same model, the mean of all is written: of runs that went on from one another
    it is often better than each (Wortsman et al. 2022, arXiv 2203.05482). What the file says of its making, and how
    reliable each modality is, is what the first run says.

    Raises:
        TrainingError: there is no such run, it has not finished, or runs are of different models.
        WeightsError: there are no weights, or they are damaged or foreign.
        StorageError: the file cannot be written, or its name does not end in .safetensors.
    """
    if out.suffix != ".safetensors":
        raise StorageError(f"weights file {str(out)!r} must end in .safetensors")
    model, weights = load_model(_weights_of(run))
    others = [_weights_of(other) for other in averaged]
    about = weights.about
    if others:
        _take_mean(model, weights, others)
        about = {**about, "averaged_with": [file_content(other).hex() for other in others]}
    config = parse(ModelConfig, weights.model, f"the header of {str(run)!r}")
    if mirrored is not None:
        config = config.model_copy(update={"mirrored": mirrored})
    dtype = torch.float16 if half else torch.float32
    has_encoder = with_encoder or weights.has_encoder
    write_weights(out, export_weights(model, config, about, dtype=dtype, with_encoder=has_encoder))
    return out


def _weights_of(run: Path) -> Path:
    """Return the weights file of a run."""
    source = run / WEIGHTS if run.is_dir() else run
    if not run.exists() and not run.suffix:
        raise TrainingError(
            f"there is no run {str(run)!r}; train one first (aio-reid train CONFIG --out {run}), or name it"
        )
    if run.is_dir() and not source.exists() and (run / CHECKPOINT).exists():
        raise TrainingError(
            f"run {str(run)!r} has not finished; go on with it: aio-reid train CONFIG --resume --out {run}"
        )
    return source


def _architecture(weights: WeightsFile) -> ModelConfig:
    """Return what a model is, without the files that it began from and how it is used."""
    config = parse(ModelConfig, weights.model, "the header of a weights file")
    encoder = config.encoder.model_copy(update={"weights_file": None})
    return config.model_copy(update={"encoder": encoder, "word_table_file": None, "mirrored": False})


def _take_mean(model: AIOModel, weights: WeightsFile, others: Sequence[Path]) -> None:
    """Give a model the mean of its own weights and those of others; whole numbers stay its own."""
    total = {name: tensor.double() for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    for path in others:
        other, read = load_model(path)
        state = other.state_dict()
        same_encoder = weights.has_encoder or read.encoder_hash == weights.encoder_hash
        if _architecture(read) != _architecture(weights) or not same_encoder:
            raise TrainingError(f"{str(path)!r} is of another model and cannot be averaged; name runs of one model")
        for name in total:
            total[name] += state[name]
    count = len(others) + 1
    model.load_state_dict({name: (tensor / count).float() for name, tensor in total.items()}, strict=False)
