"""`aio-reid people` draws synthetic people; `aio-reid synthesize` makes missing modalities from photos."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from aio_reid.errors import ConfigError
from aio_reid.records import parse_modality


def people(
    out: Annotated[Path, typer.Argument(help="Folder to write into; an interrupted run goes on where it stopped.")],
    identities: Annotated[int, typer.Option(min=1, help="How many people.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed draws the same people.")] = 0,
    size: Annotated[str, typer.Option(help="Height x width of each picture in pixels.")] = "256x128",
    photos: Annotated[int, typer.Option(min=0, help="Colour photos of each person.")] = 4,
    infrared: Annotated[int, typer.Option(min=0, help="Infrared frames of each person.")] = 2,
    sketches: Annotated[int, typer.Option(min=0, help="Sketches of each person.")] = 1,
    pencils: Annotated[int, typer.Option(min=0, help="Colour pencil drawings of each person.")] = 1,
    captions: Annotated[int, typer.Option(min=0, help="Sentences about each person.")] = 2,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw.")] = 1,
) -> None:
    """Draw synthetic people in every modality, with a manifest that training and evaluation read."""
    from aio_reid.people.write import ViewCounts, write_people
    from aio_reid.progress import console_progress

    manifest = write_people(
        out,
        identities=identities,
        seed=seed,
        views=ViewCounts(photos=photos, infrared=infrared, sketches=sketches, pencils=pencils, captions=captions),
        size=parse_size(size),
        workers=workers,
        progress=console_progress(),
    )
    typer.echo(f"written: {manifest}")


def synthesize(
    folder: Annotated[Path, typer.Argument(help="Folder of photos.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the made pictures.")],
    modality: Annotated[str, typer.Option(help="What to make: sketch or infrared.")] = "sketch",
    lineart_weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Published line drawing weights.")
    ] = None,
    seed: Annotated[int, typer.Option(help="For what is drawn at random.")] = 0,
) -> None:
    """Make sketches or infrared frames from photos, as training does where a modality is missing, to look at them."""
    from aio_reid.data.synthesis import synthesize_folder
    from aio_reid.progress import console_progress

    count = synthesize_folder(
        folder,
        out,
        modality=parse_modality(modality),
        lineart_weights=lineart_weights,
        seed=seed,
        progress=console_progress(),
    )
    typer.echo(f"written: {count} pictures in {out}")


def parse_size(text: str) -> tuple[int, int]:
    """Return (height, width) in pixels of e.g. "256x128".

    Raises:
        ConfigError: when it is not two positive numbers with an x between them.
    """
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text.strip().lower())
    if found is None:
        raise ConfigError(f"size {text!r} is not height x width in pixels; give e.g. 256x128")
    return int(found[1]), int(found[2])
