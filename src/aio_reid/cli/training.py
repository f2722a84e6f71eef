"""`aio-reid pretrain`, `train` and `export-weights`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aio_reid.config import RunConfig

ConfigFile = Annotated[Path, typer.Argument(help="A run's YAML, e.g. one of configs/.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one value: --set optim.max_epochs=2")
]
RunFolder = Annotated[Path | None, typer.Option(metavar="DIR", help="The run's folder; default: runs/NAME.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the run that the folder holds; begin where it holds none.")
]


def train(config: ConfigFile, overrides: Overrides = None, out: RunFolder = None, resume: Resume = False) -> None:
    """Train the tokenizers and heads around a frozen encoder.

    On several GPUs or machines: torchrun --nproc-per-node N -m aio_reid train CONFIG; N processes share each batch and
    the result is that of one. Less memory: --set precision=bf16, activation_checkpointing=true, optim.micro_batches=N,
    and for very many identities loss.sampled_identities=0.1 or data.max_identities=N. Less time: --set compile=true,
    data.num_workers=N, data.cache=DIR. Each takes its own --set.
    """
    from aio_reid.progress import console_progress
    from aio_reid.training.processes import is_main_process
    from aio_reid.training.run import train as run

    settings = _settings(config, overrides)
    result = run(settings, out or Path("runs") / settings.name, resume=resume, progress=console_progress())
    if not is_main_process():
        return
    for name, value in result.validation.items():
        typer.echo(f"{name}\t{value:.4f}")
    typer.echo(f"written: {result.weights}")


def _settings(config: Path, overrides: list[str] | None) -> RunConfig:
    """Read a configuration; say where it cannot be followed."""
    from aio_reid.cli.show import remark
    from aio_reid.config import load_config
    from aio_reid.training.launch import usable_precision

    settings = load_config(config, tuple(overrides or ()))
    precision = usable_precision(settings.precision)
    if precision != settings.precision:
        remark(f"this processor does not compute in {settings.precision}; training computes in {precision}")
    return settings


def pretrain(config: ConfigFile, overrides: Overrides = None, out: RunFolder = None, resume: Resume = False) -> None:
    """Make a small encoder by contrasting pictures with sentences; `train` then freezes it."""
    from aio_reid.progress import console_progress
    from aio_reid.training.pretrain import pretrain as run
    from aio_reid.training.processes import is_main_process

    settings = _settings(config, overrides)
    result = run(settings, out or Path("runs") / settings.name, resume=resume, progress=console_progress())
    if is_main_process():
        typer.echo(f"written: {result.weights}")


def export_weights(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run, a weights file, or aio-nano.")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    half: Annotated[bool, typer.Option("--half", help="Store 16-bit numbers: half the size.")] = False,
    average: Annotated[
        list[Path] | None, typer.Option(metavar="RUN", help="Average with this run of the same model; may be repeated.")
    ] = None,
    mirrored: Annotated[
        bool | None,
        typer.Option(
            "--mirrored/--not-mirrored",
            help="Read each picture's mirror image too, or not: better, and twice the time. Default: as the run says.",
        ),
    ] = None,
    with_encoder: Annotated[
        bool,
        typer.Option("--with-encoder", help="Put a published encoder in too: larger, and usable where that is not."),
    ] = False,
) -> None:
    """Write the weights of a finished run, or the mean of several, as one file that `--weights` takes."""
    from aio_reid.training.export import export_run

    averaged = [_run_or_packaged(other) for other in average or ()]
    source = _run_or_packaged(run)
    export_run(source, out, half=half, averaged=averaged, mirrored=mirrored, with_encoder=with_encoder)
    typer.echo(f"written: {out}")


def _run_or_packaged(run: Path) -> Path:
    """Return the file of packaged weights where they are named and no run is called so, else `run`."""
    from aio_reid.weights import PACKAGED, find_weights

    return find_weights(run) if str(run) in PACKAGED and not run.exists() else run
