"""Sources of training data: the catalogue and manifests, what is left out, what is validated on, and mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import stage_trees
import tiny

from aio_reid.config import parse
from aio_reid.data_config import DataConfig
from aio_reid.datasets.manifest import read_rows, write_manifest
from aio_reid.errors import AioError, ConfigError, DataError
from aio_reid.records import Modality, Split
from aio_reid.training.sources import LoadedSource, load_sources, validation_records

MODALITIES = (Modality.RGB, Modality.INFRARED, Modality.SKETCH, Modality.TEXT)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("data")
    stage_trees.grow(root)
    for name in ("day", "other/day"):
        (root / name).mkdir(parents=True)
        tiny.tiny_people(root / name)
    return root


def load(*sources: dict[str, Any], seed: int = 3) -> tuple[LoadedSource, ...]:
    content = {"sources": list(sources), "num_identities": 3, "tuples_per_identity": 2}
    return load_sources(parse(DataConfig, content, "test"), seed=seed)


def persons(source: LoadedSource) -> set[str]:
    return {record.person_id for record in source.training.records}


def test_data_sets_are_read_by_name_and_only_their_training_split(data: Path) -> None:
    llcm, sketched, captioned = load(
        {"dataset": "llcm", "root": data / "LLCM", "share": 2, "synthesised_share": {"infrared": 0.3}},
        {"dataset": "market-sketch-1k", "root": data / "Market-Sketch-1K"},
        {"dataset": "synth-pedes", "root": data / "SYNTH-PEDES", "replay": True},
    )
    assert [s.training.name for s in (llcm, sketched, captioned)] == ["llcm", "market-sketch-1k", "synth-pedes"]
    assert persons(llcm) == {"0001", "0002", "0004", "0005"}  # not 0003, 0010 and 0011, who are tested
    assert {r.modality for r in llcm.training.records} == {Modality.RGB, Modality.INFRARED}
    assert {r.split for s in (llcm, sketched, captioned) for r in s.training.records} == {Split.TRAIN}
    assert persons(sketched) == {"0010", "0011", "0012", "0013", "0099"}
    assert {r.modality for r in captioned.training.records} == {Modality.RGB, Modality.TEXT}
    assert (llcm.training.share, llcm.training.synthesised, captioned.training.replayed) == (
        2,
        {Modality.INFRARED: 0.3},
        True,
    )
    assert llcm.dataset.startswith("llcm (4 of 713 train persons") and not llcm.held_out


def test_who_lacks_what_a_source_needs_is_left_out(data: Path) -> None:
    place = {"dataset": "market-sketch-1k", "root": data / "Market-Sketch-1K"}
    (sketched,) = load({**place, "needs": ["sketch"]})
    assert persons(sketched) == {"0010", "0011", "0012", "0013"}
    with pytest.raises(DataError, match="'market-sketch-1k': no training identity has rgb and infrared; correct needs"):
        load({**place, "needs": ["infrared"]})


def test_some_identities_are_drawn_by_the_seed(data: Path) -> None:
    place = {"dataset": "synth-pedes", "root": data / "SYNTH-PEDES", "max_identities": 2}
    drawn = [persons(load(place, seed=seed)[0]) for seed in range(12)]
    assert {len(some) for some in drawn} == {2} and len(set(map(frozenset, drawn))) > 2
    assert persons(load(place, seed=4)[0]) == drawn[4]
    (whole,) = load({**place, "max_identities": 99})
    assert persons(whole) == {"1", "2", "4", "5"}


def test_a_manifest_is_called_after_its_folder_and_a_second_one_gets_a_number(data: Path) -> None:
    first, second = load(
        {"manifest": data / "day" / "manifest.parquet"}, {"manifest": data / "other" / "day" / "manifest.parquet"}
    )
    assert (first.training.name, second.training.name) == ("day", "day 2")
    assert persons(first) == persons(second) == {f"{n:04d}" for n in range(6)}
    assert {r.person_id for r in first.held_out} == {"0006", "0007"}
    (whole,) = load({"manifest": data / "day" / "manifest.parquet", "splits": ["train", "val"]})
    assert len(persons(whole)) == 8 and not whole.held_out


def test_sources_share_the_validation_identities_and_keep_them_apart(data: Path) -> None:
    sources = load(
        {"dataset": "llcm", "root": data / "LLCM"},  # has no split val
        {"manifest": data / "day" / "manifest.parquet"},
        {"manifest": data / "other" / "day" / "manifest.parquet"},
    )
    chosen = validation_records(sources, 3, MODALITIES)
    assert {r.person_id for r in chosen} == {"day/0006", "day/0007", "day 2/0006"}
    assert {r.modality for r in chosen if r.split is Split.GALLERY} == {Modality.RGB}
    assert {r.modality for r in chosen if r.split is Split.QUERY} == set(MODALITIES)
    assert validation_records(sources[:1], 3, MODALITIES) == []
    assert {r.person_id for r in validation_records(sources[1:2], 1, MODALITIES)} == {"0006"}


def test_mistakes_are_one_line(data: Path, tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], type[AioError], str]] = [
        ({"dataset": "llmc", "root": data}, ConfigError, "unknown data set 'llmc'; choose one of: .*llcm"),
        ({"dataset": "DukeMTMC-reID", "root": data}, DataError, "DukeMTMC-reID is not read"),
        ({"dataset": "llcm", "root": tmp_path}, DataError, "LLCM"),
        ({"manifest": tmp_path / "no.csv"}, DataError, r"no\.csv"),
    ]
    for source, kind, message in cases:
        with pytest.raises(kind, match=message) as caught:
            load(source)
        assert "\n" not in str(caught.value)


def test_a_person_who_is_trained_and_validated_on_is_told(data: Path) -> None:
    path = data / "twice.csv"
    rows = read_rows(data / "day" / "manifest.parquet")
    both = [r for r in rows if r.caption is not None and r.person in ("0000", "0006")]
    write_manifest(path, [both[0], both[1].__class__(None, "a man", "0000", Modality.TEXT, Split.VAL)])
    with pytest.raises(DataError, match="person '0000' is in the splits train and val"):
        load({"manifest": path})
