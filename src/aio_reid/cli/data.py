"""`aio-reid data list`, `data verify` and `data check`: which data sets can be read, and whether yours is whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aio_reid.datasets.check import Remark
    from aio_reid.datasets.verify import Verification

JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")]


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
    report: JsonFile = None,
) -> None:
    """Count and decode the pictures of a data set. Exit code 1 when it is not complete."""
    from aio_reid.cli.show import print_verification
    from aio_reid.datasets.verify import verify
    from aio_reid.gallery.outputs import check_writable
    from aio_reid.progress import console_progress

    if report is not None:
        check_writable(report)
    found = verify(name, root, progress=console_progress())
    content = {"format": "aio-reid data verify 1", "root": root, **_verification(found)}
    _tell(report, content, lambda: print_verification(found))
    if not found.is_complete:
        raise typer.Exit(1)


def check(
    manifest: Annotated[Path, typer.Argument(help="A manifest, CSV or Parquet.")],
    compare_contents: Annotated[
        bool, typer.Option("--compare-contents", help="Also read pictures, to find copies of one under several names.")
    ] = False,
    report: JsonFile = None,
) -> None:
    """Say what is wrong with a manifest, errors first. Exit code 1 when there is an error.

    An error would make a training or an evaluation fail or mean nothing, after a warning its result does not mean what
    it seems to, and a note is good to know.
    """
    from aio_reid.cli.show import print_remarks
    from aio_reid.datasets.check import check_manifest
    from aio_reid.gallery.outputs import check_writable

    if report is not None:
        check_writable(report)
    remarks = check_manifest(manifest, compare_contents=compare_contents)
    about = {"manifest": manifest, "compared_contents": compare_contents}
    content = {"format": "aio-reid data check 1", **about, "remarks": [_remark(item) for item in remarks]}
    _tell(report, content, lambda: print_remarks(remarks))
    if any(item.severity == "error" for item in remarks):
        raise typer.Exit(1)


def _verification(found: Verification) -> dict[str, object]:
    return {
        "name": found.name,
        "release": found.release,
        "is_complete": found.is_complete,
        "counts": [{"what": c.what, "found": c.found, "published": c.published} for c in found.counts],
        "num_pictures": found.num_pictures,
        "unreadable": [{"path": item.path, "reason": item.reason} for item in found.unreadable],
    }


def _remark(remark: Remark) -> dict[str, object]:
    return {"severity": remark.severity, "text": remark.text}


def _tell(report: Path | None, content: dict[str, object], show: Callable[[], None]) -> None:
    """Write everything as JSON where that is wanted, and show it."""
    from aio_reid.cli.show import remark, write_then_show
    from aio_reid.gallery.outputs import write_whole
    from aio_reid.pages.text import shown

    def write() -> None:
        if report is not None:
            write_whole(report, json.dumps(content, indent=2, ensure_ascii=False, default=shown) + "\n")

    write_then_show(write, show)
    if report is not None:
        remark(f"written: {report}")
