"""The people of these tests lie beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aio_reid.records import Record

sys.path.insert(0, str(Path(__file__).parent))

from grey_people import draw_people


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Three people in grey; not to be changed."""
    drawn: list[Record] = draw_people(tmp_path_factory.mktemp("people"))
    return drawn
