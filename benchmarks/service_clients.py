"""Clients of the service, as light as they can be: they share the machine with what they measure.

One process with an event loop and as many open connections as there are clients; each sends a request that was put
together beforehand, reads the answer, and sends the next one. Answers are decoded when all of them are there.

    python benchmarks/service_clients.py ADDRESS CLIENTS REQUESTS < paths, one a line > answers
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

BOUNDARY = b"service-benchmark-boundary"


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: which picture, how long it took, and the vector, float32 (E,), or None where it failed."""

    picture: int
    seconds: float
    vector: NDArray[np.float32] | None


def ask_many(address: str, paths: Sequence[Path], num_clients: int, num_requests: int) -> list[Answered]:
    """Ask for the vectors of the pictures in turn, from a process of its own."""
    command = [sys.executable, __file__, address, str(num_clients), str(num_requests)]
    text = "".join(f"{path}\n" for path in paths)
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    return [_decoded(*line.split(b" ", 3)) for line in done.stdout.splitlines()]


def read_metric(address: str, name: str) -> float:
    """Return the value of a metric without labels."""
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split(" ")[1]) for line in lines if line.startswith(f"{name} "))


def _decoded(picture: bytes, seconds: bytes, status: bytes, body: bytes) -> Answered:
    if status != b"200":
        return Answered(int(picture), float(seconds), None)
    (text,) = json.loads(body)["vectors"]
    return Answered(int(picture), float(seconds), np.frombuffer(base64.b64decode(text), "<f4"))


def _request(host: str, data: bytes) -> bytes:
    head = b'--%b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n'
    body = head % (BOUNDARY, b"rgb", b'; filename="x"') + data + b"\r\n"
    body += head % (BOUNDARY, b"encoding", b"") + b"base64\r\n--%b--\r\n" % BOUNDARY
    lines = [
        b"POST /v1/embed HTTP/1.1",
        b"Host: %b" % host.encode(),
        b"Content-Type: multipart/form-data; boundary=%b" % BOUNDARY,
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def _client(place: tuple[str, int], requests: list[bytes], numbers: Iterator[int], lines: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection(*place)
    for number in numbers:
        picture = number % len(requests)
        started = time.perf_counter()
        writer.write(requests[picture])
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(length)
        lines.append(b"%d %.6f %b %b" % (picture, time.perf_counter() - started, head.split(b" ", 2)[1], body))
    writer.close()


async def _all(address: str, num_clients: int, num_requests: int, paths: Sequence[str]) -> list[bytes]:
    place = urlsplit(address)
    requests = [_request(place.netloc, Path(path).read_bytes()) for path in paths]
    numbers = iter(range(num_requests))
    lines: list[bytes] = []
    target = (place.hostname or "", place.port or 80)
    await asyncio.gather(*(_client(target, requests, numbers, lines) for _ in range(num_clients)))
    return lines


if __name__ == "__main__":
    answers = asyncio.run(_all(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.stdin.read().splitlines()))
    sys.stdout.buffer.write(b"\n".join(answers) + b"\n")
