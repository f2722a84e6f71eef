"""Remarks on the columns person and camera."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aio_reid.datasets.remarks import Remark, Table, counted, persons, photos
from aio_reid.records import Split

_NOBODY = {"-1", "?", "-", "n/a", "na", "nan", "nil", "no", "none", "null", "unknown"}
_FEW = 4
"""So many rows may have as many persons, or pictures as many cameras, without a mistake."""


def find_twins(table: Table) -> Iterator[Remark]:
    """Two ids that a table program makes of one: "0012" and "12", "12.0" and "12", "P7" and "p7"."""
    alike: dict[str, dict[str, int]] = {}
    for person, number in persons(table.rows).items():
        alike.setdefault(_plain(person), {})[person] = number
    twins = [group for group in alike.values() if len(group) > 1]
    if twins:
        named = " and ".join(f"{person!r} (row {number})" for person, number in list(twins[0].items())[:2])
        many = f" ({len(twins)} such ids)" if len(twins) > 1 else ""
        yield Remark(
            "warning",
            f"the persons {named} differ only by leading zeros, '.0' or capitals{many}, and count as two persons; "
            "write the ids alike if they are one",
        )


def find_nobody(table: Table) -> Iterator[Remark]:
    """An id that stands for "not known" makes one person of many."""
    rows = [row for row in table.of(Split.TRAIN, Split.VAL, Split.QUERY) if row.cells.person.lower() in _NOBODY]
    if len(rows) > 1:
        first = rows[0]
        yield Remark(
            "warning",
            f"{len(rows)} rows have an id such as {first.cells.person!r} (row {first.number}), which makes them one "
            "person; give each person an id, or leave these rows out of train, val and query",
        )


def find_singles(table: Table) -> Iterator[Remark]:
    """A person column that numbers the pictures leaves nothing to match."""
    found = persons(table.rows)
    if len(table.rows) > _FEW and len(found) == len(table.rows):
        yield Remark(
            "error",
            f"each of the {len(found)} rows has a person of its own (row 1: {table.rows[0].cells.person!r}), so that "
            "nothing matches; give all rows of a person the same id",
        )


def find_swapped(table: Table) -> Iterator[Remark]:
    """The same id as person and as camera."""
    known = [row for row in table.rows if row.cells.camera is not None]
    if len({row.cells.person for row in known}) > 1 and all(row.cells.camera == row.cells.person for row in known):
        yield Remark(
            "error",
            f"the columns camera and person are the same in all {len(known)} rows that have a camera; "
            "give the cameras' ids, or empty the column camera",
        )


def find_unknown_cameras(table: Table) -> Iterator[Remark]:
    """A photo without a camera is never by the same camera as another."""
    shots = photos(table.tested)
    unknown = [row for row in shots if row.cells.camera is None]
    if len(unknown) == len(shots) and photos(table.of(Split.QUERY)):
        yield Remark(
            "note",
            "no photo in the splits query and gallery has a camera: matches by the query's own camera, which are easy, "
            "count as well; fill the column camera, if cameras are known",
        )
    elif unknown and len(unknown) < len(shots):
        lacking = counted(len(unknown), "photo has no camera", "photos have no camera")
        yield Remark(
            "warning",
            f"in the splits query and gallery {lacking} (the first is row {unknown[0].number}), "
            f"{len(shots) - len(unknown)} of {len(shots)} have one: the rule on matches by the same camera holds for "
            "these only; give a camera to all photos or to none",
        )


def find_camera_per_picture(table: Table) -> Iterator[Remark]:
    """A camera column that numbers the pictures switches the rule on cameras off."""
    known = [row for row in photos(table.tested) if row.cells.camera is not None]
    if len(known) > _FEW and len({row.cells.camera for row in known}) == len(known):
        yield Remark(
            "warning",
            f"each of the {len(known)} photos in the splits query and gallery has a camera of its own (row "
            f"{known[0].number}: {known[0].cells.camera!r}): no two are by the same camera; give the cameras' ids, or "
            "empty the column camera",
        )


ID_RULES = (find_twins, find_nobody, find_singles, find_swapped, find_unknown_cameras, find_camera_per_picture)


def _plain(person: str) -> str:
    return re.sub(r"\.0+$", "", person).lstrip("0").casefold()
