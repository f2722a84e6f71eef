"""Sparse rows against the dense matrix that they stand for."""

from __future__ import annotations

import numpy as np

from aio_reid.evaluation.sparse import SparseRows, from_entries, join_blocks


def dense_and_sparse() -> tuple[np.ndarray, SparseRows]:
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((7, 9)) < 0.3, rng.random((7, 9)), 0).astype(np.float32)
    dense[[0, 3, 6]] = 0  # empty rows at the start, in the middle and at the end
    rows, columns = np.nonzero(dense)
    return dense, from_entries(rows, columns, dense[rows, columns], num_rows=7)


def to_dense(sparse: SparseRows, num_columns: int) -> np.ndarray:
    dense = np.zeros((len(sparse.starts) - 1, num_columns), dtype=np.float32)
    taken = sparse.take(np.arange(len(dense)))
    dense[taken.position, taken.columns] = taken.values
    return dense


def test_rows_are_taken_in_any_order_and_more_than_once() -> None:
    dense, sparse = dense_and_sparse()
    rows = np.array([5, 0, 1, 5, 6])
    taken = sparse.take(rows)
    again = np.zeros((5, 9), dtype=np.float32)
    again[taken.position, taken.columns] = taken.values
    np.testing.assert_array_equal(again, dense[rows])
    assert len(taken.values) == np.count_nonzero(dense[rows])
    assert len(sparse.take(np.array([], dtype=np.int64)).values) == 0


def test_transposed_and_joined() -> None:
    dense, sparse = dense_and_sparse()
    np.testing.assert_array_equal(to_dense(sparse.transposed(9), 7), dense.T)
    np.testing.assert_array_equal(to_dense(join_blocks([sparse, sparse.transposed(9)]), 9)[:7], dense)
    assert len(join_blocks([sparse, sparse]).starts) == 15
