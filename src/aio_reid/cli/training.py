"""`aio-reid pretrain`, `train`, `evaluate` and `export-weights`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aio_reid.evaluation.record import EvaluationRecord

ConfigFile = Annotated[Path, typer.Argument(help="A run's YAML, e.g. one of configs/.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one value: --set optim.max_epochs=2")
]
RunFolder = Annotated[Path | None, typer.Option(metavar="DIR", help="The run's folder; default: runs/NAME.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run that the folder holds.")]


def train(config: ConfigFile, overrides: Overrides = None, out: RunFolder = None, resume: Resume = False) -> None:
    """Train the tokenizers and heads around a frozen encoder."""
    from aio_reid.config import load_config
    from aio_reid.progress import console_progress
    from aio_reid.training.run import train as run

    settings = load_config(config, tuple(overrides or ()))
    result = run(settings, out or Path("runs") / settings.name, resume=resume, progress=console_progress())
    for name, value in result.validation.items():
        typer.echo(f"{name}\t{value:.4f}")
    typer.echo(f"written: {result.weights}")


def pretrain(config: ConfigFile, overrides: Overrides = None, out: RunFolder = None, resume: Resume = False) -> None:
    """Make a small encoder by contrasting pictures with sentences; `train` then freezes it."""
    from aio_reid.config import load_config
    from aio_reid.progress import console_progress
    from aio_reid.training.pretrain import pretrain as run

    settings = load_config(config, tuple(overrides or ()))
    result = run(settings, out or Path("runs") / settings.name, resume=resume, progress=console_progress())
    typer.echo(f"written: {result.weights}")


def evaluate(
    data: Annotated[Path, typer.Argument(help="A manifest (Parquet or CSV), or the folder of --dataset.")],
    dataset: Annotated[str, typer.Option(help="manifest, or pku-sketch: how DATA is read and scored.")] = "manifest",
    weights: Annotated[str, typer.Option(help="A name (aio-nano) or a weights file.")] = "aio-nano",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result as JSON.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also draw ranked lists, CMC curves and a map of embeddings.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, ...; default: a GPU where there is one.")
    ] = None,
) -> None:
    """Measure retrieval of every modality and combination, by early and by late fusion."""
    from aio_reid.cli.show import print_table, remark
    from aio_reid.errors import ConfigError
    from aio_reid.evaluation.pictures.write import pictures_of
    from aio_reid.evaluation.report import make_table
    from aio_reid.evaluation.run import evaluate_manifest, evaluate_pku_sketch
    from aio_reid.gallery.outputs import check_writable
    from aio_reid.progress import console_progress

    runs: dict[str, Callable[..., EvaluationRecord]] = {
        "manifest": evaluate_manifest,
        "pku-sketch": evaluate_pku_sketch,
    }
    if dataset not in runs:
        raise ConfigError(f"unknown dataset {dataset!r}; choose one of: {', '.join(runs)}")
    if out is not None:
        check_writable(out)
    progress = console_progress()
    with pictures_of(pictures, facts={"Weights": Path(weights).name}, progress=progress):
        record = runs[dataset](data, weights=weights, out=out, device=device, progress=progress)
    table = make_table(record.to_json())
    print_table(table.header, table.rows)
    for note in table.notes:
        remark(note)


def export_weights(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run, or a weights file.")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    half: Annotated[bool, typer.Option("--half", help="Store 16-bit numbers: half the size.")] = False,
) -> None:
    """Write the weights of a finished run as one file that `--weights` takes."""
    from aio_reid.training.export import export_run

    typer.echo(f"written: {export_run(run, out, half=half)}")
