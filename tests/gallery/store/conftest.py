"""Galleries of random unit vectors, whose every answer can be computed by brute force."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from store_fakes import WEIGHTS, new_pictures

from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.schema import create_file

Opener = Callable[..., EmbeddedStore]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Opener]:
    """Open the gallery in tmp_path/"gallery"; whatever is open at the end is closed."""
    with ExitStack() as stack:

        def open_it(**options: bool) -> EmbeddedStore:
            store = EmbeddedStore(tmp_path / "gallery", **options)
            stack.callback(store.close)
            return store

        yield open_it


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """A gallery of 400 pictures with ids 1 to 400, closed."""
    folder = tmp_path / "gallery"
    create_file(folder, WEIGHTS, "test", keep_copies=False)
    store = EmbeddedStore(folder, write=True)
    store.add(new_pictures(400))
    store.close()
    return folder
