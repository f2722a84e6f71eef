"""Results in the terminal: tables for people, tab-separated lines for pipes; remarks go to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aio_reid.datasets.entries import DatasetEntry
    from aio_reid.datasets.remarks import Remark
    from aio_reid.datasets.verify import Verification
    from aio_reid.demo import Demo
    from aio_reid.doctor import Check
    from aio_reid.evaluation.table import Table
    from aio_reid.gallery.cache import CacheStats
    from aio_reid.gallery.result import SearchResult

MOST_WORDS = 12
"""How many unread words of a sentence are repeated."""
LONGEST_NAME = 32
"""Longer ones are broken where a table is too wide for the terminal."""
MOST_UNREADABLE = 10
"""How many unreadable pictures are named; --json FILE lists them all."""


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of plain cells: as a drawn table where stdout is a terminal, else with tabs between cells."""
    if not sys.stdout.isatty():
        for row in (header, *rows):
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    whole = max((len(row[0]) for row in rows), default=0) <= LONGEST_NAME
    for place, name in enumerate(header):  # a row's name, which may be typed again, is not broken over two lines
        table.add_column(name, overflow="fold", no_wrap=place == 0 and whole)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def print_noted(table: Table) -> None:
    """Print the table of a result, its notes as remarks."""
    print_table(table.header, table.rows)
    for note in table.notes:
        remark(note)


def write_then_show(write: Callable[[], None], show: Callable[[], None]) -> None:
    """Write files, then print: a reader that goes away loses no file, and a full disk hides nothing."""
    try:
        write()
    finally:
        show()


def print_search(result: SearchResult) -> None:
    """Print the ranking, then what the reader has to know of it."""
    from aio_reid.gallery.outputs import table_header, table_rows
    from aio_reid.gallery.result import STATEMENT
    from aio_reid.pages.text import shown

    print_table(table_header(result), table_rows(result))
    counts = result.counts
    if result.description:
        remark(f"query: {result.description}")
    known = f" ({counts.embedded} embedded now, {counts.from_cache} known before)" if result.gallery_modality else ""
    remark(f"searched {counts.searched} pictures of {shown(result.folder)} in {result.timings.total_s:.1f} s{known}")
    if result.filters:
        remark(f"only: {'; '.join(result.filters)}")
    if result.unread_words:
        words = " ".join(shown(word) for word in result.unread_words[:MOST_WORDS])
        rest = len(result.unread_words) - MOST_WORDS
        more = f" and {rest} words more" if rest > 0 else ""
        remark(f'not read, because the sentence is too long: "{words}"{more}; shorten it or give a second --text')
    print_unreadable("not searched", [(item.path, item.error) for item in result.unreadable])
    for note in result.notes:
        remark(note)
    remark(STATEMENT)


def print_cache_stats(stats: CacheStats) -> None:
    """Print what a cache holds."""
    rows = [
        ("file", "none" if stats.path is None else str(stats.path)),
        ("size", f"{stats.size_bytes / 1e6:.1f} MB"),
        ("picture files", str(stats.num_files)),
        ("embeddings", str(stats.num_embeddings)),
        ("unreadable pictures", str(stats.num_failures)),
        ("queries", str(stats.num_queries)),
    ]
    rows += [(f"embeddings of weights {name[:12]}", str(count)) for name, count in stats.weights]
    print_table(("what", "value"), rows)


def print_checks(checks: Sequence[Check]) -> None:
    """Print one row per check, and below them the remedy of each that failed."""
    print_table(("check", "", "found"), [(c.name, "ok" if c.is_good else "FAILED", c.found) for c in checks])
    for check in checks:
        if not check.is_good:
            remark(f"{check.name}: {check.remedy}")


def print_demo(demo: Demo) -> None:
    """Print the retrieval table, in percent, and where the page lies."""
    rows = [
        (" + ".join(m.label for m in row.modalities), f"{100 * row.rank1:.1f}", f"{100 * row.mean_ap:.1f}")
        for row in demo.rows
    ]
    print_table((f"searched with, in {demo.num_gallery} pictures", "rank-1", "mAP"), rows)
    print(f"page: {demo.page.resolve()}")


def print_datasets(
    entries: Sequence[DatasetEntry], withdrawn: Mapping[str, str], found: Mapping[str, Path] | None
) -> None:
    """Print one row per data set, with its folder where `found` says which are there; name those that are refused."""
    header = ["name", "data set", "for", "terms", "how to obtain it"]
    rows = [[entry.name, entry.title, entry.purpose, entry.terms, entry.obtain] for entry in entries]
    if found is not None:
        header.insert(1, "folder")
        for row, entry in zip(rows, entries, strict=True):
            missing = f"not there; call it {' or '.join(dict.fromkeys(entry.folders))}"
            row.insert(1, str(found.get(entry.name, missing)))
    print_table(header, rows)
    remark(f"withdrawn, and not read: {', '.join(withdrawn)}")


def print_verification(result: Verification) -> None:
    """Print the counts of a copy beside the published ones, which release it is, and the first unreadable pictures."""
    print_table(("what", "found", "published"), [(c.what, str(c.found), str(c.published)) for c in result.counts])
    remark(result.release)
    print_unreadable("unreadable", [(item.path, item.reason) for item in result.unreadable])
    verdict = "complete" if result.is_complete else "NOT complete"
    remark(f"{verdict}; {result.num_pictures} pictures read, {len(result.unreadable)} of them unreadable")


def print_remarks(remarks: Sequence[Remark]) -> None:
    """Print what is wrong with a manifest, a line each, and how many there are of each severity."""
    from aio_reid.datasets.remarks import SEVERITIES, counted
    from aio_reid.pages.text import shown

    for item in remarks:
        print(f"{item.severity}: {shown(item.text)}")
    found = [item.severity for item in remarks]
    remark(", ".join(counted(found.count(severity), severity) for severity in SEVERITIES))


def remark(text: str) -> None:
    """Print one line that belongs to the result, but is not part of it."""
    print(text, file=sys.stderr)


def print_unreadable(what: str, pictures: Sequence[tuple[Path, str]], *, most: int | None = MOST_UNREADABLE) -> None:
    """Name the first of some pictures (None: all) as remarks, each with the reason, and how many more there are."""
    from aio_reid.pages.text import shown

    for path, reason in pictures[:most]:
        remark(f"{what}: {shown(path)}: {shown(reason.removeprefix(f'picture {str(path)!r} '))}")
    if most is not None and len(pictures) > most:
        remark(f"{what}: {len(pictures) - most} more; --json FILE lists them all")
