"""The nearest columns of every row, against a stable sort of the whole row."""

from __future__ import annotations

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.neighbours import check_features, nearest_columns, row_blocks


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("columns", "k"), [(1, 1), (5, 5), (40, 7), (200, 3), (1000, 21), (1003, 21), (3000, 1)])
def test_equals_a_stable_sort(columns: int, k: int, ties: bool) -> None:
    rng = np.random.default_rng(columns + k)
    distances = rng.standard_normal((6, columns)).astype(np.float32)
    if ties:
        distances = np.floor(2 * distances)
        distances[0] = 0
    before = distances.copy()
    np.testing.assert_array_equal(
        nearest_columns(distances, k), np.argsort(distances, axis=1, kind="stable")[:, :k], strict=True
    )
    assert np.array_equal(distances, before)


def test_the_nearest_may_all_stand_side_by_side() -> None:
    """Groups of columns are taken apart: neighbours in one group, or at the end in none, are found all the same."""
    distances = np.arange(2000, dtype=np.float32)[None]
    assert nearest_columns(distances, 5).tolist() == [[0, 1, 2, 3, 4]]
    assert nearest_columns(distances[:, ::-1], 5).tolist() == [[1999, 1998, 1997, 1996, 1995]]


def test_blocks_cover_all_rows_once() -> None:
    assert row_blocks(5, 2) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert row_blocks(0, 2) == []
    with pytest.raises(DataError, match="block is 0; give at least 1"):
        row_blocks(5, 0)


def test_wrong_features() -> None:
    right = np.zeros((3, 2), dtype=np.float32)
    check_features(right, right[:0])
    with pytest.raises(DataError, match=r"queries \(3, 2\) and gallery \(3, 3\) must be"):
        check_features(right, np.zeros((3, 3), dtype=np.float32))
    with pytest.raises(DataError, match=r"queries \(3,\) and"):
        check_features(right[:, 0], right)
    for value in (np.nan, np.inf, 1e30):
        wrong = right.copy()
        wrong[1:, 0] = value
        with pytest.raises(DataError, match="2 of 3 query vectors are NaN, infinite or too long, the first is row 1"):
            check_features(wrong, right)
