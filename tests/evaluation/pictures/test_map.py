"""Maps of embeddings: what is placed, where, and what the page says of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from picture_fakes import SVG, Page, ask, photo, rank, svg_inside, text, unit

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.pictures.embedding_map import HEIGHT, MARGIN, WIDTH, map_page, place_points, select_points
from aio_reid.evaluation.pictures.projection import PCA, TSNE, project
from aio_reid.evaluation.pictures.ranked import RankedTask
from aio_reid.records import Modality, Query


@pytest.fixture
def tasks(tmp_path: Path) -> tuple[RankedTask, ...]:
    """Sketches, sentences, and both together, of six persons with four photos each, and two photos of nobody asked."""
    gallery = [photo(tmp_path, person, number) for number in range(4) for person in range(6)]
    gallery += [photo(tmp_path, 9, number) for number in range(2)]
    sketches = [photo(tmp_path, person, 0, Modality.SKETCH) for person in range(6)]
    texts = [text(person, f"<script>{person}</script>") for person in range(6)]
    pairs: list[Query] = list(zip(sketches, texts, strict=True))
    asked = [
        ask("S", [(one,) for one in sketches], gallery, seed=10),
        ask("S, described", [(one,) for one in sketches[:3]], gallery, seed=10),
        ask("T", [(one,) for one in texts], gallery, seed=10),
        ask("ST", pairs, gallery, seed=10, fusion="late"),
    ]
    return rank(*asked)


def test_every_input_is_placed_once(tasks: tuple[RankedTask, ...]) -> None:
    mapped = select_points(tasks, seed=0)
    assert (len(mapped.entries), int(mapped.is_query.sum())) == (6 * 6, 6 + 6)  # the fused queries are left out
    assert {entry[0].person_id for entry in mapped.entries} == set("012345")
    of_sketch = [n for n, entry in enumerate(mapped.entries) if entry[0].modality is Modality.SKETCH]
    for n in of_sketch:
        row = list(tasks[0].queries).index(mapped.entries[n])
        assert tasks[0].query_vectors is not None
        np.testing.assert_array_equal(mapped.vectors[n], tasks[0].query_vectors[row])
    held = [n for n in range(36) if not mapped.is_query[n]]
    for n in held:
        row = list(tasks[0].gallery).index(mapped.entries[n][0])
        np.testing.assert_array_equal(mapped.vectors[n], tasks[0].gallery_vectors[row])


def test_fused_queries_are_placed_where_there_are_no_others(tasks: tuple[RankedTask, ...]) -> None:
    fused = replace(tasks[3], query_vectors=unit(6, 0))
    mapped = select_points([replace(tasks[0], query_vectors=None), fused], seed=0)
    assert [len(entry) for entry in mapped.entries if len(entry) > 1] == [2] * 6
    assert "combination ST" in Page(map_page(mapped, {}, seed=0, method=PCA)).text


def test_large_maps_hold_whole_persons(tasks: tuple[RankedTask, ...]) -> None:
    for most, persons in ((36, 6), (35, 5), (12, 2), (11, 1), (1, 1)):
        mapped = select_points(tasks, seed=3, most_points=most)
        assert (mapped.num_persons, mapped.num_asked, len(mapped.entries)) == (persons, 6, 6 * persons)
    one, other = (select_points(tasks, seed=seed, most_points=12).entries for seed in (0, 1))
    assert one != other


def test_pca_finds_the_plane_that_the_points_lie_in() -> None:
    generator = np.random.default_rng(0)
    flat = generator.normal(size=(30, 2)) * [3, 1]
    basis, _ = np.linalg.qr(generator.normal(size=(7, 2)))
    vectors = (flat @ basis.T + generator.normal(size=7)).astype(np.float32)
    found = project(vectors, seed=0, method=PCA)
    wanted = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    np.testing.assert_allclose(np.linalg.norm(found.points[:, None] - found.points[None], axis=2), wanted, atol=1e-4)
    assert found.points.var(axis=0)[0] >= found.points.var(axis=0)[1]
    assert found.method == PCA and "100 % of the variance" in found.meaning
    np.testing.assert_allclose(project(vectors[::-1].copy(), seed=1, method=PCA).points[::-1], found.points, atol=1e-4)


def test_points_that_are_all_the_same_have_a_place() -> None:
    same = np.repeat(unit(1, 0), 5, axis=0)
    placed = place_points(project(same, seed=0, method=PCA).points)
    np.testing.assert_allclose(placed, [[WIDTH / 2, HEIGHT / 2]] * 5, atol=1)


def test_tsne_keeps_two_groups_apart() -> None:
    pytest.importorskip("sklearn.manifold")
    centres = np.array([[1, 0, 0, 0], [0, 1, 0, 0]])
    groups = np.repeat(centres, 15, axis=0) + np.random.default_rng(0).normal(0, 0.05, (30, 4))
    found = project(groups.astype(np.float32), seed=0)
    assert found.method == TSNE
    distances = np.linalg.norm(found.points[:, None] - found.points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    assert np.all((nearest < 15) == (np.arange(30) < 15))
    np.testing.assert_array_equal(found.points, project(groups.astype(np.float32), seed=0).points)


def test_without_scikit_learn_it_is_pca_and_the_page_says_so(
    tasks: tuple[RankedTask, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    page = Page(map_page(select_points(tasks, seed=0), {}, seed=0))
    assert "principal components" in page.text and "install aio-reid[map] for t-SNE" in page.text
    with pytest.raises(ConfigError, match="t-SNE needs scikit-learn"):
        project(unit(20, 0), seed=0, method=TSNE)


def test_mistakes() -> None:
    with pytest.raises(ConfigError, match="method is 'UMAP'; choose one of: t-SNE, PCA"):
        project(unit(20, 0), seed=0, method="UMAP")
    with pytest.raises(DataError, match="1 vectors make no map"):
        project(unit(1, 0), seed=0)


def test_the_drawing(tasks: tuple[RankedTask, ...]) -> None:
    mapped = select_points(tasks, seed=0)
    content = map_page(mapped, {"Data set": "flat"}, seed=0, method=PCA, index="index.html")
    Page(content).assert_self_contained()
    assert "<script" not in content
    root = svg_inside(content, "map-title")
    assert root.attrib["aria-labelledby"].split() == ["map-title", "map-desc"]
    marks = [mark for mark in root.iter(f"{SVG}path") if mark.get("transform")]
    assert len(marks) == 36 and [mark.attrib["class"].split()[0] for mark in marks].count("asked") == 12
    places = np.array([mark.attrib["transform"][10:-1].split() for mark in marks], dtype=float)
    np.testing.assert_allclose(places, place_points(project(mapped.vectors, seed=0, method=PCA).points), atol=0.06)
    assert np.all(places >= MARGIN - 0.1) and np.all(places <= np.array([WIDTH, HEIGHT]) - MARGIN + 0.1)
    assert len({mark.attrib["d"] for mark in marks}) == 3  # photos, sketches and sentences differ in shape too
    persons = root.findall(f"{SVG}g")
    assert len(persons) == 6 and all(len(list(person.iter(f"{SVG}title"))) == 7 for person in persons)
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "person 2, query, text: <script>2</script>" in titles
    assert "person 2, gallery, photo: rgb-2-1.png" in titles
