"""What a copy of a data set is called: the published counts tell a part of it from the whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aio_reid.errors import DataError


def name_copy(name: str, published: Mapping[str, int], counts: Mapping[str, int], root: Path) -> str:
    """Return the name alone for a whole copy, and for a part the name with its counts, e.g. "pku-sketch (90 of 200
    persons, 180 of 400 photos)".

    Args:
        name: of the data set.
        published: how much there is of everything that is counted.
        counts: how much of the same the copy holds.
        root: of the copy.

    Raises:
        DataError: there is more than was published.
    """
    for what, count in counts.items():
        if count > published[what]:
            raise DataError(f"{root} holds {count} {what}, but {published[what]} were published; remove the others")
    if dict(counts) == dict(published):
        return name
    return f"{name} ({', '.join(f'{count} of {published[what]} {what}' for what, count in counts.items())})"
