"""`aio-reid data list` and `aio-reid data verify`: which data sets can be read, and whether a copy of one is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def list_datasets(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also show which are in this folder of data sets.")
    ] = None,
) -> None:
    """List the data sets that can be read: what each is for, its terms, how to obtain it."""
    from aio_reid.cli.show import print_datasets
    from aio_reid.datasets.catalogue import CATALOGUE, WITHDRAWN, find_available

    print_datasets(list(CATALOGUE.values()), WITHDRAWN, None if data is None else find_available(data))


def verify_dataset(
    name: Annotated[str, typer.Argument(help="A name that `aio-reid data list` shows.")],
    root: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the data set.")],
) -> None:
    """Count and decode the pictures of a data set. Exit code 1 when it is not complete."""
    from aio_reid.cli.show import print_verification
    from aio_reid.datasets.verify import verify
    from aio_reid.progress import console_progress

    found = verify(name, root, progress=console_progress())
    print_verification(found)
    if not found.is_complete:
        raise typer.Exit(1)
