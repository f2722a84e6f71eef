"""Evaluation files side by side: what is paired, what is refused, what is counted and left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.bootstrap import bootstrap_differences
from aio_reid.evaluation.compare import ComparedRow, asks_the_same, compare, comparison_table
from aio_reid.evaluation.protocols import cuhk03_single_shot, llcm
from aio_reid.evaluation.record import EvaluationRecord, write_json
from aio_reid.evaluation.report import to_markdown
from aio_reid.evaluation.scores import NOT_SCORED, ProtocolScores, QueryOutcome, RetrievalScores, TaskScores, summarise
from aio_reid.evaluation.trials import average_trials

FOUND, SECOND, MISSED = QueryOutcome(1, 1.0, 1.0), QueryOutcome(2, 0.5, 0.5), NOT_SCORED


def scored(*outcomes: QueryOutcome) -> RetrievalScores:
    return summarise(outcomes, num_gallery=5)


def random_scores(num: int, seed: int) -> RetrievalScores:
    ranks = np.random.default_rng(seed).integers(1, 6, num)
    return scored(*(QueryOutcome(int(rank), round(1 / int(rank), 6), round(0.9 / int(rank), 6)) for rank in ranks))


def task(scores: RetrievalScores, name: str = "S", fusion: str = "single") -> TaskScores:
    return TaskScores(name, fusion, scores)


RECORD = EvaluationRecord(
    scores=ProtocolScores("any-combination-to-rgb", "1", (task(scored(FOUND, SECOND)),), {}),
    dataset="people (2 of 3 persons)",
    split_hash="a" * 64,
    counts={},
    weights="w",
    weights_hash="c" * 64,
    model={},
    seed=0,
    command="aio-reid evaluate",
    seconds=1.0,
    provenance={},
)


def write(path: Path, *tasks: TaskScores, protocol: str | None = None, version: str = "1", **changes: Any) -> Path:
    scores = replace(RECORD.scores, version=version)
    scores = replace(scores, tasks=tasks or scores.tasks, protocol=protocol or scores.protocol)
    write_json(path, replace(RECORD, scores=scores, **changes).to_json())
    return path


def row_of(a: Path, b: Path, **settings: int) -> ComparedRow:
    rows = compare(a, b, **settings).rows
    assert len(rows) == 1
    return rows[0]


def test_by_hand(tmp_path: Path) -> None:
    """Of four queries, A alone scores the third and B alone the fourth: the first two are paired."""
    a = write(tmp_path / "a.json", task(scored(SECOND, SECOND, FOUND, MISSED)))
    b = write(tmp_path / "b.json", task(scored(FOUND, SECOND, MISSED, FOUND)))
    row = row_of(a, b)
    assert (row.evaluation, row.task, row.fusion) == ("people, any-combination-to-rgb", "S", "single")
    assert (row.num_paired, row.num_only_a, row.num_only_b, row.num_trials) == (2, 1, 1, 1)
    rank1, mAP, mINP = row.differences
    assert (rank1.metric, rank1.a, rank1.b, rank1.difference) == ("rank-1", 0.0, 0.5, 0.5)
    assert (mAP.a, mAP.b, mAP.difference) == (0.5, 0.75, 0.25)
    # Of two queries, one of them better by 1: a quarter of the resamples draws it never, a quarter twice.
    assert (rank1.low, rank1.high) == (0.0, 1.0)
    assert rank1.p_value == pytest.approx(2 * 0.25, abs=0.03)
    assert (mINP.low, mINP.high) == (0.0, 0.5)


def test_an_evaluation_does_not_differ_from_itself(tmp_path: Path) -> None:
    a = write(tmp_path / "a.json", task(random_scores(30, 1)))
    for one in row_of(a, a, resamples=500).differences:
        assert one.a == one.b
        assert (one.difference, one.low, one.high, one.p_value) == (0, 0, 0, 1)


def test_sides_and_seeds(tmp_path: Path) -> None:
    a = write(tmp_path / "a.json", task(random_scores(40, 1)))
    b = write(tmp_path / "b.json", task(random_scores(40, 2)))
    forth, back = row_of(a, b, resamples=300), row_of(b, a, resamples=300)
    for one, other in zip(forth.differences, back.differences, strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert one.low == pytest.approx(-other.high)
        assert one.p_value == other.p_value
    assert row_of(a, b, resamples=300) == forth
    assert row_of(a, b, resamples=300, seed=1) != forth


def test_rows_do_not_depend_on_each_other(tmp_path: Path) -> None:
    tasks = [[task(random_scores(20, seed), name) for name, seed in (("R", run), ("S", run + 5))] for run in (1, 2)]
    both = compare(write(tmp_path / "a.json", *tasks[0]), write(tmp_path / "b.json", *tasks[1]), resamples=200)
    alone = compare(write(tmp_path / "c.json", tasks[0][1]), write(tmp_path / "d.json", *tasks[1]), resamples=200)
    assert both.rows[1] == alone.rows[0]
    assert alone.only_b == ("people, any-combination-to-rgb, R (single)",)


def trials_of(run: int) -> list[RetrievalScores]:
    return [random_scores(12, 10 * run + trial) for trial in range(3)]


def values(trials: list[RetrievalScores]) -> list[np.ndarray]:
    columns = [(t.first_match == 1, t.average_precision, t.inverse_penalty) for t in trials]
    return [np.stack(of_trial, axis=1).astype(np.float64) for of_trial in columns]


def test_queries_are_drawn_within_trials(tmp_path: Path) -> None:
    a, b = trials_of(1), trials_of(2)
    files = [
        write(tmp_path / f"{name}.json", average_trials("visible to thermal", "single", t), protocol="regdb", seed=None)
        for name, t in (("a", a), ("b", b))
    ]
    row = row_of(*files, resamples=300)
    assert (row.num_paired, row.num_trials, row.same_queries) == (36, 3, False)
    groups = [y - x for x, y in zip(values(a), values(b), strict=True)]
    expected = bootstrap_differences(groups, resamples=300)
    np.testing.assert_allclose([one.low for one in row.differences], expected.low, atol=1e-9)
    np.testing.assert_allclose([one.difference for one in row.differences], np.mean(groups, axis=(0, 1)), atol=1e-9)
    assert row.differences[1].b == pytest.approx(np.mean([t.mAP for t in b]), abs=1e-6)


def test_a_query_that_every_trial_asks_is_one_query(tmp_path: Path) -> None:
    """Three trials of the same outcomes tell no more than one of them: the interval is that of a single trial."""
    a, b = random_scores(12, 1), random_scores(12, 2)
    one = row_of(write(tmp_path / "a.json", task(a)), write(tmp_path / "b.json", task(b)), resamples=300)
    files = [
        write(tmp_path / f"{n}3.json", average_trials("all search", "single", [t] * 3), protocol="sysu-mm01/official")
        for n, t in (("a", a), ("b", b))
    ]
    row = row_of(*files, resamples=300)
    assert (row.num_paired, row.num_trials, row.same_queries) == (12, 3, True)
    assert [d.low for d in row.differences] == pytest.approx([d.low for d in one.differences])
    assert [d.p_value for d in row.differences] == [d.p_value for d in one.differences]


def test_a_query_counts_by_the_trials_that_scored_it(tmp_path: Path) -> None:
    trials = {
        "a": [scored(FOUND, MISSED), scored(SECOND, FOUND)],
        "b": [scored(SECOND, MISSED), scored(SECOND, SECOND)],
    }
    files = [write(tmp_path / f"{name}.json", average_trials("S", "single", of)) for name, of in trials.items()]
    row = row_of(*files, resamples=100)
    assert (row.num_paired, row.num_trials, row.same_queries) == (2, 2, True)
    assert (row.differences[0].a, row.differences[0].b) == (pytest.approx(0.75), 0.0)  # (1 + 0) / 2 and 1 / 1


def test_which_trials_ask_the_same() -> None:
    assert asks_the_same("sysu-mm01/official", "all search, single shot")
    assert asks_the_same(llcm.NAME, llcm.VIS_TO_IR) and asks_the_same(cuhk03_single_shot.NAME, cuhk03_single_shot.DRAWN)
    assert not asks_the_same(llcm.NAME, llcm.VIS_TO_IR_AS_PUBLISHED)  # its queries are drawn
    assert asks_the_same(f"{llcm.NAME}, re-ranking", llcm.IR_TO_VIS)  # whatever was done to the ranking
    assert asks_the_same("any-combination-to-rgb+infrared, query-expansion", "S")
    assert not asks_the_same("regdb", "visible to thermal") and not asks_the_same("pku-sketch/50-persons", "sketch")


def test_folders_are_matched_and_what_one_side_lacks_is_named(tmp_path: Path) -> None:
    for side in ("a", "b"):
        write(tmp_path / side / f"people-{side}.json")  # names of files do not matter
        write(tmp_path / side / "deep" / "regdb.json", protocol="regdb", seed=None, dataset="regdb")
        write_json(tmp_path / side / "table.json", {"kind": "something else"})
    write(tmp_path / "a" / "more.json", protocol="cross-camera", dataset="market1501", seed=None)
    found = compare(tmp_path / "a", tmp_path / "b", resamples=100)
    assert [row.evaluation for row in found.rows] == ["regdb, regdb", "people, any-combination-to-rgb"]
    assert (found.only_a, found.only_b) == (("market1501, cross-camera",), ())
    table = comparison_table(found, "a", "b")
    assert table.header[:2] == ("evaluation", "query") and {len(row) for row in table.rows} == {len(table.header)}
    assert "Only in A: market1501, cross-camera." in table.notes


def test_two_data_sets_whose_pictures_have_the_same_names(tmp_path: Path) -> None:
    """As CUHK03-NP with both kinds of boxes may; by what they are called they are told apart, and only then by that."""
    labeled, detected = task(scored(FOUND, FOUND)), task(scored(SECOND, SECOND))
    for side in ("a", "b"):
        write(tmp_path / side / "1.json", labeled, dataset="labeled")
        write(tmp_path / side / "2.json", detected, dataset="detected (1 of 2 persons)")
    found = compare(tmp_path / "a", tmp_path / "b", resamples=100)
    assert [(row.evaluation.split(",")[0], row.differences[0].a) for row in found.rows] == [
        ("labeled", 1.0),
        ("detected", 0.0),
    ]
    assert all(one.a == one.b for row in found.rows for one in row.differences)
    (tmp_path / "b" / "1.json").unlink()
    assert compare(tmp_path / "a", tmp_path / "b", resamples=100).only_a == ("labeled, any-combination-to-rgb",)
    renamed = write(tmp_path / "c.json", labeled, dataset="copy of labeled")
    assert len(compare(tmp_path / "a" / "1.json", renamed, resamples=100).rows) == 1


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "version": ({"version": "2"}, "the version of any-combination-to-rgb is 1 here and 2 there"),
    "split": (
        {"split_hash": "b" * 64},
        r"the test split of any-combination-to-rgb is aaaaaaaaaaaa \(people\) here and bbbbbbbbbbbb \(people\) there",
    ),
    "data": ({"split_hash": "b" * 64, "dataset": "crowd"}, r"is aaaaaaaaaaaa \(people\) here and bbbbbbbbbbbb \(crowd"),
    "protocol": ({"protocol": "regdb"}, "the protocol is any-combination-to-rgb here and regdb there"),
    "seed": ({"seed": 5}, "the seed of any-combination-to-rgb, which draws the queries, is 0 here and 5 there"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_does_not_compare_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    changes, line = DIFFERENT[name]
    a, b = write(tmp_path / "a.json"), write(tmp_path / "b.json", **changes)
    with pytest.raises(DataError, match=line) as refused:
        compare(a, b)
    assert "\n" not in str(refused.value) and "a.json" in str(refused.value)


def test_a_folder_with_another_split_of_the_same_data_is_refused_though_other_files_match(tmp_path: Path) -> None:
    for side in ("a", "b"):
        write(tmp_path / side / "regdb.json", protocol="regdb", seed=None, dataset="regdb")
        write(tmp_path / side / "people.json", split_hash=side * 64)
    with pytest.raises(DataError, match="the test split of any-combination-to-rgb"):
        compare(tmp_path / "a", tmp_path / "b")


def test_a_run_of_several_seeds_is_told_from_a_run_of_one(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.json"), write(tmp_path / "b.json")
    for seeds in ([0], [0, 1]):
        b.write_text(json.dumps(json.loads(b.read_text()) | {"suite": {"row": "people", "seeds": seeds}}))
        if seeds == [0]:
            assert len(compare(a, b, resamples=100).rows) == 1
    with pytest.raises(DataError, match="which draws the queries, is 0 here and 0 and 1 there"):
        compare(a, b)


def test_files_that_cannot_be_compared(tmp_path: Path) -> None:
    a = write(tmp_path / "a" / "a.json", task(scored(FOUND, SECOND)))
    with pytest.raises(DataError, match="list \\[2\\] and \\[3\\] queries"):
        compare(a, write(tmp_path / "b.json", task(scored(FOUND, SECOND, SECOND))))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no evaluation"):
        compare(a, tmp_path / "empty")
    with pytest.raises(DataError, match="No such file or directory; evaluate first"):
        compare(a, tmp_path / "none.json")
    (tmp_path / "odd.json").write_text("{")
    with pytest.raises(DataError, match="is not a JSON file"):
        compare(a, tmp_path / "odd.json")
    (tmp_path / "lacks.json").write_text('{"kind": "evaluation", "protocol": {"name": "x"}}')
    with pytest.raises(DataError, match="lacks 'version'"):
        compare(a, tmp_path / "lacks.json")
    write(tmp_path / "a" / "again.json")
    with pytest.raises(DataError, match=r"a\.json and .*again\.json are of the same data set, protocol and split"):
        compare(tmp_path / "a", a)
    with pytest.raises(DataError, match="no row of"):
        compare(a, write(tmp_path / "c.json", task(scored(FOUND, SECOND), "T")))
    old = json.loads(a.read_text())
    del old["tasks"][0]["per_query"]
    (tmp_path / "old.json").write_text(json.dumps(old))
    with pytest.raises(DataError, match="task 'S' lists no values of every query"):
        compare(a, tmp_path / "old.json")


def test_a_row_without_common_queries_is_named(tmp_path: Path) -> None:
    other = task(scored(FOUND, SECOND), "T")
    a = write(tmp_path / "a.json", task(scored(FOUND, MISSED)), other)
    b = write(tmp_path / "b.json", task(scored(MISSED, FOUND)), other)
    found = compare(a, b, resamples=100)
    assert [row.task for row in found.rows] == ["T"]
    assert found.left_out == {"people, any-combination-to-rgb, S (single)": "no query was scored by both"}


def test_table_and_plain_data(tmp_path: Path) -> None:
    a = write(tmp_path / "a.json", task(scored(SECOND, SECOND, FOUND)))
    b = write(tmp_path / "b.json", task(scored(FOUND, SECOND, MISSED)))
    found = compare(a, b, resamples=100)
    table = comparison_table(found, "old", "new")
    first = table.rows[0]
    assert first[:7] == ("S", "2", "rank-1", "0.0", "50.0", "+50.0", "+0.0 to +100.0")
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert (
        "people, any-combination-to-rgb. A is old, B is new" in table.notes[0]
        and "1 queries that only A scored and 0" in table.notes[1]
    )
    assert to_markdown(table).count("\n| ") == 3
    plain = found.to_json()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["rows"][0]["differences"][1]["difference"] == 0.25  # type: ignore[index]
