"""What a search answers beyond the ranking: what scores mean, and of what it was asked; how sentences are counted."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.result import Counts, Enrolled, Evidence, Hit, Presence, SearchResult, Timings
from aio_reid.gallery.store.protocol import About
from aio_reid.records import Modality
from aio_reid.server.answers import SearchAnswer, search_json

ABOUT = About("/galleries/town", "a1", "cd" * 32, "bands", 1, 12, True, "2026-04-12T12:00:00", 7, {})


def result(evidence: Evidence | None, presence: Presence | None) -> SearchResult:
    enrolled = Enrolled(4, Modality.RGB, "north", None, None, None, None, {})
    return SearchResult(
        folder=Path("/galleries/town"),
        parts=(QueryPart(Modality.TEXT, "red"),),
        fusion="early",
        gallery_modality=None,
        hits=(Hit(1, Path("/crops/a.png"), 0.5, None, None, "ef" * 32, enrolled, evidence),),
        left_out=(),
        unreadable=(),
        spread=None,
        counts=Counts(5, 5, 0, 0, 0, 5, 0),
        timings=Timings(0.0, 0.0, 0.0, 0.0, 0.0),
        unread_words=(),
        weights_hash="cd" * 32,
        notes=(),
        presence=presence,
    )


def test_a_calibrated_hit_tells_its_evidence() -> None:
    evidence = Evidence(1.5, 0.25, 0.025, False, 0.125)
    presence = Presence(False, 0.125, 0.05, "probably not in this gallery")
    answer = search_json("town", result(evidence, presence), about=ABOUT, query_hash="12" * 32)
    SearchAnswer.model_validate(answer)
    assert answer["calibrated"] and answer["gallery_version"] == 7 and answer["query_hash"] == "12" * 32
    told = answer["hits"][0]["evidence"]
    assert (told["probability"], told["stranger_rate"], told["is_least_rate"]) == (0.25, 0.025, False)
    assert told["probability_text"] == "25.0 %" and told["strangers_text"] == "1 of 40 strangers scores this high"
    assert answer["presence"]["is_probable"] is False and answer["presence"]["text"].startswith("probably not")


def test_without_a_calibration_nothing_is_claimed() -> None:
    answer = search_json("town", result(None, None), about=ABOUT, query_hash="12" * 32)
    SearchAnswer.model_validate(answer)
    assert answer["calibrated"] is False and answer["presence"] is None and answer["hits"][0]["evidence"] is None


def ask(client: TestClient, path: str, *fields: tuple[str, str]) -> Any:
    return client.post(path, files=[(name, (None, value)) for name, value in fields])


def test_a_search_tells_what_was_asked_of_what(client: TestClient, town: Path) -> None:
    answer = ask(client, "/v1/search", ("text", "a man in red"), ("top", "2")).json()
    part = hashlib.sha256(b"a man in red").hexdigest()
    assert answer["query_hash"] == hashlib.sha256(f"text {part}".encode()).hexdigest()
    (logged,) = [json.loads(line) for line in (town / "audit.jsonl").read_text("utf-8").splitlines()]
    assert logged["query"] == answer["query_hash"] and logged["version"] == answer["gallery_version"]
    assert logged["gallery_id"] == answer["gallery_id"] and answer["program"].startswith("aio-reid ")


def test_tokens_are_counted_and_nothing_is_recorded(client: TestClient, town: Path) -> None:
    answer = ask(client, "/v1/tokens", ("text", "a man in a red jacket and boots"))
    assert answer.json() == {"num_tokens": 10, "limit": 8, "unread_words": ["and", "boots"]}
    assert (town / "audit.jsonl").read_text("utf-8") == ""


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([("text", "a"), ("text", "b")], "field_repeated"),
        ([("rgb", "x")], "unknown_field"),
        ([("text", "red" * 1000)], "text_too_long"),
    ],
)
def test_what_cannot_be_counted(client: TestClient, fields: list[tuple[str, str]], code: str) -> None:
    answer = ask(client, "/v1/tokens", *fields)
    assert answer.status_code == 422 and answer.json()["code"] == code


def test_a_count_needs_a_sentence(client: TestClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/v1/tokens", content=b"--x--\r\n", headers=headers)
    assert answer.status_code == 422 and answer.json()["code"] == "text_needed"


def test_the_galleries_come_with_what_the_page_must_know(client: TestClient) -> None:
    told = client.get("/v1/galleries").json()
    assert told["modalities"] == [modality.value for modality in Modality]
    assert "not an identification" in told["statement"] and told["program"].startswith("aio-reid ")
