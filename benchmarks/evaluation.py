"""Time and memory of ranking, re-ranking, query expansion and verification, beside plain numpy and fast-reid.

Features are made: persons are directions, pictures are noisy views of them. Each way runs in a process of its own that
loads them first; the clock and the peak memory (over what the process holds before) are those of the work alone. Ways
take turns, and every way must find the same scores.

    python benchmarks/evaluation.py [--scale 1] [--peers DIR] [--out results/evaluation_speed.json]

fast-reid's own evaluator is measured where `pip install --no-deps --target DIR fastreid==1.4.0` was run before: its
files for ranking, re-ranking and query expansion need numpy and torch only. The package as a whole cannot be installed
beside a current torch (it asks for 1.13.1), and its ROC needs faiss.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from evaluation_ways import WAYS
from stored import store_result

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 768
NOISE, CAMERA_NOISE = 2.0, 0.7
ENOUGH_SECONDS = 60.0
"""A way is repeated no more once it has taken this long in all."""
TOLERANCE = 1e-4
MOST = {"rank Market-1501": (10, 300), "rank MSMT17": (1, 500), "re-rank Market-1501": (5, 1024)}
"""Task -> at the full size, how many times faster than the common way at least, and at most how much memory (MiB)."""
COMMON = {"rank Market-1501": "rank/plain-loop", "rank MSMT17": "rank/plain", "re-rank Market-1501": "rerank/plain"}


@dataclass(frozen=True)
class Size:
    """The numbers of a data set; `distractors` are gallery pictures of nobody that is searched."""

    name: str
    queries: int
    gallery: int
    persons: int
    cameras: int
    distractors: int

    def scaled(self, scale: float) -> Size:
        """Return a smaller set, of as many pictures a person."""
        queries, gallery, persons = (max(8, round(scale * n)) for n in (self.queries, self.gallery, self.persons))
        return Size(self.name, queries, gallery, persons, self.cameras, round(scale * self.distractors))


MARKET = Size("Market-1501", 3368, 15913, 750, 6, 2798)
MSMT = Size("MSMT17", 11659, 82161, 3060, 15, 0)


@dataclass(frozen=True)
class Job:
    """One task: its size, and the names of its ways in `WAYS` -> the share of the queries that the way is given."""

    task: str
    size: Size
    ways: dict[str, float]


def jobs(scale: float, peers: Path | None) -> list[Job]:
    """Return what is to be measured; our way comes first."""
    market, msmt = MARKET.scaled(scale), MSMT.scaled(scale)
    listed = [
        Job(
            "rank",
            market,
            {"rank/ours": 1, "rank/product": 1, "rank/plain": 1, "rank/plain-loop": 1, "rank/fastreid": 1},
        ),
        Job("rank", msmt, {"rank/ours": 1, "rank/product": 1, "rank/plain": 0.125}),
        Job("re-rank", market, {"rerank/ours": 1, "rerank/plain": 1, "rerank/fastreid": 1}),
        Job("query expansion", market, {"expand/ours": 1, "expand/plain": 1, "expand/fastreid": 1}),
        Job("verification", market, {"verify/ours": 1, "verify/plain": 1}),
    ]
    return [
        Job(job.task, job.size, {way: share for way, share in job.ways.items() if peers or "fastreid" not in way})
        for job in listed
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write; return 0, or 1 where a target is missed."""
    options = parse(arguments)
    tasks = [measure(job, options) for job in jobs(options.scale, options.peers)]
    result = {
        "scale": options.scale,
        "width": WIDTH,
        "threads": options.threads,
        "seed": options.seed,
        "tasks": tasks,
    }
    store_result(options.out, "evaluation_speed", result, seed=options.seed)
    missed = [line for task in tasks for line in misses(task)] if options.scale >= 1 else []
    print("\n".join(missed), end="\n" if missed else "")
    return 1 if missed else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time ranking and its relatives beside plain numpy and fast-reid.")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="share of the pictures and persons; 1 is the full size"
    )
    parser.add_argument("--peers", type=Path, help="folder with fast-reid; without it that is not measured")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "evaluation_speed.json")
    return parser.parse_args(arguments)


def measure(job: Job, options: argparse.Namespace) -> dict[str, Any]:
    """Return one task as plain data.

    Raises:
        SystemExit: a way failed, or two ways that were given the same queries disagree.
    """
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in job.ways}
    with TemporaryDirectory() as scratch:
        write_data(Path(scratch), job.size, options.seed)
        for _ in range(options.repeats):
            for name, share in job.ways.items():
                if sum(run["seconds"] for run in runs[name]) < ENOUGH_SECONDS:
                    runs[name].append(run_way(name, Path(scratch), share, options))
                    print(f"{job.task} {job.size.name}, {name}: {runs[name][-1]}", flush=True)
    first = next(iter(runs.values()))[0]["check"]
    for name, share in job.ways.items():
        check = runs[name][0]["check"]
        if share == 1 and any(abs(value - first[key]) > TOLERANCE for key, value in check.items()):
            raise SystemExit(f"error: {name} finds {check}, but the first way finds {first}")
    ways = [describe_way(name, round(share * job.size.queries), runs[name]) for name, share in job.ways.items()]
    return {
        "task": f"{job.task} {job.size.name}",
        "num_queries": job.size.queries,
        "num_gallery": job.size.gallery,
        "check": {key: round(value, 6) for key, value in first.items()},
        "ways": ways,
    }


def describe_way(name: str, num_queries: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the runs of one way as plain data."""
    return {
        "name": name,
        "what": WAYS[name].title,
        "num_queries": num_queries,
        "seconds": [round(run["seconds"], 3) for run in runs],
        "median_s": round(median(run["seconds"] for run in runs), 3),
        "peak_mib": round(max(run["peak_mib"] for run in runs)),
    }


def run_way(name: str, folder: Path, share: float, options: argparse.Namespace) -> dict[str, Any]:
    """Return what a fresh process measures of one way."""
    program = Path(__file__).with_name("evaluation_ways.py")
    command = [sys.executable, str(program), name, str(folder), str(share)]
    command += [str(options.peers)] if options.peers else []
    threads = {f"{library}_NUM_THREADS": str(options.threads) for library in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **threads})
    if done.returncode:
        raise SystemExit(f"error: {name} ended with {done.returncode}: {done.stderr.strip()}")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def write_data(folder: Path, size: Size, seed: int) -> None:
    """Write features and labels; people who are not searched come last in the gallery, each alone."""
    rng = np.random.default_rng(seed)
    persons = rng.standard_normal((size.persons, WIDTH), dtype=np.float32)  # directions
    cameras = rng.standard_normal((size.cameras, WIDTH), dtype=np.float32)
    for role, count, strangers in (("query", size.queries, 0), ("gallery", size.gallery, size.distractors)):
        person = rng.integers(0, size.persons, count)
        camera = rng.integers(0, size.cameras, count)
        features = np.empty((count, WIDTH), dtype=np.float32)
        for row, (who, where) in enumerate(zip(person.tolist(), camera.tolist(), strict=True)):
            centre = persons[who] if row < count - strangers else rng.standard_normal(WIDTH, dtype=np.float32)
            view = centre + CAMERA_NOISE * cameras[where] + NOISE * rng.standard_normal(WIDTH, dtype=np.float32)
            features[row] = view / np.linalg.norm(view)
        person[count - strangers :] = size.persons + np.arange(strangers)
        for name, array in ((role, features), (f"{role}_persons", person), (f"{role}_cameras", camera)):
            np.save(folder / f"{name}.npy", array)


def misses(task: dict[str, Any]) -> list[str]:
    """Return a line for each target that a full-size task misses."""
    if task["task"] not in MOST:
        return []
    least_ratio, most_mib = MOST[task["task"]]
    ways = {way["name"]: way for way in task["ways"]}
    ours, common = task["ways"][0], ways[COMMON[task["task"]]]
    ratio = (common["median_s"] / common["num_queries"]) / (ours["median_s"] / ours["num_queries"])
    lines = [f"missed: {task['task']} is {ratio:.1f} times faster, not {least_ratio}"] if ratio < least_ratio else []
    if ours["peak_mib"] > most_mib:
        lines.append(f"missed: {task['task']} needs {ours['peak_mib']} MiB, not {most_mib}")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
