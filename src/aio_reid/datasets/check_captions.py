"""Remarks on the column caption."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

from aio_reid.datasets.remarks import Remark, Row, Table, counted
from aio_reid.records import Split

MOST_TOKENS = 77
"""CLIP's text encoder reads no more, the marks of start and end included. A word is at least one token."""

_TOKEN = re.compile(r"'(?:s|t|re|ve|m|ll|d)\b|[^\W\d_]+|\d|(?:[^\w\s]|_)+", re.IGNORECASE)
"""What CLIP splits into tokens, but never joins: runs of letters, single digits, runs of other marks."""

_NO_SENTENCE = {"n/a", "na", "nan", "none", "null", "nil", "todo", "unknown", "empty", "no caption", "no description"}
_FILE = re.compile(r"[^\s]*\.(txt|json|csv|xml|jpe?g|png|bmp)", re.IGNORECASE)


def find_files_for_sentences(table: Table) -> Iterator[Remark]:
    """The name of a text file instead of what is in it."""
    rows = [row for row in _told(table) if _FILE.fullmatch(_caption(row))]
    if rows:
        yield Remark(
            "error",
            f"{counted(len(rows), 'caption names a file', 'captions name files')} ({_caption(rows[0])!r}, "
            f"row {rows[0].number}) and would be read as words; write the sentence itself",
        )


def find_empty_sentences(table: Table) -> Iterator[Remark]:
    """A caption in which nothing is said."""
    rows = [row for row in _told(table) if _says_nothing(_caption(row))]
    if rows:
        yield Remark(
            "warning",
            f"{counted(len(rows), 'caption says', 'captions say')} nothing ({_caption(rows[0])!r}, row "
            f"{rows[0].number}); write what the person looks like, or remove the rows",
        )


def find_long_sentences(table: Table) -> Iterator[Remark]:
    """What is beyond the model's longest sentence is not read. Counted in words, which have one token or more."""
    rows = [row for row in _told(table) if fewest_tokens(_caption(row)) > MOST_TOKENS]
    if rows:
        yield Remark(
            "warning",
            f"{counted(len(rows), 'caption is', 'captions are')} longer than the {MOST_TOKENS} tokens that are read "
            f"(the first is row {rows[0].number}); more may be, for words are counted here; put what matters first, or "
            "split them",
        )


def find_other_scripts(table: Table) -> Iterator[Remark]:
    """The sentences that models were trained on are English."""
    rows = [row for row in _told(table) if not _is_latin(_caption(row))]
    if rows:
        yield Remark(
            "warning",
            f"{counted(len(rows), 'caption is', 'captions are')} not in Latin letters (the first is row "
            f"{rows[0].number}), but sentences are read in English; translate them",
        )


def find_shared_sentences(table: Table) -> Iterator[Remark]:
    """A query that describes several persons alike."""
    said: dict[str, dict[str, Row]] = {}
    for row in table.of(Split.QUERY):
        if row.cells.caption is not None:
            said.setdefault(" ".join(row.cells.caption.lower().split()), {}).setdefault(row.cells.person, row)
    shared = [list(rows.values()) for rows in said.values() if len(rows) > 1]
    if shared:
        first, second, *_ = max(shared, key=len)
        yield Remark(
            "warning",
            f"{counted(len(shared), 'sentence is', 'sentences are')} said of several persons in the split query, one "
            f"even of {len(max(shared, key=len))} ({_caption(first)[:40]!r}, rows {first.number} and {second.number}): "
            "no model can tell these apart; say what distinguishes them",
        )


def fewest_tokens(caption: str) -> int:
    """Return how many tokens CLIP makes of a sentence at the least, start and end included."""
    return len(_TOKEN.findall(html.unescape(html.unescape(caption)))) + 2


CAPTION_RULES = (
    find_files_for_sentences,
    find_empty_sentences,
    find_long_sentences,
    find_other_scripts,
    find_shared_sentences,
)


def _told(table: Table) -> list[Row]:
    return [row for row in table.rows if row.cells.caption is not None]


def _caption(row: Row) -> str:
    return row.cells.caption or ""


def _says_nothing(caption: str) -> bool:
    return caption.strip(" .!").lower() in _NO_SENTENCE or not any(character.isalpha() for character in caption)


def _is_latin(caption: str) -> bool:
    letters = [character for character in caption if character.isalpha()]
    latin = sum(unicodedata.name(character, "").startswith("LATIN") for character in letters)
    return 2 * latin >= len(letters)
