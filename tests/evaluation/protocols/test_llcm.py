"""LLCM: the junk rule by hand, which images are drawn, and both variants of its second direction on golden cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.draws import draw_seeded, list_folders
from aio_reid.evaluation.labels import Labels
from aio_reid.evaluation.protocols.llcm import evaluate_llcm, junk_mask
from aio_reid.records import Modality, Record, Split


def test_junk_by_hand() -> None:
    query = Labels(np.array([3, 3, 4]), np.array([1, 9, 1]))
    gallery = Labels(np.array([3, 3, 4, 4, 5]), np.array([1, 2, 1, 9, 9]))
    expected = [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]]
    assert junk_mask(query, gallery).astype(int).tolist() == expected


@pytest.mark.parametrize(
    ("name", "asked", "row"),
    [
        ("llcm_ir2vis", Modality.INFRARED, "infrared to visible"),
        ("llcm_vis2ir", Modality.RGB, "visible to infrared"),
        ("llcm_vis2ir_as_published_code", Modality.INFRARED, "visible to infrared, as the published code"),
    ],
)
def test_equals_published_implementations(
    name: str,
    asked: Modality,
    row: str,
    golden: Callable,
    make_records: Callable[..., list[Record]],
    embed_distances: Callable[..., Callable],
    assert_scores: Callable[..., None],
) -> None:
    """The drawn side of each case has one picture in a folder, so that all ten trials are the case."""
    case = golden(name)
    searched = Modality.RGB if asked is Modality.INFRARED else Modality.INFRARED
    queries = make_records(Split.QUERY, asked, case.arrays["q_pids"], case.arrays["q_camids"])
    gallery = make_records(Split.GALLERY, searched, case.arrays["g_pids"], case.arrays["g_camids"])
    result = evaluate_llcm([*queries, *gallery], embed_distances(queries, gallery, case.arrays["distmat"]))
    (task,) = [task for task in result.tasks if task.task == row]
    assert len(task.trials) == 10
    assert_scores(task.trials[9], case.expected)
    assert_scores(task.scores, {key: value for key, value in case.expected.items() if "num" not in key})


@pytest.mark.parametrize(("kind", "number"), [("vis", 0), ("nir", 1)])
def test_the_published_code_draws_the_same_galleries(kind: str, number: int, golden: Callable) -> None:
    arrays = golden("llcm_gallery_selection").arrays
    of_kind = arrays["count_mod"] == number
    pictures = [
        Record("llcm", Split.GALLERY, Modality.RGB, f"{person:04d}", f"{camera}", image_path=Path(f"{name}.jpg"))
        for person, camera, count in zip(*(arrays[f"count_{key}"][of_kind] for key in ("pid", "cam", "n")), strict=True)
        for name in sorted(f"{person:04d}_c{camera:02d}_s{100 + k}_f{k}_{kind}" for k in range(1, count + 1))
    ]
    folders = list_folders(pictures)
    place = {row: position for rows in folders.values() for position, row in enumerate(rows)}
    for trial in range(10):
        rows = draw_seeded(folders, trial, shots=1)
        assert [int(pictures[row].person_id) for row in rows] == arrays[f"exp_{kind}_pid"].tolist()
        assert [int(pictures[row].camera_id or "") for row in rows] == arrays[f"exp_{kind}_cam"].tolist()
        assert [place[row] for row in rows] == arrays[f"exp_{kind}_choice_trials"][trial].tolist()


def test_pictures_without_a_camera_are_refused(make_records: Callable[..., list[Record]]) -> None:
    records = [
        *make_records(Split.QUERY, Modality.INFRARED, ["1"], ["1"]),
        *make_records(Split.GALLERY, Modality.RGB, ["1"]),
    ]
    with pytest.raises(DataError, match="1 of 2 records have no camera, by which llcm ignores"):
        evaluate_llcm(records, lambda asked, fusion: np.ones((len(asked), 1), np.float32))
