"""The ways that `evaluation.py` compares; run as a program, one of them, whose time and memory it prints as JSON.

python benchmarks/evaluation_ways.py NAME FOLDER SHARE [PEERS]
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import plain_evaluation as plain
from memory import HELD, PEAK, memory_mib
from plain_evaluation import Data

from aio_reid.evaluation.labels import Labels, same_camera, same_person
from aio_reid.evaluation.query_expansion import expand_features
from aio_reid.evaluation.ranking import Masks, rank_features, score_ranking
from aio_reid.evaluation.rerank import rerank
from aio_reid.evaluation.scores import RetrievalScores
from aio_reid.evaluation.verification import DEFAULT_RATES, verify_features

K1, K2, LAMBDA = 20, 6, 0.3
TIMES, K, ALPHA = 1, 10, 3.0
Check = dict[str, float]
"""Some numbers that every way of a task must agree on."""


@dataclass(frozen=True)
class Way:
    """One way to do a task.

    Attributes:
        title: for the table.
        work: what is measured; it is given the data and the peer's file as a module (None where it needs none).
        check: the numbers of its result, found when the measurement is over.
        peer_file: the file of fast-reid that it needs, loaded before the measurement begins.
    """

    title: str
    work: Callable[[Data, Any], Any]
    check: Callable[[Data, Any], Check]
    peer_file: str = ""


def market_masks(data: Data) -> Masks:
    """Return the rule of Market-1501: the same person by the same camera is ignored."""
    query, gallery = labels(data)

    def masks(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        matches = same_person(query[rows], gallery)
        return matches, matches & same_camera(query[rows], gallery)

    return masks


def labels(data: Data) -> tuple[Labels, Labels]:
    """Return the labels of queries and gallery."""
    return Labels(data.query_persons, data.query_cameras), Labels(data.gallery_persons, data.gallery_cameras)


def product(data: Data, _: None) -> None:
    """Multiply as `rank_features` does, and do nothing else: what any way costs at least."""
    held = np.empty((256, len(data.gallery)), dtype=np.float32)
    for start in range(0, len(data.query), 256):
        rows = data.query[start : start + 256]
        np.matmul(rows, data.gallery.T, out=held[: len(rows)])


def load_peer(folder: Path, file: str) -> ModuleType:
    """Load one file of fast-reid."""
    spec = importlib.util.spec_from_file_location(file, folder / "fastreid" / "evaluation" / f"{file}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rank_of_fast_reid(data: Data, peer: ModuleType) -> Check:
    """Rank by fast-reid's Python evaluator; the compiled one is built from its sources only, not from the index."""
    ids = (data.query_persons, data.gallery_persons, data.query_cameras, data.gallery_cameras)
    distances = 1 - data.query @ data.gallery.T
    cmc, precision, penalty = peer.evaluate_rank(distances, *ids, max_rank=50, use_cython=False)
    return {"mAP": float(np.mean(precision)), "mINP": float(np.mean(penalty)), "rank-1": float(cmc[0])}


def rerank_of_fast_reid(data: Data, peer: ModuleType) -> np.ndarray:
    """Re-rank by fast-reid's function of three distance matrices."""
    q, g = data.query, data.gallery
    given = (plain.euclidean(q, g), plain.euclidean(q, q), plain.euclidean(g, g))
    found: np.ndarray = peer.re_ranking(*given, k1=K1, k2=K2, lambda_value=LAMBDA)
    return found


def expand_of_fast_reid(data: Data, peer: ModuleType) -> tuple[np.ndarray, np.ndarray]:
    """Expand by fast-reid's function of two tensors."""
    import torch

    found = peer.aqe(torch.from_numpy(data.query), torch.from_numpy(data.gallery), qe_times=TIMES, qe_k=K, alpha=ALPHA)
    return found[0].numpy(), found[1].numpy()


def of_scores(_: Data, scores: RetrievalScores) -> Check:
    """Return what a ranking is checked by."""
    return {"mAP": scores.mAP, "mINP": scores.mINP, "rank-1": scores.rank[1]}


def of_distances(data: Data, distances: np.ndarray) -> Check:
    """Return what re-ranked distances (Q, G) are checked by."""
    matches, ignore = market_masks(data)(slice(0, len(data.query)))
    return {
        "mean": float(distances.mean(dtype=np.float64)),
        **of_scores(data, score_ranking(distances, matches, ignore)),
    }


def of_features(data: Data, expanded: tuple[np.ndarray, np.ndarray]) -> Check:
    """Return what expanded features are checked by."""
    query, gallery = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in expanded)
    mean = float(np.mean([np.abs(x).mean(dtype=np.float64) for x in expanded]))
    return {"mean": 1000 * mean, **of_scores(data, rank_features(query, gallery, market_masks(data)))}


def of_verification(_: Data, scores: Any) -> Check:
    """Return what a verification is checked by."""
    return {"AUC": scores.auc, **{f"TPR at {rate:g}": value for rate, value in scores.tpr.items()}}


def as_it_is(_: Data, found: Check) -> Check:
    """Return a result that is already what it is checked by."""
    return found


def unchecked(_: Data, __: None) -> Check:
    """Return nothing: there is no result."""
    return {}


WAYS: dict[str, Way] = {
    "rank/ours": Way("rank_features", lambda d, _: rank_features(d.query, d.gallery, market_masks(d)), of_scores),
    "rank/product": Way("the matrix product alone", product, unchecked),
    "rank/plain": Way("plain numpy, precision at once", lambda d, _: plain.rank(d, plain.precision_at_once), as_it_is),
    "rank/plain-loop": Way(
        "plain numpy, precision rank by rank", lambda d, _: plain.rank(d, plain.precision_in_a_loop), as_it_is
    ),
    "rank/fastreid": Way("fast-reid 1.4.0, evaluate_rank in Python", rank_of_fast_reid, as_it_is, "rank"),
    "rerank/ours": Way(
        "rerank", lambda d, _: rerank(d.query, d.gallery, k1=K1, k2=K2, lambda_value=LAMBDA), of_distances
    ),
    "rerank/plain": Way(
        "plain numpy, dense", lambda d, _: plain.rerank(d.query, d.gallery, K1, K2, LAMBDA), of_distances
    ),
    "rerank/fastreid": Way("fast-reid 1.4.0, re_ranking", rerank_of_fast_reid, of_distances, "rerank"),
    "expand/ours": Way(
        "expand_features",
        lambda d, _: expand_features(d.query, d.gallery, qe_times=TIMES, k=K, alpha=ALPHA),
        of_features,
    ),
    "expand/plain": Way(
        "plain numpy, dense", lambda d, _: plain.expand(d.query, d.gallery, TIMES, K, ALPHA), of_features
    ),
    "expand/fastreid": Way("fast-reid 1.4.0, aqe", expand_of_fast_reid, of_features, "query_expansion"),
    "verify/ours": Way(
        "verify_features", lambda d, _: verify_features(d.query, d.gallery, market_masks(d)), of_verification
    ),
    "verify/plain": Way("plain numpy, all pairs sorted", lambda d, _: plain.verify(d, DEFAULT_RATES), as_it_is),
}


def load(folder: Path, share: float) -> Data:
    """Return the data of a folder, with the first queries only where `share` is less than 1."""
    arrays = {field.name: np.load(folder / f"{field.name}.npy") for field in fields(Data)}
    kept = round(share * len(arrays["query"]))
    return Data(**{name: array[:kept] if name.startswith("query") else array for name, array in arrays.items()})


def main(arguments: list[str]) -> int:
    """Measure one way and print it."""
    name, folder, share, *rest = arguments
    way, data = WAYS[name], load(Path(folder), float(share))
    peer = load_peer(Path(*rest), way.peer_file) if way.peer_file else None
    held = memory_mib(HELD)
    started = time.perf_counter()
    found = way.work(data, peer)
    seconds, peak = time.perf_counter() - started, memory_mib(PEAK)
    print(json.dumps({"seconds": seconds, "peak_mib": peak - held, "check": way.check(data, found)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
