"""From files to a record, with a tiny model of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aio_reid.api import AIO
from aio_reid.config import ModelConfig
from aio_reid.datasets.manifest import ManifestRow, read_manifest, write_manifest
from aio_reid.errors import ConfigError, DataError, WeightsError
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.evaluation.record import split_hash
from aio_reid.evaluation.report import make_table, read_result
from aio_reid.evaluation.run import Combinations, evaluate_manifest, evaluate_pku_sketch
from aio_reid.models.build import build_model, export_weights
from aio_reid.models.checkpoint import write_weights
from aio_reid.records import Modality, Split

PEOPLE = ("ann", "bob")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    config = ModelConfig.model_validate(
        {
            "encoder": {"kind": "plain", "width": 16, "depth": 1, "num_heads": 2},
            "image_size": (32, 16),
            "stem_width": 4,
            "word_width": 4,
            "modalities": ("rgb", "sketch", "text"),
        }
    )
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, export_weights(build_model(config, seed=0), config, {"note": "random"}))
    return str(path)


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (40, 20, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, quality=95)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rows = []
    for number, person in enumerate(PEOPLE):
        for split, modality, camera in (
            (Split.QUERY, Modality.RGB, "c1"),
            (Split.QUERY, Modality.SKETCH, None),
            (Split.QUERY, Modality.INFRARED, None),
            (Split.GALLERY, Modality.RGB, "c2"),
        ):
            name = f"{split}/{modality}/{person}.png"
            draw(tmp_path / name, seed=number)
            rows.append(ManifestRow(name, None, person, modality, split, camera))
        rows.append(ManifestRow(None, f"this is {person}", person, Modality.TEXT, Split.QUERY))
    rows.append(ManifestRow("missing.png", None, "eve", Modality.RGB, Split.TRAIN))
    write_manifest(tmp_path / "manifest.parquet", rows)
    return tmp_path / "manifest.parquet"


def test_manifest_to_result_file(manifest: Path, weights: str, tmp_path: Path) -> None:
    out = tmp_path / "results" / "r.json"
    record = evaluate_manifest(manifest, weights=weights, out=out, seed=5)
    tasks = [(t.task, t.fusion) for t in record.scores.tasks]
    assert tasks[:5] == [("R", "single"), ("S", "single"), ("T", "single"), ("RS", "early"), ("RS", "late")]
    assert len(tasks) == 3 + 2 * 4  # infrared is left aside: these weights do not read it
    photo = record.scores.tasks[0].scores
    assert photo.rank[1] == 1.0  # the query photo of each person has the same pixels as the gallery photo
    result = read_result(out)
    assert result == json.loads(json.dumps(record.to_json()))
    assert (result["seed"], result["weights"]["name"], len(result["weights"]["sha256"])) == (5, "tiny.safetensors", 64)
    tested = [r for r in read_manifest(manifest) if r.modality is not Modality.INFRARED]
    assert result["dataset"]["split_sha256"] == split_hash(tested)
    assert result["dataset"]["counts"] == {
        "persons": 2,
        "gallery/rgb": 2,
        "query/rgb": 2,
        "query/sketch": 2,
        "query/text": 2,
    }
    assert result["model"]["about"] == {"note": "random"}
    assert set(result["provenance"]) >= {"commit", "versions", "hardware", "time_utc"}
    assert str(tmp_path) not in out.read_text()
    assert len(make_table(result).rows) == 7


def test_chosen_subsets_and_fusions(manifest: Path, weights: str) -> None:
    record = evaluate_manifest(
        manifest, weights=weights, asked=Combinations(("late",), [(Modality.TEXT, Modality.RGB)])
    )
    assert [(t.task, t.fusion) for t in record.scores.tasks] == [("RT", "late")]


def test_a_gallery_of_several_modalities_is_asked_for_and_named(manifest: Path, weights: str) -> None:
    asked = Combinations(("early",), [(Modality.TEXT,)], (Modality.RGB, Modality.INFRARED))
    mixed = evaluate_manifest(manifest, weights=weights, asked=asked).scores
    photos = evaluate_manifest(manifest, weights=weights, asked=Combinations(("early",), [(Modality.TEXT,)])).scores
    assert (photos.protocol, mixed.protocol) == ("any-combination-to-rgb", "any-combination-to-rgb+infrared")
    in_gallery = [r for r in read_manifest(manifest) if r.split is Split.GALLERY]
    for scores, wanted in ((photos, {Modality.RGB}), (mixed, {Modality.RGB, Modality.INFRARED})):
        assert scores.tasks[0].scores.num_gallery == sum(r.modality in wanted for r in in_gallery)


def test_late_fusion_is_what_the_model_itself_makes(manifest: Path, weights: str) -> None:
    model = AIO.load(weights, "cpu")
    records = [r for r in read_manifest(manifest) if r.split is Split.QUERY and r.modality is not Modality.INFRARED]
    queries = [tuple(r for r in records if r.person_id == person) for person in PEOPLE]
    equal = CachedEmbedder(model.embed_queries)(queries, "late")
    np.testing.assert_allclose(equal, model.embed(queries, fusion="late"), atol=1e-6)
    model.about["reliability"] = {"rgb": 1.0, "sketch": 0.25, "text": 0.5}
    fused = CachedEmbedder(model.embed_queries, reliability=model.reliability)(queries, "late")
    np.testing.assert_allclose(fused, model.embed(queries, fusion="late"), atol=1e-6)
    assert not np.allclose(fused, equal, atol=1e-3)


def test_the_same_twice_is_the_same(manifest: Path, weights: str) -> None:
    first, second = (evaluate_manifest(manifest, weights=weights).scores for _ in range(2))
    assert first == second


def test_pku_sketch_to_result_file(weights: str, tmp_path: Path) -> None:
    root = tmp_path / "pku"
    for person in ("1", "2"):
        for camera in ("03", "05"):
            draw(root / "photo" / f"{person}_{camera}_7.jpg", seed=int(person))
        draw(root / "sketch" / f"{person}.jpg", seed=int(person))
    (root / "descriptions.json").write_text('{"2": "A man in a red coat."}')
    record = evaluate_pku_sketch(root, weights=weights, out=tmp_path / "r.json")
    scores = {(t.task, t.fusion): t.scores for t in record.scores.tasks}
    assert scores["photo to photo", "single"].rank[1] == 1.0
    assert scores["sketch + text to photo", "late"].num_queries == 1
    assert record.dataset == "pku-sketch (2 of 200 persons, 4 of 400 photos, 2 of 200 sketches)"
    assert read_result(tmp_path / "r.json")["seed"] is None


def test_mistakes_are_told_before_the_work(manifest: Path, weights: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fusion is 'middle'; choose one or both of: early, late"):
        evaluate_manifest(manifest, weights=weights, asked=Combinations(("middle",)))
    with pytest.raises(WeightsError, match=r"none\.safetensors"):
        evaluate_manifest(manifest, weights=str(tmp_path / "none.safetensors"))
    (manifest.parent / "gallery" / "rgb" / "bob.png").unlink()
    with pytest.raises(DataError, match=r"1 pictures are missing, the first is .*bob\.png"):
        evaluate_manifest(manifest, weights=weights)
    only = tmp_path / "only.csv"
    write_manifest(only, [ManifestRow("x.png", None, "ann", Modality.INFRARED, Split.QUERY)])
    with pytest.raises(DataError, match="nothing to evaluate: no record of split query or gallery has a modality"):
        evaluate_manifest(only, weights=weights)
    write_manifest(only, [ManifestRow("x.png", None, "ann", Modality.RGB, Split.TRAIN)])
    with pytest.raises(DataError, match=r"no record is of split query or gallery; .* --layout retrieval"):
        evaluate_manifest(only, weights=weights)
