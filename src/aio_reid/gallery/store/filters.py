"""Which rows of a snapshot a `Where` names: one comparison of a column with a number for each of its fields."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import DataError
from aio_reid.gallery.store.protocol import Condition, Value, Where
from aio_reid.gallery.store.resident import NO_TIME, Names, Snapshot, modality_code, time_number

Rows = NDArray[np.int64]
Column = Callable[[str, str], Names | NDArray[np.float64]]
"""Called as column(name, type): one of the user's own columns of the snapshot."""

_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def choose_rows(
    snapshot: Snapshot, where: Where, *, path_ids: Sequence[int], types: Mapping[str, str], column: Column
) -> Rows | None:
    """Return the rows, int64 in ascending order, of the pictures that are named; None for all of them.

    `path_ids` are the ids of the pictures that `where.paths` names.

    Raises:
        DataError: a condition on a column that there is not, or whose value is no number where the column holds them.
    """
    masks: list[NDArray[np.bool_]] = []
    if where.ids or where.paths:
        masks.append(np.isin(snapshot.ids, np.array([*where.ids, *path_ids], dtype=np.int64)))
    if where.cameras:
        masks.append(_is_one_of(snapshot.cameras, where.cameras))
    if where.tracks:
        masks.append(_is_one_of(snapshot.tracks, where.tracks))
    if where.modalities:
        masks.append(np.isin(snapshot.modalities, [modality_code(name) for name in where.modalities]))
    since, until = time_number(where.since), time_number(where.until)
    if since is not None or until is not None:
        masks.append(snapshot.times != NO_TIME)
    if since is not None:
        masks.append(snapshot.times >= since)
    if until is not None:
        masks.append(snapshot.times < until)
    masks += [_fulfils(condition, types, column) for condition in where.columns]
    return np.flatnonzero(np.logical_and.reduce(masks)) if masks else None


def _is_one_of(column: Names, wanted: Sequence[str]) -> NDArray[np.bool_]:
    chosen = set(wanted)
    return _looked_up(column, [name in chosen for name in column.names])


def _looked_up(column: Names, is_chosen: Sequence[bool]) -> NDArray[np.bool_]:
    """Return bool (N,) from one value a name; the last place stands for "not given", whose code is -1."""
    return np.array([*is_chosen, False], dtype=np.bool_)[column.codes]


def _fulfils(condition: Condition, types: Mapping[str, str], column: Column) -> NDArray[np.bool_]:
    wanted = condition_value(condition, types)
    compare = _COMPARISONS[condition.operator]
    values = column(condition.column, types[condition.column])
    if isinstance(values, Names):
        return _looked_up(values, [bool(compare(text, wanted)) for text in values.names])
    fulfilled: NDArray[np.bool_] = compare(values, wanted) & ~np.isnan(values)
    return fulfilled


def condition_value(condition: Condition, types: Mapping[str, str]) -> Value:
    """Return what a column, whose type is in `types`, is compared with: a text, or a number.

    Raises:
        DataError: there is no such column, or it holds numbers and the value is none.
    """
    name = condition.column
    if name not in types:
        known = ", ".join(sorted(types)) or "none yet"
        raise DataError(f"this gallery has no column {name!r}; its own columns are: {known}")
    if types[name] == "text":
        return condition.value
    try:
        wanted = float(condition.value)
    except ValueError:
        wanted = float("nan")
    if wanted != wanted:
        raise DataError(f"column {name!r} holds numbers; {condition.value!r} is none, correct the condition")
    return wanted
