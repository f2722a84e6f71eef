"""Making the index: cells of all vectors, and as many of them read by a search as a measured recall asks for.

Recall is measured on vectors of the gallery itself: drawn ones are searched for in both ways, their own row left out.
One half of the draw chooses the number of cells to read, the other half, which chose nothing, is what is reported.
Where reading a quarter of the cells is not enough, that is all the same where it ends: more would save nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.gallery.store.approximate.cells import Cells, make_cells
from aio_reid.gallery.store.nearest import score_error
from aio_reid.gallery.store.resident import Matrix
from aio_reid.progress import SILENT, Progress

Rows = NDArray[np.int64]

RECALL_AIM = 0.99
RECALL_TOP = 50
NUM_QUERIES = 256
"""In each half of the draw."""

LARGEST_SHARE = 4
"""At most one cell of so many is read."""

CANDIDATES_PER_HIT = 4
LEAST_CANDIDATES = 256
_ROWS_AT_ONCE = 65536


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured: the share `recall` of the true nearest `top` that a search finds which reads `num_probes`
    cells, over `num_queries` vectors of the gallery.
    """

    num_probes: int
    recall: float
    top: int
    num_queries: int


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The rows of some queries, int64 (Q,), and the score of the last of the true nearest `top` of each, float32 (Q,),
    without the query's own row.
    """

    rows: Rows
    last: NDArray[np.float32]
    top: int


def build(vectors: Matrix, *, seed: int = 0, progress: Progress = SILENT) -> tuple[Cells, Quality]:
    """Return the cells of unit vectors (N, E), and how well they find what an exact search finds.

    Raises:
        ConfigError: faiss is not installed.
        DataError: there are fewer than two vectors.
    """
    N, _ = vectors.shape
    if N < 2:
        raise DataError(f"an index of {N} pictures would be of no use; add pictures first")
    with progress.task("Indexing", N, "pictures") as task:
        cells = make_cells(vectors, task)
    drawn = np.random.default_rng(seed).permutation(N)[: 2 * NUM_QUERIES]
    choosing, reported = np.array_split(drawn, 2)
    known = exact_truth(vectors, choosing, RECALL_TOP)
    num_probes = 1
    most = max(1, cells.num_cells // LARGEST_SHARE)
    while num_probes < most and measure_recall(cells, vectors, known, num_probes) < RECALL_AIM:
        num_probes = min(2 * num_probes, most)
    unseen = exact_truth(vectors, reported, RECALL_TOP)
    recall = measure_recall(cells, vectors, unseen, num_probes)
    return cells, Quality(num_probes, recall, unseen.top, len(unseen.rows))


def exact_truth(vectors: Matrix, rows: Rows, top: int) -> Truth:
    """Return what an exact search for some rows finds; `top` is lowered to what there is."""
    N, _ = vectors.shape
    top = min(top, N - 1)
    queries = vectors[rows].astype(np.float32)  # (Q, E)
    best = np.full((len(rows), top), -np.inf, dtype=np.float32)
    for start in range(0, N, _ROWS_AT_ONCE):
        block = vectors[start : start + _ROWS_AT_ONCE].astype(np.float32, copy=False)
        scores = queries @ block.T  # (Q, B)
        inside = np.flatnonzero((rows >= start) & (rows < start + len(block)))
        scores[inside, rows[inside] - start] = -np.inf
        both = np.concatenate([best, scores], axis=1)
        best = np.partition(both, both.shape[1] - top, axis=1)[:, -top:]
    return Truth(rows, best.min(axis=1), top)


def measure_recall(cells: Cells, vectors: Matrix, truth: Truth, num_probes: int) -> float:
    """Return the mean share of the true nearest that are among the candidates. Of equal scores any will do."""
    count = num_candidates(truth.top) + 1  # the query finds itself
    queries = vectors[truth.rows].astype(np.float32)
    near = cells.near(queries, count, num_probes)  # (Q, count)
    border = truth.last - 2.0 * score_error(vectors)
    shares = []
    for row, query, found, lowest in zip(truth.rows, queries, near, border, strict=True):
        others = found[(found >= 0) & (found != row)]
        scores = vectors[others].astype(np.float32) @ query
        shares.append(min(int(np.count_nonzero(scores >= lowest)), truth.top) / truth.top)
    return float(np.mean(shares))


def num_candidates(top: int) -> int:
    """Return how many candidates are compared by their true vectors to find the `top` nearest."""
    return max(CANDIDATES_PER_HIT * top, LEAST_CANDIDATES)
