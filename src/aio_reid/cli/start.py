"""`aio-reid demo` and `aio-reid doctor`: for the first minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aio_reid.cli.search import Device


def demo(
    out: Annotated[Path, typer.Argument(help="Folder for the drawn people and the page.")] = Path("demo"),
    identities: Annotated[int, typer.Option(min=5, help="How many people the gallery holds.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same people.")] = 77,
    weights: Annotated[str, typer.Option(help="A name (aio-nano) or a weights file.")] = "aio-nano",
    device: Device = None,
) -> None:
    """Show the main job on synthetic people: draw a gallery, search it with every kind of evidence, write a page."""
    from aio_reid.cli.show import print_demo
    from aio_reid.demo import run_demo
    from aio_reid.progress import console_progress

    progress = console_progress()
    print_demo(run_demo(out, identities=identities, seed=seed, weights=weights, device=device, progress=progress))


def doctor(
    cache: Annotated[Path | None, typer.Option("--cache", metavar="DIR", help="The cache folder to look at.")] = None,
) -> None:
    """Check this installation: versions, devices, weights, cache, a self-test. Exit code 1 when something is wrong."""
    from aio_reid.cli.show import print_checks
    from aio_reid.doctor import run_checks

    checks = run_checks(cache)
    print_checks(checks)
    if not all(check.is_good for check in checks):
        raise typer.Exit(1)
