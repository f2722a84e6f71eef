from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aio_reid.errors import DataError, StorageError
from aio_reid.people.contact_sheet import CELL, contact_sheet
from aio_reid.people.identity import random_identity


def test_sheet_shows_every_modality_of_everybody_and_repeats(tmp_path: Path) -> None:
    people = [random_identity(n) for n in (3, 4, 5)]
    first = np.asarray(Image.open(contact_sheet(people, tmp_path / "new" / "a.png", photos=2)))
    again = np.asarray(Image.open(contact_sheet(people, tmp_path / "b.png", photos=2)))
    assert np.array_equal(first, again)
    assert first.shape[0] > 2 * CELL[0]
    assert first.shape[1] > 2 * 5 * CELL[1]
    assert (first[-CELL[0] :, -5 * CELL[1] :] == 255).all(), "the fourth place is empty"


def test_unusable_requests_are_our_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least one"):
        contact_sheet([], tmp_path / "a.png")
    with pytest.raises(DataError, match=r"\.jpg or \.png"):
        contact_sheet([random_identity(1)], tmp_path / "a")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        contact_sheet([random_identity(1)], tmp_path / "file" / "a.png", photos=1)
