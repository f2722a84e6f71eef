"""ORBench: the 32 tasks, their averages, and the published implementation on a golden case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.protocols.orbench import MODALITIES, TASKS, evaluate_orbench
from aio_reid.records import Modality, Query, Record, Split

AVERAGES = {
    "ONE_AVER": "average of one modality",
    "TWO_AVER": "average of two modalities",
    "THREE_AVER": "average of three modalities",
    "FOUR_AVER": "average of four modalities",
}


def part(task: str, name: str, number: int, person: object) -> Record:
    modality, key = MODALITIES[name], f"{task}/{name}/{number}"
    path, caption = (Path(key), None) if modality.is_visual else (None, key)
    return Record("orbench", Split.QUERY, modality, str(person), image_path=path, caption=caption)


def ask(task: str, persons: Sequence[object]) -> list[Query]:
    return [tuple(part(task, name, i, person) for name in task.split("+")) for i, person in enumerate(persons)]


def photos(persons: Sequence[object]) -> list[Record]:
    return [
        Record("orbench", Split.GALLERY, Modality.RGB, str(person), image_path=Path(f"vis/{i}.jpg"))
        for i, person in enumerate(persons)
    ]


def embed_person(queries: Sequence[Query], fusion: str) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[[int(query[0].person_id) for query in queries]]


def test_equals_the_published_implementation(golden: Callable, assert_scores: Callable[..., None]) -> None:
    case = golden("orbench_all_tasks")
    assert list(TASKS) == case.expected["task_order"]
    gallery = photos(case.arrays["g_pids"])
    vectors: dict[Record, np.ndarray] = dict(zip(gallery, case.arrays["g_feat"], strict=True))
    tasks: dict[str, list[Query]] = {}
    for task in TASKS:
        key = f"q_{task.lower().replace('+', '_')}"
        tasks[task] = ask(task, case.arrays[f"{key}_pids"])
        vectors |= {query[0]: row for query, row in zip(tasks[task], case.arrays[f"{key}_fused"], strict=True)}
    result = evaluate_orbench(
        tasks, gallery, lambda queries, fusion: np.stack([vectors[query[0]] for query in queries]), fusions=("early",)
    )
    assert [row.task for row in result.tasks] == list(TASKS)
    for row in result.tasks:
        assert_scores(row.scores, case.expected["tasks"][row.task], case.tolerance)
    assert [row.scores.num_averaged for row in result.averages] == [4, 12, 12, 4]
    for row, (key, name) in zip(result.averages, AVERAGES.items(), strict=True):
        assert row.name == name
        assert_scores(row.scores, case.expected["averages"][key], case.tolerance)
    mean = np.mean([row.scores.rank[1] for row in result.averages])
    assert mean == pytest.approx(case.expected["mean_of_rank1_averages"], abs=case.tolerance)


def test_missing_tasks_leave_out_their_average_and_each_fusion_has_its_own() -> None:
    asked: list[tuple[str, str]] = []

    def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
        asked.append(("+".join(record.modality.value for record in queries[0]), fusion))
        return embed_person(queries, fusion)

    tasks = {task: ask(task, [1, 2]) for task in TASKS if task.count("+") in (0, 1) and task != "TEXT"}
    result = evaluate_orbench(tasks, photos([1, 2, 3]), embed)
    assert [(row.name, row.fusion) for row in result.averages] == [
        ("average of two modalities", "early"),
        ("average of two modalities", "late"),
    ]
    assert result.left_out["TEXT"] == "there are no such queries, or none that these weights read"
    assert result.left_out["average of one modality"] == "3 of 4 tasks could be scored"
    assert result.left_out["average of four modalities"] == "0 of 4 tasks could be scored"
    assert asked[:1] == [("rgb", "early")]
    assert ("sketch+infrared", "late") in asked  # the order of the task is the order of the query


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(DataError, match=r"unknown task 'TEXT\+CP\+NIR'; choose among: NIR, CP"):
        evaluate_orbench({"TEXT+CP+NIR": []}, photos([1]), embed_person)
    with pytest.raises(
        DataError, match=r"in task 'SK\+NIR' holds infrared, sketch; its records must be sketch, infrared"
    ):
        evaluate_orbench({"SK+NIR": ask("NIR+SK", [1])}, photos([1]), embed_person)
    with pytest.raises(DataError, match="there are no queries"):
        evaluate_orbench({"SK": []}, photos([1]), embed_person)
    with pytest.raises(DataError, match="there are no photos"):
        evaluate_orbench({"SK": ask("SK", [1])}, [], embed_person)
