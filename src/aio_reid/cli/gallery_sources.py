"""What `aio-reid gallery add` is given: folders, manifests, pictures, or paths on the input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from aio_reid.records import Modality, parse_visual_modality

if TYPE_CHECKING:
    from aio_reid.gallery.store.entries import Given, Listed
    from aio_reid.gallery.store.milvus.url import MilvusUrl
    from aio_reid.gallery.store.names import NamePattern

STREAM_CHUNK = 64
AUTO = "auto"
"""In the place of a modality: each picture is what it looks like."""


def parse_given(name: str) -> Given:
    """Return what pictures are where nothing else says it: a modality, or for AUTO what each looks like.

    Raises:
        DataError: neither.
    """
    from aio_reid.gallery.colour import guess_modality

    return guess_modality if name == AUTO else parse_visual_modality(name, AUTO)


def listed_sources(
    sources: list[Path], gallery: Path | MilvusUrl, given: Given, pattern: NamePattern | None
) -> Iterator[Listed]:
    """Yield what each source holds; where modalities are guessed, every picture is looked at, which is shown."""
    from aio_reid.progress import console_progress

    if isinstance(given, Modality):
        yield from (_listed(source, gallery, given, pattern) for source in sources)
        return
    with console_progress().task("Looking for colour", None, "pictures") as task:

        def guess(path: Path) -> Modality:
            task.advance()
            return given(path)

        for source in sources:
            yield _listed(source, gallery, guess, pattern)


def _listed(source: Path, gallery: Path | MilvusUrl, modality: Given, pattern: NamePattern | None) -> Listed:
    from aio_reid.gallery.store.entries import described, folder_entries, table_entries

    if source.suffix.lower() in (".csv", ".parquet") and not source.is_dir():
        from aio_reid.datasets.tables import read_cells

        return table_entries(source, read_cells(source, required=("path",), allowed=None), modality, pattern)
    if source.is_file():
        return described([source], modality, pattern)
    return folder_entries(source, modality, pattern, skip=gallery if isinstance(gallery, Path) else None)


def listed_stream(modality: Given, pattern: NamePattern | None) -> Iterator[Listed]:
    """Yield what the lines of stdin name, a few at a time, as they come."""
    from aio_reid.gallery.store.entries import described, no_name_read

    paths = (Path(os.fsdecode(line)) for line in map(_without_end, sys.stdin.buffer) if line)
    num_entries, first_problem = 0, None
    while chunk := list(islice(paths, STREAM_CHUNK)):
        listed = described(chunk, modality, pattern, is_whole=False)
        num_entries += len(listed.entries)
        first_problem = first_problem or next(iter(listed.unreadable), None)
        yield listed
    if first_problem is not None and not num_entries:
        raise no_name_read(first_problem)


def _without_end(line: bytes) -> bytes:
    return line.rstrip(b"\n")
