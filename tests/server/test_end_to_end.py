"""The command as a user starts it, with the packaged weights, on a free port of this machine."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import aio_reid
from aio_reid.cli.entry import run
from aio_reid.server.audit_check import check_audit

# Put in front of the command: any connection to another machine ends the process.
GUARD = """
import socket, sys
def guarded(connect):
    def wrapper(self, address):
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
            print(f"asked for {address}", file=sys.stderr); import os; os._exit(99)
        return connect(self, address)
    return wrapper
socket.socket.connect = guarded(socket.socket.connect)
from aio_reid.cli.entry import main
main()
"""


@contextmanager
def serving(gallery: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """Run the command until the end of the block; give the process, its host and port."""
    command = [sys.executable, "-c", GUARD, "serve", str(gallery), "--port", "0", "--device", "cpu", *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(aio_reid.__file__).parents[1])}
    # Told to report to a collector: nothing may come of it.
    environment |= {"FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://192.0.2.1:4318"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"at http://([\d.]+):(\d+)", line)
        assert found, line + process.stderr.read()
        yield process, found[1], int(found[2])
    finally:
        process.kill()
        process.stderr.close()
        process.wait()


def ask(place: tuple[str, int], method: str, path: str, parts: dict[str, bytes] | None = None) -> Any:
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value)
        for name, value in (parts or {}).items()
    )
    connection = http.client.HTTPConnection(*place, timeout=60)
    connection.request(
        method, path, body + b"--x--\r\n" if parts else None, {"Content-Type": "multipart/form-data; boundary=x"}
    )
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, content
    return content


def test_from_an_empty_gallery_to_an_erased_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    gallery = tmp_path / "town"
    assert run(["gallery", "create", str(gallery), "--copy"]) == 0
    pictures = []
    for seed in range(3):
        path = tmp_path / f"{seed}.png"
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 32, 3), dtype=np.uint8)).save(path)
        pictures.append(path.read_bytes())
    with serving(gallery) as (process, *place):
        where = (str(place[0]), int(place[1]))
        for data in pictures:
            assert ask(where, "PUT", "/v1/items?", {"picture": data, "camera": b"north"})["state"] == "new"
        found = ask(where, "POST", "/v1/search", {"text": b"a man in a red jacket", "sketch": pictures[1]})
        assert sorted(hit["id"] for hit in found["hits"]) == [1, 3] and found["left_out"] == [2]
        vector = ask(where, "POST", "/v1/embed", {"rgb": pictures[0]})["vectors"][0]
        assert ask(where, "DELETE", "/v1/items/1")["num_after"] == 2
        assert ask(where, "GET", "/readyz")["state"] == "ready"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    from aio_reid.api import AIO

    expected = AIO.load("aio-nano", "cpu").embed([tmp_path / "0.png"])[0]
    assert np.allclose(vector, expected, atol=1e-4)  # what a Python user would get
    log = check_audit(gallery / "audit.jsonl")
    assert not log.problems
    whats = [json.loads(line)["what"] for line in (gallery / "audit.jsonl").read_text().splitlines()]
    assert whats == ["enrol", "enrol", "enrol", "search", "embed", "erase", "erased"]
