from __future__ import annotations

import json
from pathlib import Path

import pytest
from server_fakes import HOME, BandModel, make_service, picture_bytes
from starlette.testclient import TestClient

from aio_reid.errors import ConfigError, StorageError
from aio_reid.server.access import check_binding, is_loopback
from aio_reid.server.app import make_app
from aio_reid.server.keys import SCOPES, KeyRing, create_key, read_keys, revoke_key

ASKED = {
    "search": ("POST", "/v1/search"),
    "enrol": ("PUT", "/v1/items"),
    "erase": ("DELETE", "/v1/items"),
    "admin": ("GET", "/metrics"),
}


def test_only_a_hash_is_stored_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "conf" / "keys.json"
    key, token = create_key(path, "camera hall", ["search", "enrol"])
    assert token.split("_", 2)[2] not in path.read_text() and key.digest in path.read_text()
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0
    ring = KeyRing(path)
    assert ring.find(token) == key
    for wrong in ("", token[:-1], token + "x", token.replace(key.id, "00000000"), token.swapcase()):
        assert ring.find(wrong) is None


def test_a_revoked_key_is_refused_by_a_ring_that_runs(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    _, token = create_key(path, "a", ["search"])
    ring = KeyRing(path)
    assert ring.find(token)
    assert revoke_key(path, "a").revoked
    assert ring.find(token) is None and ring.are_required, "revoking the last key must not open the service"
    assert KeyRing(path).are_required, "nor must a restart after it"
    _, again = create_key(path, "a", ["admin"])
    assert ring.find(again)
    path.unlink()
    assert ring.find(again) is None and ring.are_required


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    create_key(path, "a", ["search"])
    for name, scopes, line in (
        ("a", ["search"], "already"),
        ("b", ["root"], "root"),
        ("b", [], "scope"),
        (" ", ["search"], "name"),
    ):
        with pytest.raises(ConfigError, match=line):
            create_key(path, name, scopes)
    with pytest.raises(ConfigError, match="the valid keys are: a"):
        revoke_key(path, "b")
    assert len(read_keys(path)) == 1
    for damaged in ("", "[]", '{"format": "another"}', json.dumps({"format": "aio-reid keys 1", "keys": [{}]})):
        path.write_text(damaged)
        with pytest.raises(StorageError, match="damaged"):
            read_keys(path)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_opens_its_scope_and_no_other(scope: str, tmp_path: Path, town: Path, model: BandModel) -> None:
    path = tmp_path / "keys.json"
    _, token = create_key(path, "someone", [scope])
    service = make_service(town, model, keys=path)
    with TestClient(make_app(service), base_url="http://gallery.example") as client:
        for needed, (method, address) in ASKED.items():
            assert client.request(method, address).status_code == 401
            wrong = client.request(method, address, headers={"Authorization": f"Bearer {token[:-2]}xx"})
            assert wrong.status_code == 401 and wrong.headers["www-authenticate"] == "Bearer"
            answer = client.request(method, address, headers={"Authorization": f"Bearer {token}"})
            is_open = scope in (needed, "admin")
            assert (answer.status_code == 403) != is_open, (needed, answer.text)
            if not is_open:
                assert answer.json()["code"] == "scope_needed"
        assert client.get("/healthz").status_code == 200  # tells nothing, and needs no key


def test_the_audit_log_names_the_key(tmp_path: Path, town: Path, model: BandModel) -> None:
    path = tmp_path / "keys.json"
    key, token = create_key(path, "officer 7", ["search"])
    service = make_service(town, model, keys=path)
    with TestClient(make_app(service), base_url=HOME) as client:
        headers = {"Authorization": f"Bearer {token}"}
        files = {"rgb": ("x.png", picture_bytes((220, 30, 30))), "camera": (None, "gate")}
        assert client.post("/v1/search", files=files, headers=headers).status_code == 200
        client.get("/v1/items/5/picture", headers=headers)
    searched, opened = (json.loads(line) for line in (town / "audit.jsonl").read_text().splitlines())
    assert (searched["who"], searched["key"], searched["what"]) == ("officer 7", key.id, "search")
    assert searched["filters"] == ["camera gate"] and searched["shown"][0] == 5 and searched["version"] == 2
    assert len(searched["query"]) == 64 and searched["parts"] == {"rgb": 1}
    assert (opened["what"], opened["item"]) == ("opened picture", 5)
    assert token not in (town / "audit.jsonl").read_text()


def test_a_network_needs_keys(tmp_path: Path) -> None:
    nobody = KeyRing(tmp_path / "none.json")
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        assert is_loopback(host)
        check_binding(host, nobody)
    create_key(tmp_path / "keys.json", "a", ["search"])
    for host in ("0.0.0.0", "::", "192.168.1.7", "gallery.example", "localhost.example"):
        with pytest.raises(ConfigError, match="aio-reid keys create"):
            check_binding(host, nobody)
        check_binding(host, KeyRing(tmp_path / "keys.json"))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "evil.example"}, 403),  # a name of others that leads to this machine
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Origin": HOME}, 200),
        ({"Origin": "https://evil.example"}, 403),  # a page of others in a browser of this machine
        ({"Origin": "null"}, 403),
    ],
)
def test_web_pages_of_others_are_kept_out(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.get("/v1/galleries", headers=headers).status_code == status
