"""The made copies of data sets lie beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aio_reid.records import Modality

sys.path.insert(0, str(Path(__file__).parent))

from suite_direct import write_tiny


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model of every modality, as a file."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.safetensors", tuple(Modality))


@pytest.fixture(scope="session")
def photo_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model that reads photos and sentences only."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "photos.safetensors", ("rgb", "text"))


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of every data set; not to be changed."""
    from suite_trees import grow_all

    folder = tmp_path_factory.mktemp("all") / "data"
    grow_all(folder)
    return folder
