"""The application: which command is which function."""

from __future__ import annotations

import typer

from aio_reid import __version__
from aio_reid.cli import (
    compare,
    data,
    evaluate,
    gallery,
    gallery_calibrate,
    gallery_care,
    people,
    search,
    serve,
    start,
    training,
)

app = typer.Typer(
    name="aio-reid",
    help="Find a person in pictures from a photo, an infrared frame, a sketch, a sentence, or any combination of them.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
cache = typer.Typer(rich_markup_mode=None, help="Look after the embeddings that searches keep.")
app.add_typer(cache, name="cache")
datasets = typer.Typer(rich_markup_mode=None, help="Know which data sets can be read, and whether yours is whole.")
app.add_typer(datasets, name="data")

galleries = typer.Typer(rich_markup_mode=None, help="Keep pictures enrolled: search, filter, back up, verify, erase.")
app.add_typer(galleries, name="gallery")

keys = typer.Typer(rich_markup_mode=None, help="Make, list and revoke the API keys of `aio-reid serve`.")
app.add_typer(keys, name="keys")

audit = typer.Typer(rich_markup_mode=None, help="Check the audit log of `aio-reid serve`.")
app.add_typer(audit, name="audit")

app.command("search")(search.search)
app.command("demo")(start.demo)
cache.command("stats")(search.cache_stats)
cache.command("clear")(search.cache_clear)
galleries.command("create")(gallery.create)
galleries.command("add")(gallery.add)
galleries.command("search")(gallery.search)
galleries.command("calibrate")(gallery_calibrate.calibrate)
galleries.command("remove")(gallery_care.remove)
galleries.command("erase")(gallery_care.erase)
galleries.command("stats")(gallery_care.stats)
galleries.command("verify")(gallery_care.verify)
galleries.command("export")(gallery_care.export)
galleries.command("import")(gallery_care.import_)
galleries.command("index")(gallery_care.index)
galleries.command("reembed")(gallery_care.reembed)
app.command("serve")(serve.serve)
keys.command("create")(serve.create_key)
keys.command("list")(serve.list_keys)
keys.command("revoke")(serve.revoke_key)
audit.command("verify")(serve.verify_audit)
datasets.command("list")(data.list_datasets)
datasets.command("verify")(data.verify_dataset)
datasets.command("check")(data.check)
app.command("doctor")(start.doctor)
app.command("people")(people.people)
app.command("synthesize")(people.synthesize)
app.command("train")(training.train)
app.command("pretrain")(training.pretrain)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("export-weights")(training.export_weights)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"aio-reid {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Take the options that stand before the command."""
