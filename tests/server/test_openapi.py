"""The service against its own description: schemathesis sends what the document allows, and what it does not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from server_fakes import WEIGHTS, BandModel, make_service, picture_bytes, running, sentence_vector

from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import NewPicture, Picture
from aio_reid.gallery.store.schema import create_file
from aio_reid.records import Modality

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 8


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = tmp_path_factory.mktemp("served") / "town"
    create_file(place, WEIGHTS, "bands", keep_copies=True)
    store = EmbeddedStore(place, write=True)
    data = picture_bytes((220, 30, 30))
    picture = Picture(hashlib.sha256(data).digest(), Path("/crops/red.png"), Modality.RGB, "north")
    store.add([NewPicture(picture, sentence_vector("red"), data)])
    store.close()
    with running(make_service(place, BandModel())) as address:
        yield schemathesis.openapi.from_url(f"{address}/v1/openapi.json")


def test_answers_are_as_described(described: Any) -> None:
    num_operations = 0
    for found in described.get_all_operations():
        operation = found.ok()
        num_operations += 1

        @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "origin"}
            case.headers = headers
            case.call_and_validate(checks=CHECKS)

        ask()
    assert num_operations == 13


def test_the_description_names_every_address_with_examples(described: Any) -> None:
    paths = described.raw_schema["paths"]
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert {
        ("POST", "/v1/embed"),
        ("POST", "/v1/tokens"),
        ("POST", "/v1/search"),
        ("GET", "/v1/items"),
        ("PUT", "/v1/items"),
        ("DELETE", "/v1/items"),
        ("GET", "/v1/items/{number}"),
        ("DELETE", "/v1/items/{number}"),
        ("GET", "/v1/items/{number}/picture"),
        ("GET", "/v1/galleries"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
    } == found
    body = paths["/v1/search"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert body["examples"] and body["schema"]["properties"]["sketch"]["type"] == "array"
    assert "application/problem+json" in paths["/v1/search"]["post"]["responses"]["422"]["content"]
