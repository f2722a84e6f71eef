"""What the rules of `check.py` share: the rows they look at, and the remarks they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aio_reid.datasets.manifest import TEST_SPLITS, ManifestRow
from aio_reid.records import Modality, Split

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Remark:
    """One line on a manifest: what is wrong with it, how often, and the remedy.

    Attributes:
        severity: "error": a training or evaluation would fail or mean nothing; "warning": its result would not mean
            what it seems to; "note": good to know.
        text: the line.
    """

    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a manifest with its number, counted from 1 as in the errors of reading."""

    number: int
    cells: ManifestRow


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a manifest, and the folder that their paths are relative to."""

    folder: Path
    rows: Sequence[Row]

    def of(self, *splits: Split) -> list[Row]:
        """Return the rows of these splits."""
        return [row for row in self.rows if row.cells.split in splits]

    @property
    def tested(self) -> list[Row]:
        """The rows of the splits query and gallery."""
        return self.of(*TEST_SPLITS)


def photos(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of colour photos."""
    return [row for row in rows if row.cells.modality is Modality.RGB]


def persons(rows: Iterable[Row]) -> dict[str, int]:
    """Return the persons of the rows, each with the number of the first row, in the order of the rows."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.cells.person, row.number)
    return first


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return "1 picture", or "3 pictures"; `many` where an s is not all that differs."""
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"
