"""Re-ranking and query expansion inside of a protocol: the functions themselves, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import ConfigError
from aio_reid.evaluation.post_processing import find_post_processing
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.evaluation.query_expansion import expand_features
from aio_reid.evaluation.ranking import score_ranking
from aio_reid.evaluation.rerank import rerank
from aio_reid.evaluation.tasks import name_of_ranking, ranking_by
from aio_reid.records import Modality, Query, Record, Split

PEOPLE = [str(number) for number in range(9)]
QUERIES = [Record("made", Split.QUERY, Modality.SKETCH, p, image_path=Path(f"s{p}")) for p in PEOPLE]
GALLERY = [Record("made", Split.GALLERY, Modality.RGB, p, str(c), Path(f"{p}{c}")) for p in PEOPLE for c in range(3)]


def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
    centres = np.random.default_rng(0).normal(size=(len(PEOPLE), 16))
    rows = []
    for (record,) in queries:
        seed = sum(str(record.image_path).encode())
        rows.append(centres[int(record.person_id)] + 1.2 * np.random.default_rng(seed).normal(size=16))
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def scored_by_hand(name: str) -> tuple[float, float]:
    q, g = (embed([(record,) for record in records], "early") for records in (QUERIES, GALLERY))
    if name == "re-ranking":
        distances = rerank(q, g)
    else:
        q, g = expand_features(q, g)
        distances = -(q @ g.T) / np.linalg.norm(g, axis=1)
    matches = np.array([[a.person_id == b.person_id for b in GALLERY] for a in QUERIES])
    scores = score_ranking(distances.astype(np.float32), matches, np.zeros_like(matches))
    return scores.rank[1], scores.mAP


@pytest.mark.parametrize("name", ["re-ranking", "query-expansion"])
def test_a_protocol_ranks_by_it_only_where_it_is_asked_for(name: str) -> None:
    plain = evaluate_combinations([*QUERIES, *GALLERY], embed)
    with ranking_by(find_post_processing(name), name=name):
        processed = evaluate_combinations([*QUERIES, *GALLERY], embed)
        assert name_of_ranking() == name
    scores = processed.tasks[0].scores
    assert (scores.rank[1], scores.mAP) == pytest.approx(scored_by_hand(name), abs=1e-9)
    assert scores.mAP != plain.tasks[0].scores.mAP
    assert evaluate_combinations([*QUERIES, *GALLERY], embed) == plain
    assert name_of_ranking() == ""


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'rerank'; choose one of: re-ranking, query-expansion"):
        find_post_processing("rerank")
