"""How a run stands on its machine: device, precision, the other processes, compiled parts."""

from __future__ import annotations

import atexit
import os
from datetime import timedelta

import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs

from aio_reid.errors import ConfigError
from aio_reid.models.model import AIOModel
from aio_reid.training.processes import Processes

MOST_PROGRAMS = 64
PATIENCE = timedelta(hours=12)
"""How long a process waits for the others: while the first validates or writes, they have nothing to do."""


def usable_precision(wanted: str) -> str:
    """Return the precision that is computed in here: "fp32" for "bf16" where neither an accelerator nor oneDNN computes
    in it on this processor (on x86 it wants AVX-512); torch would emulate it, some fourteen times slower.
    """
    if wanted != "bf16" or torch.accelerator.is_available():
        return wanted
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return "fp32"
    return wanted if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"


def start_accelerator(precision: str) -> Accelerator:
    """Return the accelerator of this process; where torchrun or `accelerate launch` started several, they are joined.

    Raises:
        ConfigError: this process already computes in another precision.
    """
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if several:
        atexit.register(_leave_others)
    try:
        return Accelerator(
            mixed_precision="bf16" if precision == "bf16" else "no",
            cpu=several and not torch.cuda.is_available(),  # otherwise accelerate leaves each on its own
            kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)] if several else [],
        )
    except ValueError as error:
        raise ConfigError(
            f"precision {precision!r} cannot be used here ({error}); give --set precision=fp32, or start a new process"
        ) from None


def _leave_others() -> None:
    """End the exchange before the interpreter does: its threads would abort the process, exit code and all."""
    if dist.is_initialized():
        dist.destroy_process_group()


def processes_of(accelerator: Accelerator) -> Processes:
    """Return this process among all."""
    return Processes(accelerator.process_index, accelerator.num_processes, accelerator.device)


def compile_parts(model: AIOModel) -> None:
    """Let torch.compile make the encoder's blocks, for sequences of any length, and the visual tokenizers, for any
    batch size; names and weights stay.

    Raises:
        ConfigError: this machine cannot compile.
    """
    try:
        torch.compile(torch.sin)(torch.zeros(2))
    except Exception as error:  # a missing compiler comes as many types; each becomes our one line
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ConfigError(f"compile: true cannot be used here ({reason}); give --set compile=false") from error
    # Per part some dozen programs: with and without mask, gradient or one output, and sizes that kernels tell apart. At
    # the usual limit of 8 the rest would run uncompiled.
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, MOST_PROGRAMS)
    visual = [model.tokenizers[m.value] for m in model.modalities if m.is_visual]
    for part in (*model.encoder.blocks, *visual):
        part.compile(dynamic=True)
