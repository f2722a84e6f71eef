"""The official draws of SYSU-MM01's gallery: which pictures of each person and camera form it in each of ten trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aio_reid.datasets.matlab import read_mat
from aio_reid.errors import DataError

NUM_TRIALS = 10


def read_permutations(path: Path) -> dict[int, dict[int, NDArray[np.int64]]]:
    """Read the official draws of the ten trials, `rand_perm_cam.mat` of the authors' evaluation code.

    Returns:
        camera -> person -> (10, n) int64: places of pictures, from 1, in the order of names, which `sysu_mm01.parse`
        keeps; a row is a trial, and its first one (single-shot) or ten (multi-shot) form the gallery. Persons whom the
        camera did not see are left out.

    Raises:
        DataError: the file is missing or damaged, or an entry is not ten permutations.
    """
    draws: dict[int, dict[int, NDArray[np.int64]]] = {}
    for camera, cell in enumerate(read_mat(path, ("rand_perm_cam",))["rand_perm_cam"].ravel(), start=1):
        draws[camera] = {}
        for person, entry in enumerate(cell.ravel(), start=1):
            rows = np.asarray(entry, np.int64)
            if not rows.size:
                continue
            if not _are_permutations(rows):
                raise DataError(f"{path}: camera {camera}, person {person} is not ten permutations; download it again")
            draws[camera][person] = rows
    return draws


def _are_permutations(rows: NDArray[np.int64]) -> bool:
    if rows.ndim != 2 or len(rows) != NUM_TRIALS:
        return False
    return bool((np.sort(rows, axis=1) == np.arange(1, rows.shape[1] + 1)).all())
