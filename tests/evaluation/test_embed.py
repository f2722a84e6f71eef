"""The caching adapter: same vectors in the same order, each content embedded once, bad vectors refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.records import Modality, Query, Record, Split

PHOTO = Record("set", Split.QUERY, Modality.RGB, "1", image_path=Path("a.png"))
COPY = Record("set", Split.GALLERY, Modality.RGB, "2", camera_id="c", image_path=Path("a.png"))
SKETCH = Record("set", Split.QUERY, Modality.SKETCH, "1", image_path=Path("a.png"))
TEXT = Record("set", Split.QUERY, Modality.TEXT, "1", caption="a man in red")


class Counting:
    """Gives each distinct (query content, fusion) its own axis, and remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, str]] = []
        self.seen: dict[str, int] = {}

    def __call__(self, queries: Sequence[Query], fusion: str) -> np.ndarray:
        self.calls.append((len(queries), fusion))
        axes = [self.seen.setdefault(f"{fusion}{q}", len(self.seen)) for q in queries]
        return np.eye(16, dtype=np.float32)[axes]


def test_each_content_is_embedded_once_in_batches() -> None:
    model = Counting()
    embed = CachedEmbedder(model, batch=2)
    queries: list[Query] = [(PHOTO,), (SKETCH,), (COPY,), (TEXT,), (PHOTO,)]
    vectors = embed(queries, "early")
    assert model.calls == [(2, "early"), (1, "early")]
    assert vectors.argmax(axis=1).tolist() == [0, 1, 0, 2, 0]
    np.testing.assert_array_equal(embed([(TEXT,), (PHOTO,)], "late"), vectors[[3, 0]])
    assert len(model.calls) == 2  # one record: the fusion means nothing, nothing is embedded again


def test_early_fusion_is_asked_of_the_model_and_late_fusion_is_made_of_single_vectors() -> None:
    model = Counting()
    embed = CachedEmbedder(model)
    queries: list[Query] = [(SKETCH, TEXT), (PHOTO,), (PHOTO, SKETCH, TEXT)]
    late = embed(queries, "late")
    assert model.calls == [(3, "early")]
    single = np.concatenate([embed([(record,)], "late") for record in (PHOTO, SKETCH, TEXT)])
    expected = [(single[1] + single[2]) / np.sqrt(2), single[0], single.sum(axis=0) / np.sqrt(3)]
    np.testing.assert_allclose(late, expected, rtol=1e-6)
    early = embed(queries, "early")
    assert model.calls == [(3, "early"), (2, "early")]
    assert not np.array_equal(early, late)
    np.testing.assert_array_equal(embed(queries, "early"), early)


def test_late_fusion_counts_a_modality_by_its_reliability() -> None:
    embed = CachedEmbedder(Counting(), reliability={Modality.SKETCH: 0.5})
    photo, sketch = (embed([(record,)], "late")[0] for record in (PHOTO, SKETCH))
    np.testing.assert_array_equal(sketch, np.eye(16, dtype=np.float32)[1])  # alone it is a unit vector still
    fused = embed([(PHOTO, SKETCH)], "late")[0]
    np.testing.assert_allclose(fused, (photo + 0.5 * sketch) / np.sqrt(1.25), rtol=1e-6)


def test_vectors_that_cancel_out_are_refused() -> None:
    opposite = {SKETCH: 1.0, TEXT: -1.0}
    model = CachedEmbedder(lambda queries, fusion: np.array([[opposite[q[0]], 0.0] for q in queries], np.float32))
    with pytest.raises(DataError, match="unit length"):
        model([(SKETCH, TEXT)], "late")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((1, 4), np.float32), "unit length"),
        (np.full((1, 4), np.nan, np.float32), "1 of 1 embeddings hold NaN"),
        (np.eye(4, dtype=np.float32), "for 1 queries"),
        (np.eye(1, 4), "float64"),
    ],
)
def test_bad_vectors_are_refused(rows: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        CachedEmbedder(lambda queries, fusion: rows)([(PHOTO,)], "early")


def test_empty_input_is_refused() -> None:
    with pytest.raises(DataError, match="no queries"):
        CachedEmbedder(Counting())([], "early")
    with pytest.raises(DataError, match="a query is empty"):
        CachedEmbedder(Counting())([()], "early")
