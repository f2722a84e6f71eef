"""What a lasting gallery costs: durable rows a second, the time to open it, and exact search beside a bare product.

Vectors are made: times do not depend on whose they are. Ways of searching take turns in one process, each with its own
query every time. The bare way is one matrix-vector product of numpy over float32 vectors of the same number and size,
without a ranking: the least that reading all of them costs.

    python benchmarks/gallery_store.py [--rows 100000] [--size 512] [--out results/gallery_store.json]

The exit code is 1 where the exact search takes more than 1.5 times the bare product, or a filtered one (5% of the rows)
is not faster than the unfiltered one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from stored import store_result

from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import NewPicture, Picture, Where
from aio_reid.gallery.store.schema import create_file
from aio_reid.records import Modality

ROOT = Path(__file__).resolve().parents[1]
TOP = 50
NUM_CAMERAS = 20
ONE_CAMERA = Where(cameras=("camera 3",))  # 5% of the rows
ROWS_AT_ONCE = 1000
MOST_TIMES_BARE = 1.5

Vectors = NDArray[np.float32]


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write; return 0, or 1 where a target is missed."""
    options = parse(arguments)
    vectors = make_vectors(options.rows, options.size, options.seed)
    with TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch) / "gallery"
        times = {"add_s": fill(folder, vectors)}
        times["open_s"], times["open_half_s"] = (open_time(folder, vectors[0], half=half) for half in (False, True))
        size_bytes = sum(file.stat().st_size for file in folder.iterdir())
        searches = measure(folder, vectors, options.repeats, options.seed)
        times["erase_s"] = erase_time(folder)
    result = {
        "num_rows": options.rows,
        "size": options.size,
        "top": TOP,
        "size_bytes": size_bytes,
        "times": {name: round(seconds, 4) for name, seconds in times.items()},
        "searches": searches,
        "seed": options.seed,
    }
    store_result(options.out, "gallery_store", result)
    print(f"{options.rows / times['add_s']:,.0f} durable rows/s; open {times['open_s']:.2f} s")
    for search in searches:
        print(f"{search['what']}: {1000 * float(str(search['median_s'])):.2f} ms")
    bare, exact, filtered = (float(str(search["median_s"])) for search in searches[:3])
    return 0 if exact <= MOST_TIMES_BARE * bare and filtered < exact else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time a lasting gallery.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=512, help="numbers in a vector")
    parser.add_argument("--repeats", type=int, default=31)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", type=Path, help="a folder of the disk to measure; default: temporary files")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "gallery_store.json")
    return parser.parse_args(arguments)


def make_vectors(count: int, size: int, seed: int) -> Vectors:
    """Return unit vectors, float32 (count, size)."""
    vectors = np.random.default_rng(seed).standard_normal((count, size), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def fill(folder: Path, vectors: Vectors) -> float:
    """Make a gallery of the vectors and return the seconds that adding them took, each chunk durable at its end."""
    create_file(folder, "0" * 64, "made", keep_copies=False)
    store = EmbeddedStore(folder, write=True)
    contents = np.random.default_rng(1).bytes(32 * len(vectors))
    seconds = 0.0
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        pictures = [
            NewPicture(describe(n, contents[32 * n : 32 * n + 32]), vectors[n])
            for n in range(start, min(start + ROWS_AT_ONCE, len(vectors)))
        ]
        started = time.perf_counter()
        store.add(pictures)
        seconds += time.perf_counter() - started
    store.close()
    return seconds


def describe(number: int, content: bytes) -> Picture:
    """Return what is said of a made picture."""
    path = Path(f"/crops/{number:08d}.jpg")
    return Picture(content, path, Modality.RGB, f"camera {number % NUM_CAMERAS}", track=str(number // 5))


def open_time(folder: Path, query: Vectors, *, half: bool) -> float:
    """Return the seconds until the first answer of a store that is opened anew."""
    started = time.perf_counter()
    store = EmbeddedStore(folder, half=half)
    store.search(query, top=TOP)
    seconds = time.perf_counter() - started
    store.close()
    return seconds


def measure(folder: Path, vectors: Vectors, repeats: int, seed: int) -> list[Mapping[str, object]]:
    """Return the times of every way to search, after one round that is not counted."""
    store, half = EmbeddedStore(folder), EmbeddedStore(folder, half=True)
    ways: dict[str, Callable[[Vectors], object]] = {
        "bare float32 product, no ranking": lambda query: vectors @ query,
        f"exact top {TOP}": lambda query: store.search(query, top=TOP),
        f"exact top {TOP} of 5% of the rows": lambda query: store.search(query, top=TOP, where=ONE_CAMERA),
        f"exact top {TOP}, one a track": lambda query: store.search(query, top=TOP, by_track=True),
        f"exact top {TOP}, float16 in memory": lambda query: half.search(query, top=TOP),
    }
    seconds: dict[str, list[float]] = {what: [] for what in ways}
    queries = make_vectors(repeats + 1, vectors.shape[1], seed + 1)
    for number, query in enumerate(queries):
        for what, way in ways.items():
            started = time.perf_counter()
            way(query)
            if number:
                seconds[what].append(time.perf_counter() - started)
    store.close()
    half.close()
    return [{"what": what, "median_s": median(all_of), "best_s": min(all_of)} for what, all_of in seconds.items()]


def erase_time(folder: Path) -> float:
    """Return the seconds in which 5% of the rows are erased and the file is rewritten without them."""
    store = EmbeddedStore(folder, write=True)
    started = time.perf_counter()
    store.erase(ONE_CAMERA)
    seconds = time.perf_counter() - started
    store.close()
    return seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
