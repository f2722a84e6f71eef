"""Folders and draws: order by number and file name, and the same choice as Python's own generator makes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.draws import draw_seeded, id_number, list_folders
from aio_reid.records import Modality, Record, Split


def photo(person: str, camera: str | None, name: str) -> Record:
    return Record("set", Split.GALLERY, Modality.RGB, person, camera, Path(name))


PHOTOS = [
    photo("0010", "cam2", "f1.jpg"),
    photo("0009", "cam10", "f9.jpg"),
    photo("0009", "cam2", "f10.jpg"),
    photo("0009", "cam2", "f9.jpg"),
    photo("0009", "cam2", "f1.jpg"),
]


def test_folders_are_in_the_order_of_numbers_and_names() -> None:
    folders = list_folders(PHOTOS)
    assert list(folders.items()) == [((9, 2), (4, 2, 3)), ((9, 10), (1,)), ((10, 2), (0,))]


def test_draws_follow_the_generator_of_the_trial() -> None:
    folders = list_folders(PHOTOS)
    for trial in range(5):
        generator = random.Random(trial)
        expected = [generator.choice(rows) for rows in folders.values()]
        assert draw_seeded(folders, trial, shots=1).tolist() == expected
    several = draw_seeded(folders, 0, shots=2, cameras=(2,)).tolist()
    assert len(several) == 3 and several[2] == 0 and len(set(several[:2]) & {2, 3, 4}) == 2
    assert draw_seeded(folders, 0, shots=1, cameras=(7,)).tolist() == []


@pytest.mark.parametrize(("name", "number"), [("0006", 6), ("cam3", 3), ("c10", 10), (5, 5), ("2_04", 4)])
def test_the_number_of_an_id(name: object, number: int) -> None:
    assert id_number(name) == number


def test_an_id_without_a_number_is_refused() -> None:
    with pytest.raises(DataError, match="the id 'hall' does not end in a number"):
        list_folders([photo("1", "hall", "a.jpg")])
    with pytest.raises(DataError, match="the id None"):
        list_folders([photo("1", None, "a.jpg")])
