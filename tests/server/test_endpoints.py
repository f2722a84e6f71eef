"""Every address of the service, on a gallery of plain colours."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery_fakes import COLOURS
from known_scores import calibrated_pair
from server_fakes import HOME, WEIGHTS, BandModel, make_service, picture_bytes, sentence_vector
from starlette.testclient import TestClient

from aio_reid.gallery.calibration.kept import keep_calibration
from aio_reid.gallery.store.backups import export_gallery
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.erase import erase_pictures
from aio_reid.gallery.store.protocol import NewPicture, Picture, Where
from aio_reid.gallery.store.schema import create_file
from aio_reid.records import Modality
from aio_reid.server.app import make_app
from aio_reid.server.limits import Limits
from aio_reid.server.service import Service

Fields = list[tuple[str, Any]]


def send(client: TestClient, path: str, fields: Fields, method: str = "POST") -> Any:
    files = [(name, ("x", value) if isinstance(value, bytes) else (None, str(value))) for name, value in fields]
    return client.request(method, path, files=files)


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def test_a_search_by_a_sentence_finds_the_colour(client: TestClient) -> None:
    answer = send(client, "/v1/search", [("text", "a man in red"), ("top", 3)])
    assert ids(answer) == [1, 5, 9]  # the red ones; equal scores stand in the order of their ids
    body = answer.json()
    assert body["query"] == {"text": 1} and body["num_searched"] == 12 and body["gallery"] == "town"
    assert body["hits"][0]["score"] == pytest.approx(1.0, abs=1e-6)
    assert body["hits"][0]["columns"] == {"person": "red", "height": 170.0}
    assert "not an identification" in body["statement"]


def test_evidence_of_several_kinds_is_added_with_its_weights(client: TestClient) -> None:
    both = [("text", "a man in red"), ("rgb", picture_bytes(COLOURS["green"])), ("top", 12)]
    light = send(client, "/v1/search", [*both, ("weight", "rgb=0.1")])
    heavy = send(client, "/v1/search", [*both, ("weight", "rgb=10")])
    assert ids(light)[:3] == [1, 5, 9] and ids(heavy)[:3] == [2, 6, 10]
    query = 0.1 * np.array(sentence_vector("green")) + sentence_vector("red")  # the model has no better weights
    expected = float(query / np.linalg.norm(query) @ sentence_vector("red"))
    assert light.json()["hits"][0]["score"] == pytest.approx(expected, abs=0.02)


def test_filters_feedback_and_tracks(client: TestClient) -> None:
    red = ("text", "a man in red")
    assert ids(send(client, "/v1/search", [red, ("camera", "gate"), ("top", 1)])) == [5]
    window = [("since", "2026-04-12T12:05"), ("until", "2026-04-12T12:09")]
    assert set(ids(send(client, "/v1/search", [red, *window]))) == {6, 7, 8, 9}
    assert ids(send(client, "/v1/search", [red, ("where", "person=red"), ("where", "height>=175")])) == [9]
    assert set(ids(send(client, "/v1/search", [red, ("id", 3), ("id", 4)]))) == {3, 4}
    assert ids(send(client, "/v1/search", [("like", 2), ("top", 2)])) == [6, 10]
    assert ids(send(client, "/v1/search", [red, ("unlike", 1), ("top", 1)])) == [5]
    assert ids(send(client, "/v1/search", [red, ("by_track", "true"), ("top", 1)])) == [1]


def test_probabilities_depend_on_what_is_expected_and_a_raw_ranking_on_scores_alone(
    client: TestClient, town: Path
) -> None:
    frame = [("picture", picture_bytes(COLOURS["red"], size=(9, 17))), ("modality", "infrared")]
    assert send(client, "/v1/items", frame, "PUT").json()["item"]["id"] == 13
    pairs = [calibrated_pair(Modality.RGB, 1.4, 1.0), calibrated_pair(Modality.INFRARED, 0.8, 0.0)]
    with closing(EmbeddedStore(town, write=True)) as store:  # 1.0 is what strange photos score, and much for a frame
        keep_calibration(store, [replace(pair, weights_hash=WEIGHTS) for pair in pairs])
    red: Fields = [("text", "a man in red"), ("top", 2)]
    assert ids(send(client, "/v1/search", red)) == [13, 1]
    assert ids(send(client, "/v1/search", [*red, ("raw", "true")])) == [1, 5]
    answers = (send(client, "/v1/search", [*red, ("expected", number)]).json() for number in (0.5, 5))
    few, many = (answer["hits"][1]["evidence"]["probability"] for answer in answers)
    assert many / (1 - many) == pytest.approx(10 * few / (1 - few))  # ten times as many expected, ten times the odds


def test_a_picture_of_the_gallery_is_left_out_of_its_own_search(client: TestClient, town: Path) -> None:
    data = (town.parent / "crops" / "00_red.png").read_bytes()
    answer = send(client, "/v1/search", [("rgb", data), ("top", 2)])
    assert answer.json()["left_out"] == [1] and ids(answer) == [5, 9]


def test_embedding_together_and_each(client: TestClient) -> None:
    parts: Fields = [
        ("text", "green"),
        ("rgb", picture_bytes(COLOURS["red"])),
        ("text", "blue one two three four five six"),
    ]
    each = send(client, "/v1/embed", [*parts, ("fusion", "separate")]).json()
    expected = [sentence_vector("green"), sentence_vector("red"), sentence_vector("blue")]  # the order of the form
    assert np.allclose(each["vectors"], expected, atol=0.02)
    assert each["unread_words"] == ["six"] and each["size"] == 12
    joined = send(client, "/v1/embed", [*parts, ("encoding", "base64")]).json()
    (vector,) = (np.frombuffer(base64.b64decode(text), "<f4") for text in joined["vectors"])
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
    assert np.allclose(vector, np.sum(expected, axis=0) / np.linalg.norm(np.sum(expected, axis=0)), atol=0.02)


def test_a_picture_is_enrolled_found_shown_and_erased(client: TestClient, town: Path) -> None:
    data = picture_bytes((200, 200, 0), "JPEG")
    described: Fields = [("camera", "yard"), ("time", "2026-04-13T08:00"), ("columns", '{"person": "7", "height": 3}')]
    answer = send(client, "/v1/items", [("picture", data), *described], "PUT").json()
    assert answer["state"] == "new" and answer["item"]["id"] == 13
    assert answer["item"]["content"] == hashlib.sha256(data).hexdigest()
    again = send(client, "/v1/items", [("picture", data), *described], "PUT").json()
    assert again["state"] == "known"
    moved = send(client, "/v1/items", [("picture", data), ("camera", "hall")], "PUT").json()
    assert moved["state"] == "updated" and moved["item"]["camera"] == "hall" and moved["item"]["id"] == 13
    shown = client.get("/v1/items/13/picture")
    assert shown.content == data and shown.headers["content-type"] == "image/jpeg"
    assert "sandbox" in shown.headers["content-security-policy"]
    certificate = client.delete("/v1/items/13").json()
    assert certificate["num_erased"] == 1 and certificate["is_complete"] and certificate["num_after"] == 12
    (kept,) = (town / "certificates").iterdir()
    assert json.loads(kept.read_text()) == certificate
    assert data not in (town / "gallery.sqlite").read_bytes()
    assert client.get("/v1/items/13").json()["code"] == "no_such_item"


def test_erasing_by_filter_reaches_a_backup(client: TestClient, town: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite"
    store = EmbeddedStore(town, write=True)
    export_gallery(store, backup)
    store.close()
    refused = client.delete("/v1/items")
    assert refused.status_code == 422 and refused.json()["code"] == "filter_needed"
    certificate = client.delete("/v1/items", params={"where": "person=red"}).json()
    assert certificate["num_erased"] == 3 and [place["num_erased"] for place in certificate["backups"]] == [3]
    store = EmbeddedStore(backup)
    assert store.count() == 9
    store.close()


def test_pages_hold_every_picture_once_also_when_some_go_meanwhile(client: TestClient) -> None:
    first = client.get("/v1/items", params={"limit": 5}).json()
    client.delete("/v1/items/5")  # the very picture that the cursor stands on
    second = client.get("/v1/items", params={"limit": 5, "cursor": first["next"]}).json()
    third = client.get("/v1/items", params={"limit": 5, "cursor": second["next"]}).json()
    assert [[item["id"] for item in page["items"]] for page in (first, second, third)] == [
        [1, 2, 3, 4, 5],
        [6, 7, 8, 9, 10],
        [11, 12],
    ]
    assert third["next"] is None and third["total"] == 11
    assert client.get("/v1/items", params={"camera": "gate"}).json()["total"] == 3
    assert client.get("/v1/items", params={"cursor": "nonsense"}).json()["code"] == "cursor_unknown"


def test_what_another_process_writes_is_seen(client: TestClient, town: Path, tmp_path: Path) -> None:
    copy = tmp_path / "before.sqlite"
    store = EmbeddedStore(town, write=True)
    export_gallery(store, copy)
    store.remove(Where(ids=(1,)))
    assert ids(send(client, "/v1/search", [("text", "red"), ("top", 1)])) == [5]
    # meanwhile that process may write, and nobody else
    data = picture_bytes((1, 2, 3))
    refused = send(client, "/v1/items", [("picture", data)], "PUT")
    assert refused.status_code == 503 and "is being written" in refused.json()["message"]
    assert refused.headers["retry-after"]
    store.close()
    for leftover in town.glob("gallery.sqlite-*"):
        leftover.unlink()
    shutil.copy(copy, tmp_path / "other.sqlite")
    (tmp_path / "other.sqlite").replace(town / "gallery.sqlite")  # the gallery is restored as a file
    assert ids(send(client, "/v1/search", [("text", "red"), ("top", 1)])) == [1]


def test_a_file_that_is_gone_or_changed_is_not_shown(tmp_path: Path, model: BandModel, town: Path) -> None:
    place = tmp_path / "referring"
    create_file(place, model.weights_hash, "bands", keep_copies=False)
    store = EmbeddedStore(place, write=True)
    path = tmp_path / "crops" / "00_red.png"
    content = hashlib.sha256(path.read_bytes()).digest()
    store.add([NewPicture(Picture(content, path, Modality.RGB), sentence_vector("red"))])
    store.close()
    service = make_service(place, model)
    with TestClient(make_app(service), base_url=HOME) as client:
        assert client.get("/v1/items/1/picture").content == path.read_bytes()
        refused = send(client, "/v1/items", [("picture", picture_bytes((1, 2, 3)))], "PUT")
        assert refused.status_code == 409 and refused.json()["code"] == "no_copies"
        path.write_bytes(b"another")
        assert client.get("/v1/items/1/picture").json()["code"] == "picture_gone"
        path.unlink()
        assert client.get("/v1/items/1/picture").status_code == 410


def test_galleries_health_and_metrics(client: TestClient, service: Service, town: Path) -> None:
    (gallery,) = client.get("/v1/galleries").json()["galleries"]
    assert gallery["name"] == "town" and gallery["num_pictures"] == 12
    assert client.get("/healthz").json()["state"] == "alive"
    assert client.get("/readyz").json()["state"] == "ready"
    send(client, "/v1/search", [("text", "red")])
    text = client.get("/metrics").text
    assert 'aio_reid_requests_total{method="POST",route="/v1/search",status="200"} 1\n' in text
    assert 'aio_reid_gallery_pictures{gallery="town"} 12.0\n' in text
    assert 'aio_reid_batch_inputs_bucket{le="1"} 1\n' in text
    (town / "gallery.sqlite").rename(town / "elsewhere")
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    told = client.get("/v1/galleries").json()
    assert told["galleries"] == [] and told["problems"] == {"town": "cannot be read now"}
    assert client.get("/metrics").status_code == 200
    refused = send(client, "/v1/search", [("text", "red")])
    assert refused.status_code == 503 and str(town) not in refused.text, "where it lay is nobody's business"
    refused = client.delete("/v1/items", params={"camera": "north"})
    assert refused.status_code == 503 and str(town) not in refused.text


def test_an_erasure_beyond_its_time_says_that_it_goes_on(
    town: Path, model: BandModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slowly(*given: Any, **options: Any) -> Any:
        go_on.wait(20)
        return erase_pictures(*given, **options)

    monkeypatch.setattr("aio_reid.server.work.erase_pictures", slowly)
    monkeypatch.setattr("aio_reid.server.service._GRACE_S", 0.0)
    service = make_service(town, model, limits=Limits(answer_s=0.2))
    with TestClient(make_app(service), base_url=HOME, raise_server_exceptions=False) as client:
        answer = client.delete("/v1/items", params={"camera": "north"})
        assert answer.status_code == 504 and answer.json()["code"] == "still_running"
        assert "it goes on" in answer.json()["message"] and "before you repeat" in answer.json()["remedy"]
        go_on.set()
    certificates = list((town / "certificates").iterdir())  # the service ended when all was finished
    assert [json.loads(path.read_text())["num_erased"] for path in certificates] == [8]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ([("text", "red"), ("gallery", "village")], 404, "no_such_gallery"),
        ([("colour", "red")], 422, "unknown_field"),
        ([("top", "3")], 422, "data_not_allowed"),
        ([("text", "  ")], 422, "data_not_allowed"),
        ([("text", "red"), ("top", "0")], 422, "option_not_allowed"),
        ([("text", "red"), ("top", "201")], 422, "option_not_allowed"),
        ([("text", "red"), ("fusion", "middle")], 422, "option_not_allowed"),
        ([("text", "red"), ("raw", "yes")], 422, "option_not_allowed"),
        ([("text", "red"), ("expected", "0")], 422, "option_not_allowed"),
        ([("text", "red"), ("expected", "1e999")], 422, "data_not_allowed"),
        ([("text", "red"), ("weight", "text")], 422, "option_not_allowed"),
        ([("text", "red"), ("weight", "rgb=2")], 422, "option_not_allowed"),
        ([("text", "red"), ("weight", "text=1"), ("fusion", "early")], 422, "option_not_allowed"),
        ([("text", "red"), ("since", "noon")], 422, "data_not_allowed"),
        ([("text", "red"), ("since", "2026-01-01"), ("since", "2026-01-02")], 422, "field_repeated"),
        ([("text", "red"), ("where", "age=3")], 422, "data_not_allowed"),
        ([("text", "red"), ("like", "99")], 422, "data_not_allowed"),
        ([("text", "red"), ("id", str(2**63))], 422, "option_not_allowed"),
        ([("text", "x" * 2001)], 422, "text_too_long"),
        ([("rgb", "no picture")], 422, "picture_unreadable"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(client: TestClient, fields: Fields, status: int, code: str) -> None:
    answer = send(client, "/v1/search", fields)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status and problem["message"] and problem["remedy"] and "\n" not in problem["detail"]


def test_nothing_is_loaded_from_elsewhere(client: TestClient) -> None:
    for path in ("/docs", "/redoc", "/nothing"):
        assert client.get(path).status_code == 404
    assert client.post("/v1/items").headers["allow"] == "DELETE, GET, PUT"
    answer = client.get("/healthz")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_is_served_where_there_is_one(town: Path, model: BandModel, tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (web / "index.html").write_text("<title>search</title>")
    service = make_service(town, model)
    service.web = web
    with TestClient(make_app(service), base_url=HOME) as client:
        page = client.get("/")
        assert page.text == "<title>search</title>" and "'self'" in page.headers["content-security-policy"]
        assert client.get("/v1/galleries").status_code == 200
        assert client.get("/../town/gallery.sqlite").status_code == 404
