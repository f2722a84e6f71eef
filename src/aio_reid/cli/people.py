"""`aio-reid people` draws synthetic people; `aio-reid synthesize` makes missing modalities from photos."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aio_reid.errors import ConfigError
from aio_reid.records import Modality, parse_modality

if TYPE_CHECKING:
    from aio_reid.data.synthesis import Painter
    from aio_reid.people.plan import Splits

LAYOUTS: dict[str, Literal["train", "retrieval"]] = {"train": "train", "retrieval": "retrieval"}


ON_SHEET = 6
"""People on a contact sheet."""


def people(
    out: Annotated[Path, typer.Argument(help="Folder to write into; an interrupted run goes on where it stopped.")],
    identities: Annotated[int, typer.Option(min=1, help="How many people.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same people.")] = 0,
    size: Annotated[str, typer.Option(help="Height x width of each picture in pixels.")] = "256x128",
    photos: Annotated[int, typer.Option(min=0, help="Colour photos of each person.")] = 4,
    infrared: Annotated[int, typer.Option(min=0, help="Infrared frames of each person.")] = 2,
    sketches: Annotated[int, typer.Option(min=0, help="Sketches of each person.")] = 1,
    pencils: Annotated[int, typer.Option(min=0, help="Colour pencil drawings of each person.")] = 1,
    captions: Annotated[int, typer.Option(min=0, help="Sentences about each person.")] = 2,
    layout: Annotated[str, typer.Option(help="train, or retrieval: splits query and gallery to search in.")] = "train",
    val_share: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of people for validation (layout train); default: 0."),
    ] = None,
    twin_share: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share that differs from another in one thing (layout train); default: 0.15."),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the first of them on one sheet, to look at.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that draw; default: all processors.")] = None,
) -> None:
    """Draw synthetic people in every modality, with a manifest that training and evaluation read."""
    shape = parse_size(size)
    splits = chosen_splits(layout, val_share=val_share, twin_share=twin_share)
    from aio_reid.people.write import ViewCounts, write_people
    from aio_reid.progress import console_progress

    if sheet is not None:
        check_sheet(sheet)
    manifest = write_people(
        out,
        identities=identities,
        seed=seed,
        views=ViewCounts(photos=photos, infrared=infrared, sketches=sketches, pencils=pencils, captions=captions),
        size=shape,
        splits=splits,
        workers=workers,
        progress=console_progress(),
    )
    files = [manifest] if sheet is None else [manifest, draw_sheet(sheet, identities, seed, splits)]
    for path in files:
        typer.echo(f"written: {path}")


def chosen_splits(layout: str, **shares: float | None) -> Splits:
    """Return what a set is for; a share that is None is that of `Splits`.

    Raises:
        ConfigError: no such layout, or it has no such share.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"unknown layout {layout!r}; choose one of: {', '.join(LAYOUTS)}")
    given = {name: share for name, share in shares.items() if share is not None}
    if given and layout != "train":
        option = f"--{next(iter(given)).replace('_', '-')}"
        raise ConfigError(f"{option} belongs to layout train, not to {layout}; leave it out, or give --layout train")
    from aio_reid.people.plan import Splits

    return Splits(LAYOUTS[layout], **given)


def check_sheet(sheet: Path) -> None:
    """Find out before the drawing whether the sheet could be written; folders that are missing will be made.

    Raises:
        DataError: when Pillow cannot write such a file.
        StorageError: when the file cannot be written.
    """
    from aio_reid.gallery.outputs import check_writable
    from aio_reid.people.contact_sheet import check_format

    check_format(sheet)
    made_in = next(folder for folder in sheet.absolute().parents if folder.exists())
    check_writable(made_in / sheet.name)


def draw_sheet(out: Path, identities: int, seed: int, splits: Splits) -> Path:
    """Draw the first people of a set in every modality on one sheet.

    Raises:
        DataError: when Pillow cannot write such a file.
        StorageError: when the file cannot be written.
    """
    from aio_reid.people.contact_sheet import contact_sheet
    from aio_reid.people.plan import PeoplePlan

    plan = PeoplePlan(identities, seed, splits=splits)
    return contact_sheet([plan.identity(index) for index in range(min(identities, ON_SHEET))], out, seed=seed)


def synthesize(
    folder: Annotated[Path, typer.Argument(help="Folder of photos.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the made pictures.")],
    modality: Annotated[str, typer.Option(help="What to make: sketch or infrared.")] = "sketch",
    lineart_weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Published line drawing weights.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="For what is drawn at random.")] = 0,
) -> None:
    """Make sketches or infrared frames from photos, to look at: much as training does where a modality is missing."""
    from aio_reid.cli.show import print_unreadable
    from aio_reid.data.folder_synthesis import synthesize_folder
    from aio_reid.gallery.scan import list_pictures
    from aio_reid.progress import console_progress, count_steps

    wanted = parse_modality(modality)
    painter = None if lineart_weights is None else lineart_painter(lineart_weights, wanted)
    listing = list_pictures(folder, skip=out)
    print_unreadable("not drawn", [(item.path, item.error) for item in listing.unreadable], most=None)
    with count_steps(console_progress(), {"draw": ("Drawing", "pictures")}) as report:
        made = synthesize_folder(
            listing.folder,
            out,
            wanted,
            pictures=[picture.path for picture in listing.pictures],
            painter=painter,
            seed=seed,
            progress=lambda done, total: report("draw", done, total),
        )
    print_unreadable("not drawn", made.unreadable, most=None)
    typer.echo(f"written: {made.num_written} pictures in {out} by {made.label}; {made.num_skipped} were there already")


def lineart_painter(weights: Path, modality: Modality) -> Painter:
    """Return the published line drawing network as a way to make sketches.

    Raises:
        ConfigError: when something other than a sketch is asked for.
        WeightsError: when the weights are not those of the network.
    """
    if modality is not Modality.SKETCH:
        raise ConfigError(f"--lineart-weights draws sketches, not {modality.value!r}; leave one of the two options out")
    from aio_reid.data.synthesis import Painter
    from aio_reid.models.lineart import draw_lineart, load_lineart

    generator = load_lineart(weights)
    return Painter(f"Lineart {weights.name}", lambda pixels, rng: draw_lineart(generator, pixels))


def parse_size(text: str) -> tuple[int, int]:
    """Return (height, width) in pixels of e.g. "256x128".

    Raises:
        ConfigError: when it is not two positive numbers with an x between them.
    """
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text.strip().lower())
    if found is None:
        raise ConfigError(f"size {text!r} is not height x width in pixels; give e.g. 256x128")
    return int(found[1]), int(found[2])
