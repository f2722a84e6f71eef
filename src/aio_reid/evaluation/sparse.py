"""Sparse rows: a large matrix of which each row holds a few dozen values, as numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SparseRows:
    """A sparse matrix, row after row.

    Attributes:
        starts: (num_rows + 1,) int64; the entries of row i are those from starts[i] up to starts[i + 1].
        columns: (num_entries,) int64, ascending in each row.
        values: (num_entries,) float32.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float32]

    def take(self, rows: NDArray[np.int64]) -> Taken:
        """Return the entries of these rows, one row after the other; a row may be asked for more than once."""
        starts = self.starts[rows]
        counts = self.starts[rows + 1] - starts  # (len(rows),)
        position = np.repeat(np.arange(len(rows)), counts)  # (num_entries,)
        ends = np.cumsum(counts)
        at = np.arange(counts.sum()) + np.repeat(starts - ends + counts, counts)
        return Taken(position, self.columns[at], self.values[at])

    def transposed(self, num_columns: int) -> SparseRows:
        """Return the columns as rows."""
        order = np.argsort(self.columns, kind="stable")
        rows = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))  # (num_entries,)
        starts = _starts(np.bincount(self.columns, minlength=num_columns))
        return SparseRows(starts, rows[order], self.values[order])


@dataclass(frozen=True, slots=True)
class Taken:
    """Entries of some rows, all (num_entries,): `position` of its row among those asked for, `columns`, `values`."""

    position: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float32]


def join_blocks(blocks: list[SparseRows]) -> SparseRows:
    """Return blocks of rows, one below the other."""
    return SparseRows(
        _starts(np.concatenate([np.diff(block.starts) for block in blocks])),
        np.concatenate([block.columns for block in blocks]),
        np.concatenate([block.values for block in blocks]),
    )


def from_entries(
    rows: NDArray[np.int64], columns: NDArray[np.int64], values: NDArray[np.float32], *, num_rows: int
) -> SparseRows:
    """Return sparse rows from entries that are in order of rows and, within a row, of columns."""
    return SparseRows(_starts(np.bincount(rows, minlength=num_rows)), columns, values)


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])  # (num_rows + 1,)
