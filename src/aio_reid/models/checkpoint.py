"""Weights on disk: one safetensors file with the model's configuration in its header, written atomically, read
strictly.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from aio_reid.errors import StorageError, WeightsError

FORMAT = "aio-reid-model/1"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A weights file in memory.

    Attributes:
        tensors: names as in `AIOModel.state_dict()`.
        model: the model section of its configuration, as plain data.
        encoder_hash: sha256 over the frozen encoder that the trained parts belong to.
        has_encoder: the encoder's tensors are inside.
        about: provenance: commit, seed, data, hardware, figures.
    """

    tensors: dict[str, Tensor]
    model: dict[str, Any]
    encoder_hash: str
    has_encoder: bool
    about: dict[str, Any]


def write_weights(path: Path, weights: WeightsFile) -> None:
    """Write a weights file; a reader sees the old file or the new one, never half of it.

    Raises:
        StorageError: the file cannot be written (missing folder, permission, full disk).
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.tensors.items()}
    header = {
        "format": FORMAT,
        "model": json.dumps(weights.model, sort_keys=True),
        "encoder_hash": weights.encoder_hash,
        "has_encoder": json.dumps(weights.has_encoder),
        "about": json.dumps(weights.about, sort_keys=True),
    }
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, str(partial), metadata=header)
        partial.chmod(0o644)  # safetensors makes files that only their owner reads; weights are meant to be shared
        with partial.open("rb+") as file:
            os.fsync(file.fileno())  # else a power cut after the renaming may leave an empty file
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):  # the error that led here is the one to report
            partial.unlink()
        raise StorageError(
            f"weights cannot be written to {str(path)!r}: {error}; free space or choose another file"
        ) from None


def read_weights(path: Path) -> WeightsFile:
    """Read a weights file; floating tensors come back as float32.

    Raises:
        WeightsError: missing, damaged, or not a file of this project.
    """
    if path.is_dir():
        raise WeightsError(f"weights {str(path)!r} are a folder; give the .safetensors file in it")
    if not path.is_file():
        raise WeightsError(f"weights {str(path)!r} do not exist; give a .safetensors file written by aio-reid")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise WeightsError(
                    f"{str(path)!r} holds format {header.get('format')!r}, expected {FORMAT!r}: not weights of "
                    "this program; encoder weights of others belong into model.encoder.weights_file of a configuration"
                )
            tensors = {name: _float32(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weights {str(path)!r} cannot be read ({error}); the file is damaged or no safetensors"
        ) from None
    try:
        return WeightsFile(
            tensors=tensors,
            model=json.loads(header["model"]),
            encoder_hash=header["encoder_hash"],
            has_encoder=json.loads(header["has_encoder"]),
            about=json.loads(header["about"]),
        )
    except (KeyError, ValueError) as error:
        raise WeightsError(f"weights {str(path)!r} have a damaged header ({error}); copy the file again") from None


def assign_strictly(module: nn.Module, tensors: Mapping[str, Tensor], origin: str) -> None:
    """Put `tensors` into `module`: the same names, the same shapes, nothing missing, nothing left over.

    Raises:
        WeightsError: names the first tensors that are missing, unexpected, or of another shape.
    """
    wanted = module.state_dict()
    missing = sorted(set(wanted) - set(tensors))
    unexpected = sorted(set(tensors) - set(wanted))
    reshaped = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in sorted(set(wanted) & set(tensors))
        if tensors[name].shape != wanted[name].shape
    ]
    problems = [
        f"{len(names)} {what}, e.g. {names[0]}"
        for names, what in ((missing, "missing"), (unexpected, "unexpected"), (reshaped, "of another shape"))
        if names
    ]
    if problems:
        raise WeightsError(f"{origin} does not fit the model: {'; '.join(problems)}")
    module.load_state_dict(dict(tensors), assign=True)


def _float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
