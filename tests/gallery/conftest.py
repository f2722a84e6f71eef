"""Fixtures of the gallery's tests; the fake embedder lies beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from gallery_fakes import COLOURS, ColourFactory, write_picture


@pytest.fixture(autouse=True)
def files_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that a test has just written count as settled, which in life takes two seconds."""
    monkeypatch.setattr("aio_reid.gallery.cache.CLOCK_TICK_NS", -(10**12))


@pytest.fixture
def factory() -> ColourFactory:
    return ColourFactory()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder of 24 pictures of four colours in subfolders and several formats."""
    folder = tmp_path / "people"
    for number in range(24):
        colour = list(COLOURS)[number % 4]
        suffix = (".png", ".jpg", ".WEBP", ".bmp")[number % 3]
        write_picture(folder / f"camera {number % 2}" / f"{number:02d}_{colour}{suffix}", COLOURS[colour], seed=number)
    return folder
