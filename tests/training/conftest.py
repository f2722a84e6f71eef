"""The training set of these tests lies beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tiny import tiny_people


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of a tiny training set; not to be changed."""
    path: Path = tiny_people(tmp_path_factory.mktemp("people"))
    return path
