"""A `Where` in Milvus's language of filters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from aio_reid.gallery.store.filters import condition_value
from aio_reid.gallery.store.milvus.pictures import NO_NUMBER, given_text, path_text
from aio_reid.gallery.store.protocol import Condition, Where
from aio_reid.gallery.store.resident import time_number
from aio_reid.storage import contents_of

EVERY_ROW = "id > 0"
_LARGEST = 1.7976931348623157e308


def expression(where: Where, types: Mapping[str, str], leave_out: Sequence[int] = ()) -> str:
    """Return the expression of what a filter names, without some ids.

    Raises:
        DataError: a condition on a column that there is not, or whose value is no number where the column holds them.
    """
    parts = [EVERY_ROW]
    named = []
    if where.ids:
        named.append(f"id in {_listed(where.ids)}")
    if where.paths:
        named.append(f"path in {_listed(path_text(path) for path in where.paths)}")
        if contents := contents_of(where.paths):  # another name, or a further copy, of a picture
            named.append(contents_expression(contents))
    if named:
        parts.append(f"({' or '.join(named)})")
    if where.cameras:
        parts.append(f"camera in {_listed(map(given_text, where.cameras))}")
    if where.tracks:
        parts.append(f"track in {_listed(map(given_text, where.tracks))}")
    if where.modalities:
        parts.append(f"modality in {_listed(modality.value for modality in where.modalities)}")
    since, until = time_number(where.since), time_number(where.until)
    if since is not None or until is not None:
        parts.append(f"time != {NO_NUMBER}")
    if since is not None:
        parts.append(f"time >= {since}")
    if until is not None:
        parts.append(f"time < {until}")
    parts += [_comparison(condition, types) for condition in where.columns]
    if leave_out:
        parts.append(f"id not in {_listed(leave_out)}")
    return " and ".join(parts)


def contents_expression(contents: Iterable[bytes]) -> str:
    """Return the expression of all pictures with one of these contents."""
    return f"content in {_listed(content.hex() for content in contents)}"


def texts_expression(field: str, texts: Iterable[str]) -> str:
    """Return the expression of all rows in whose field one of the texts stands."""
    return f"{field} in {_listed(texts)}"


def _comparison(condition: Condition, types: Mapping[str, str]) -> str:
    """Return a comparison with a column that rows without a value do not fulfil; to "!=" alone Milvus adds them."""
    value = condition_value(condition, types)
    cell = f"columns[{json.dumps(condition.column, ensure_ascii=False)}]"
    if isinstance(value, float):
        written = repr(min(max(value, -_LARGEST), _LARGEST))
    else:
        written = json.dumps(value, ensure_ascii=False)
    if condition.operator == "!=":
        return f"({cell} < {written} or {cell} > {written})"
    return f"{cell} {'==' if condition.operator == '=' else condition.operator} {written}"


def _listed(values: Iterable[int | str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
