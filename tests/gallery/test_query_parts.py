from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from aio_reid.errors import DataError
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.query import part_content
from aio_reid.gallery.result import describe_query
from aio_reid.records import Modality


def test_a_picture_in_memory_has_the_content_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    file, memory = QueryPart(Modality.RGB, path), QueryPart(Modality.RGB, b"picture")
    assert part_content(file) == part_content(memory) == hashlib.sha256(b"picture").digest()
    assert describe_query((memory,), "early") == 'photo "given picture of 7 bytes"'


def test_bytes_are_no_sentence() -> None:
    with pytest.raises(DataError, match="needs a sentence"):
        QueryPart(Modality.TEXT, b"a man in red")
    with pytest.raises(DataError, match="needs a picture file"):
        QueryPart(Modality.SKETCH, "a man in red")
