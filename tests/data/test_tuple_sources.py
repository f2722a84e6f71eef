"""Training tuples of several sources: whose partners, by which shares; without synthesis; attributes found once."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
import torch
from grey_people import CAPTIONS, tone, tones_of, tuples_of

from aio_reid.data import tags as data_tags
from aio_reid.data.attributes import find_attributes
from aio_reid.data.sources import TrainingSource
from aio_reid.data.text import ClipBpe
from aio_reid.data.tuples import Shares
from aio_reid.errors import DataError
from aio_reid.records import VISUAL_MODALITIES as VISUAL
from aio_reid.records import Modality, Record


def test_the_same_id_in_two_sources_is_two_people(records: list[Record]) -> None:
    own = [r for r in records if r.person_id == "10"]
    others = [replace(r, person_id="10") for r in records if r.person_id == "2"]
    data = tuples_of(TrainingSource("day", own), TrainingSource("night", others, 2.0, True))
    assert data.persons == ("day/10", "night/10") and data.labels == [0, 0, 1, 1]
    assert [(g.name, list(g.labels), g.share, g.replayed) for g in data.groups] == [
        ("day", [0], 1.0, False),
        ("night", [1], 2.0, True),
    ]
    for draw in range(10):
        assert tones_of(data[0, draw].pixels[Modality.PENCIL]) <= {tone(0, Modality.PENCIL, view) for view in (0, 1)}
        assert tones_of(data[2, draw].pixels[Modality.PENCIL]) <= {tone(1, Modality.PENCIL, view) for view in (0, 1)}
        assert data[2, draw].ids in {ClipBpe.load().encode(caption).ids for caption in CAPTIONS["2"]}


def test_a_source_has_shares_of_its_own(records: list[Record]) -> None:
    own = [r for r in records if r.person_id == "10"]
    made = TrainingSource("made", own, synthesised={Modality.INFRARED: 1.0})
    data = tuples_of(TrainingSource("real", own), made)
    recorded = {tone(0, Modality.INFRARED, view) for view in (0, 1)}
    for draw in range(10):
        assert tones_of(data[0, draw].pixels[Modality.INFRARED]) <= recorded
        assert not tones_of(data[2, draw].pixels[Modality.INFRARED]) & recorded
        assert tones_of(data[2, draw].pixels[Modality.SKETCH]) <= {tone(0, Modality.SKETCH, view) for view in (0, 1)}
    with pytest.raises(DataError, match="no rgb record in the training split of source 'blind'"):
        tuples_of(TrainingSource("real", own), TrainingSource("blind", []))


def test_without_synthesis_a_partner_is_recorded_or_absent(records: list[Record]) -> None:
    shares = Shares({Modality.INFRARED: 1.0, Modality.SKETCH: 1.0}, synthesise=False)
    data = tuples_of(TrainingSource("made", records), shares=shares)
    for draw in range(10):
        whole, without_infrared, photos_only = (data[index, draw].pixels for index in (0, 2, 4))
        assert set(whole) == set(VISUAL)
        assert tones_of(whole[Modality.INFRARED]) <= {tone(0, Modality.INFRARED, view) for view in (0, 1)}
        assert set(without_infrared) == {Modality.RGB, Modality.PENCIL, Modality.SKETCH}
        assert set(photos_only) == {Modality.RGB}
        assert tones_of(photos_only[Modality.RGB]) == {tone(2, Modality.RGB, 0)}
    photos = [r for r in records if r.modality is Modality.RGB]
    alone = tuples_of(TrainingSource("made", photos), shares=shares)
    assert set(alone[0, 0].pixels) == {Modality.RGB}


def test_attributes_are_looked_for_once_and_only_where_they_are_wanted(
    records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def find(caption: str) -> Any:
        looked.append(caption)
        return find_attributes(caption)

    monkeypatch.setattr(data_tags, "find_attributes", find)
    untagged = tuples_of(TrainingSource("made", records), tagged=False)
    assert all(untagged[index, 0].tags is None for index in range(len(untagged))) and not looked
    tagged = tuples_of(TrainingSource("made", records))
    assert sorted(looked) == sorted(caption for captions in CAPTIONS.values() for caption in captions)
    looked.clear()
    again = pickle.loads(pickle.dumps(tagged))  # noqa: S301 - as worker processes receive it
    first, before = again[0, 0].tags, tagged[0, 0].tags
    assert first is not None and before is not None and first.any() and torch.equal(first, before)
    assert again[4, 0].tags is None and not looked
