"""Which of the pictures that a table names are there: each folder is listed once, and no picture is opened."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from aio_reid.errors import DataError

Label = TypeVar("Label")

_LONGEST_SHOWN = 300
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def leads_out(name: str) -> bool:
    """Return whether a relative name, with "/" between its parts, is of no file below the folder that it begins in."""
    return name.startswith("/") or ".." in name.split("/")  # pathlib would keep the parts of millions of names


def find_missing(folder: Path, names: Iterable[str]) -> list[str]:
    """Return those names, in their order, of which there is no file below the folder.

    Args:
        folder: to which the names are relative.
        names: with "/" between their parts.

    Raises:
        DataError: a folder that may not be listed.
    """
    listed: dict[str, frozenset[str]] = {}
    missing = []
    for name in names:
        parent, _, file = name.rpartition("/")
        if parent not in listed:
            listed[parent] = _list(folder / parent)
        if file not in listed[parent]:
            missing.append(name)
    return missing


def keep_present(folder: Path, index: Sequence[tuple[str, Label]]) -> list[tuple[Path, Label]]:
    """Return the entries whose picture is below the folder, the picture as a path.

    Raises:
        DataError: as `find_missing`.
    """
    missing = set(find_missing(folder, (name for name, _ in index)))
    return [(folder / name, label) for name, label in index if name not in missing]


def check_pictures(folder: Path, names: Iterable[str], annotation: Path) -> None:
    """Make sure that every picture is there which an annotation names.

    Raises:
        DataError: how many are missing, and the first of them.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; {annotation.name} names pictures in it: complete the copy")
    missing = find_missing(folder, names)
    if missing:
        raise DataError(
            f"{len(missing)} of the pictures that {annotation} names are missing, the first is "
            f"{str(folder / missing[0])[:_LONGEST_SHOWN]!r}; complete the copy"
        )


def _list(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except ValueError:  # a name that no folder can have
        return frozenset()
    except OSError as error:
        if error.errno in _NOT_THERE:
            return frozenset()
        raise DataError(f"{folder} cannot be listed: {error.strerror or error}; check its permissions") from error
