"""Enrolling pictures of colours, and searching them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from gallery_fakes import COLOURS, ColourEmbedder, ColourFactory, colour_vector, write_picture

from aio_reid.errors import ConfigError, DataError, WeightsError
from aio_reid.gallery.cache import open_cache
from aio_reid.gallery.embedder import LoadedOnce, PictureEmbedding, QueryPart
from aio_reid.gallery.outputs import GALLERY_CSV_HEADER, table_header, table_rows, write_csv, write_html, write_json
from aio_reid.gallery.query import with_feedback
from aio_reid.gallery.search import search_folder
from aio_reid.gallery.store.embedded import EmbeddedStore
from aio_reid.gallery.store.enrol import Enroller, Enrolment
from aio_reid.gallery.store.entries import folder_entries, table_entries
from aio_reid.gallery.store.names import NamePattern
from aio_reid.gallery.store.protocol import Where
from aio_reid.gallery.store.reembed import reembed_gallery
from aio_reid.gallery.store.schema import create_file
from aio_reid.gallery.store.search import Question, search_gallery
from aio_reid.progress import SILENT
from aio_reid.records import Modality

RED = QueryPart(Modality.TEXT, "a red jacket")
PATTERN = NamePattern("camera {camera}/{frame}_{colour}")


@pytest.fixture
def store(tmp_path: Path, factory: ColourFactory) -> Iterator[EmbeddedStore]:
    create_file(tmp_path / "gallery", factory.weights_hash, "test", keep_copies=False)
    store = EmbeddedStore(tmp_path / "gallery", write=True)
    yield store
    store.close()


def enrol(
    store: EmbeddedStore, folder: Path, factory: ColourFactory, pattern: NamePattern | None = PATTERN
) -> Enrolment:
    with SILENT.task("", None, "") as task:
        enroller = Enroller(store, LoadedOnce(factory), open_cache(enabled=False), task)
        return enroller.add(folder_entries(folder, Modality.RGB, pattern, skip=None).entries)


def numbers(result: Enrolment) -> tuple[int, int, int, int, int]:
    return result.new, result.updated, result.known, result.duplicates, len(result.unreadable)


def test_adding_again_embeds_nothing(store: EmbeddedStore, people: Path, factory: ColourFactory) -> None:
    (people / "camera 0" / "99_red.png").write_bytes(b"no picture")
    (people / "camera 1" / "98_red.png").write_bytes((people / "camera 0" / "00_red.png").read_bytes())
    assert numbers(enrol(store, people, factory)) == (24, 0, 0, 1, 1)
    num_embedded = len(factory.embedder.embedded)
    (people / "camera 0" / "99_red.png").unlink()
    again = ColourFactory()
    assert numbers(enrol(store, people, again)) == (0, 0, 24, 1, 0)
    assert (num_embedded, again.num_loads) == (25, 0)
    picture = store.get([1])[0].picture
    assert (picture.camera, picture.frame, picture.columns) == ("0", 0, {"colour": "red"})
    assert picture.content == hashlib.sha256(picture.path.read_bytes()).digest()


def test_names_that_were_used_again_are_told_from_copies(
    store: EmbeddedStore, people: Path, factory: ColourFactory
) -> None:
    enrol(store, people, factory, None)
    first, second = sorted((people / "camera 0").iterdir())[:2]
    before = {item.id: item.picture.content for item in store.get(store.ids())}
    data = first.read_bytes(), second.read_bytes()
    first.write_bytes(data[1])
    second.write_bytes(data[0])
    assert numbers(enrol(store, people, factory, None)) == (0, 2, 22, 0, 0)
    for item in store.get(store.ids()):
        assert item.picture.content == before[item.id] == hashlib.sha256(item.picture.path.read_bytes()).digest()


def test_a_new_description_is_taken_over_and_an_open_one_is_not(
    store: EmbeddedStore, people: Path, factory: ColourFactory
) -> None:
    enrol(store, people, factory, None)
    assert store.get([1])[0].picture.camera is None
    assert numbers(enrol(store, people, factory)) == (0, 24, 0, 0, 0)
    assert numbers(enrol(store, people, factory, None)) == (0, 0, 24, 0, 0)
    assert store.get([1])[0].picture.camera == "0"
    people.rename(people.with_name("moved"))
    assert numbers(enrol(store, people.with_name("moved"), factory, None)) == (0, 24, 0, 0, 0)
    moved = store.get([1])[0].picture
    assert moved.path.exists() and moved.camera == "0" and moved.columns == {"colour": "red"}


def test_another_name_of_a_file_adds_what_is_not_known_yet(
    store: EmbeddedStore, people: Path, factory: ColourFactory
) -> None:
    enrol(store, people, factory, NamePattern("camera {camera}/*"))
    people.with_name("camera 9").symlink_to(people / "camera 0")
    link = people.with_name("link")
    link.mkdir()
    people.with_name("camera 9").rename(link / "camera 9")
    assert numbers(enrol(store, link, factory)) == (0, 12, 0, 0, 0)
    picture = store.get([1])[0].picture
    assert picture.path.parent.name == "camera 0" and picture.camera == "0"  # as it was
    assert picture.frame == 0 and picture.columns == {"colour": "red"}  # new
    assert numbers(enrol(store, link, factory)) == (0, 0, 0, 12, 0)


def test_what_was_embedded_before_an_interruption_is_kept(
    store: EmbeddedStore, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aio_reid.gallery.store.enrol.CHUNK", 5)

    class Stopped(ColourEmbedder):
        def embed_pictures(self, paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
            for number, outcome in enumerate(super().embed_pictures(paths, modality)):
                if number == 17:
                    raise KeyboardInterrupt
                yield outcome

    first, second = ColourFactory(), ColourFactory()
    first.embedder = Stopped(first.weights_hash)
    with pytest.raises(KeyboardInterrupt):
        enrol(store, people, first)
    assert store.count() == 17
    assert numbers(enrol(store, people, second)) == (7, 0, 17, 0, 0)
    assert len(second.embedder.embedded) == 7


def test_a_file_that_changes_meanwhile_is_not_enrolled(store: EmbeddedStore, people: Path) -> None:
    class Changing(ColourEmbedder):
        def embed_pictures(self, paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
            for outcome in super().embed_pictures(paths, modality):
                if outcome.path.name.startswith("07"):
                    write_picture(outcome.path, COLOURS["red"], seed=99)
                yield outcome

    factory = ColourFactory()
    factory.embedder = Changing(factory.weights_hash)
    result = enrol(store, people, factory)
    assert [item.error for item in result.unreadable] == ["changed while it was read; add it again"]
    assert store.count() == 23


def test_search_gives_what_a_search_of_the_folder_gives(
    store: EmbeddedStore, people: Path, factory: ColourFactory, tmp_path: Path
) -> None:
    enrol(store, people, factory)
    photo = QueryPart(Modality.RGB, people / "camera 1" / "05_green.png")
    if not photo.value.exists():  # type: ignore[union-attr]
        photo = QueryPart(Modality.RGB, next((people / "camera 1").glob("05_*")))
    ours = search_gallery(store, Question((RED, photo), top=10), factory)
    theirs = search_folder(people, [RED, photo], factory, top=10)
    assert [hit.path for hit in ours.hits] == [hit.path for hit in theirs.hits]
    np.testing.assert_allclose([hit.score for hit in ours.hits], [hit.score for hit in theirs.hits], atol=1e-6)
    np.testing.assert_allclose(
        [hit.percentile for hit in ours.hits], [hit.percentile for hit in theirs.hits], atol=1e-6
    )
    assert [hit.path for hit in ours.left_out] == [photo.value]
    assert ours.counts.searched == 23
    for write, name in ((write_html, "h.html"), (write_json, "h.json"), (write_csv, "h.csv")):
        write(ours, tmp_path / name)
    with (tmp_path / "h.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == [*GALLERY_CSV_HEADER, "colour"] and len(lines) == 10 + 1
    assert all(Path(line[header.index("path")]).stem.endswith(f"_{line[-1]}") for line in lines)
    assert lines[-1][header.index("is_query")] == "true"
    assert all(len(row) == len(table_header(ours)) for row in table_rows(ours))
    assert "camera 1" in (tmp_path / "h.html").read_text(encoding="utf-8")


def test_own_columns_named_as_ours_are_told_apart(
    store: EmbeddedStore, people: Path, factory: ColourFactory, tmp_path: Path
) -> None:
    enrol(store, people, factory, NamePattern("camera {camera}/{frame}_{score}"))
    write_csv(search_gallery(store, Question((RED,), top=1), factory), tmp_path / "h.csv")
    with (tmp_path / "h.csv").open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file)
    assert line["column score"] == "red" and 0.5 < float(line["score"]) <= 1


def test_filters_weights_and_notes(store: EmbeddedStore, people: Path, factory: ColourFactory) -> None:
    enrol(store, people, factory)
    result = search_gallery(store, Question((RED,), where=Where(cameras=("0",)), top=50), factory)
    assert {hit.path.parent.name for hit in result.hits} == {"camera 0"} and result.filters == ("camera 0",)
    blue = QueryPart(Modality.SKETCH, write_picture(people.parent / "sketch.png", COLOURS["blue"], seed=77))
    vectors = [factory.embedder.embed_query([part], "late").vector.astype(float) for part in (RED, blue)]
    for weight in (0.2, 1.0, 5.0):
        question = Question((RED, blue), weights={Modality.SKETCH: weight}, top=24)
        found = search_gallery(store, question, factory)
        mixed = vectors[0] + weight * vectors[1]
        scores = {path: float(colour_vector(path) @ mixed / np.linalg.norm(mixed)) for path in people.rglob("*.*")}
        expected = sorted(scores.values(), reverse=True)
        np.testing.assert_allclose([hit.score for hit in found.hits], expected, atol=1e-6)
    for weights in ({Modality.SKETCH: -1.0}, {Modality.RGB: 1.0}, {Modality.SKETCH: 0.0, Modality.TEXT: 0.0}):
        with pytest.raises(ConfigError):
            search_gallery(store, Question((RED, blue), weights=weights), factory)


def test_more_like_these_less_like_those(store: EmbeddedStore, people: Path, factory: ColourFactory) -> None:
    enrol(store, people, factory)
    ids = {item.picture.path.stem: item.id for item, _ in store.iterate()}
    query = factory.embedder.embed_query([RED], "late").vector.astype(float)
    vectors = {item.id: vector.astype(float) for item, vector in store.iterate()}
    like, unlike = (ids["00_red"], ids["02_blue"]), (ids["03_grey"],)
    result = search_gallery(store, Question((RED,), like=like, unlike=unlike, top=30), factory)
    moved = query + 0.75 * (vectors[like[0]] + vectors[like[1]]) / 2 - 0.15 * vectors[unlike[0]]
    moved /= np.linalg.norm(moved)
    rest = sorted((float(v @ moved) for n, v in vectors.items() if n not in (*like, *unlike)), reverse=True)
    np.testing.assert_allclose([hit.score for hit in result.hits], rest, atol=1e-6)
    assert {hit.enrolled.id for hit in result.left_out if hit.enrolled} == {*like, *unlike}
    alone = search_gallery(store, Question((), like=like[:1], top=5), ColourFactory())
    assert {hit.path.stem[3:] for hit in alone.hits} == {"red"}
    with pytest.raises(DataError, match="nothing to search for"):
        search_gallery(store, Question((), unlike=unlike), factory)
    with pytest.raises(DataError, match="no picture 999"):
        search_gallery(store, Question((RED,), like=(999,)), factory)


def test_feedback_by_hand() -> None:
    east, north = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    moved = with_feedback(east, np.stack([north]), np.empty((0, 2), np.float32))
    np.testing.assert_allclose(moved, np.array([1, 0.75]) / 1.25, atol=1e-6)
    with pytest.raises(DataError, match="cancel out"):
        with_feedback(None, np.stack([north, -north]), np.empty((0, 2), np.float32))


def test_other_weights_are_refused_until_embedded_anew(
    store: EmbeddedStore, people: Path, factory: ColourFactory
) -> None:
    enrol(store, people, factory)
    old = store.vectors([1])[0].tobytes()

    class Turned(ColourEmbedder):
        def embed_pictures(self, paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
            for outcome in super().embed_pictures(paths, modality):
                yield PictureEmbedding(outcome.path, None if outcome.vector is None else outcome.vector[::-1].copy())

    other = ColourFactory("second")
    other.embedder = Turned(other.weights_hash)
    with pytest.raises(WeightsError, match="aio-reid gallery reembed"):
        search_gallery(store, Question((RED,)), other)
    gone = store.get([5])[0].picture.path
    gone.unlink()
    with pytest.raises(DataError, match="1 of 24 pictures cannot be embedded"):
        reembed_gallery(store, other, "second")
    assert store.vectors([1])[0].tobytes() == old  # until all is well, nothing has changed
    num_embedded = len(other.embedder.embedded)
    done = reembed_gallery(store, other, "second", drop_missing=True)
    assert (done.num_pictures, [item.path for item in done.dropped]) == (23, [gone])
    assert len(other.embedder.embedded) == num_embedded == 23
    assert np.array_equal(store.vectors([1])[0], np.frombuffer(old, np.float32)[::-1])
    assert store.about().weights_hash == other.weights_hash and store.about().weights_name == "second"
    assert old not in store.path.read_bytes()
    assert len(search_gallery(store, Question((RED,)), other).hits) == 20


def test_copies_stand_in_for_files(people: Path, factory: ColourFactory, tmp_path: Path) -> None:
    create_file(tmp_path / "kept", factory.weights_hash, "test", keep_copies=True)
    store = EmbeddedStore(tmp_path / "kept", write=True)
    enrol(store, people, factory)
    first = store.get([1])[0].picture
    data = first.path.read_bytes()
    for path in people.rglob("*.*"):
        path.unlink()
    hits = search_gallery(store, Question((RED,)), factory).hits
    assert {hit.enrolled.copy for hit in hits if hit.enrolled and hit.enrolled.id == 1} == {data}
    other = ColourFactory("second")
    assert reembed_gallery(store, other, "second").num_pictures == 24
    np.testing.assert_allclose(store.vectors([1])[0], colour_vector_of(data, tmp_path), atol=1e-6)
    store.close()


def colour_vector_of(data: bytes, folder: Path) -> np.ndarray:
    (folder / "one").write_bytes(data)
    return colour_vector(folder / "one")


def test_a_manifest_of_two_modalities(store: EmbeddedStore, people: Path, factory: ColourFactory) -> None:
    rows: list[dict[str, object]] = [
        {
            "path": str(path.relative_to(people)),
            "modality": "infrared" if number % 2 else "rgb",
            "time": datetime(2026, 4, 12, 12, number),
        }
        for number, path in enumerate(sorted(people.rglob("*.*")))
    ]
    entries = table_entries(people / "m.csv", rows, Modality.RGB).entries
    with SILENT.task("", None, "") as task:
        Enroller(store, LoadedOnce(factory), open_cache(enabled=False), task).add(entries)
    assert store.count(Where(modalities=(Modality.INFRARED,))) == 12
    result = search_gallery(store, Question((RED,), where=Where(since=datetime(2026, 4, 12, 12, 20))), factory)
    assert len(result.hits) == 4
    assert any("several modalities" in note for note in result.notes)
