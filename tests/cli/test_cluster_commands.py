"""`aio-reid gallery` with the approximate index, and with URLs of a cluster in place of folders."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from aio_reid.cli.entry import run
from aio_reid.gallery.store.milvus.state import state_collection
from aio_reid.gallery.store.milvus.store import MilvusStore
from aio_reid.gallery.store.milvus.url import parse_milvus_url


@pytest.fixture
def photos(manifest: Path) -> Path:
    return manifest.parent / "rgb"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    address = os.environ.get("AIO_REID_TEST_MILVUS")
    if not address:
        pytest.skip("no Milvus server: `make test-milvus` starts one and runs this test")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = parse_milvus_url(f"milvus://{address}/g{uuid.uuid4().hex[:12]}")
    yield str(place)
    store = MilvusStore(place)
    for name in (place.gallery, state_collection(place)):
        store.engine.client.drop_collection(name)
    store.close()


def test_every_command_takes_a_url(
    url: str, photos: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town, backup, certificate = (str(tmp_path / name) for name in ("town", "backup.sqlite", "erased.json"))
    count = len(list(photos.iterdir()))
    for place in (town, url):
        assert run(["gallery", "create", place, "--weights", str(weights)]) == 0
        assert run(["gallery", "add", place, str(photos)]) == 0
        assert f"the gallery holds {count}" in capsys.readouterr().out
    rankings = []
    for place in (town, url):
        assert run(["gallery", "search", place, "--text", "a man in red", "--like", "2", "--top", "5"]) == 0
        rankings.append([line.split("\t")[:4] for line in capsys.readouterr().out.splitlines()[1:]])
    assert rankings[0] == rankings[1] and len(rankings[0]) == 5
    assert run(["gallery", "stats", url]) == 0
    assert f"pictures\t{count}" in capsys.readouterr().out
    assert run(["gallery", "verify", url]) == 0
    assert run(["gallery", "export", url, backup]) == 0
    assert run(["gallery", "import", str(tmp_path / "home"), url]) == 0
    assert f"imported {count} pictures" in capsys.readouterr().out
    assert run(["gallery", "import", url, backup]) == 0
    assert f"imported 0 pictures, {count} were there already" in capsys.readouterr().out
    assert run(["gallery", "remove", url, "--id", "1"]) == 0
    assert run(["gallery", "erase", url, "--id", "2", "--certificate", certificate]) == 1
    assert "not proven: that the bytes are gone" in capsys.readouterr().err
    done = json.loads(Path(certificate).read_text(encoding="utf-8"))
    assert (done["num_erased"], done["is_complete"], done["backups"][0]["num_erased"]) == (1, False, 1)
    for words in (["reembed", url, "--weights", str(weights)], ["index", url]):
        assert run(["gallery", *words]) == 2
        assert "needs a gallery in a folder" in capsys.readouterr().err


def test_urls_that_cannot_be_read_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for place, line in {
        "milvus://host": "write milvus://HOST:PORT/GALLERY",
        "milvus://host:19530/no-dash": "cannot name a gallery in Milvus",
    }.items():
        assert run(["gallery", "stats", place]) == 2
        error = capsys.readouterr().err
        assert line in error and error.count("\n") == 1
    assert run(["gallery", "create", "milvus://host/town", "--copy"]) == 2
    assert "keeps no copies" in capsys.readouterr().err
    assert run(["gallery", "search", "milvus://host/town", "--text", "x", "--approximate"]) == 2
    assert "is searched exactly" in capsys.readouterr().err


def test_the_index_is_made_shown_used_and_dropped(
    photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    town, out = str(tmp_path / "town"), tmp_path / "hits.json"
    search = ["gallery", "search", town, "--text", "a man in red", "--top", "3", "--json", str(out)]
    assert run(["gallery", "create", town, "--weights", str(weights)]) == 0
    assert run(["gallery", "add", town, str(photos)]) == 0
    assert run([*search, "--approximate"]) == 2
    assert "make one with `aio-reid gallery index`, or leave out --approximate" in capsys.readouterr().err
    assert run(["gallery", "index", town]) == 0
    assert "measured recall of the nearest" in capsys.readouterr().out
    for options, is_exact in ((["--approximate"], True), (["--exact"], True), ([], True)):  # so few are read whole
        assert run([*search, *options]) == 0
        assert json.loads(out.read_text(encoding="utf-8"))["exact"] is is_exact
    capsys.readouterr()
    assert run(["gallery", "stats", town]) == 0
    assert "approximate index\tof " in capsys.readouterr().out
    assert run(["gallery", "index", town, "--drop"]) == 0
    assert run(["gallery", "index", town, "--drop"]) == 0
    assert capsys.readouterr().out.splitlines() == ["the index is deleted", "there was no index"]
    assert run(["gallery", "stats", town]) == 0
    assert "approximate index\tnone" in capsys.readouterr().out
