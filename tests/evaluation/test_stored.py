"""Embeddings that outlive the process: found by content, and never a reason to fail."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from aio_reid.errors import DataError, StorageError
from aio_reid.evaluation import vector_store
from aio_reid.evaluation.stored import PREPROCESS_VERSION, StoredEmbedder
from aio_reid.evaluation.vector_store import FILE_NAME, VectorStore
from aio_reid.gallery import embedder as gallery_embedder
from aio_reid.records import Modality, Query, Record, Split

WIDTH = 4


class Embedder:
    """Unit vectors at random; `asked` holds what it was called with."""

    def __init__(self) -> None:
        self.asked: list[tuple[Query, str]] = []
        self._random = np.random.default_rng(0)

    def __call__(self, queries: Sequence[Query], fusion: str) -> NDArray[np.float32]:
        self.asked += [(query, fusion) for query in queries]
        vectors = self._random.normal(size=(len(queries), WIDTH)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def picture(path: Path, content: bytes, modality: Modality = Modality.RGB) -> Record:
    """A file that was written an hour ago."""
    path.write_bytes(content)
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))
    return Record("d", Split.QUERY, modality, "ann", image_path=path)


def sentence(words: str) -> Record:
    return Record("d", Split.QUERY, Modality.TEXT, "ann", caption=words)


def ask(folder: Path, queries: Sequence[Query], fusion: str = "early", weights: str = "w") -> tuple[int, list[str]]:
    """Embed with a new store and a new embedder, as a new process would; return how many were embedded, and remarks."""
    embedder, told = Embedder(), []
    store = VectorStore(folder, told.append)
    StoredEmbedder(embedder, store, weights)(queries, fusion)
    store.close()
    return len(embedder.asked), told


def test_a_vector_belongs_to_content_modality_weights_and_fusion(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    photo, words = picture(tmp_path / "a.png", b"A"), sentence("a man")
    copy = picture(tmp_path / "copy.png", b"A")
    other, infrared = picture(tmp_path / "b.png", b"B"), picture(tmp_path / "i.png", b"A", Modality.INFRARED)
    assert ask(cache, [(photo,), (words,), (photo, words)]) == (3, [])
    assert ask(cache, [(copy,), (words,), (copy, words)]) == (0, [])
    assert ask(cache, [(photo,)], fusion="late") == (0, []), "of one record, fusion means nothing"
    assert ask(cache, [(photo, words)], fusion="late")[0] == 1
    assert ask(cache, [(words, photo)])[0] == 1
    assert ask(cache, [(other,), (infrared,), (sentence("a woman"),)])[0] == 3
    assert ask(cache, [(photo,)], weights="v")[0] == 1
    assert ask(cache, [(photo,), (copy,), (photo,)], weights="u")[0] == 1, "one content, once"


def test_what_comes_back_is_what_was_made_in_the_order_asked(tmp_path: Path) -> None:
    queries: list[Query] = [(sentence(f"number {n}"),) for n in range(1200)]
    embedder = Embedder()
    store = VectorStore(tmp_path, pytest.fail)
    embed = StoredEmbedder(embedder, store, "w")
    first = embed(queries, "early")
    again = embed(queries[::-1], "early")
    assert len(embedder.asked) == 1200
    np.testing.assert_array_equal(first, again[::-1])
    assert again.dtype == np.float32
    assert len({row.tobytes() for row in first}) == 1200


def test_a_file_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    plain = vector_store.file_content
    monkeypatch.setattr(vector_store, "file_content", lambda path: (hashed.append(path.name), plain(path))[1])
    monkeypatch.setattr(vector_store, "CLOCK_TICK_NS", 0)
    photo = picture(tmp_path / "a.png", b"A")
    assert ask(tmp_path / "cache", [(photo,)])[0] == 1
    assert ask(tmp_path / "cache", [(photo,)])[0] == 0
    assert hashed == ["a.png"]
    changed = picture(tmp_path / "a.png", b"Z")  # same path, size and time of writing
    assert ask(tmp_path / "cache", [(changed,)])[0] == 1
    assert hashed == ["a.png", "a.png"]
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"a\.png cannot be read \(No such file or directory\); complete the data set"):
        ask(tmp_path / "cache", [(changed,)])


def test_a_file_that_was_just_written_is_read_again(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(b"A")
    store = VectorStore(tmp_path / "cache", pytest.fail)
    before = store.read_contents([photo])
    photo.write_bytes(b"B")
    assert store.read_contents([photo]) != before


def damage_header(path: Path) -> None:
    path.write_bytes(b"this is no database at all, but long enough for one" * 100)


def damage_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)


def take_another_program(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs(x)")
    connection.commit()
    connection.close()


def take_another_version(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.commit()
    connection.close()


def shorten_vectors(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE vectors SET vector = substr(vector, 1, 7)")
    connection.commit()
    connection.close()


def bend_vectors(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE vectors SET vector = ?", (np.full(WIDTH, np.nan, "<f4").tobytes(),))
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [damage_header, damage_page, take_another_program, take_another_version, shorten_vectors, bend_vectors],
)
def test_a_file_that_cannot_be_used_is_set_aside_in_one_line(tmp_path: Path, damage: object) -> None:
    queries: list[Query] = [(sentence(f"number {n}"),) for n in range(600)]
    assert ask(tmp_path, queries) == (600, [])
    damage(tmp_path / FILE_NAME)  # type: ignore[operator]
    num_embedded, told = ask(tmp_path, queries)
    assert num_embedded == 600
    assert len(told) == 1 and "\n" not in told[0]
    assert told[0].endswith(f"set aside as {FILE_NAME}.1.aside")
    assert (tmp_path / f"{FILE_NAME}.1.aside").stat().st_size > 0
    assert ask(tmp_path, queries) == (0, [])


def test_without_space_or_permission_nothing_is_kept_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: list[Query] = [(sentence("a man"),), (sentence("a woman"),)]
    (tmp_path / FILE_NAME).mkdir()
    num_embedded, told = ask(tmp_path, queries)
    assert num_embedded == 2
    assert len(told) == 1 and told[0].startswith("embeddings are not kept: ")
    holder = tmp_path / "held"
    ask(holder, queries)
    other = sqlite3.connect(holder / FILE_NAME)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(vector_store, "BUSY_TIMEOUT_S", 0.1)
    num_embedded, told = ask(holder, queries)
    assert num_embedded == 2
    assert len(told) == 1 and "locked" in told[0]
    other.close()
    assert ask(holder, queries) == (0, [])


def test_a_place_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(StorageError, match="cannot hold embeddings: a part of its path is a file; name a folder"):
        VectorStore(tmp_path / "cache", pytest.fail)


def test_embeddings_are_for_their_owner_only(tmp_path: Path) -> None:
    ask(tmp_path / "cache", [(sentence("a man"),)])
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    assert (tmp_path / "cache" / FILE_NAME).stat().st_mode & 0o077 == 0


def test_a_change_of_preprocessing_counts_here_as_in_searches() -> None:
    assert PREPROCESS_VERSION == gallery_embedder.PREPROCESS_VERSION
