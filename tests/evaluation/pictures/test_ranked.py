"""What an onlooker keeps of a ranking, against a sort of all distances."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from picture_fakes import ask, photo, rank, text, unit

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.evaluation.pictures.ranked import NearestKeeper
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.evaluation.protocols.regdb import DIRECTIONS, evaluate_regdb
from aio_reid.evaluation.protocols.text_to_image import evaluate_text_to_image
from aio_reid.evaluation.tasks import Asked, rank_asked, rank_plainly, ranking_by
from aio_reid.records import Modality, Query, Record, Split


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    gallery = [photo(tmp_path, person, number) for number in range(4) for person in range(6)]
    return ask("S", [(photo(tmp_path, person, 0, Modality.SKETCH),) for person in range(6)], gallery)


def test_the_nearest_are_those_of_a_sort_without_what_is_ignored(asked: Asked) -> None:
    (task,) = rank(asked)
    matches, ignore = asked.masks(slice(None))
    for q in range(6):
        cosines = asked.gallery_vectors @ asked.query_vectors[q]
        expected = [g for g in np.argsort(-cosines, kind="stable").tolist() if not ignore[q, g]][:10]
        assert task.nearest[q].tolist() == expected
        assert task.is_match[q].tolist() == [bool(matches[q, g]) for g in expected]
        np.testing.assert_allclose(task.cosines[q], cosines[expected], atol=1e-6)
        first = task.scores.first_match[q]
        assert first > 10 or np.flatnonzero(task.is_match[q])[0] + 1 == first


def test_looking_on_changes_no_score(asked: Asked) -> None:
    plain, (task,) = rank_plainly(asked), rank(asked)
    assert task.scores == plain
    np.testing.assert_array_equal(task.scores.average_precision, plain.average_precision)


def test_a_ranking_may_end_before_the_tenth_place(asked: Asked) -> None:
    def masks(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        matches, ignore = asked.masks(rows)
        ignore[0] = True
        ignore[1, 3:] = True
        ignore[1, :3] = False
        return matches, ignore

    (task,) = rank(replace(asked, masks=masks))
    assert task.nearest[0].tolist() == [-1] * 10 and not task.is_match[0].any() and np.isnan(task.cosines[0]).all()
    assert sorted(task.nearest[1, :3].tolist()) == [0, 1, 2] and task.nearest[1, 3:].tolist() == [-1] * 7
    few = replace(asked, gallery=asked.gallery[:4], gallery_vectors=asked.gallery_vectors[:4])
    few = replace(few, masks=lambda rows: tuple(mask[:, :4] for mask in asked.masks(rows)))
    assert rank(few)[0].nearest.shape == (6, 4)


def test_equal_entries_keep_the_order_of_the_gallery(asked: Asked) -> None:
    same = np.repeat(unit(1, 0), 24, axis=0)
    (task,) = rank(replace(asked, gallery_vectors=same))
    assert np.all(np.diff(task.nearest, axis=1) > 0)


def test_many_queries_are_kept_block_by_block(tmp_path: Path) -> None:
    gallery = [photo(tmp_path, person, 0) for person in range(5)]
    queries: list[Query] = [(text(n % 5, f"words {n}"),) for n in range(600)]
    (task,) = rank(ask("T", queries, gallery))
    assert task.nearest.shape == (600, 5)
    assert task.query_vectors is not None
    nearest = np.argmax(task.query_vectors @ task.gallery_vectors.T, axis=1)
    seen = task.nearest[:, 0] == nearest
    assert 0.7 < seen.mean() < 0.9  # a fifth of the entries is ignored


def test_a_task_that_is_ranked_again_is_a_trial(asked: Asked) -> None:
    other = replace(asked, gallery_vectors=unit(24, 77))
    (task,) = rank(asked, other)
    assert task.trials == (rank_plainly(asked), rank_plainly(other)) and task.scores == task.trials[0]
    np.testing.assert_array_equal(task.nearest, rank(asked)[0].nearest)
    assert [task.fusion for task in rank(asked, replace(asked, fusion="early"))] == ["single", "early"]


def test_vectors_are_kept_for_maps_only(asked: Asked) -> None:
    fused = replace(asked, queries=[(query[0], query[0]) for query in asked.queries])
    several = [replace(fused, task="SS"), asked, replace(fused, task="SS again"), replace(asked, task="S again")]
    kept = [task.query_vectors is not None for task in rank(*several)]
    assert kept == [True, True, False, True]  # the first of all, and those of single records


def test_only_what_is_ranked_inside_is_seen(asked: Asked) -> None:
    keeper = NearestKeeper()
    rank_asked(asked)
    with ranking_by(keeper.rank):
        assert rank_asked(asked) == rank_plainly(asked)
        with pytest.raises(DataError, match="NaN"):
            rank_asked(replace(asked, task="broken", query_vectors=np.full_like(asked.query_vectors, np.nan)))
    rank_asked(replace(asked, task="later"))
    assert [task.task for task in keeper.tasks] == ["S"]


def embed(queries: list[Query], fusion: str) -> np.ndarray:
    seeds = [sum(map(ord, f"{fusion}{query[0].caption or query[0].image_path.name}")) for query in queries]  # type: ignore[union-attr]
    return np.concatenate([unit(1, seed) for seed in seeds])


def test_protocols_are_seen_and_score_the_same(tmp_path: Path) -> None:
    records: list[Record] = []
    for person in range(4):
        records += [photo(tmp_path, person, n) for n in range(2)]
        records += [photo(tmp_path, person, 0, Modality.INFRARED), text(person, f"person {person} in words")]
    tested = [r if r.split is Split.GALLERY else replace(r, split=Split.QUERY) for r in records]
    cached = CachedEmbedder(embed)  # type: ignore[arg-type]
    for run in (
        lambda: evaluate_combinations(tested, cached, fusions=("early", "late")),
        lambda: evaluate_text_to_image(tested, cached),
        lambda: evaluate_regdb([tested, tested, tested], cached),
    ):
        keeper = NearestKeeper()
        plain = run()
        with ranking_by(keeper.rank):
            watched = run()
        assert watched == plain
        assert [(t.task, t.fusion) for t in keeper.tasks] == [(t.task, t.fusion) for t in plain.tasks]
        assert all(
            task.trials == (row.trials or (row.scores,)) for task, row in zip(keeper.tasks, plain.tasks, strict=True)
        )
    assert keeper.tasks[1].task == DIRECTIONS[1] and len(keeper.tasks[1].trials) == 3
    assert {entry.modality for entry in keeper.tasks[0].gallery} == {Modality.INFRARED}
