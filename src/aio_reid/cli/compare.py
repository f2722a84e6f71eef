"""`aio-reid compare`: two evaluations of the same queries, and whether their difference is more than chance."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def compare(
    run_a: Annotated[Path, typer.Argument(help="An evaluation's JSON file, or a folder of them.")],
    run_b: Annotated[Path, typer.Argument(help="The other one: of the same protocols, versions and splits.")],
    resamples: Annotated[int, typer.Option(min=100, help="How often the queries are drawn.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all numbers as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table as Markdown.")] = None,
) -> None:
    """Compare two evaluations query by query: differences of rank-1, mAP and mINP with 95 % intervals."""
    from aio_reid.cli.show import print_noted, write_then_show
    from aio_reid.evaluation.compare import compare as run
    from aio_reid.evaluation.compare import comparison_table
    from aio_reid.evaluation.record import describe_command, write_json
    from aio_reid.evaluation.report import to_markdown
    from aio_reid.gallery.outputs import check_writable, write_whole
    from aio_reid.progress import console_progress
    from aio_reid.provenance import collect_provenance

    for out in (json_file, markdown):
        if out is not None:
            check_writable(out)
    comparison = run(run_a, run_b, resamples=resamples, seed=seed, progress=console_progress())
    names = [place.name if place.is_absolute() else str(place) for place in (run_a, run_b)]
    table = comparison_table(comparison, *names)

    def write() -> None:
        if json_file is not None:
            made = {"command": describe_command(sys.argv), "provenance": collect_provenance(seed=seed)}
            write_json(json_file, {**comparison.to_json(), "a": names[0], "b": names[1], **made})
        if markdown is not None:
            write_whole(markdown, to_markdown(table) + "\n")

    write_then_show(write, lambda: print_noted(table))
