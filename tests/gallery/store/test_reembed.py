"""What an embedding with other weights never loses."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from gallery_fakes import ColourEmbedder, ColourFactory

from aio_reid.errors import DataError
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.embedder import LoadedOnce, PictureEmbedding
from aio_reid.gallery.store import reembed
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.enrol import Enroller
from aio_reid.gallery.store.entries import folder_entries
from aio_reid.gallery.store.reembed import reembed_gallery
from aio_reid.gallery.store.schema import create_file
from aio_reid.progress import SILENT
from aio_reid.records import Modality
from aio_reid.storage import file_content


@pytest.fixture
def store(tmp_path: Path, people: Path, factory: ColourFactory) -> Iterator[EmbeddedStore]:
    """A gallery of the 24 pictures, without copies."""
    create_file(tmp_path / "gallery", factory.weights_hash, "test", keep_copies=False)
    store = EmbeddedStore(tmp_path / "gallery", write=True)
    with SILENT.task("", None, "") as task:
        enroller = Enroller(store, LoadedOnce(factory), open_cache(enabled=False), task)
        enroller.add(folder_entries(people, Modality.RGB, None, skip=None).entries)
    yield store
    store.close()


class Forgetful(ColourEmbedder):
    """Has no memory for any picture."""

    def embed_pictures(self, paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
        for path in paths:
            yield PictureEmbedding(path, None, "no memory", is_passing=True)


def test_pictures_that_cannot_be_read_for_the_moment_are_never_dropped(
    store: EmbeddedStore, factory: ColourFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = store.get([5])[0].picture.path

    def failing(path: Path) -> bytes:
        if path == away:
            raise OSError(errno.EIO, "Input/output error")
        return file_content(path)

    other = ColourFactory("second")
    monkeypatch.setattr(reembed, "file_content", failing)
    with pytest.raises(DataError, match=r"1 of 24 pictures cannot be read now.*Input/output error\); mend that"):
        reembed_gallery(store, other, "second", drop_missing=True)
    monkeypatch.setattr(reembed, "file_content", file_content)
    other.embedder = Forgetful(other.weights_hash)
    with pytest.raises(DataError, match=r"1 of 24 pictures cannot be read now.*no memory"):
        reembed_gallery(store, other, "second", drop_missing=True)
    assert store.count() == 24 and store.about().weights_hash == factory.weights_hash
    other.embedder = ColourEmbedder(other.weights_hash)
    assert reembed_gallery(store, other, "second", drop_missing=True).num_pictures == 24
