"""What the service costs beside bare batched embedding: throughput and times of 32 clients at once, nothing lost or
mixed up in many requests, and memory over them.

The service is a process of its own, `aio-reid serve` as a user starts it, and so are the clients, who ask again as soon
as they are answered. Bare is `AIO.embed` on the same picture files in batches of the same size, in a process of its
own, with nothing else running; bare and service take turns, several times, in one run. On a small machine the clients
take their share of it, which counts against the service.

Each picture's vector is known beforehand, and no two are alike: an answer that belongs to another request is noticed.
Memory is that of the server's process as its own /metrics tell it; its slope is fitted to the second half of all
requests.

    python benchmarks/service.py [FOLDER] [--weights aio-nano] [--requests 10000] [--out results/service.json]

The exit code is 1 where the ratio is below 0.85, or a request was lost or mixed up.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pictures import find_pictures
from service_clients import Answered, ask_many, read_metric
from stored import store_result

from aio_reid.api import AIO
from aio_reid.gallery.store.schema import create_file

ROOT = Path(__file__).resolve().parents[1]
LEAST_RATIO = 0.85
SAME = 1e-4
"""Vectors of one picture differ by less, whatever batch it was computed in."""

Vectors = NDArray[np.float32]


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write; return 0, or 1 where a target is missed."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    if options.bare_only:
        print(bare_rate(options))
        return 0
    with TemporaryDirectory() as scratch:
        paths = find_pictures(options.folder, Path(scratch), options.pictures)
        result = measure(options, paths, Path(scratch))
    store_result(options.out, "service", result)
    print(
        f"{result['service_per_s']} pictures/s of {result['bare_per_s']} bare: {result['ratio']:.3f}; p50 "
        f"{result['p50_ms']} ms, p99 {result['p99_ms']} ms; {result['num_lost']} lost, {result['num_mixed_up']} mixed "
        f"up of {result['num_requests']}; {result['memory_slope_kib_per_1000']} KiB per 1000 requests; {options.out}"
    )
    is_good = result["ratio"] >= LEAST_RATIO and not result["num_lost"] and not result["num_mixed_up"]
    return 0 if is_good else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time the service beside bare batched embedding.")
    parser.add_argument("folder", type=Path, nargs="?", help="pictures to embed; without it people are drawn")
    parser.add_argument("--weights", default="aio-nano")
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=10_000, help="in all, over all rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "service.json")
    parser.add_argument("--bare-only", action="store_true", help="embed the folder and print pictures/s")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace, paths: list[Path], scratch: Path) -> dict[str, Any]:
    """Return the result as plain data."""
    model = AIO.load(options.weights, device="cpu")
    expected = model.embed(paths, batch_size=options.batch)
    gallery = scratch / "gallery"
    create_file(gallery, model.weights_hash, options.weights, keep_copies=False)
    answered: list[Answered] = []
    memory: list[tuple[int, float]] = []
    rates: list[tuple[float, float]] = []
    a_round = -(-options.requests // options.rounds)
    with served(options, gallery, scratch) as address:
        ask_many(address, paths, options.clients, min(a_round, 4 * options.clients))  # warms up, and is not counted
        for _ in range(options.rounds):
            bare = bare_in_process(options, paths)
            started = time.perf_counter()
            answers = ask_many(address, paths, options.clients, a_round)
            rates.append((bare, len(answers) / (time.perf_counter() - started)))
            answered += answers
            memory.append((len(answered), read_metric(address, "process_resident_memory_bytes")))
            print(f"bare {rates[-1][0]:.1f}, service {rates[-1][1]:.1f} pictures/s", file=sys.stderr)
        batches = read_metric(address, "aio_reid_batch_inputs_sum") / read_metric(
            address, "aio_reid_batch_inputs_count"
        )
    return {
        **judged(answered, expected, a_round * options.rounds),
        **summary(options, rates, memory),
        "num_pictures": len(paths),
        "mean_batch": round(batches, 1),
        "weights": {"name": Path(options.weights).name, "sha256": model.weights_hash},
    }


def summary(
    options: argparse.Namespace, rates: list[tuple[float, float]], memory: list[tuple[int, float]]
) -> dict[str, Any]:
    """Return rates, their ratio, and how memory grew."""
    half = memory[len(memory) // 2 :] if len(memory) > 3 else memory
    slope = float(np.polyfit(*zip(*half, strict=True), 1)[0]) if len(half) > 1 else 0.0  # bytes per request
    bare, service = (median(rate[side] for rate in rates) for side in (0, 1))
    return {
        "num_clients": options.clients,
        "batch_size": options.batch,
        "threads": options.threads,
        "rounds": [{"bare_per_s": round(b, 1), "service_per_s": round(s, 1)} for b, s in rates],
        "bare_per_s": round(bare, 1),
        "service_per_s": round(service, 1),
        "ratio": round(median(s / b for b, s in rates), 4),
        "memory_mib": [[count, round(size / 2**20, 1)] for count, size in memory],
        "memory_slope_kib_per_1000": round(1000 * slope / 2**10, 1),
    }


def judged(answered: Sequence[Answered], expected: Vectors, num_requests: int) -> dict[str, Any]:
    """Return how many requests were lost or answered with another picture's vector, and the times of the others."""
    good = [one for one in answered if one.vector is not None]
    mixed_up = sum(not np.allclose(one.vector, expected[one.picture], atol=SAME) for one in good)
    times = np.array([one.seconds for one in good]) * 1000
    return {
        "num_requests": num_requests,
        "num_lost": num_requests - len(good),
        "num_mixed_up": int(mixed_up),
        **{f"p{p}_ms": round(float(np.percentile(times, p)), 1) for p in (50, 95, 99)},
    }


@contextmanager
def served(options: argparse.Namespace, gallery: Path, scratch: Path) -> Iterator[str]:
    """Run `aio-reid serve` on a free port; give its address."""
    command = [sys.executable, "-m", "aio_reid", "serve", str(gallery), "--port", "0", "--device", "cpu"]
    command += ["--weights", options.weights, "--batch", str(options.batch), "--requests", str(4 * options.clients)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "XDG_CONFIG_HOME": str(scratch / "conf")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        if " at http://" not in line:
            raise SystemExit(f"error: the service did not start: {line}{process.stderr.read()}")
        yield line.split(" at ")[1].split()[0]
    finally:
        process.terminate()
        process.wait(timeout=60)


def bare_in_process(options: argparse.Namespace, paths: list[Path]) -> float:
    """Return the pictures/s of bare batched embedding, in a fresh process."""
    command = [sys.executable, __file__, str(paths[0].parent), "--bare-only", "--weights", options.weights]
    command += ["--pictures", str(len(paths)), "--batch", str(options.batch), "--threads", str(options.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def bare_rate(options: argparse.Namespace) -> float:
    """Embed the pictures of a folder; return pictures/s."""
    paths = find_pictures(options.folder, options.folder, options.pictures)
    model = AIO.load(options.weights, device="cpu")
    model.embed(paths[: options.batch], batch_size=options.batch)  # warms up
    started = time.perf_counter()
    model.embed(paths, batch_size=options.batch)
    return len(paths) / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
