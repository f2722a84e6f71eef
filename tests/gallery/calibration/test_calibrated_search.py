"""A calibrated gallery: what searches say, how mixed galleries are ranked, where the calibration goes."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from known_scores import calibrated_pair

from aio_reid.errors import ConfigError, StorageError
from aio_reid.gallery.calibration.kept import keep_calibration, read_calibration
from aio_reid.gallery.calibration.pair import PairCalibration
from aio_reid.gallery.embedder import PictureEmbedding, QueryEmbedding, QueryPart
from aio_reid.gallery.outputs import (
    CALIBRATED_TABLE_HEADER,
    table_header,
    table_rows,
    write_csv,
    write_html,
    write_json,
)
from aio_reid.gallery.store.backups import export_gallery, import_gallery
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.protocol import NewPicture, Picture, Where
from aio_reid.gallery.store.reembed import reembed_gallery
from aio_reid.gallery.store.schema import FILE_NAME, create_file
from aio_reid.gallery.store.search import Question, search_gallery
from aio_reid.gallery.store.verify import verify_gallery
from aio_reid.records import Modality

RGB, INFRARED = Modality.RGB, Modality.INFRARED
WEIGHTS = "a" * 64
ASKED = (QueryPart(Modality.TEXT, "a person"),)
QUERY = np.eye(8, dtype=np.float32)[0]


class OneQuery:
    """A model for which every query is the same vector, and every picture too."""

    embedding_size = 8

    def __init__(self, weights_hash: str = WEIGHTS) -> None:
        self.weights_hash = weights_hash

    def load(self) -> OneQuery:
        return self

    def embed_query(self, parts: Sequence[QueryPart], fusion: str) -> QueryEmbedding:
        return QueryEmbedding(QUERY)

    def embed_pictures(self, paths: Sequence[Path], modality: Modality) -> Iterator[PictureEmbedding]:
        for path in paths:
            yield PictureEmbedding(path, QUERY)


SCORES = {RGB: (0.7, 0.5, 0.45, 0.3, 0.31), INFRARED: (0.4, 0.2, 0.1, -0.1, -0.12)}


@pytest.fixture
def store(tmp_path: Path, pairs: list[PairCalibration]) -> Iterator[EmbeddedStore]:
    """Ids 1 to 5 photos, 6 to 10 infrared frames, with SCORES."""
    create_file(tmp_path / "gallery", WEIGHTS, "test", keep_copies=False)
    opened = EmbeddedStore(tmp_path / "gallery", write=True)
    pictures = []
    for modality, scores in SCORES.items():
        for n, score in enumerate(scores):
            vector = np.zeros(8, dtype=np.float32)
            vector[[0, n + 1]] = score, np.sqrt(1 - score**2)
            content = hashlib.sha256(f"{modality}{n}".encode()).digest()
            path = tmp_path / f"{modality.value}{n}.jpg"
            pictures.append(NewPicture(Picture(content, path, modality, "north", None, f"t{n}"), vector))
    opened.add(pictures)
    keep_calibration(opened, pairs)
    yield opened
    opened.close()


def ids(store: EmbeddedStore, **options: object) -> list[int]:
    found = search_gallery(store, Question(ASKED, fusion="late", **options), OneQuery())  # type: ignore[arg-type]
    return [hit.enrolled.id for hit in found.hits if hit.enrolled]


def test_a_mixed_gallery_is_ranked_by_odds(store: EmbeddedStore, pairs: list[PairCalibration]) -> None:
    of_kind = {RGB: pairs[0], INFRARED: pairs[1]}
    every = [(m, n + (1 if m is RGB else 6), s) for m, scores in SCORES.items() for n, s in enumerate(scores)]
    by_odds = sorted(every, key=lambda one: (-of_kind[one[0]].log_ratio(one[2]), -one[2], one[1]))
    by_score = sorted(every, key=lambda one: (-one[2], one[1]))
    assert [number for _, number, _ in by_odds] != [number for _, number, _ in by_score]
    for top in (1, 3, 10, 50):
        assert ids(store, top=top) == [number for _, number, _ in by_odds][:top]
        assert ids(store, top=top, is_raw=True) == [number for _, number, _ in by_score][:top]
    only = Where(modalities=(INFRARED,))
    assert ids(store, where=only) == [number for m, number, _ in by_odds if m is INFRARED]


def test_a_track_of_two_modalities_is_shown_once(store: EmbeddedStore) -> None:
    found = search_gallery(store, Question(ASKED, fusion="late", by_track=True), OneQuery())
    tracks = [hit.enrolled.track for hit in found.hits if hit.enrolled]
    assert sorted(str(track) for track in tracks) == ["t0", "t1", "t2", "t3", "t4"]
    assert all(hit.enrolled and hit.enrolled.track_size == 2 for hit in found.hits)


def test_what_a_search_says(store: EmbeddedStore, pairs: list[PairCalibration], tmp_path: Path) -> None:
    found = search_gallery(store, Question(ASKED, fusion="late"), OneQuery())
    for hit in found.hits:
        assert hit.enrolled is not None and hit.evidence is not None and hit.stands_out is None
        known = pairs[0] if hit.enrolled.modality is RGB else pairs[1]
        odds = np.exp(known.bounded_ratio(hit.score)) * 1 / 10
        assert hit.evidence.probability == pytest.approx(odds / (1 + odds))
        assert hit.evidence.stranger_rate == pytest.approx(float(known.tail.rate(np.array(hit.score))))
        other = pairs[1] if hit.enrolled.modality is RGB else pairs[0]
        as_good = other.score_of(known.log_ratio(hit.score))
        expected = 5 * (hit.evidence.stranger_rate + other.stranger_rate(as_good))
        assert hit.evidence.expected_strangers == pytest.approx(expected)
    assert found.presence is not None and found.presence.is_probable
    assert any(note.startswith("the best hit stands out: ") for note in found.notes)
    assert table_header(found) == CALIBRATED_TABLE_HEADER and all(len(row) == 10 for row in table_rows(found))
    write_json(found, tmp_path / "hits.json")
    data = json.loads((tmp_path / "hits.json").read_text(encoding="utf-8"))
    assert data["calibrated"] is True and data["presence"]["is_probable"] is True
    assert data["hits"][0]["stranger_rate"] < 0.02 < data["hits"][-1]["stranger_rate"]
    write_csv(found, tmp_path / "hits.csv")
    with (tmp_path / "hits.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [float(line["probability"]) for line in lines] == [hit["probability"] for hit in data["hits"]]
    write_html(found, tmp_path / "hits.html")
    page = (tmp_path / "hits.html").read_text(encoding="utf-8")
    assert page.count("P(match) ") >= 10 and "strangers scores this high" in page and "All of this" not in page


def test_more_expected_pictures_are_better_odds(store: EmbeddedStore) -> None:
    def probabilities(expected: float) -> np.ndarray:
        question = Question(ASKED, fusion="late", expected=expected)
        hits = search_gallery(store, question, OneQuery()).hits
        return np.array([hit.evidence.probability for hit in hits if hit.evidence])

    few, many = probabilities(1.0), probabilities(4.0)
    np.testing.assert_allclose(many / (1 - many), 4 * few / (1 - few))
    with pytest.raises(ConfigError, match="-1 pictures of the person are expected"):
        probabilities(-1.0)


def test_nobody_there_is_said(store: EmbeddedStore) -> None:
    store.remove(Where(ids=(1, 2, 6, 7)))
    found = search_gallery(store, Question(ASKED, fusion="late"), OneQuery())
    assert found.presence is not None and found.presence.is_probable is False
    assert "probably not in this gallery: " in found.presence.text and "300 validation queries" in found.presence.text
    assert found.presence.text in found.notes


def test_what_is_not_calibrated_is_said_in_one_line(store: EmbeddedStore, pairs: list[PairCalibration]) -> None:
    def notes(**options: object) -> str:
        question = replace(Question(ASKED, fusion="late"), **options)  # type: ignore[arg-type]
        found = search_gallery(store, question, OneQuery())
        assert not any(hit.evidence for hit in found.hits) or "photo are not" in str(found.notes)
        return "\n".join(found.notes)

    assert "scores moved by --weight, --like or --unlike are not calibrated" in notes(like=(1,))
    assert "scores are calibrated for one picture or sentence of each kind, not for several" in notes(parts=ASKED * 2)
    assert "are not calibrated" in notes(weights={Modality.TEXT: 0.5})
    keep_calibration(store, pairs[1:])
    assert "pictures of photo are not calibrated for such a query; ranked by raw score" in notes()
    keep_calibration(store, [replace(one, weights_hash="b" * 64) for one in pairs])
    assert "the calibration was made with other weights and is not used" in notes()
    keep_calibration(store, [])
    assert "scores are not calibrated for a query of text: `aio-reid gallery calibrate` tells" in notes()


def test_two_kinds_are_calibrated_for_one_fusion(store: EmbeddedStore, tmp_path: Path) -> None:
    both = (Modality.SKETCH, Modality.TEXT)
    keep_calibration(store, [calibrated_pair(RGB, 0.8, 0.4, both), calibrated_pair(INFRARED, 0.4, 0.0, both)])
    (tmp_path / "sketch.png").write_bytes(b"a drawing")
    parts = (QueryPart(Modality.TEXT, "a person"), QueryPart(Modality.SKETCH, tmp_path / "sketch.png"))
    assert search_gallery(store, Question(parts, fusion="late"), OneQuery()).presence is not None
    early = search_gallery(store, Question(parts, fusion="early"), OneQuery())
    assert early.presence is None
    assert "scores are calibrated for late fusion, not for early fusion" in early.notes
    assert not any("raw" in note for note in early.notes)


def test_a_calibration_is_kept_exported_imported_and_dropped(
    store: EmbeddedStore, pairs: list[PairCalibration], tmp_path: Path
) -> None:
    assert read_calibration(store) == sorted(pairs, key=lambda one: one.pairing.gallery.value)
    assert read_calibration(store, [RGB]) == []
    backup = export_gallery(store, tmp_path / "backup.sqlite")
    create_file(tmp_path / "other", WEIGHTS, "test", keep_copies=False)
    other = EmbeddedStore(tmp_path / "other", write=True)
    import_gallery(other, backup)
    assert read_calibration(other) == read_calibration(store)
    keep_calibration(other, pairs[:1])
    import_gallery(other, backup)
    assert read_calibration(other) == pairs[:1]  # a gallery with pictures keeps its own
    other.close()
    for item, _ in store.iterate():
        item.picture.path.write_bytes(b"no picture")
    store.remove(Where(modalities=(INFRARED,)))
    reembed_gallery(store, OneQuery("c" * 64), "other", drop_missing=True)
    assert read_calibration(store) == []


def test_a_damaged_calibration_is_one_line(store: EmbeddedStore) -> None:
    store.keep_calibrations([("T", "rgb", '{"format": 1}')])
    with pytest.raises(StorageError, match=r"calibration of this gallery is damaged.*gallery calibrate"):
        read_calibration(store)
    assert [problem.kind for problem in verify_gallery(store, files=False)] == ["damage"]
    store.keep_calibrations([("T", "rgb", '{"format": 99, "anything": 1}')])
    assert read_calibration(store) == []


def test_a_gallery_of_before_is_read_and_upgraded_when_it_is_written(
    store: EmbeddedStore, pairs: list[PairCalibration], tmp_path: Path
) -> None:
    store.close()
    file = tmp_path / "gallery" / FILE_NAME
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE calibrations")
        connection.execute("DROP TABLE pending")
        connection.execute("DROP TABLE pending_caches")
        connection.execute("PRAGMA user_version=1")
    connection.close()
    reader = EmbeddedStore(tmp_path / "gallery")
    assert read_calibration(reader) == [] and reader.count() == 10
    reader.close()
    writer = EmbeddedStore(tmp_path / "gallery", write=True)
    keep_calibration(writer, pairs)
    assert len(read_calibration(writer)) == 2 and writer.count() == 10
    writer.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    connection.close()
