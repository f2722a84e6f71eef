"""Pages of a list that is ordered by ids: a cursor is the last id that was seen, so a page is right after changes."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from aio_reid.server.problems import Refusal


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the ids; `next` is the cursor of the following page, None on the last one."""

    ids: Sequence[int]
    total: int
    next: str | None


def page_of(ids: Sequence[int], cursor: str | None, limit: int) -> Page:
    """Return the page of ascending ids that a cursor names; None names the first one.

    Raises:
        Refusal: a cursor that no page gave.
    """
    start = 0 if cursor is None else bisect_right(ids, _last_seen(cursor))
    shown = ids[start : start + limit]
    following = _cursor(shown[-1]) if start + limit < len(ids) else None
    return Page(shown, len(ids), following)


def _cursor(last: int) -> str:
    return base64.urlsafe_b64encode(f"after {last}".encode()).decode("ascii")


def _last_seen(cursor: str) -> int:
    try:
        word, _, number = (
            base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode("ascii").partition(" ")
        )
        if word == "after" and number.isdecimal() and len(number) < 20:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise Refusal(422, "cursor_unknown", "the cursor is none that a page gave", "begin without one")
