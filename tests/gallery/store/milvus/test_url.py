"""Names of galleries in a cluster, and filters in Milvus's language: no server is needed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from aio_reid.errors import ConfigError
from aio_reid.gallery.store.milvus.expressions import expression
from aio_reid.gallery.store.milvus.url import MilvusUrl, is_milvus_url, parse_milvus_url
from aio_reid.gallery.store.protocol import Condition, Where
from aio_reid.records import Modality


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("milvus://db.example.org:1234/town", MilvusUrl("db.example.org", 1234, "town")),
        ("milvus://127.0.0.1/town_2/", MilvusUrl("127.0.0.1", 19530, "town_2")),
        ("milvus://[::1]:5/t", MilvusUrl("[::1]", 5, "t")),
    ],
)
def test_urls_that_can_be_read(text: str, url: MilvusUrl) -> None:
    assert is_milvus_url(text) and parse_milvus_url(text) == url
    assert parse_milvus_url(str(url)) == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("milvus://host", "write milvus://HOST:PORT/GALLERY"),
        ("milvus:/host/town", "write milvus://HOST:PORT/GALLERY"),
        ("milvus://user:secret@host/town", "AIO_REID_MILVUS_TOKEN"),
        ("milvus://host/a/b", "write milvus://HOST:PORT/GALLERY"),
        ("milvus://host:99999/town", "no port"),
        ("milvus://host/2nd", "cannot name a gallery"),
        ("milvus://host/old-town", "cannot name a gallery"),
    ],
)
def test_urls_that_cannot(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_milvus_url(text)


def test_filters_by_hand() -> None:
    assert expression(Where(), {}) == "id > 0"
    assert expression(Where(), {}, [3, 4]) == "id > 0 and id not in [3, 4]"
    where = Where(
        ids=(1, 2),
        paths=(Path('/a "b"/ü.jpg'),),
        cameras=('north "1"',),
        modalities=(Modality.RGB,),
        since=datetime(1970, 1, 1, 0, 0, 1),
        columns=(Condition("height", ">=", "180"), Condition("note", "!=", "a\\b")),
    )
    assert expression(where, {"height": "number", "note": "text"}).split(" and ") == [
        "id > 0",
        '(id in [1, 2] or path in ["/a%20%22b%22/%C3%BC.jpg"])',
        'camera in ["=north \\"1\\""]',
        'modality in ["rgb"]',
        f"time != {-(2**62)}",
        "time >= 1000000",
        'columns["height"] >= 180.0',
        '(columns["note"] < "a\\\\b" or columns["note"] > "a\\\\b")',
    ]
