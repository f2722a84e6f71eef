"""Training tuples: partners of one person, synthesis by share, the same from the same key, rows of what is missing."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from grey_people import CAPTIONS, SIZE, tone, tones_of, tuples_of

from aio_reid.data.attributes import ATTRIBUTE_CLASSES, find_attributes
from aio_reid.data.sources import TrainingSource
from aio_reid.data.text import END_ID, MASK_ID, START_ID, ClipBpe
from aio_reid.data.tuples import Shares, TrainingTuple, TupleDataset, collate
from aio_reid.errors import DataError, PictureError
from aio_reid.records import VISUAL_MODALITIES as VISUAL
from aio_reid.records import Modality, Record, Split

NONE_MADE = Shares({Modality.INFRARED: 0.0, Modality.SKETCH: 0.0})


def dataset(records: list[Record], **changes: Any) -> TupleDataset:
    data: TupleDataset = tuples_of(TrainingSource("made", records), **{"shares": NONE_MADE, **changes})
    return data


def test_labels_count_persons_in_the_order_of_their_ids(records: list[Record]) -> None:
    data = dataset(records)
    assert (len(data), data.num_identities, data.persons) == (6, 3, ("10", "2", "7"))
    assert data.labels == [0, 0, 1, 1, 2, 2]


def test_partners_are_recorded_pictures_and_sentences_of_the_same_person(records: list[Record]) -> None:
    data = dataset(records)
    seen: dict[Modality, set[int]] = {m: set() for m in VISUAL}
    sentences: set[tuple[int, ...]] = set()
    for draw in range(40):
        made = data[2, draw]  # the first photo of person "2", who has no infrared
        assert made.label == 1
        assert {m: tuple(x.shape) for m, x in made.pixels.items()} == dict.fromkeys(VISUAL, (3, *SIZE))
        for modality, pixels in made.pixels.items():
            seen[modality] |= tones_of(pixels)
        assert made.ids is not None
        sentences.add(made.ids)
    assert seen[Modality.RGB] == {tone(1, Modality.RGB, 0)}
    assert seen[Modality.PENCIL] == {tone(1, Modality.PENCIL, view) for view in (0, 1)}
    assert seen[Modality.SKETCH] == {tone(1, Modality.SKETCH, view) for view in (0, 1)}
    # made from either photo of the person, since there is none on record
    assert seen[Modality.INFRARED] == {tone(1, Modality.RGB, view) for view in (0, 1)}
    assert sentences == {ClipBpe.load().encode(caption).ids for caption in CAPTIONS["2"]}


def test_a_sentence_about_the_photo_itself_is_preferred(records: list[Record]) -> None:
    photos = [r for r in records if r.person_id == "2" and r.modality is Modality.RGB]
    assert photos[0].image_path is not None
    said = Record("made", Split.TRAIN, Modality.TEXT, "2", caption="a hat", source_image_id=photos[0].image_path.name)
    data = dataset([*records, said])
    first, second = data.photos.index(photos[0]), data.photos.index(photos[1])
    ids = ClipBpe.load().encode("a hat").ids
    assert {data[first, draw].ids for draw in range(20)} == {ids}
    assert len({data[second, draw].ids for draw in range(40)}) == len(CAPTIONS["2"]) + 1


@pytest.mark.parametrize(("share", "expected"), [(0.0, Modality.INFRARED), (1.0, Modality.RGB)])
def test_a_share_of_0_or_1_takes_or_makes_every_partner(
    records: list[Record], share: float, expected: Modality
) -> None:
    data = dataset(records, shares=Shares({Modality.INFRARED: share}))
    for draw in range(20):
        found = tones_of(data[0, draw].pixels[Modality.INFRARED])
        assert len(found) == 1 and found <= {tone(0, expected, view) for view in (0, 1)}


def test_a_share_between_mixes_both(records: list[Record]) -> None:
    data = dataset(records, shares=Shares({Modality.INFRARED: 0.25}))
    recorded = {tone(0, Modality.INFRARED, view) for view in (0, 1)}
    real = [tones_of(data[0, draw].pixels[Modality.INFRARED]) <= recorded for draw in range(200)]
    assert 0.65 < np.mean(real) < 0.85


def test_a_made_sketch_is_dark_lines_on_white(records: list[Record]) -> None:
    made = dataset(records, shares=Shares({Modality.SKETCH: 1.0}))[0, 0].pixels[Modality.SKETCH]
    assert torch.equal(made[0], made[1]) and torch.equal(made[0], made[2])
    assert made.float().mean() > 200  # a photo of one tone has no lines


def test_pencil_and_text_are_never_made(records: list[Record]) -> None:
    made = dataset(records)[4, 0]
    assert set(made.pixels) == {Modality.RGB, Modality.INFRARED, Modality.SKETCH}
    assert (made.ids, made.masked) == (None, None)
    with pytest.raises(DataError, match="'pencil': never made from photos; choose from: infrared, sketch"):
        dataset(records, shares=Shares({Modality.PENCIL: 0.5}))


def test_only_the_modalities_asked_for_are_read(records: list[Record]) -> None:
    made = dataset(records, modalities=(Modality.TEXT, Modality.RGB))[0, 0]
    assert set(made.pixels) == {Modality.RGB}
    assert made.ids is not None
    assert dataset(records, modalities=(Modality.RGB,))[0, 0].ids is None


def equal(first: TrainingTuple, second: TrainingTuple) -> bool:
    same = first.pixels.keys() == second.pixels.keys()
    return (
        same
        and (first.label, first.ids, first.masked) == (second.label, second.ids, second.masked)
        and all(torch.equal(first.pixels[m], second.pixels[m]) for m in first.pixels)
    )


def test_a_tuple_depends_on_seed_draw_and_photo_alone(records: list[Record]) -> None:
    data = dataset(records, augmented=True)
    expected = data[1, 8]
    for other in ((0, 8), (1, 9), (5, 0)):
        assert not equal(data[other], expected)
    assert equal(data[1, 8], expected)  # whatever was drawn in between
    assert equal(pickle.loads(pickle.dumps(data))[1, 8], expected)  # noqa: S301 - as worker processes receive it
    assert not equal(dataset(records, augmented=True, seed=6)[1, 8], expected)


def test_masked_positions_point_at_hidden_attributes(records: list[Record]) -> None:
    data = dataset(records)
    named = {ATTRIBUTE_CLASSES[s.label] for c in CAPTIONS["10"] for s in find_attributes(c)}
    assert named == {"man", "red", "jacket"}
    hidden = 0
    for draw in range(30):
        masked = data[0, draw].masked
        assert masked is not None and masked.positions
        assert masked.ids[0] == START_ID and masked.ids[-1] == END_ID
        assert {ATTRIBUTE_CLASSES[label] for label in masked.labels} <= named
        hidden += sum(masked.ids[position] == MASK_ID for position in masked.positions)
    assert hidden > 15


def test_a_batch_holds_what_exists_and_says_whose_it_is(records: list[Record]) -> None:
    data = dataset(records)
    keys = [(4, 0), (2, 1), (0, 2), (5, 3)]  # persons 7, 2, 10, 7: sentences and pencils in rows 1 and 2 only
    made = [data[key] for key in keys]
    batch = collate(made)
    assert batch.labels.tolist() == [2, 1, 0, 2]
    assert {m.value: rows.tolist() for m, rows in batch.rows.items()} == {
        "rgb": [0, 1, 2, 3],
        "infrared": [0, 1, 2, 3],
        "pencil": [1, 2],
        "sketch": [0, 1, 2, 3],
        "text": [1, 2],
    }
    for modality in VISUAL:
        for place, row in enumerate(batch.rows[modality].tolist()):
            assert torch.equal(batch.inputs[modality][place], made[row].pixels[modality])
    lengths = [len(made[row].ids or ()) for row in (1, 2)]
    assert batch.inputs[Modality.TEXT].shape == (2, max(lengths))
    assert batch.masked_ids is not None
    for (row, position), label in zip(batch.masked_at.tolist(), batch.masked_labels.tolist(), strict=True):
        masked = made[(1, 2)[row]].masked
        assert masked is not None
        place = masked.positions.index(position)
        assert masked.labels[place] == label
        assert batch.masked_ids[row, position] == masked.ids[position]


def test_a_batch_without_sentences_has_none(records: list[Record]) -> None:
    batch = collate([dataset(records)[4, 0], dataset(records)[5, 1]])
    assert Modality.TEXT not in batch.inputs and Modality.PENCIL not in batch.inputs
    assert batch.masked_ids is None
    assert (tuple(batch.masked_at.shape), tuple(batch.masked_labels.shape)) == ((0, 2), (0,))
    assert batch.masked_labels.dtype == torch.int64


def test_no_photo_and_unreadable_pictures_are_named(records: list[Record], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rgb record"):
        dataset([r for r in records if r.modality is not Modality.RGB])
    gone = Record("made", Split.TRAIN, Modality.RGB, "8", image_path=tmp_path / "gone.png")
    with pytest.raises(PictureError, match=r"gone\.png"):
        dataset([*records, gone])[6, 0]


def test_partners_come_along_as_often_as_asked_and_the_photo_always(records: list[Record]) -> None:
    data = dataset(records, shares=Shares(partners={Modality.SKETCH: 0.25, Modality.PENCIL: 0.0}))
    person_10 = next(i for i, photo in enumerate(data.photos) if photo.person_id == "10")
    made = [data[(person_10, draw)].pixels for draw in range(200)]
    assert all(Modality.RGB in pixels and Modality.INFRARED in pixels for pixels in made)
    assert not any(Modality.PENCIL in pixels for pixels in made)
    assert np.mean([Modality.SKETCH in pixels for pixels in made]) == pytest.approx(0.25, abs=0.08)
    with pytest.raises(DataError, match="every tuple has its photo"):
        dataset(records, shares=Shares(partners={Modality.RGB: 0.5}))


def test_a_share_of_the_tuples_comes_with_a_sentence_and_all_with_the_tags_of_their_person(
    records: list[Record],
) -> None:
    data = dataset(records, shares=Shares(partners={Modality.TEXT: 0.25}))
    person_10 = next(i for i, photo in enumerate(data.photos) if photo.person_id == "10")
    made = [data[(person_10, draw)] for draw in range(200)]
    assert np.mean([t.ids is not None for t in made]) == pytest.approx(0.25, abs=0.08)
    assert made[0].tags is not None
    named = {ATTRIBUTE_CLASSES[label] for label in made[0].tags.nonzero().flatten().tolist()}
    assert named == {ATTRIBUTE_CLASSES[s.label] for caption in CAPTIONS["10"] for s in find_attributes(caption)}
    assert all(t.tags is not None and torch.equal(t.tags, made[0].tags) for t in made)
    person_7 = next(i for i, photo in enumerate(data.photos) if photo.person_id == "7")  # without sentences
    batch = collate([data[(person_7, 0)], made[0]])
    assert batch.tags is not None and batch.tag_rows is not None
    assert batch.tag_rows.tolist() == [1]
    assert {ATTRIBUTE_CLASSES[i] for i in batch.tags[0].nonzero().flatten().tolist()} == named
    assert collate([data[(person_7, 0)]]).tags is None
