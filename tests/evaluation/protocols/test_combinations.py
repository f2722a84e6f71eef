"""Any combination to the RGB gallery: the exclusion rule by hand, the pairing, and scores that can be foretold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.evaluation.protocols.combinations import (
    all_subsets,
    build_queries,
    draw_records,
    evaluate_combinations,
    exclusion_mask,
)
from aio_reid.records import Modality, Query, Record, Split, subset_name

PEOPLE = ("ann", "bob", "eve")
KINDS = (Modality.RGB, Modality.INFRARED, Modality.SKETCH)


def picture(
    split: Split,
    person: str,
    name: str,
    modality: Modality = Modality.RGB,
    camera: str | None = None,
    source: str | None = None,
) -> Record:
    return Record("set", split, modality, person, camera, Path("root") / name, source_image_id=source)


def sentence(person: str, words: str, source: str | None = None) -> Record:
    return Record("set", Split.QUERY, Modality.TEXT, person, caption=words, source_image_id=source)


def small_set() -> list[Record]:
    """Three persons; each has two pictures of every visual modality and a sentence, and two gallery photos."""
    records = []
    for person in PEOPLE:
        for i in range(2):
            for kind in KINDS:
                camera = "c1" if kind is Modality.RGB else None
                records.append(picture(Split.QUERY, person, f"{person}_{kind.value}_{i}.png", kind, camera))
            records.append(picture(Split.GALLERY, person, f"{person}_gallery_{i}.png", camera=f"c{i + 2}"))
        records.append(sentence(person, f"this is {person}"))
    return records


def embed_truth(queries: Sequence[Query], fusion: str) -> np.ndarray:
    """An oracle model: the vector is the person's axis."""
    return np.eye(3, dtype=np.float32)[[PEOPLE.index(query[0].person_id) for query in queries]]


def test_exclusion_rule_by_hand() -> None:
    gallery = [
        picture(Split.GALLERY, "ann", "g/0.png", camera="c1"),
        picture(Split.GALLERY, "ann", "g/1.png", camera="c2"),
        picture(Split.GALLERY, "ann", "g/2.png"),
        picture(Split.GALLERY, "bob", "g/3.png", camera="c1"),
        picture(Split.GALLERY, "bob", "g/0b.png", camera="c2"),
    ]
    queries: list[Query] = [
        (
            picture(Split.QUERY, "ann", "q.png", camera="c1"),
            sentence("ann", "a woman"),
        ),  # same camera: 0, never bob's 3
        (picture(Split.QUERY, "ann", "g/2.png"),),  # the same picture: 2; its camera is not known
        (
            picture(Split.QUERY, "ann", "s.png", Modality.SKETCH, "c2", source="g/1.png"),
        ),  # drawn from 1; no camera rule
    ]
    matches = np.array([[1, 1, 1, 0, 0]] * 3, dtype=bool)
    expected = np.array([[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(exclusion_mask(queries, gallery, matches), expected)


def test_exclusion_rule_of_a_mixed_gallery_by_hand() -> None:
    """Day and night in one gallery: infrared pictures have the camera rule too, and across modalities there is none."""
    gallery = [
        picture(Split.GALLERY, "ann", "g/day.png", camera="c1"),
        picture(Split.GALLERY, "ann", "g/night.png", Modality.INFRARED, "c1"),
        picture(Split.GALLERY, "ann", "g/night2.png", Modality.INFRARED, "c2", source="q/night.png"),
        picture(Split.GALLERY, "ann", "g/drawn.png", Modality.SKETCH, "c1", source="q/day.png"),
        Record("set", Split.GALLERY, Modality.TEXT, "ann", caption="a woman"),
    ]
    queries: list[Query] = [
        (picture(Split.QUERY, "ann", "q/day.png", camera="c1"),),  # 0 by its camera, 3 drawn from it
        (picture(Split.QUERY, "ann", "q/night.png", Modality.INFRARED, "c1"),),  # 1 by its camera, 2 made from it
        (picture(Split.QUERY, "ann", "q/s.png", Modality.SKETCH, "c1"), sentence("ann", "a woman")),  # 4: the words
    ]
    expected = np.array([[1, 0, 0, 1, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 1]], dtype=bool)
    np.testing.assert_array_equal(exclusion_mask(queries, gallery, np.ones((3, 5), bool)), expected)


@pytest.mark.parametrize(("source", "excluded"), [("g/0.png", True), ("0.png", True), ("0", True), ("10.png", False)])
def test_a_source_is_named_by_path_or_file_name(source: str, excluded: bool) -> None:
    gallery = [picture(Split.GALLERY, "ann", "g/0.png")]
    mask = exclusion_mask([(sentence("ann", "a woman", source),)], gallery, np.ones((1, 1), bool))
    assert mask.item() is excluded


def test_all_subsets_in_order() -> None:
    known = draw_records([r for r in small_set() if r.split is Split.QUERY], seed=0)
    names = [subset_name(subset) for subset in all_subsets(known)]
    assert names == ["R", "I", "S", "T", "RI", "RS", "RT", "IS", "IT", "ST", "RIS", "RIT", "RST", "IST", "RIST"]


def test_one_query_a_person_with_records_shared_by_all_subsets() -> None:
    queries = [r for r in small_set() if r.split is Split.QUERY]
    known = draw_records(queries, seed=3)
    assert known == draw_records(list(reversed(queries)), seed=3)
    everything = build_queries(known, (*KINDS, Modality.TEXT))
    pair = build_queries(known, (Modality.INFRARED, Modality.TEXT))
    assert [query[0].person_id for query in pair] == list(PEOPLE)
    assert all(set(small) <= set(large) for small, large in zip(pair, everything, strict=True))
    without_bob = draw_records([r for r in queries if r.person_id != "bob"], seed=3)
    assert without_bob["ann"] == known["ann"]
    draws = {draw_records(queries, seed=s)["ann"][Modality.SKETCH] for s in range(20)}
    assert len(draws) == 2


def test_scores_of_a_perfect_model() -> None:
    result = evaluate_combinations(small_set(), embed_truth)
    assert len(result.tasks) == 4 + 2 * 11
    assert [task.fusion for task in result.tasks[:6]] == ["single"] * 4 + ["early", "late"]
    for task in result.tasks:
        assert (task.scores.mAP, task.scores.rank[1], task.scores.num_queries, task.scores.num_gallery) == (1, 1, 3, 6)
    assert result.left_out == {}


def test_a_mixed_gallery_is_ranked_and_named() -> None:
    night = [
        picture(Split.GALLERY, person, f"{person}_night.png", Modality.INFRARED, "c4") for person in (*PEOPLE, "eve")
    ]
    mixed = evaluate_combinations(
        [*small_set(), *night],
        embed_truth,
        subsets=[{Modality.SKETCH}],
        gallery_modalities={Modality.INFRARED, Modality.RGB},
    )
    assert (mixed.protocol, mixed.version, mixed.gallery) == ("any-combination-to-rgb+infrared", "1", "entries")
    assert (mixed.tasks[0].scores.num_gallery, mixed.tasks[0].scores.mAP) == (10, 1)
    plain = evaluate_combinations([*small_set(), *night], embed_truth)
    assert (plain.protocol, plain.gallery, plain.tasks[0].scores.num_gallery) == ("any-combination-to-rgb", "photos", 6)
    with pytest.raises(DataError, match=r"no pencil\+sketch records in the split 'gallery'"):
        evaluate_combinations(small_set(), embed_truth, gallery_modalities=(Modality.SKETCH, Modality.PENCIL))


def test_each_fusion_reaches_the_model_and_the_gallery_is_embedded_once() -> None:
    asked: list[tuple[str, str]] = []

    def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
        asked.extend((subset_name(r.modality for r in query), fusion) for query in queries)
        return embed_truth(queries, fusion)

    evaluate_combinations(
        small_set(), CachedEmbedder(embed), subsets=[{Modality.TEXT, Modality.SKETCH}], fusions=("late",)
    )
    assert asked == [("R", "early")] * 6 + [("S", "early"), ("T", "early")] * 3
    asked.clear()
    evaluate_combinations(small_set(), embed, subsets=[{Modality.TEXT, Modality.SKETCH}], fusions=("early", "late"))
    assert asked == [("R", "early")] * 6 + [("ST", "early")] * 3 + [("ST", "late")] * 3


def test_a_subset_that_cannot_be_scored_is_named_not_scored() -> None:
    records = [r for r in small_set() if not (r.modality is Modality.SKETCH and r.person_id != "ann")]
    records = [r for r in records if not (r.modality is Modality.INFRARED and r.person_id == "ann")]
    result = evaluate_combinations(
        records, embed_truth, subsets=[{Modality.SKETCH}, {Modality.INFRARED, Modality.SKETCH}]
    )
    assert [(t.task, t.scores.num_queries) for t in result.tasks] == [("S", 1)]
    assert result.left_out == {"IS": "no person has all of these modalities in the split 'query'"}
    one_camera = [picture(r.split, r.person_id, str(r.image_path), camera="c") for r in small_set() if r.image_path]
    with pytest.raises(DataError, match="nothing could be scored: R: each true match of the 3 queries is"):
        evaluate_combinations(one_camera, embed_truth)


@pytest.mark.parametrize(("split", "missing"), [(Split.QUERY, "'query'"), (Split.GALLERY, "'gallery'")])
def test_an_empty_split_is_an_error(split: Split, missing: str) -> None:
    with pytest.raises(DataError, match=f"in the split {missing}|records in the split {missing}"):
        evaluate_combinations([r for r in small_set() if r.split is not split], embed_truth)
