from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from gallery_fakes import COLOURS, ColourEmbedder, ColourFactory, colour_vector, write_picture

import aio_reid.gallery.search
from aio_reid.errors import ConfigError, DataError, PictureError
from aio_reid.gallery.cache import EmbeddingCache, open_cache
from aio_reid.gallery.embedder import PictureEmbedding, QueryPart
from aio_reid.gallery.result import SearchResult
from aio_reid.gallery.search import search_folder
from aio_reid.records import Modality

RED = QueryPart(Modality.TEXT, "a red jacket")


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return open_cache(tmp_path / "cache")


def ranking(result: SearchResult) -> list[Path]:
    return [hit.path for hit in result.hits]


def test_ranking_is_that_of_brute_force(people: Path, factory: ColourFactory, cache: EmbeddingCache) -> None:
    shutil.copy(people / "camera 0" / "00_red.png", people / "camera 1" / "same.png")
    query = factory.embedder.embed_query([RED], "early").vector
    files = sorted((f for f in people.rglob("*") if f.is_file()), key=str)
    score = {file: float(np.dot(colour_vector(file).astype(np.float64), query.astype(np.float64))) for file in files}
    result = search_folder(people, [RED], factory, cache=cache, top=100)
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert [score[hit.path] for hit in result.hits] == pytest.approx(scores, abs=1e-6)
    assert sorted(ranking(result), key=str) == files
    assert [hit.rank for hit in result.hits] == list(range(1, 26))
    assert ranking(search_folder(people, [RED], factory, cache=cache, top=7)) == ranking(result)[:7]
    assert {path.name.split("_")[1][:3] for path in ranking(result)[:4] if "_" in path.name} == {"red"}
    same = [hit for hit in result.hits if hit.path.name in ("00_red.png", "same.png")]
    assert same[0].score == same[1].score and same[1].rank == same[0].rank + 1
    others = [score[file] for file in files]
    assert result.hits[3].percentile == pytest.approx(
        np.mean(np.array(others) < others[files.index(ranking(result)[3])])
    )


def test_second_search_loads_no_model_and_reads_no_picture(
    people: Path, factory: ColourFactory, cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [RED, QueryPart(Modality.SKETCH, write_picture(people.parent / "sketch.png", (9, 9, 9)))]
    first = search_folder(people, parts, factory, cache=cache)
    assert factory.num_loads == 1 and first.counts.embedded == 24
    read: list[Path] = []
    original = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: (read.append(self), original(self, *a, **k))[1])
    again = ColourFactory()
    second = search_folder(people, parts, again, cache=cache)
    assert again.num_loads == 0
    assert read == [parts[1].value]  # its content is the key to the kept query
    assert second.hits == first.hits and second.unread_words == first.unread_words
    assert (second.counts.embedded, second.counts.from_cache) == (0, 24)


def test_only_new_and_changed_files_are_embedded(people: Path, cache: EmbeddingCache) -> None:
    search_folder(people, [RED], ColourFactory(), cache=cache)
    changed = write_picture(people / "camera 0" / "00_red.png", COLOURS["blue"], seed=99)
    added = write_picture(people / "new.png", COLOURS["green"], seed=100)
    (people / "camera 1" / "01_green.jpg").rename(people / "renamed.jpg")
    shutil.copy(people / "camera 0" / "02_blue.WEBP", people / "copied.webp")
    (people / "camera 1" / "03_grey.png").unlink()
    factory = ColourFactory()
    result = search_folder(people, [RED], factory, cache=cache, top=100)
    assert sorted(factory.embedder.embedded) == sorted([changed, added])
    fresh = search_folder(people, [RED], ColourFactory(), top=100)
    assert result.hits == fresh.hits
    assert result.counts.duplicates == 1
    assert cache.stats().num_embeddings == 24  # nothing is kept of pictures that are gone


def test_other_weights_and_other_modality_are_other_embeddings(people: Path, cache: EmbeddingCache) -> None:
    search_folder(people, [RED], ColourFactory(), cache=cache)
    other = ColourFactory("second")
    assert search_folder(people, [RED], other, cache=cache).counts.embedded == 24
    assert other.embedder.num_queries == 1
    infrared = ColourFactory()
    search_folder(people, [RED], infrared, cache=cache, gallery_modality=Modality.INFRARED)
    assert len(infrared.embedder.embedded) == 24 and infrared.embedder.num_queries == 0


def test_fusion_and_content_are_the_key_of_a_query(people: Path, cache: EmbeddingCache) -> None:
    sketch = write_picture(people.parent / "sketch.png", (9, 9, 9))
    both = [RED, QueryPart(Modality.SKETCH, sketch)]
    search_folder(people, both, ColourFactory(), cache=cache)
    for parts, fusion, is_new in (
        (both, "early", False),
        (both, "late", True),
        ([RED], "late", True),
        ([RED], "early", False),  # one part: fusion says nothing
        ([RED, QueryPart(Modality.INFRARED, sketch)], "early", True),
    ):
        factory = ColourFactory()
        search_folder(people, parts, factory, cache=cache, fusion=fusion)
        assert factory.embedder.num_queries == is_new
    write_picture(sketch, (200, 9, 9), seed=5)
    factory = ColourFactory()
    search_folder(people, both, factory, cache=cache)
    assert factory.embedder.num_queries == 1


def test_unreadable_pictures_are_listed_each_time_but_tried_once(people: Path, cache: EmbeddingCache) -> None:
    good = (people / "camera 0" / "00_red.png").read_bytes()
    (people / "cut.png").write_bytes(good[: len(good) // 2])
    (people / "no picture.jpg").write_text("hello")
    (people / "same no picture.jpg").write_text("hello")
    (people / "empty.gif").write_bytes(b"")
    for num_tried in (27, 0):
        factory = ColourFactory()
        result = search_folder(people, [RED], factory, cache=cache, top=100)
        assert [item.path.name for item in result.unreadable] == [
            "cut.png", "empty.gif", "no picture.jpg", "same no picture.jpg",
        ]  # fmt: skip
        assert all(str(item.path) in item.error and "\n" not in item.error for item in result.unreadable)
        assert len(factory.embedder.embedded) == num_tried
        assert len(result.hits) == result.counts.searched == 24 and result.counts.unreadable == 4


def test_a_picture_that_could_not_be_read_for_a_moment_is_tried_again(
    people: Path, cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = ColourFactory()

    def no_memory(paths: Iterable[Path], modality: Modality) -> Iterator[PictureEmbedding]:
        for path in paths:
            yield PictureEmbedding(path, None, f"{path}: no memory", is_passing=True)

    with monkeypatch.context() as patched:
        patched.setattr(failing.embedder, "embed_pictures", no_memory)
        with pytest.raises(DataError, match="no memory"):
            search_folder(people, [RED], failing, cache=cache)
    assert search_folder(people, [RED], failing, cache=cache).counts.embedded == 24


def test_a_picture_that_vanishes_is_listed(
    people: Path, factory: ColourFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = people / "camera 0" / "00_red.png"
    listing = aio_reid.gallery.search.list_pictures(people)
    monkeypatch.setattr("aio_reid.gallery.search.list_pictures", lambda *_, **__: listing)
    gone.unlink()
    result = search_folder(people, [RED], factory, top=100)
    assert [item.path for item in result.unreadable] == [gone] and len(result.hits) == 23


def test_a_file_that_changes_while_it_is_embedded_is_not_kept(people: Path, cache: EmbeddingCache) -> None:
    victim = people / "camera 0" / "04_red.jpg"

    class Interfering(ColourEmbedder):
        def embed_pictures(self, paths, modality):  # type: ignore[no-untyped-def]
            for outcome in super().embed_pictures(paths, modality):
                if outcome.path.name == "00_red.png":
                    write_picture(victim, COLOURS["blue"], seed=77)
                yield outcome

    factory = ColourFactory()
    factory.embedder = Interfering(factory.weights_hash)
    search_folder(people, [RED], factory, cache=cache)
    after = ColourFactory()
    result = search_folder(people, [RED], after, cache=cache, top=100)
    assert after.embedder.embedded == [victim]
    assert result.hits == search_folder(people, [RED], ColourFactory(), top=100).hits


def test_query_picture_in_the_folder_is_left_out_with_a_note(people: Path, factory: ColourFactory) -> None:
    own = people / "camera 0" / "00_red.png"
    shutil.copy(own, people / "copy of it.png")
    result = search_folder(people, [QueryPart(Modality.RGB, own)], factory, top=100)
    assert [hit.path.name for hit in result.left_out] == ["00_red.png", "copy of it.png"]
    assert result.left_out[0].score == pytest.approx(1.0)
    assert own not in ranking(result) and len(result.hits) == result.counts.searched == 23
    assert sum("left out" in note for note in result.notes) == 2


def test_a_person_who_is_not_there_does_not_stand_out(tmp_path: Path, factory: ColourFactory) -> None:
    rng = np.random.default_rng(3)
    for number in range(60):
        write_picture(tmp_path / f"{number}.png", tuple(rng.integers(80, 121, size=3)), seed=number)
    absent = search_folder(tmp_path, [QueryPart(Modality.TEXT, "somebody")], factory)
    assert any("no picture stands out" in note for note in absent.notes)


def test_unread_words_are_told_also_from_the_cache(people: Path, cache: EmbeddingCache) -> None:
    part = QueryPart(Modality.TEXT, "one two three four five red seven eight")
    for _ in range(2):
        assert search_folder(people, [part], ColourFactory(), cache=cache).unread_words == ("seven", "eight")


def test_mistakes_are_one_line_and_found_before_the_gallery_is_read(people: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    picture = QueryPart(Modality.RGB, tmp_path / "missing.png")
    cases = (
        (DataError, [], {}),
        (ConfigError, [RED], {"fusion": "middle"}),
        (ConfigError, [RED], {"top": 0}),
        (ConfigError, [RED], {"gallery_modality": Modality.TEXT}),
        (PictureError, [picture], {}),
        (PictureError, [QueryPart(Modality.RGB, tmp_path)], {}),
        (PictureError, [RED, QueryPart(Modality.SKETCH, bad)], {}),
    )
    for error, parts, options in cases:
        factory = ColourFactory()
        with pytest.raises(error) as caught:
            search_folder(people, parts, factory, **options)
        assert "\n" not in str(caught.value) and factory.embedder.embedded == []
    for modality, value in ((Modality.TEXT, "  "), (Modality.TEXT, bad), (Modality.RGB, "a man")):
        with pytest.raises(DataError):
            QueryPart(modality, value)


def test_a_folder_without_one_readable_picture(tmp_path: Path, factory: ColourFactory) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DataError, match="none of the 1 pictures"):
        search_folder(tmp_path, [RED], factory)


def test_progress_ends_at_the_total(people: Path, factory: ColourFactory) -> None:
    seen: list[tuple[str, int, int]] = []
    search_folder(people, [RED], factory, progress=lambda *step: seen.append(step))
    assert seen[0] == ("read", 24, 24) and seen[-1] == ("embed", 24, 24)


def test_progress_of_reading_counts_what_the_cache_knows(
    people: Path, factory: ColourFactory, cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aio_reid.gallery.vectors.READ_CHUNK", 3)
    search_folder(people, [RED], factory, cache=cache)
    for number in range(6):
        write_picture(people / f"new {number}.png", (200, 30, 30), seed=100 + number)
    seen: list[tuple[str, int, int]] = []
    search_folder(people, [RED], factory, cache=cache, progress=lambda *step: seen.append(step))
    assert [step for step in seen if step[0] == "read"] == [("read", 27, 30), ("read", 30, 30)]
