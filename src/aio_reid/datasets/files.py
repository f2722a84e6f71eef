"""The files of a data set's folder: listed, never opened but for its lists of names, and in an order that is fixed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from aio_reid.datasets.pictures import leads_out
from aio_reid.errors import DataError

_MOST_DIGITS = 9


def find_home(root: Path, wanted: Sequence[str], inside: Sequence[str], title: str) -> Path:
    """Return `root`, or the first folder called as one of `inside` in it, whichever holds all that is wanted.

    Raises:
        DataError: none of them does.
    """
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give the folder of {title}, which holds {_quoted(wanted)}")
    lacks = []
    for home in (root, *(root / name for name in inside)):
        missing = [name for name in wanted if not (home / name).exists()]
        if not missing:
            return home
        lacks.append(missing)
    fewest = min(lacks, key=len)
    remedy = "give the folder" if len(fewest) == len(wanted) else "complete the copy, or give the folder"
    raise DataError(f"{root} is no copy of {title}: it lacks {_quoted(fewest)}; {remedy} that holds {_quoted(wanted)}")


def list_files(folder: Path, suffix: str) -> list[Path]:
    """Return the files of that suffix in the folder, by name; none where the folder is missing.

    Other files, such as Thumbs.db, and hidden ones, such as what macOS adds to archives, are passed over.
    """
    if not folder.is_dir():
        return []
    return [folder / name for name in sorted(os.listdir(folder)) if name.endswith(suffix) and not name.startswith(".")]


def match_files(folder: Path, layout: re.Pattern[str], suffix: str, title: str) -> list[tuple[Path, re.Match[str]]]:
    """Return the files of that suffix with what `layout` finds in their names (without the suffix), by name.

    Raises:
        DataError: there are none, or one has another name.
    """
    found = []
    for path in list_files(folder, suffix):
        match = layout.fullmatch(path.name.removesuffix(suffix))
        if match is None:
            raise DataError(
                f"{path} is not called as {title} calls its files ({layout.pattern}{suffix}); remove or rename it"
            )
        found.append((path, match))
    if not found:
        raise DataError(f"there are no {suffix} files in {folder}; complete the copy of {title}")
    return found


def read_index(path: Path) -> list[tuple[str, str]]:
    """Return the lines "PICTURE LABEL" of a list, ordered by the picture's path.

    Raises:
        DataError: the list cannot be read, a line has another form, leads out of the folder, or repeats a picture.
    """
    lines: dict[str, str] = {}
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2:
            raise DataError(
                f"{path}, line {number}: {line.strip()!r:.80} is not 'PICTURE LABEL'; download the list again"
            )
        picture, label = words
        if leads_out(picture):
            raise DataError(
                f"{path}, line {number}: {picture!r:.80} leads out of the data set; download the list again"
            )
        if picture in lines:
            raise DataError(f"{path}, line {number}: {picture!r:.80} is listed twice; download the list again")
        lines[picture] = label
    return sorted(lines.items())


def read_ids(path: Path) -> list[int]:
    """Return the numbers of a file that holds them with commas between them, in ascending order.

    Raises:
        DataError: the file cannot be read, or holds something else.
    """
    words = _read_text(path).replace(",", " ").split()
    if not all(word.isdecimal() and len(word) <= _MOST_DIGITS for word in words):
        raise DataError(f"{path} does not hold numbers with commas between them; download it again")
    return sorted({int(word) for word in words})


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DataError(f"{path} cannot be read ({reason}); download it again, or check its permissions") from error


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
