"""Inverted lists: vectors in cells around centres, one byte a number. A search reads the cells nearest to its query.

Graphs (HNSW) were tried beforehand: where each person has many similar pictures they lose neighbours that inverted
lists with refinement keep. What comes out of here are candidates only; `lookup.py` ranks them by the true vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, DataError
from aio_reid.gallery.store.resident import Matrix
from aio_reid.progress import Task

Rows = NDArray[np.int64]

SAMPLES_PER_CELL = 40
"""Vectors that a centre is learnt from; faiss asks for at least 39."""

_ROWS_AT_ONCE = 65536
_MOST_CELLS = 65536


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The lists, `lists` being faiss's index, of rows that are numbered from 0 in the order they were put in."""

    lists: Any

    @property
    def num_cells(self) -> int:
        """The number of centres."""
        return int(self.lists.nlist)

    @property
    def num_rows(self) -> int:
        """The number of vectors in all lists."""
        return int(self.lists.ntotal)

    @property
    def size(self) -> int:
        """The numbers of a vector."""
        return int(self.lists.d)

    def near(
        self, queries: NDArray[np.float32], count: int, num_probes: int, allowed: NDArray[np.bool_] | None = None
    ) -> Rows:
        """Return rows, int64 (Q, count), that are probably the nearest of queries, float32 (Q, E); -1 where the cells
        that were read, `num_probes` of them, hold fewer. `allowed`, bool (N,), leaves rows out.
        """
        faiss = load_faiss()
        selector = None
        if allowed is not None:
            selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        parameters = faiss.SearchParametersIVF(nprobe=min(num_probes, self.num_cells), sel=selector)
        rows: Rows = self.lists.search(queries, min(count, self.num_rows), params=parameters)[1]
        return rows


def make_cells(vectors: Matrix, task: Task) -> Cells:
    """Return the lists of unit vectors (N, E), N at least 1; centres are learnt from vectors evenly spread over them.

    Raises:
        ConfigError: faiss is not installed.
    """
    faiss = load_faiss()
    N, E = vectors.shape
    num_cells = choose_num_cells(N)
    lists = faiss.index_factory(E, f"IVF{num_cells},SQ8", faiss.METRIC_INNER_PRODUCT)
    num_samples = min(N, SAMPLES_PER_CELL * num_cells)
    sample = np.linspace(0, N - 1, num_samples).astype(np.int64)
    lists.train(np.ascontiguousarray(vectors[sample], dtype=np.float32))
    for start in range(0, N, _ROWS_AT_ONCE):
        block = np.ascontiguousarray(vectors[start : start + _ROWS_AT_ONCE], dtype=np.float32)
        lists.add(block)
        task.advance(len(block))
    return Cells(lists)


def choose_num_cells(num_rows: int) -> int:
    """Return about two times the square root of the rows, a power of two, with enough rows for each centre."""
    wanted = 2.0 * num_rows**0.5
    number = 1
    while 2 * number <= min(wanted, num_rows / SAMPLES_PER_CELL, _MOST_CELLS):
        number *= 2
    return number


def write_cells(cells: Cells) -> NDArray[np.uint8]:
    """Return the lists as bytes, uint8 (B,)."""
    data: NDArray[np.uint8] = load_faiss().serialize_index(cells.lists)
    return data


def read_cells(data: NDArray[np.uint8]) -> Cells:
    """Return what `write_cells` was given. The bytes must be known to be whole: faiss does not check them.

    Raises:
        ConfigError: faiss is not installed.
        DataError: they are of another kind.
    """
    faiss = load_faiss()
    try:
        lists = faiss.deserialize_index(data)
    except RuntimeError:
        raise DataError("faiss cannot read it") from None
    if not isinstance(lists, faiss.IndexIVF):
        raise DataError("it holds no inverted lists")
    return Cells(lists)


def load_faiss() -> Any:
    """Import faiss.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise ConfigError(
            "the approximate index needs faiss, which is not installed; in the project: pip install -e '.[index]'"
        ) from None
    return faiss
