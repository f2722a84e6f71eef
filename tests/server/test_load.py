"""Many clients at a time, over real connections: every answer belongs to its question, and overload is told."""

from __future__ import annotations

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from server_fakes import BandModel, make_service, picture_bytes, running

from aio_reid.server.audit_check import check_audit
from aio_reid.server.limits import Limits

BOUNDARY = "limit-of-parts"


def form(name: str, data: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def post(address: str, path: str, body: bytes) -> tuple[int, dict[str, str], dict[str, object]]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


def test_every_answer_belongs_to_its_request(town: Path, model: BandModel) -> None:
    colours = [(int(r), int(g), int(b)) for r, g, b in np.random.default_rng(0).integers(0, 256, (400, 3))]
    service = make_service(town, model)
    with running(service) as address, ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(post, address, "/v1/embed", form("rgb", picture_bytes(colour))) for colour in colours]
        answers = [item.result() for item in asked]
    assert [status for status, _, _ in answers] == [200] * 400
    for colour, (_, _, content) in zip(colours, answers, strict=True):
        expected = np.tile(np.array(colour, dtype=np.float64), 4) - 100.0
        assert np.allclose(content["vectors"], expected / np.linalg.norm(expected), atol=1e-5)
    assert max(model.batches) > 1, "requests must have been computed together"
    found = check_audit(town / "audit.jsonl")
    assert found.num_lines == 400 and not found.problems  # the server has ended: all of it is on the disk


def test_overload_is_told_and_what_was_taken_is_finished(town: Path, model: BandModel) -> None:
    service = make_service(town, model, limits=Limits(requests=8, batch_wait_s=0.0, batch_size=4))
    model.gate.clear()
    with running(service) as address, ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(post, address, "/v1/search", form("text", b"red")) for _ in range(24)]
        while sum(item.done() for item in asked) < 16:
            time.sleep(0.01)
        model.gate.set()
        answers = [item.result() for item in asked]
    codes = [status for status, _, _ in answers]
    assert codes.count(200) == 8 and codes.count(429) == 16
    refused = next(answer for answer in answers if answer[0] == 429)
    assert refused[1]["retry-after"] == "1" and refused[2]["code"] == "too_many_requests"


def test_a_slow_model_meets_the_time_limit_and_the_service_goes_on(town: Path) -> None:
    model = BandModel()
    service = make_service(town, model, limits=Limits(answer_s=0.2, batch_wait_s=0.0))
    model.gate.clear()
    with running(service) as address:
        started = time.monotonic()
        status, _, content = post(address, "/v1/search", form("text", b"red"))
        assert status == 504 and content["code"] == "time_limit" and time.monotonic() - started < 5
        model.gate.set()
        assert post(address, "/v1/search", form("text", b"red"))[0] == 200


def test_a_body_that_does_not_come_is_not_waited_for(town: Path, model: BandModel) -> None:
    service = make_service(town, model, limits=Limits(upload_s=0.3))
    with running(service) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            head = f"POST /v1/embed HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            connection.sendall(f"{head}Content-Length: 1000\r\n\r\n--x".encode())
            answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408 ") and b"connection: close" in answer.lower()


def test_requests_in_progress_are_finished_when_the_service_ends(town: Path) -> None:
    model = BandModel(seconds=0.5)
    service = make_service(town, model)
    with ThreadPoolExecutor(2) as pool:
        with running(service) as address:
            asked = pool.submit(post, address, "/v1/search", form("text", b"red"))
            while not model.batches and not service.batcher.num_waiting and not asked.done():
                time.sleep(0.005)
        assert asked.result()[0] == 200
    with pytest.raises(OSError):
        post(address, "/v1/search", form("text", b"red"))
