"""Which pictures of a validation set are compared, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.gallery.calibration.calibrate import Conditions, calibrate_labelled
from aio_reid.gallery.calibration.labelled import (
    MOST_PICTURES,
    LabelledComparisons,
    all_pairings,
    choose_validation,
)
from aio_reid.gallery.calibration.pair import Pairing
from aio_reid.records import Modality, Query, Record, Split

RGB, INFRARED, TEXT = Modality.RGB, Modality.INFRARED, Modality.TEXT


def picture(
    person: int, number: int, *, camera: str | None = None, modality: Modality = RGB, split: Split = Split.VAL
) -> Record:
    path = Path(f"/nowhere/{modality.value}/{person:04d}_{number}.jpg")
    return Record("made", split, modality, f"{person:04d}", camera, path)


def sentence(person: int, source: str | None = None, split: Split = Split.VAL) -> Record:
    return Record("made", split, TEXT, f"{person:04d}", None, None, f"person {person}", source)


def embed(queries: Sequence[Query], fusion: str) -> np.ndarray:
    """A person is a direction; every record of theirs strays from it in its own way. Late fusion is the mean."""
    vectors = []
    for query in queries:
        own = []
        for record in query:
            direction = np.random.default_rng(int(record.person_id)).standard_normal(16)
            name = str(record.image_path or record.caption)
            noise = np.random.default_rng(sum(name.encode()) + 1000 * len(name)).standard_normal(16)
            own.append(direction + 0.6 * noise)
        vectors.append(np.mean(own, axis=0))
    table = np.stack(vectors)
    return (table / np.linalg.norm(table, axis=1, keepdims=True)).astype(np.float32)


def people(count: int) -> list[Record]:
    found: list[Record] = []
    for person in range(count):
        found += [picture(person, number, camera=f"c{number}") for number in range(3)]
        found += [picture(person, 9, camera="night", modality=INFRARED), sentence(person)]
    return found


def test_a_picture_is_not_compared_with_itself_its_source_or_its_own_camera() -> None:
    records = [
        picture(1, 0, camera="north"),
        picture(1, 1, camera="north"),
        picture(1, 2, camera="south"),
        picture(1, 3),
        picture(2, 0, camera="north"),
        sentence(1, source="rgb/0001_2.jpg"),
    ]
    compared = LabelledComparisons(choose_validation(records, [RGB, TEXT]), embed, "late")
    photos = compared.compare(Pairing((RGB,), RGB))
    # queries: two photos of person 1 (north, north) and one of person 2; of its own, person 1 keeps south and unknown
    assert len(photos.scores) == 3 * 5 - 2 * 2 - 1
    assert int(photos.is_match.sum()) == 2 * 2
    told = compared.compare(Pairing((TEXT,), RGB))
    assert (len(told.scores), int(told.is_match.sum())) == (4, 3)  # without the photo that was described
    both = compared.compare(Pairing((RGB, TEXT), RGB))
    assert int(both.is_match.sum()) == 2 * 1  # neither camera north nor the source: the one of no known camera


def test_val_is_preferred_and_people_who_can_be_found_come_first() -> None:
    test = [picture(5, 0, split=Split.QUERY), picture(5, 1, split=Split.GALLERY)]
    chosen = choose_validation([*people(3), *test, sentence(7)], [RGB, INFRARED, TEXT])
    assert chosen.splits == "val" and list(chosen.known)[-1] == "0007" and "0005" not in chosen.known
    assert chosen.query_modalities == (RGB, INFRARED, TEXT) and set(chosen.gallery) == {RGB, INFRARED}
    chosen = choose_validation(test, [RGB])
    assert chosen.splits == "query and gallery" and len(chosen.gallery[RGB]) == 1
    many = choose_validation([picture(1, number) for number in range(20)], [RGB])
    assert len(many.gallery[RGB]) == MOST_PICTURES
    with pytest.raises(DataError, match="no pictures to search"):
        choose_validation([sentence(1)], [RGB, TEXT])
    with pytest.raises(DataError, match="no records to ask with"):
        choose_validation(people(2), [Modality.SKETCH])


def test_all_pairings_are_all_subsets_with_every_gallery() -> None:
    pairings = list(all_pairings([TEXT, RGB, INFRARED], [RGB, INFRARED]))
    assert len(pairings) == len(set(pairings)) == 7 * 2
    assert pairings[0] == Pairing((RGB,), RGB) and pairings[-1] == Pairing((RGB, INFRARED, TEXT), INFRARED)
    assert pairings[-1].name == "photo + infrared + text to infrared" and pairings[-1].letters == "RIT"


def test_every_combination_is_calibrated_and_what_is_missing_is_named() -> None:
    conditions = Conditions("a" * 64, "late", (RGB, INFRARED, Modality.PENCIL))
    done = calibrate_labelled(people(40), [RGB, INFRARED, Modality.SKETCH, TEXT], embed, conditions)
    calibrated = {(pair.pairing.letters, pair.pairing.gallery) for pair in done.pairs}
    # one infrared frame a person: it is the query itself, so nothing with infrared can be searched in infrared frames
    assert calibrated == {(letters, RGB) for letters in ("R", "I", "T", "RI", "RT", "IT", "RIT")} | {
        (letters, INFRARED) for letters in ("R", "T", "RT")
    }
    reasons = dict(done.left_out)
    assert reasons["every combination with sketch"] == "the validation set has no such query"
    assert reasons["every query to colour pencil"] == "the validation set has no such gallery"
    assert "0 comparisons of matches, at least 20 are needed" in reasons["infrared to infrared"]
    assert all(pair.quality.auroc > 0.8 and pair.rule.num_queries > 0 for pair in done.pairs)
    with pytest.raises(DataError, match=r"nothing could be calibrated; photo to photo: 1[0-9] comparisons of matches"):
        calibrate_labelled(people(3), [RGB], embed, Conditions("a" * 64, "late"))
