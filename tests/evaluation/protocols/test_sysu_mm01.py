"""SYSU-MM01: the camera rule by hand, both draws of its galleries, and published implementations on golden cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.draws import Folders, list_folders
from aio_reid.evaluation.protocols.sysu_mm01 import camera_rule_mask, draw_galleries, evaluate_sysu_mm01
from aio_reid.records import Modality, Query, Record, Split

ALL, INDOOR = (1, 2, 4, 5), (1, 2)


def photo(person: int, camera: int, number: int) -> Record:
    path = Path(f"cam{camera}/{person:04d}/{number:04d}.jpg")
    return Record("sysu", Split.GALLERY, Modality.RGB, f"{person:04d}", f"cam{camera}", path)


def infrared(person: int, camera: int, number: int = 1) -> Record:
    path = Path(f"cam{camera}/{person:04d}/{number:04d}.jpg")
    return Record("sysu", Split.QUERY, Modality.INFRARED, f"{person:04d}", f"cam{camera}", path)


def embed_person(queries: Sequence[Query], fusion: str) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[[int(query[0].person_id) for query in queries]]


def test_camera_rule_by_hand() -> None:
    mask = camera_rule_mask(np.array([3, 6, 3]), np.array([1, 2, 4, 5, 2]))
    assert mask.astype(int).tolist() == [[0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [0, 1, 0, 0, 1]]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("sysu_all_singleshot", "all search, single shot"),
        ("sysu_indoor_singleshot", "indoor search, single shot"),
        ("sysu_all_multishot", "all search, multi shot"),
        ("sysu_indoor_multishot", "indoor search, multi shot"),
    ],
)
def test_one_trial_equals_published_implementations(
    name: str,
    row: str,
    golden: Callable,
    embed_distances: Callable[..., Callable],
    assert_scores: Callable[..., None],
) -> None:
    """Each folder holds as many photos as are drawn, so that all ten trials are the case."""
    case = golden(name)
    queries = [
        infrared(person, camera, i)
        for i, (person, camera) in enumerate(zip(case.arrays["q_pids"], case.arrays["q_camids"], strict=True))
    ]
    photos = [
        photo(person, camera, i)
        for i, (person, camera) in enumerate(zip(case.arrays["g_pids"], case.arrays["g_camids"], strict=True))
    ]
    result = evaluate_sysu_mm01([*queries, *photos], embed_distances(queries, photos, case.arrays["distmat"]))
    assert result.protocol == "sysu-mm01/seeded-random"
    (task,) = [task for task in result.tasks if task.task == row]
    assert_scores(task.trials[0], case.expected)
    assert_scores(task.scores, {key: value for key, value in case.expected.items() if "num" not in key})
    assert task.trials[3].num_gallery == len(photos)


def test_ten_trials_end_to_end_as_the_published_code(golden: Callable, assert_scores: Callable[..., None]) -> None:
    case = golden("sysu_indoor_10trials")
    arrays = case.arrays
    photos = [photo(*labels) for labels in zip(arrays["img_pid"], arrays["img_cam"], arrays["img_idx"], strict=True)]
    queries = [
        infrared(person, camera, i)
        for i, (person, camera) in enumerate(zip(arrays["q_pids"], arrays["q_camids"], strict=True))
    ]
    vectors = dict(zip([*photos, *queries], [*arrays["img_feat"], *arrays["q_feat"]], strict=True))
    drawn = draw_galleries(list_folders(photos), cameras=INDOOR, shots=1, permutations=None)
    np.testing.assert_array_equal(drawn, arrays["exp_chosen_rows"])
    result = evaluate_sysu_mm01(
        [*queries, *photos], lambda asked, fusion: np.stack([vectors[query[0]] for query in asked])
    )
    task = next(task for task in result.tasks if task.task == "indoor search, single shot")
    assert_scores(task.scores, case.expected["mean"], case.tolerance)
    for trial, expected in zip(task.trials, case.expected["per_trial"], strict=True):
        assert_scores(trial, expected, case.tolerance)


def real_folders(arrays: Mapping[str, np.ndarray]) -> tuple[list[Record], Folders]:
    photos = [
        photo(person, camera, number)
        for person, camera, count in zip(*(arrays[f"count_{key}"] for key in ("pid", "cam", "n")), strict=True)
        for number in range(1, count + 1)
        if camera in ALL
    ]
    return photos, list_folders(photos)


@pytest.mark.parametrize(("search", "cameras"), [("all", ALL), ("indoor", INDOOR)])
@pytest.mark.parametrize("draw", ["official", "seeded-random"])
def test_the_galleries_of_the_real_test_set(search: str, cameras: tuple[int, ...], draw: str, golden: Callable) -> None:
    arrays = golden("sysu_gallery_selection").arrays
    photos, folders = real_folders(arrays)
    key = f"exp_official_{search}" if draw == "official" else f"exp_{search}"
    picks = arrays[f"{key}_choice_trials"]  # (10, G), positions from 0
    permutations: dict[int, dict[int, np.ndarray]] = {}
    for column, (person, camera) in enumerate(
        zip(arrays[f"exp_{search}_pid"], arrays[f"exp_{search}_cam"], strict=True)
    ):
        count = len(folders[int(person), int(camera)])
        rows = [[pick, *(set(range(count)) - {pick})] for pick in picks[:, column]]
        permutations.setdefault(int(camera), {})[int(person)] = np.array(rows) + 1
    drawn = draw_galleries(folders, cameras=cameras, shots=1, permutations=permutations if draw == "official" else None)
    place = {row: position for rows in folders.values() for position, row in enumerate(rows)}
    assert [int(photos[row].person_id) for row in drawn[0]] == arrays[f"exp_{search}_pid"].tolist()
    assert [[place[row] for row in rows] for rows in drawn] == picks.tolist()
    multi = draw_galleries(folders, cameras=cameras, shots=10, permutations=None)
    assert {len(set(rows.tolist())) for rows in multi} == {10 * picks.shape[1]}


def small_set() -> list[Record]:
    photos = [photo(person, camera, number) for person in (1, 2) for camera in (1, 2) for number in (1, 2, 3)]
    return [*photos, infrared(1, 3), infrared(2, 6), infrared(3, 6), photo(3, 4, 1)]


def test_official_permutations_choose_by_position_from_1() -> None:
    order = np.array([[3, 1, 2], [2, 3, 1]] * 5)
    permutations = {camera: dict.fromkeys((1, 2), order) for camera in (1, 2)}
    permutations[4] = {3: np.ones((10, 1), int)}
    photos = [record for record in small_set() if record.modality is Modality.RGB]
    drawn = draw_galleries(list_folders(photos), cameras=ALL, shots=1, permutations=permutations)
    assert [[photos[row].image_path.name for row in rows] for rows in drawn[:2]] == [  # type: ignore[union-attr]
        ["0003.jpg"] * 4 + ["0001.jpg"],
        ["0002.jpg"] * 4 + ["0001.jpg"],
    ]
    result = evaluate_sysu_mm01(small_set(), embed_person, draw="official", permutations=permutations)
    assert result.protocol == "sysu-mm01/official"
    with pytest.raises(DataError, match="permutations of person 3, camera 4: none, not"):
        evaluate_sysu_mm01(
            small_set(), embed_person, draw="official", permutations={c: permutations[c] for c in (1, 2)}
        )
    with pytest.raises(DataError, match="are of 3 photos, and 4 are there"):
        more = [*small_set(), photo(1, 1, 4)]
        evaluate_sysu_mm01(more, embed_person, draw="official", permutations=permutations)


def test_rows_counts_and_queries_without_a_match() -> None:
    result = evaluate_sysu_mm01(small_set(), embed_person)
    counts = [(t.task, t.trials[0].num_gallery, t.trials[0].num_without_match) for t in result.tasks]
    assert counts == [
        ("all search, single shot", 5, 0),
        ("all search, multi shot", 13, 0),
        ("indoor search, single shot", 4, 1),  # person 3 is outdoors only
        ("indoor search, multi shot", 12, 1),
    ]
    assert all(task.scores.mAP == 1.0 for task in result.tasks)
    outdoors = evaluate_sysu_mm01([infrared(3, 6), infrared(3, 1), photo(3, 4, 1)], embed_person)
    assert [task.scores.num_queries for task in outdoors.tasks] == [10, 10]  # camera 1 asks nothing
    assert outdoors.left_out["indoor search, single shot"] == "there are no photos by the cameras 1, 2"


def test_mistakes() -> None:
    with pytest.raises(ConfigError, match="draw is 'random'; choose one of: official, seeded-random"):
        evaluate_sysu_mm01(small_set(), embed_person, draw="random")
    with pytest.raises(ConfigError, match="draw is 'official', but only 'official' reads permutations, and none are"):
        evaluate_sysu_mm01(small_set(), embed_person, draw="official")
    with pytest.raises(ConfigError, match="draw is 'seeded-random', but only 'official' reads permutations, and they"):
        evaluate_sysu_mm01(small_set(), embed_person, permutations={})
    named = Record("sysu", Split.GALLERY, Modality.RGB, "0001", "indoor", Path("a.jpg"))
    with pytest.raises(DataError, match="the id 'indoor' does not end in a number"):
        evaluate_sysu_mm01([infrared(1, 3), named], embed_person)
