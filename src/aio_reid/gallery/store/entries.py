"""What is to be added: pictures of a folder, rows of a manifest, or paths one by one, each with its description."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from aio_reid.errors import DataError
from aio_reid.gallery.scan import Unreadable, absolute, list_pictures
from aio_reid.gallery.store.names import Description, NamePattern, read_frame, read_number, read_time
from aio_reid.gallery.store.protocol import Picture, Value
from aio_reid.records import Modality, parse_visual_modality

NOTHING = Description(None, None, None, None, None, None, {})
NUMBER_MARK = ":number"
"""Ends the name of a manifest's column that holds numbers; without it a column holds texts."""

_Described = TypeVar("_Described", Description, Picture)

Given = Modality | Callable[[Path], Modality]
"""What pictures are where neither name nor manifest says it: all the same, or what each looks like."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture to add, with an absolute path, and what is known of it."""

    path: Path
    modality: Modality
    description: Description


@dataclass(frozen=True, slots=True)
class Listed:
    """What a source holds, and what of it cannot be added."""

    entries: tuple[Entry, ...]
    unreadable: tuple[Unreadable, ...]
    num_sentences: int = 0


def folder_entries(folder: Path, modality: Given, pattern: NamePattern | None, *, skip: Path | None) -> Listed:
    """Return the pictures of a folder and its subfolders, but the folder `skip`.

    Raises:
        DataError: there is no picture, or not one whose name fits the pattern.
    """
    listing = list_pictures(folder, skip=skip)
    return described((file.path for file in listing.pictures), modality, pattern, listing.unreadable)


def described(
    paths: Iterable[Path],
    modality: Given,
    pattern: NamePattern | None,
    unreadable: Sequence[Unreadable] = (),
    *,
    is_whole: bool = True,
) -> Listed:
    """Return paths as entries; `is_whole`: there will be no others.

    Raises:
        DataError: not one name of the whole fits the pattern.
    """
    entries: list[Entry] = []
    problems: list[Unreadable] = []
    for path in paths:
        try:
            entries.append(describe_path(path, modality, pattern))
        except DataError as error:
            problems.append(Unreadable(path, str(error)))
    if is_whole and problems and not entries:
        raise no_name_read(problems[0])
    return Listed(tuple(entries), (*unreadable, *problems))


def no_name_read(first: Unreadable) -> DataError:
    """Return the error for pictures of which not one name fits the pattern."""
    return DataError(f"not one name can be read; the first, {first.path.name!r}: {first.error}")


def describe_path(path: Path, modality: Given, pattern: NamePattern | None) -> Entry:
    """Return one path as an entry.

    Raises:
        DataError: its name does not fit the pattern.
    """
    description = NOTHING if pattern is None else pattern.read(path)
    return Entry(absolute(path), description.modality or _given(path, modality), description)


def table_entries(
    table: Path, rows: Sequence[Mapping[str, object]], modality: Given, pattern: NamePattern | None = None
) -> Listed:
    """Return the rows of a manifest: `path` (relative to its folder, or absolute), and if wanted `modality`, `camera`,
    `time`, `track`, `source`, `frame`; every further column is the user's own. Rows without a path, of sentences, are
    counted and left out. What a row does not say is taken from the name.

    Raises:
        DataError: a row cannot be read; names it.
    """
    entries: list[Entry] = []
    num_sentences = 0
    for number, row in enumerate(rows, start=1):
        if row.get("path") is None:
            num_sentences += 1
            continue
        path = absolute(table.parent / str(row["path"]))
        try:
            named = NOTHING if pattern is None else pattern.read(path)
            description = _of_row(row, named)
        except DataError as error:
            raise DataError(f"{table}, row {number}: {error}; correct it") from None
        entries.append(Entry(path, description.modality or _given(path, modality), description))
    if not entries:
        raise DataError(f"{table} names no picture; it needs a column 'path'")
    return Listed(tuple(entries), (), num_sentences)


def merged_entries(sources: Iterable[Listed]) -> list[Entry]:
    """Return the entries of several sources, one of each path and modality that is said of it: a later mention adds to
    what an earlier one says.
    """
    found: dict[Path, list[Entry]] = {}
    for entry in (entry for source in sources for entry in source.entries):
        alike, said = found.setdefault(entry.path, []), entry.description.modality
        for place, before in enumerate(alike):
            if said is None or before.description.modality in (None, said):
                alike[place] = _together(before, entry)
                break
        else:
            alike.append(entry)
    return [entry for entries in found.values() for entry in entries]


def _together(before: Entry, now: Entry) -> Entry:
    said = now.description.modality or before.description.modality
    description = replace(described_anew(before.description, now.description), modality=said)
    return Entry(now.path, said or now.modality, description)


def described_anew(before: _Described, now: _Described) -> _Described:
    """Return the newer description, with what it leaves open as it was."""
    return replace(
        now,
        camera=before.camera if now.camera is None else now.camera,
        time=before.time if now.time is None else now.time,
        track=before.track if now.track is None else now.track,
        source=before.source if now.source is None else now.source,
        frame=before.frame if now.frame is None else now.frame,
        columns={**before.columns, **now.columns},
    )


def in_runs(entries: Iterable[Entry]) -> Iterator[tuple[Modality, list[Entry]]]:
    """Yield the entries by modality: a model embeds one at a time."""
    by_modality: dict[Modality, list[Entry]] = {}
    for entry in entries:
        by_modality.setdefault(entry.modality, []).append(entry)
    yield from by_modality.items()


def _given(path: Path, given: Given) -> Modality:
    return given if isinstance(given, Modality) else given(path)


def _of_row(row: Mapping[str, object], named: Description) -> Description:
    cells = {name: value for name, value in row.items() if value is not None}
    columns: dict[str, Value] = dict(named.columns)
    for name, value in cells.items():
        if name not in _KNOWN:
            columns[name.removesuffix(NUMBER_MARK)] = _own_value(name, value)
    frame = _text(cells, "frame")
    modality = _text(cells, "modality")
    return Description(
        parse_visual_modality(modality) if modality else named.modality,
        _text(cells, "camera") or named.camera,
        _time(cells) or named.time,
        _text(cells, "track") or named.track,
        _text(cells, "source") or named.source,
        read_frame(frame) if frame is not None else named.frame,
        columns,
    )


_KNOWN = frozenset(("path", "caption", "modality", "camera", "time", "track", "source", "frame"))


def _own_value(name: str, value: object) -> Value:
    if name.endswith(NUMBER_MARK):
        return read_number(str(value), name.removesuffix(NUMBER_MARK))
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and name != "person"):
        return read_number(str(value), name)
    if isinstance(value, list | tuple):
        return ";".join(str(part) for part in value)
    return str(value)


def _text(cells: Mapping[str, object], name: str) -> str | None:
    return str(cells[name]) if name in cells else None


def _time(cells: Mapping[str, object]) -> datetime | None:
    value = cells.get("time")
    if isinstance(value, datetime):
        return read_time(value.isoformat())
    return None if value is None else read_time(str(value))
