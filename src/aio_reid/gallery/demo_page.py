"""The page that `make demo` writes: queries of every kind with their ranked pictures, then the retrieval table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.outputs import write_whole
from aio_reid.gallery.page import render, shown_parts
from aio_reid.pages.render import RankedPicture, ShownPart
from aio_reid.pages.text import shown
from aio_reid.pages.thumbnails import thumbnail
from aio_reid.records import Modality


@dataclass(frozen=True, slots=True)
class DemoHit:
    """One ranked picture; `is_match` tells whether it shows the person who was searched for."""

    path: Path
    score: float
    is_match: bool


@dataclass(frozen=True, slots=True)
class DemoQuery:
    """One query and its ranked pictures, best first."""

    title: str
    parts: tuple[QueryPart, ...]
    hits: tuple[DemoHit, ...]
    unread_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One line of the retrieval table: what was searched with, and the scores as fractions in [0, 1]."""

    modalities: tuple[Modality, ...]
    num_queries: int
    rank1: float
    mean_ap: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class _ShownQuery:
    title: str
    parts: list[ShownPart]
    hits: list[RankedPicture]
    first_match: int | None


def write_demo_page(
    path: Path,
    *,
    title: str,
    introduction: str,
    queries: Sequence[DemoQuery],
    rows: Sequence[DemoRow],
    facts: Sequence[tuple[str, str]] = (),
    next_command: str = "",
) -> None:
    """Write the page; `facts` are (name, value) for its foot, `next_command` is what a reader may try on own pictures.

    Raises:
        StorageError: when the file cannot be written.
    """
    page = render(
        "demo.html",
        title=title,
        introduction=introduction,
        queries=[_shown_query(query) for query in queries],
        rows=list(rows),
        best=max((row.mean_ap for row in rows), default=0.0),
        facts=[(shown(name), shown(value)) for name, value in facts],
        next_command=next_command,
    )
    write_whole(path, page)


def _shown_query(query: DemoQuery) -> _ShownQuery:
    parts, _ = shown_parts(query.parts, query.unread_words)
    parts.sort(key=lambda part: list(Modality).index(part.modality))
    hits = [
        RankedPicture(rank, shown(hit.path, only_name=True), f"{hit.score:.3f}", hit.is_match, thumbnail(hit.path))
        for rank, hit in enumerate(query.hits, start=1)
    ]
    first = next((hit.rank for hit in hits if hit.is_match), None)
    return _ShownQuery(query.title, parts, hits, first)
