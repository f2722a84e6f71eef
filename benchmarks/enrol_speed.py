"""What enrolling costs beside bare embedding of the same files: pictures a second of `aio-reid gallery add` and of
`AIO.embed`, taking turns, each time in a fresh process and with a fresh gallery.

Both are timed from the loaded model on: starting Python and loading weights costs both the same. Enrolling reads each
file once more to know it by its content, looks it up, keeps vector and metadata in the gallery, durably, and shows its
progress; with copies it also keeps the file. Nothing is in any cache.

    python benchmarks/enrol_speed.py [FOLDER] [--weights aio-nano] [--pictures 2048] [--out results/enrol_speed.json]

The exit code is 1 where enrolling is below 0.9 of bare embedding.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from pictures import find_pictures
from stored import store_result

from aio_reid.api import AIO
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.embedder import LoadedOnce
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.enrol import Enroller
from aio_reid.gallery.store.entries import described
from aio_reid.gallery.store.schema import create_file
from aio_reid.progress import console_progress
from aio_reid.records import Modality
from aio_reid.search_embedder import ModelFactory

ROOT = Path(__file__).resolve().parents[1]
LEAST_OF_BARE = 0.9
BARE, ENROL, COPY = "bare", "enrol", "enrol, with copies"


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write; return 0, or 1 where the target is missed."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    if options.way:
        print(rate_of(options))
        return 0
    with TemporaryDirectory() as scratch:
        paths = find_pictures(options.folder, Path(scratch), options.pictures)
        rates: dict[str, list[float]] = {BARE: [], ENROL: [], COPY: []}
        for _ in range(options.rounds):
            for way, found in rates.items():
                found.append(in_fresh_process(way, options.folder or Path(scratch), options))
            print({way: round(found[-1], 1) for way, found in rates.items()}, file=sys.stderr)
    ratios = {way: median(r / b for r, b in zip(found, rates[BARE], strict=True)) for way, found in rates.items()}
    result = {
        "num_pictures": len(paths),
        "threads": options.threads,
        "weights": options.weights,
        "ways": [
            {
                "what": way,
                "per_s": [round(rate, 1) for rate in found],
                "median_per_s": round(median(found), 1),
                "ratio": round(ratios[way], 4),
            }
            for way, found in rates.items()
        ],
    }
    store_result(options.out, "enrol_speed", result)
    print("; ".join(f"{way}: {median(found):.1f} pictures/s, {ratios[way]:.3f}" for way, found in rates.items()))
    return 0 if ratios[ENROL] >= LEAST_OF_BARE else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time enrolling beside bare embedding.")
    parser.add_argument("folder", type=Path, nargs="?", help="pictures to enrol; without it people are drawn")
    parser.add_argument("--weights", default="aio-nano")
    parser.add_argument("--pictures", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "enrol_speed.json")
    parser.add_argument("--way", choices=(BARE, ENROL, COPY), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def in_fresh_process(way: str, folder: Path, options: argparse.Namespace) -> float:
    """Return the pictures/s of one way."""
    command = [sys.executable, __file__, str(folder), "--way", way, "--weights", options.weights]
    command += ["--pictures", str(options.pictures), "--threads", str(options.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {way} ended with {done.returncode}: {done.stderr.strip()}")
    return float(done.stdout.splitlines()[-1])


def rate_of(options: argparse.Namespace) -> float:
    """Embed or enrol the pictures of a folder; return pictures/s."""
    paths = find_pictures(options.folder, options.folder, options.pictures)
    if options.way == BARE:
        model = AIO.load(options.weights, device="cpu")
        model.embed(paths[:64])  # warms up
        started = time.perf_counter()
        model.embed(paths)
        return len(paths) / (time.perf_counter() - started)
    factory = ModelFactory(options.weights, "cpu")
    once = LoadedOnce(factory)
    for _ in once.get().embed_pictures(paths[:64], Modality.RGB):  # warms up
        pass
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "gallery"
        create_file(folder, factory.weights_hash, options.weights, keep_copies=options.way == COPY)
        started = time.perf_counter()
        store = EmbeddedStore(folder, write=True)
        entries = described(paths, Modality.RGB, None).entries
        with console_progress().task("Adding", len(entries), "pictures") as task:
            result = Enroller(store, once, open_cache(enabled=False), task).add(entries)
        store.close()
        seconds = time.perf_counter() - started
    if result.new != len(paths):
        raise SystemExit(f"error: {result.new} of {len(paths)} pictures were enrolled; give a folder of other pictures")
    return len(paths) / seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
