"""What a copy is called: the name alone when it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid.datasets.counts import name_copy
from aio_reid.errors import DataError

PUBLISHED = {"persons": 200, "photos": 400}
ROOT = Path("copy")


def test_a_whole_copy_has_the_name_alone() -> None:
    assert name_copy("set", PUBLISHED, {"photos": 400, "persons": 200}, ROOT) == "set"


def test_a_part_carries_its_counts() -> None:
    assert name_copy("set", PUBLISHED, {"persons": 90, "photos": 400}, ROOT) == (
        "set (90 of 200 persons, 400 of 400 photos)"
    )


def test_more_than_was_published_is_a_mistake() -> None:
    with pytest.raises(DataError, match=r"^copy holds 401 photos, but 400 were published; remove the others$"):
        name_copy("set", PUBLISHED, {"persons": 200, "photos": 401}, ROOT)
