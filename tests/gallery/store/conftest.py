"""Galleries of random unit vectors, whose every answer can be computed by brute force."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from store_fakes import WEIGHTS, new_pictures

from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.milvus.state import create_gallery, state_collection
from aio_reid.gallery.store.milvus.store import MilvusStore
from aio_reid.gallery.store.milvus.url import MilvusUrl, parse_milvus_url
from aio_reid.gallery.store.protocol import Store
from aio_reid.gallery.store.schema import create_file

Opener = Callable[..., EmbeddedStore]
AnyOpener = Callable[..., Store]
KINDS = ("embedded", "milvus")
NUM_FILLED = 400


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
    store.add(new_pictures(NUM_FILLED))
    store.close()
    return folder


@pytest.fixture(scope="session")
def milvus_server() -> str:
    """HOST:PORT of a Milvus server that may be filled at will."""
    address = os.environ.get("AIO_REID_TEST_MILVUS")
    if not address:
        pytest.skip("no Milvus server: `make test-milvus` starts one and runs these tests")
    return address


@contextmanager
def milvus_gallery(server: str) -> Iterator[MilvusUrl]:
    """An empty gallery in a cluster, deleted at the end."""
    url = parse_milvus_url(f"milvus://{server}/g{uuid.uuid4().hex[:12]}")
    create_gallery(url, WEIGHTS, "test")
    try:
        yield url
    finally:
        store = MilvusStore(url)
        for name in (url.gallery, state_collection(url)):
            store.engine.client.drop_collection(name)
        store.close()


@pytest.fixture
def cluster(milvus_server: str) -> Iterator[MilvusUrl]:
    """An empty gallery in a cluster."""
    with milvus_gallery(milvus_server) as url:
        yield url


@contextmanager
def a_gallery(request: pytest.FixtureRequest, folder: Path, count: int) -> Iterator[AnyOpener]:
    """Make a gallery of the kind that the test is run with, of pictures with ids 1 to count, and give its opener."""
    with ExitStack() as stack:
        if request.param == "milvus":
            place: MilvusUrl | Path = stack.enter_context(milvus_gallery(request.getfixturevalue("milvus_server")))
        else:
            place = folder
            create_file(folder, WEIGHTS, "test", keep_copies=False)

        def open_it(*, write: bool = False) -> Store:
            is_url = isinstance(place, MilvusUrl)
            store: Store = MilvusStore(place, write=write) if is_url else EmbeddedStore(place, write=write)
            stack.callback(store.close)
            return store

        if count:
            writer = open_it(write=True)
            writer.add(new_pictures(count))
            writer.close()
        yield open_it


@pytest.fixture(scope="module", params=KINDS)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyOpener]:
    """A gallery of 400 pictures of each kind, to read from."""
    with a_gallery(request, tmp_path_factory.mktemp("filled") / "gallery", NUM_FILLED) as opener:
        yield opener


@pytest.fixture(params=KINDS)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyOpener]:
    """The same, to write to."""
    with a_gallery(request, tmp_path / "gallery", NUM_FILLED) as opener:
        yield opener


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyOpener]:
    """A gallery of each kind without a picture."""
    with a_gallery(request, tmp_path / "gallery", 0) as opener:
        yield opener
