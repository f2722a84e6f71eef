"""Reliability of modalities in late fusion: what is noise counts little, and equals count alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.records import Modality, Query, Record, Split
from aio_reid.training.reliability import GRID, LateFusion, choose_reliability, prefer_fusion

NUM_PEOPLE, E = 40, 8
NOISE = {Modality.RGB: 0.8, Modality.INFRARED: 30.0, Modality.TEXT: 0.8}


def made_records() -> list[Record]:
    people = [str(number) for number in range(NUM_PEOPLE)]
    queries = [Record("made", Split.QUERY, m, p, image_path=Path(f"{m}{p}")) for p in people for m in list(NOISE)[:2]]
    queries += [Record("made", Split.QUERY, Modality.TEXT, p, caption=f"person {p}") for p in people]
    gallery = [Record("made", Split.GALLERY, Modality.RGB, p, image_path=Path(f"gallery{p}")) for p in people]
    return [*queries, *gallery]


def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
    """Each person has a direction; a photo and a sentence see it through equal noise, infrared hardly sees it."""
    directions = np.random.default_rng(0).normal(size=(NUM_PEOPLE, E))
    rows = []
    for (record,) in queries:
        noise = 0.0 if record.split is Split.GALLERY else NOISE[record.modality]
        rng = np.random.default_rng((int(record.person_id), list(Modality).index(record.modality)))
        rows.append(directions[int(record.person_id)] + noise * rng.normal(size=E))
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_noise_counts_little_and_equals_count_alike() -> None:
    late = choose_reliability(made_records(), embed, seed=0)
    assert late is not None
    found = late.reliability
    assert found["rgb"] == 1.0
    assert found["infrared"] <= 0.2 < 0.5 <= found["text"]
    assert set(found.values()) <= set(GRID)


def test_it_beats_equal_weights_where_one_modality_is_noise() -> None:
    late = choose_reliability(made_records(), embed, seed=0)
    assert late is not None
    factors = {Modality(name): factor for name, factor in late.reliability.items()}
    embedder = CachedEmbedder(embed, reliability=factors)
    tasks = evaluate_combinations(made_records(), embedder, fusions=("late",)).tasks
    assert late.mean_ap == np.mean([t.scores.mAP for t in tasks if t.fusion == "late"])

    def ap_of_all(reliability: dict[Modality, float] | None) -> float:
        embedder = CachedEmbedder(embed, reliability=reliability)
        subset = [tuple(NOISE)]
        return evaluate_combinations(made_records(), embedder, fusions=("late",), subsets=subset).tasks[0].scores.mAP

    assert ap_of_all(factors) > ap_of_all(None) + 0.05


def test_one_modality_alone_has_no_reliability() -> None:
    photos = [r for r in made_records() if r.modality is Modality.RGB]
    assert choose_reliability(photos, embed, seed=0) is None


def test_nothing_is_chosen_where_no_fused_query_can_be_scored() -> None:
    """One photo and one sentence each: the only true match of photo and sentence together is that photo."""
    photos = [Record("made", Split.QUERY, Modality.RGB, str(n), image_path=Path(f"photo{n}")) for n in range(5)]
    gallery = [replace(photo, split=Split.GALLERY) for photo in photos]
    told = [Record("made", Split.QUERY, Modality.TEXT, str(n), caption=f"person {n}") for n in range(5)]
    assert choose_reliability([*photos, *told, *gallery], embed, seed=0) is None


def test_the_fusion_that_finds_validation_people_better_is_preferred() -> None:
    late = LateFusion({"rgb": 1.0, "text": 0.3}, mean_ap=0.5)
    early = {"R_mAP": 0.9, "T_mAP": 0.9, "RT_rank1": 0.9}  # figures of one modality, and rank-1, do not count
    assert prefer_fusion(late, {**early, "RT_mAP": 0.4, "IT_mAP": 0.5}) == "late"
    assert prefer_fusion(late, {**early, "RT_mAP": 0.6, "IT_mAP": 0.5}) == "early"
    assert prefer_fusion(None, early) == prefer_fusion(late, early) == "early"
