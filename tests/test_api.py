"""`AIO`: every kind of input, batches that mix them, fusion by hand, and mistakes that must be one line."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from aio_reid.api import AIO
from aio_reid.config import ModelConfig
from aio_reid.errors import AioError, ConfigError, DataError, PictureError, TextError, WeightsError
from aio_reid.inputs import Bundle, equal_batches
from aio_reid.models.build import build_model, export_weights
from aio_reid.models.checkpoint import write_weights
from aio_reid.records import Modality, Query, Record, Split

SENTENCE = "a woman in a red jacket with a grey backpack"
CONFIG = ModelConfig.model_validate(
    {
        "encoder": {"kind": "plain", "width": 32, "depth": 2, "num_heads": 2},
        "image_size": (48, 32),
        "stem_width": 4,
        "word_width": 8,
        "context_length": 16,
    }
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = build_model(CONFIG, seed=0)
    with torch.no_grad():  # a fresh [CLS] is nearly the same whatever it reads; here every input must matter
        for table in model.sequence.codes.values():
            table.normal_(generator=torch.Generator().manual_seed(1))
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, export_weights(model, CONFIG, {"note": "random"}))
    return path


@pytest.fixture(scope="module")
def aio(weights: Path) -> AIO:
    return AIO.load(weights, "cpu")


def pixels(seed: int, size: tuple[int, int] = (60, 40)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{seed}.png" for seed in range(6)]
    for seed, path in enumerate(paths):
        Image.fromarray(pixels(seed)).save(path)
    return paths


def record(modality: Modality, *, path: Path | None = None, caption: str | None = None) -> Record:
    return Record("made", Split.QUERY, modality, "7", image_path=path, caption=caption)


def mixed(files: list[Path]) -> list[Any]:
    """One of everything, with repeated kinds apart from one another."""
    query: Query = (record(Modality.TEXT, caption="a man in black"), record(Modality.RGB, path=files[4]))
    return [
        files[0],
        SENTENCE,
        {"sketch": files[1], "text": "a boy"},
        pixels(7),
        record(Modality.INFRARED, path=files[2]),
        "a man in a suit",
        query,
        {"rgb": files[3], "infrared": pixels(8), "sketch": files[5], "text": SENTENCE},
        {Modality.TEXT: "a much longer sentence about a girl who wears a yellow coat", "sketch": [files[2]]},
        files[1],
    ]


def test_vectors_are_unit_rows_of_one_size(aio: AIO, files: list[Path]) -> None:
    vectors = aio.embed(mixed(files))
    assert vectors.shape == (10, aio.embedding_size) == (10, 32)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert aio.embed([]).shape == (0, 32)


@pytest.mark.parametrize("fusion", ["early", "late"])
@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_a_mixed_batch_equals_one_by_one_in_the_order_given(
    aio: AIO, files: list[Path], fusion: str, batch_size: int
) -> None:
    inputs = mixed(files)
    together = aio.embed(inputs, fusion=fusion, batch_size=batch_size)
    alone = np.concatenate([aio.embed([value], fusion=fusion) for value in inputs])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    assert np.abs(together[:, None] - together[None]).max(axis=2)[~np.eye(len(inputs), dtype=bool)].min() > 1e-4
    backwards = aio.embed(inputs[::-1], fusion=fusion, batch_size=batch_size)
    np.testing.assert_allclose(backwards[::-1], together, atol=2e-6)


def test_every_form_of_a_picture_is_the_same_picture(aio: AIO, files: list[Path]) -> None:
    opened = Image.open(files[0])
    forms = [
        files[0],
        files[0].read_bytes(),
        opened,
        pixels(0),
        record(Modality.RGB, path=files[0]),
        (record(Modality.RGB, path=files[0]),),
        {"rgb": files[0]},
        {"rgb": str(files[0])},
        {Modality.RGB: [pixels(0)]},
    ]
    vectors = aio.embed(forms)
    np.testing.assert_allclose(vectors, vectors[:1].repeat(len(forms), axis=0), atol=1e-6)


def test_bare_pictures_are_of_the_modality_that_is_named(aio: AIO, files: list[Path]) -> None:
    named = aio.embed([{"sketch": files[0]}])
    np.testing.assert_allclose(aio.embed([files[0]], modality="sketch"), named, atol=1e-6)
    assert np.abs(aio.embed([files[0]]) - named).max() > 1e-3


def test_pictures_in_memory_are_read_as_files_are(aio: AIO, tmp_path: Path) -> None:
    turned, transparent = tmp_path / "turned.jpg", tmp_path / "transparent.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels(1)).save(turned, exif=exif)
    layers = np.dstack([pixels(2), np.where(np.arange(60) < 30, 255, 0).astype(np.uint8)[:, None].repeat(40, 1)])
    Image.fromarray(layers).save(transparent)
    for path in (turned, transparent):
        np.testing.assert_allclose(aio.embed([Image.open(path)]), aio.embed([path]), atol=1e-6)
    np.testing.assert_allclose(aio.embed([layers]), aio.embed([transparent]), atol=1e-6)


def test_early_fusion_is_one_pass_over_all_modalities(aio: AIO, files: list[Path]) -> None:
    query = {"text": SENTENCE, "sketch": files[0], "rgb": files[1]}
    bundle = [(Modality.RGB, files[1]), (Modality.SKETCH, files[0]), (Modality.TEXT, SENTENCE)]
    inputs = {m: aio._stacked(m, [aio._value(m, value)]) for m, value in bundle}
    with torch.inference_mode():
        expected = aio.model.embed(inputs).numpy()
    np.testing.assert_allclose(aio.embed([query]), expected, atol=1e-6)


def test_late_fusion_is_the_unit_sum_of_single_vectors(aio: AIO, files: list[Path]) -> None:
    parts = [{"rgb": files[0]}, {"sketch": files[1]}, {"text": SENTENCE}]
    summed = aio.embed(parts).sum(axis=0, keepdims=True)
    fused = aio.embed([{"rgb": files[0], "sketch": files[1], "text": SENTENCE}], fusion="late")
    np.testing.assert_allclose(fused, summed / np.linalg.norm(summed), atol=1e-6)


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return found


def test_several_values_of_a_modality_do_not_outvote_another(aio: AIO, files: list[Path]) -> None:
    first, second, text = aio.embed([{"sketch": files[0]}, {"sketch": files[1]}, SENTENCE])
    query = {"sketch": files[:2], "text": SENTENCE}
    np.testing.assert_allclose(aio.embed([query], fusion="late")[0], unit((first + second) / 2 + text), atol=1e-6)
    pairs = aio.embed([{"sketch": path, "text": SENTENCE} for path in files[:2]])
    np.testing.assert_allclose(aio.embed([query])[0], unit(pairs.sum(axis=0)), atol=1e-6)
    for fusion in ("early", "late"):
        photos = aio.embed([{"sketch": files[:2]}], fusion=fusion)[0]
        np.testing.assert_allclose(photos, unit(first + second), atol=1e-6)


def test_batches_hold_equal_modalities_and_every_input_once(files: list[Path]) -> None:
    sketch, text = Modality.SKETCH, Modality.TEXT
    bundles: list[Bundle] = [
        ((text, "four"),),
        ((sketch, files[0]),),
        ((text, "a very long sentence"),),
        ((sketch, files[1]), (text, "b")),
        ((text, "two"),),
    ]
    batches = list(equal_batches(bundles, 2))
    assert sorted(index for batch in batches for index in batch) == list(range(5))
    assert all(len({tuple(m for m, _ in bundles[i]) for i in batch}) == 1 for batch in batches)
    assert [4, 0] in batches  # the two short sentences share a batch, the long one pads nobody


def test_what_does_not_fit_the_context_is_unread_and_changes_nothing(aio: AIO) -> None:
    read = " ".join(["red"] * 14)
    assert aio.unread_words(read) == ()
    assert aio.unread_words(f"{read} with an Umbrella") == ("with", "an", "Umbrella")
    np.testing.assert_allclose(aio.embed([f"{read} with an Umbrella"]), aio.embed([read]), atol=1e-6)


def test_tokens_are_counted_beyond_what_is_read(aio: AIO) -> None:
    assert aio.count_tokens("red") == 3  # start, red, end
    assert aio.count_tokens(" ".join(["red"] * 40)) == 42
    with pytest.raises(TextError, match="no words"):
        aio.count_tokens("   ")


def test_a_stream_of_files_gives_vectors_and_errors_in_order(aio: AIO, files: list[Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"\xff\xd8 no picture")
    paths = [files[0], damaged, files[1], tmp_path / "none.png", files[2], damaged]
    outcomes = list(aio.iterate_pictures(iter(paths), Modality.SKETCH, batch_size=2))
    assert [path for path, _ in outcomes] == paths
    bad = [str(outcome) for _, outcome in outcomes if isinstance(outcome, AioError)]
    assert len(bad) == 3 and "damaged.jpg" in bad[0] and "none.png" in bad[1]
    good = np.stack([outcome for _, outcome in outcomes if not isinstance(outcome, AioError)])
    np.testing.assert_allclose(good, aio.embed(files[:3], modality="sketch"), atol=1e-6)
    with pytest.raises(DataError, match="do not read 'pencil'"):
        next(aio.iterate_pictures([files[0]], Modality.PENCIL))


def test_loading_names_the_weights(weights: Path, aio: AIO) -> None:
    assert (len(aio.weights_hash), aio.about, aio.image_size, aio.context_length) == (
        64,
        {"note": "random"},
        (48, 32),
        16,
    )
    assert aio.device.type in ("cpu", "cuda")
    with pytest.raises(WeightsError, match="none"):
        AIO.load("none")
    with pytest.raises(WeightsError, match="are a folder"):
        AIO.load(weights.parent)


@pytest.mark.parametrize("device", ["tpu9", "", "meta", "cuda:99"])
def test_a_device_that_cannot_be_used_is_one_line(weights: Path, device: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used") as caught:
        AIO.load(weights, device)
    assert "\n" not in str(caught.value)


def test_the_default_device_is_tried_like_a_named_one(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_kernels(*_: object) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nfor this device")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.Tensor, "matrix_power", no_kernels)
    for named in (None, "cpu"):
        with pytest.raises(ConfigError, match=r"device '(cuda|cpu)' cannot be used \(.+\); give --device cpu$"):
            AIO.load(weights, named)


def image_bytes() -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels(0)).save(stream, "PNG")
    return stream.getvalue()


MISTAKES: dict[str, tuple[Any, type[AioError], str]] = {
    "empty sentence": ([""], TextError, "no words"),
    "no sentence": ([{"text": None}], TextError, "NoneType; give a sentence"),
    "a path as text": ([{"text": Path("a.png")}], TextError, "give a sentence"),
    "a name as sentence": (["crops/Anna 1.JPG"], TextError, r"looks like the name of a picture; give Path\("),
    "missing picture": ([Path("none.png")], PictureError, "none.png"),
    "cut picture": ([image_bytes()[:200]], PictureError, "given as bytes"),
    "float picture": ([np.zeros((4, 4, 3), np.float32)], PictureError, r"float32 \(4, 4, 3\)"),
    "flat picture": ([np.zeros((0, 4, 3), np.uint8)], PictureError, r"uint8 \(0, 4, 3\)"),
    "five channels": ([np.zeros((4, 4, 5), np.uint8)], PictureError, r"\(4, 4, 5\)"),
    "nothing for a picture": ([{"sketch": None}], PictureError, "NoneType"),
    "empty mapping": ([{}], DataError, "empty"),
    "no values": ([{"text": []}], DataError, "empty"),
    "empty query": ([()], DataError, "tuple"),
    "a number": ([3], DataError, "int"),
    "unknown modality": ([{"radar": Path("a.png")}], DataError, "radar"),
    "unread modality": ([{"pencil": Path("a.png")}], DataError, "they read: rgb, infrared, sketch, text"),
    "a bare sentence": ("a man", DataError, r"one str; write embed\(\[...\]\)"),
    "a bare mapping": ({"text": "a man"}, DataError, "one dict"),
    "a bare path": (Path("a.png"), DataError, "one .*Path"),
    "a bare array": (pixels(0), DataError, "one ndarray"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line(aio: AIO, name: str) -> None:
    inputs, kind, message = MISTAKES[name]
    with pytest.raises(kind, match=message) as caught:
        aio.embed(inputs)
    assert "\n" not in str(caught.value)


def test_wrong_options_are_one_line(aio: AIO, files: list[Path]) -> None:
    with pytest.raises(ConfigError, match="unknown fusion 'erly'; choose one of: early, late"):
        aio.embed(files, fusion="erly")
    with pytest.raises(ConfigError, match="at least 1"):
        aio.embed(files, batch_size=0)
    with pytest.raises(DataError, match="unknown modality 'photo'"):
        aio.embed(files, modality="photo")
    with pytest.raises(DataError, match="modality 'text'"):
        aio.embed(files, modality="text")


def test_a_batch_of_arrays_is_a_list_of_pictures(aio: AIO) -> None:
    arrays = np.stack([pixels(0), pixels(1)])
    np.testing.assert_allclose(aio.embed(arrays), aio.embed(list(arrays)), atol=1e-6)
