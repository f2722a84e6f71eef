"""Variables of MATLAB files: the only place that needs scipy, which is imported when the first one is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError


def read_mat(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the named variables of a MATLAB file of version 5 or older.

    Their shapes are MATLAB's, (rows, columns) at least. A cell array is an array of objects, each an array.

    Raises:
        DataError: the file is missing, damaged, of version 7.3, or lacks a variable.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise DataError(f"{path} is not there; it comes with the data set, or with its authors' code")
    try:
        content = loadmat(path, appendmat=False, variable_names=list(names))
    except NotImplementedError:
        raise DataError(
            f"{path} is a MATLAB file of version 7.3; save it with save(..., '-v7') and try again"
        ) from None
    except Exception as error:  # a damaged file makes the reader raise nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} cannot be read as a MATLAB file ({reason}); download it again") from error
    missing = [name for name in names if name not in content]
    if missing:
        raise DataError(f"{path} lacks the variable {missing[0]!r}; it is not the file that the data set comes with")
    return {name: content[name] for name in names}


def whole_numbers(path: Path, name: str, variable: NDArray[Any]) -> list[int]:
    """Return the numbers of a variable, a row or a column, in its order.

    Raises:
        DataError: it holds something else, or numbers below 0 or above 10^9, which no person or place in a list has.
    """
    values = variable.ravel().astype(np.float64) if variable.dtype.kind in "iuf" else np.array([np.nan])
    if not (values == np.clip(np.round(values), 0, 1e9)).all():
        raise DataError(
            f"{path}: {name!r} does not hold whole numbers; it is not the file that the data set comes with"
        )
    return [int(value) for value in values]


def texts(path: Path, name: str, variable: NDArray[Any]) -> list[str]:
    """Return the texts of a cell array.

    Raises:
        DataError: a cell holds something else.
    """
    cells = [np.asarray(cell).ravel() for cell in variable.ravel()]
    if any(len(cell) != 1 or cell.dtype.kind != "U" for cell in cells):
        raise DataError(f"{path}: {name!r} does not hold texts; it is not the file that the data set comes with")
    return [str(cell[0]) for cell in cells]
