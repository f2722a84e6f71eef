"""Integer labels of records, and the two masks that every protocol is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aio_reid.evaluation.labels import UNKNOWN, encode_labels, same_camera, same_person
from aio_reid.records import Modality, Record, Split


def photo(person: str, camera: str | None) -> Record:
    return Record("made", Split.QUERY, Modality.RGB, person, camera, Path(f"{person}.jpg"))


def test_codes_are_shared_by_all_groups_and_unknown_cameras_are_nobodys() -> None:
    query = [photo("7", "b"), photo("07", None)]
    gallery = [photo("07", "b"), photo("7", "a"), photo("7", None)]
    q, g = encode_labels(query, gallery)
    assert same_person(q, g).tolist() == [[False, True, True], [True, False, False]]
    assert same_camera(q, g).tolist() == [[True, False, False], [False, False, False]]
    assert q.cameras[1] == g.cameras[2] == UNKNOWN
    assert np.array_equal(g[np.array([2, 0])].persons, g.persons[[2, 0]]) and len(g[:1]) == 1
