"""Addresses and who may use them: beside a page, from pages of others, and once more after an erasure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from server_fakes import HOME, BandModel, make_service
from starlette.testclient import TestClient

from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.store.backups import export_gallery
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.server.app import make_app
from aio_reid.server.service import Service


@pytest.fixture
def beside_a_page(town: Path, model: BandModel, tmp_path: Path) -> TestClient:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("<title>search</title>")
    service = make_service(town, model)
    service.web = tmp_path / "web"
    return TestClient(make_app(service), base_url=HOME, raise_server_exceptions=False)


def test_wrong_methods_and_addresses_are_told_apart_beside_a_page(beside_a_page: TestClient) -> None:
    with beside_a_page as client:
        for method, path, allowed in (
            ("GET", "/v1/search", "POST"),
            ("HEAD", "/v1/items", "DELETE, GET, PUT"),
            ("POST", "/v1/items/3", "DELETE, GET"),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed), path
        for method, path in (("POST", "/v1/serch"), ("GET", "/v1/serch"), ("GET", "/nothing.html")):
            answer = client.request(method, path)
            assert answer.status_code == 404 and "allow" not in answer.headers, path


def test_a_page_of_another_site_may_link_here_and_ask_nothing(beside_a_page: TestClient) -> None:
    with beside_a_page as client:
        for site in ("cross-site", "same-site"):
            refused = client.get("/v1/items/1/picture", headers={"Sec-Fetch-Site": site})
            assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
            assert client.get("/", headers={"Sec-Fetch-Site": site}).status_code == 200
        for site in ("same-origin", "none"):  # the page itself; an address that somebody has typed
            assert client.get("/v1/items/1/picture", headers={"Sec-Fetch-Site": site}).status_code == 200


def test_an_erasure_is_asked_for_again_at_the_same_address(client: TestClient, town: Path, tmp_path: Path) -> None:
    backup, away = tmp_path / "b.sqlite", tmp_path / "unplugged"
    store = EmbeddedStore(town, write=True)
    export_gallery(store, backup)
    store.close()
    for address in ("/v1/items/3", "/v1/items?where=height%3E%3D100"):  # the last one takes all columns with it
        backup.rename(away)
        first = client.delete(address).json()
        assert first["num_erased"] and not first["is_complete"]
        away.rename(backup)
        again = client.delete(address).json()
        assert again["is_complete"] and again["num_erased"] == 0
        assert again["backups"][0]["num_erased"] == first["num_erased"]
    assert client.delete("/v1/items/3").json()["code"] == "no_such_item"


def test_a_cache_that_was_named_is_not_passed_over(client: TestClient, service: Service, tmp_path: Path) -> None:
    service.caches = lambda: [tmp_path / "unplugged"]
    certificate = client.delete("/v1/items/3").json()
    assert certificate["num_erased"] == 1 and not certificate["is_complete"]
    assert [place["path"] for place in certificate["caches"]] == [str(tmp_path / "unplugged")]
    open_cache(tmp_path / "unplugged").close()
    assert client.delete("/v1/items/3").json()["is_complete"]


def test_a_search_reads_no_copies_of_pictures(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> bytes:
        raise AssertionError("a copy was read")

    monkeypatch.setattr(EmbeddedStore, "copy_of", never)
    answer = client.post("/v1/search", files={"text": (None, "a man in red"), "like": (None, "1")})
    assert answer.status_code == 200 and len(answer.json()["hits"]) == 11
