"""The approximate index of a large gallery beside exact search and plain faiss: time and recall, in one run.

Vectors are made as those of persons are. A person is a direction: 24 numbers, normally distributed, seen through a
fixed random matrix, and a tenth of noise in all numbers; a gallery holds ten pictures of each, which are that
direction with noise of half its length, as unit vectors (two pictures of a person: cosine about 0.8). Queries are
further pictures: half of them of persons in the gallery, half of strangers. So a query has few very near neighbours
and many that differ little, and the nearest 50 reach beyond the person; vectors without such a structure would say
nothing about recall.

Ways take turns, each query is new. Recall is the share of the nearest 50 of exact search, ties counted as found.

    python benchmarks/gallery_million.py [--rows 1000000] [--size 256] [--hnsw] [--out results/gallery_million.json]

A million needs about 5 GB of memory, with --hnsw (a graph of faiss, to compare) 7 GB and much longer. The exit code is
1 where the index finds less than 0.98 or is not faster than exact search.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from gallery_store import ROOT, TOP, fill
from numpy.typing import NDArray
from stored import store_result

from aio_reid.gallery.store.approximate.cells import load_faiss
from aio_reid.gallery.store.approximate.file import Index
from aio_reid.gallery.store.approximate.make import make_index
from aio_reid.gallery.store.approximate.shortcut import Way
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import Where
from aio_reid.progress import console_progress

NUM_LOOKS = 24
PICTURES_OF_A_PERSON = 10
PERSON_NOISE, PICTURE_NOISE = 0.1, 0.5
HALF_THE_CAMERAS = Where(cameras=tuple(f"camera {number}" for number in range(10)))
LEAST_RECALL = 0.98
TIE = 1e-5

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]
Search = Callable[[Vectors], Ids]


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write; return 0, or 1 where a target is missed."""
    options = parse(arguments)
    vectors, queries = make_people(options.rows, options.queries, options.size, options.seed)
    with TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch) / "gallery"
        fill(folder, vectors)
        store = EmbeddedStore(folder, write=True)
        started = time.perf_counter()
        index = make_index(store, progress=console_progress())
        build_s = time.perf_counter() - started
        index_bytes = store.index_path.stat().st_size if store.index_path else 0
        store.close()
        searches = measure(folder, index, vectors, queries, options.hnsw)
    result = {
        "num_rows": options.rows,
        "size": options.size,
        "top": TOP,
        "num_queries": len(queries),
        "pictures_of_a_person": PICTURES_OF_A_PERSON,
        "num_cells": index.cells.num_cells,
        "num_probes": index.label.num_probes,
        "measured_recall": round(index.label.recall, 4),
        "build_s": round(build_s, 1),
        "index_bytes": index_bytes,
        "searches": searches,
        "seed": options.seed,
    }
    store_result(options.out, "gallery_million", result)
    for search in searches:
        print(f"{search['what']}: {1000 * search['median_s']:.2f} ms, recall {search['recall']:.4f}")
    exact, approximate = searches[:2]
    is_good = approximate["recall"] >= LEAST_RECALL and approximate["median_s"] < exact["median_s"]
    return 0 if is_good else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time the approximate index of a gallery.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=256, help="numbers in a vector")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--hnsw", action="store_true", help="a graph of faiss as well")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", type=Path, help="a folder of the disk to use; default: temporary files")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "gallery_million.json")
    return parser.parse_args(arguments)


def make_people(num_rows: int, num_queries: int, size: int, seed: int) -> tuple[Vectors, Vectors]:
    """Return unit vectors of a gallery, float32 (num_rows, size), and of queries, float32 (num_queries, size)."""
    random = np.random.default_rng(seed)
    seen_through = random.standard_normal((NUM_LOOKS, size), dtype=np.float32)
    num_known = -(-num_rows // PICTURES_OF_A_PERSON)
    looks = random.standard_normal((num_known + num_queries, NUM_LOOKS), dtype=np.float32)
    persons = unit_rows(looks @ seen_through)
    persons += PERSON_NOISE * random.standard_normal(persons.shape, dtype=np.float32) / size**0.5
    gallery = np.repeat(unit_rows(persons[:num_known]), PICTURES_OF_A_PERSON, axis=0)[:num_rows]
    half = num_queries // 2
    asked = np.concatenate([random.permutation(num_known)[:half], np.arange(num_known, num_known + num_queries - half)])
    return photographed(gallery, random), photographed(persons[asked], random)


def photographed(persons: Vectors, random: np.random.Generator) -> Vectors:
    """Return one picture of each, float32 (N, size)."""
    for start in range(0, len(persons), 100_000):  # in place: a million need no second gigabyte
        block = persons[start : start + 100_000]
        block += PICTURE_NOISE * random.standard_normal(block.shape, dtype=np.float32) / block.shape[1] ** 0.5
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return persons


def unit_rows(vectors: Vectors) -> Vectors:
    """Return the directions of vectors, float32 (N, size)."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def measure(folder: Path, index: Index, vectors: Vectors, queries: Vectors, hnsw: bool) -> list[Mapping[str, Any]]:
    """Return time and recall of every way to search; the first query is not counted."""
    exact, near = EmbeddedStore(folder, way=Way.EXACT), EmbeddedStore(folder, way=Way.APPROXIMATE)
    ways: dict[str, Search] = {
        "exact": lambda query: exact.search(query, top=TOP).ids,
        "approximate": lambda query: near.search(query, top=TOP).ids,
        "approximate, with the spread of scores": lambda query: near.search(query, top=TOP, with_spread=True).ids,
        "approximate, half of the cameras": lambda query: near.search(query, top=TOP, where=HALF_THE_CAMERAS).ids,
        **plain_faiss(index, vectors, hnsw),
    }
    in_half = np.isin(np.arange(len(vectors)) % 20, np.arange(10))
    seconds: dict[str, list[float]] = {what: [] for what in ways}
    shares: dict[str, list[float]] = {what: [] for what in ways}
    for number, query in enumerate(queries):
        scores = vectors @ query
        for what, way in ways.items():
            started = time.perf_counter()
            found = way(query)
            took = time.perf_counter() - started
            if number:
                seconds[what].append(took)
                among = scores[in_half] if "half" in what else scores
                border = np.partition(among, len(among) - TOP)[len(among) - TOP] - TIE
                shares[what].append(np.count_nonzero(scores[found - 1] >= border) / TOP)
    exact.close()
    near.close()
    return [
        {
            "what": what,
            "median_s": median(times),
            "best_s": min(times),
            "recall": round(min(1.0, float(np.mean(shares[what]))), 4),
        }
        for what, times in seconds.items()
    ]


def plain_faiss(index: Index, vectors: Vectors, hnsw: bool) -> dict[str, Search]:
    """Return searches by faiss alone: no filter, no track, nothing on disk, ids that do not stay."""
    faiss = load_faiss()
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    probes = index.label.num_probes
    ways: dict[str, Search] = {
        "faiss, flat (exact)": lambda query: flat.search(query[np.newaxis], TOP)[1][0] + 1,
        "faiss, the same cells without refinement": lambda query: (
            index.cells.near(query[np.newaxis], TOP, probes)[0] + 1
        ),
    }
    if not hnsw:
        return ways
    graph = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    graph.add(vectors)

    def by_graph(query: Vectors, ef: int) -> Ids:
        found: Ids = graph.search(query[np.newaxis], TOP, params=faiss.SearchParametersHNSW(efSearch=ef))[1][0]
        return found + 1

    return {
        **ways,
        "faiss, HNSW of 32 links, ef 64": lambda query: by_graph(query, 64),
        "faiss, HNSW of 32 links, ef 256": lambda query: by_graph(query, 256),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
