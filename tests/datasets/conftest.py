from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Plant = Callable[..., None]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Make empty files below `tmp_path`: a parser opens no picture, and fails here if it does."""

    def make(*names: str) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make
