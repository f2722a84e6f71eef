"""Golden cases as records and embedders: a distance matrix becomes vectors that rank as it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aio_reid.evaluation.embed import EmbedQueries
from aio_reid.evaluation.scores import MeanScores, RetrievalScores
from aio_reid.records import Modality, Query, Record, Split

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "golden"


@dataclass(frozen=True)
class GoldenCase:
    expected: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    tolerance: float


@pytest.fixture(scope="session")
def golden() -> Callable[[str], GoldenCase]:
    """Read a golden case by name; skip where the files are not beside this checkout."""
    if not (GOLDEN / "golden.json").exists():
        pytest.skip("golden files are not beside this checkout")
    cases = {case["id"]: case for case in json.loads((GOLDEN / "golden.json").read_text())["cases"]}

    def read(name: str) -> GoldenCase:
        with np.load(GOLDEN / cases[name]["file"]) as arrays:
            return GoldenCase(cases[name]["expected"], dict(arrays), cases[name]["tolerance"] or 1e-6)

    return read


@pytest.fixture(scope="session")
def make_records() -> Callable[..., list[Record]]:
    """Make one record for each person id: pictures of a modality, or sentences."""

    def make(
        split: Split, modality: Modality, persons: Sequence[object], cameras: Sequence[object] | None = None
    ) -> list[Record]:
        found = []
        for i, person in enumerate(persons):
            camera = None if cameras is None else str(cameras[i])
            name = f"{split.value}_{modality.value}_{i:05d}"
            path, caption = (Path(f"{name}.jpg"), None) if modality.is_visual else (None, name)
            found.append(Record("golden", split, modality, str(person), camera, path, caption))
        return found

    return make


@pytest.fixture(scope="session")
def embed_distances() -> Callable[[Sequence[Record], Sequence[Record], np.ndarray], EmbedQueries]:
    """Make an embedder whose cosine distances order every row as a (Q, G) matrix does, ties included.

    Entry g is axis g; a query holds there how far from last g stands in its row. Several records of a query are added.
    """

    def make(queries: Sequence[Record], gallery: Sequence[Record], distances: np.ndarray) -> EmbedQueries:
        assert distances.shape == (len(queries), len(gallery))
        places = np.stack([np.unique(row, return_inverse=True)[1] for row in distances])  # (Q, G)
        nearness = (distances.shape[1] - places).astype(np.float32)
        vectors = dict(zip(queries, nearness, strict=True))
        vectors |= dict(zip(gallery, np.eye(len(gallery), dtype=np.float32), strict=True))

        def embed(asked: Sequence[Query], fusion: str) -> np.ndarray:
            summed = np.stack([np.sum([vectors[record] for record in query], axis=0) for query in asked])
            return (summed / np.linalg.norm(summed, axis=1, keepdims=True)).astype(np.float32)

        return embed

    return make


@pytest.fixture(scope="session")
def assert_scores() -> Callable[..., None]:
    """Compare whatever a golden case expects with scores."""

    def check(scores: RetrievalScores | MeanScores, expected: Mapping[str, Any], tolerance: float = 2e-6) -> None:
        compared = 0
        for key, value in expected.items():
            if key in ("mAP", "mINP"):
                found: float = getattr(scores, key)
            elif key.startswith("cmc@") and int(key[4:]) in scores.rank:
                found = scores.rank[int(key[4:])]
            elif key in ("num_queries", "num_valid_queries") and isinstance(scores, RetrievalScores):
                found = scores.num_queries if key == "num_queries" else scores.num_scored
            else:
                continue
            assert found == pytest.approx(value, abs=tolerance), key
            compared += 1
        assert compared

    return check
