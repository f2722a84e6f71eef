"""The checks of method.md section 13 that concern the model (1 to 4, 9), on a tiny random encoder."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
import torch
from torch import Tensor

from aio_reid.config import ModelConfig
from aio_reid.errors import WeightsError
from aio_reid.models.build import build_model, export_weights, load_model, take_over
from aio_reid.models.checkpoint import WeightsFile, read_weights, write_weights
from aio_reid.models.encoder import FrozenEncoder
from aio_reid.models.model import AIOModel
from aio_reid.models.sequence import resize_positions
from aio_reid.models.tokenizers import IBN, VisualTokenizer
from aio_reid.records import Modality

D = 32
ALL = (Modality.RGB, Modality.INFRARED, Modality.SKETCH, Modality.TEXT)
SUBSETS = [s for n in range(1, 5) for s in combinations(ALL, n)]


def config(**changes: object) -> ModelConfig:
    content = {
        "encoder": {"kind": "plain", "width": D, "depth": 2, "num_heads": 2},
        "image_size": (384, 128),
        "stem_width": 4,
        "word_width": 8,
        **changes,
    }
    return ModelConfig.model_validate(content)


@pytest.fixture(scope="module")
def model() -> AIOModel:
    return build_model(config(), seed=0).eval()


def example(subset: tuple[Modality, ...], B: int = 2, seed: int = 0) -> dict[Modality, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs: dict[Modality, Tensor] = {}
    for m in ALL:
        made = torch.randn(B, 3, 384, 128, generator=generator) if m.is_visual else words(B, generator)
        if m in subset:
            inputs[m] = made
    return inputs


def words(B: int, generator: torch.Generator, N: int = 77, length: int = 20) -> Tensor:
    ids = torch.randint(300, 49000, (B, N), generator=generator)
    ids[:, 0], ids[:, length - 1], ids[:, length:] = 49406, 49407, 0
    return ids


@pytest.mark.parametrize("subset", SUBSETS, ids=lambda s: "".join(m.letter for m in s))
def test_sequence_lengths_are_those_of_the_layout_table(model: AIOModel, subset: tuple[Modality, ...]) -> None:
    tokens = {m: model.tokenize(m, x) for m, x in example(subset).items()}
    sequence, mask = model.sequence(tokens)
    visual = sum(m.is_visual for m in subset)
    expected = 1 + 192 * visual + 77 * (len(subset) - visual)
    assert sequence.shape == (2, expected, D)
    assert (mask is None) == (Modality.TEXT not in subset)
    assert model.encode(tokens).feature.shape == (2, D)


def test_full_sequence_is_654_tokens(model: AIOModel) -> None:
    tokens = {m: model.tokenize(m, x) for m, x in example(ALL).items()}
    assert model.sequence(tokens)[0].shape[1] == 654


def test_text_feature_ignores_padding_and_sees_words(model: AIOModel) -> None:
    ids = example((Modality.TEXT,))[Modality.TEXT]
    padded, changed = ids.clone(), ids.clone()
    padded[:, 20:] = 1234
    changed[:, 5] = 4321
    trimmed = ids[:, :20]
    feature = model({Modality.TEXT: ids})
    torch.testing.assert_close(model({Modality.TEXT: padded}), feature, atol=1e-6, rtol=0)
    torch.testing.assert_close(model({Modality.TEXT: trimmed}), feature, atol=1e-5, rtol=0)
    assert (model({Modality.TEXT: changed}) - feature).abs().max() > 1e-3


@pytest.mark.parametrize("subset", [(Modality.RGB,), (Modality.SKETCH, Modality.TEXT)])
def test_feature_depends_on_the_subset_alone(model: AIOModel, subset: tuple[Modality, ...]) -> None:
    whole = model(example(subset, B=3))
    one_by_one = torch.cat([model({m: x[i : i + 1] for m, x in example(subset, B=3).items()}) for i in range(3)])
    torch.testing.assert_close(whole, one_by_one, atol=1e-5, rtol=1e-4)


def test_order_of_the_mapping_does_not_matter(model: AIOModel) -> None:
    inputs = example(ALL)
    torch.testing.assert_close(model(dict(reversed(inputs.items()))), model(inputs), atol=0, rtol=0)


def test_modality_codes_and_stems_are_separate(model: AIOModel) -> None:
    pixels = example((Modality.RGB,))[Modality.RGB]
    assert (model({Modality.RGB: pixels}) - model({Modality.INFRARED: pixels})).abs().max() > 1e-3


def test_one_step_changes_all_trained_parts_and_no_encoder_tensor() -> None:
    model = build_model(config(image_size=(64, 32)), seed=0).train()
    before = {n: t.clone() for n, t in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    generator = torch.Generator().manual_seed(1)
    inputs = {m: torch.randn(4, 3, 64, 32, generator=generator) for m in ALL if m.is_visual}
    inputs[Modality.TEXT] = words(4, generator)
    target = torch.randn(4, D, generator=generator)
    loss = ((model.bottleneck(model(inputs)) - target) ** 2).mean()
    loss.backward()
    optimizer.step()
    after = model.state_dict()
    assert all(torch.equal(before[n], after[n]) for n in before if n.startswith("encoder."))
    untouched = [n for n, p in model.named_parameters() if p.requires_grad and torch.equal(before[n], after[n])]
    assert untouched == []


def test_bottleneck_bias_has_no_gradient_and_stays_zero() -> None:
    model = build_model(config(), seed=0)
    assert not model.bottleneck.norm.bias.requires_grad
    assert torch.count_nonzero(model.bottleneck.norm.bias) == 0


def test_ibn_equals_its_two_halves_in_training_and_inference() -> None:
    torch.manual_seed(0)
    layer = IBN(6)
    with torch.no_grad():
        for p in layer.parameters():
            p.uniform_(0.5, 1.5)
    for _ in range(3):
        layer(torch.randn(4, 6, 8, 5) * 2 + 1)
    x = torch.randn(3, 6, 8, 5)
    trained = torch.cat(
        [
            layer.instance(x[:, :3]),
            torch.nn.functional.batch_norm(x[:, 3:], None, None, layer.batch.weight, layer.batch.bias, True),
        ],
        dim=1,
    )
    torch.testing.assert_close(layer(x), trained, atol=1e-5, rtol=1e-5)
    layer.eval()
    expected = torch.cat([layer.instance(x[:, :3]), layer.batch(x[:, 3:])], dim=1)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_stem_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in VisualTokenizer(768).parameters()) == 3_230_016


def test_retrieval_vectors_are_of_unit_length(model: AIOModel) -> None:
    vectors = model.retrieval(model(example((Modality.RGB,))))
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))


def test_mirrored_vectors_are_the_mean_of_both_views(model: AIOModel, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = example((Modality.RGB, Modality.TEXT))
    mirrored = {**inputs, Modality.RGB: inputs[Modality.RGB].flip(3)}
    views = [model.retrieval(model(x)) for x in (inputs, mirrored)]
    assert not torch.allclose(*views, atol=1e-3)
    torch.testing.assert_close(model.embed(inputs), views[0])
    monkeypatch.setattr(model, "mirrored", True)
    summed = views[0] + views[1]
    torch.testing.assert_close(model.embed(inputs), summed / summed.norm(dim=1, keepdim=True))
    torch.testing.assert_close(model.embed(inputs), model.embed(mirrored))


def test_a_mirrored_model_reads_sentences_once(model: AIOModel, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = example((Modality.TEXT,))
    expected = model.embed(inputs)
    monkeypatch.setattr(model, "mirrored", True)
    assert torch.equal(model.embed(inputs), expected)


def test_resized_positions_keep_a_linear_ramp() -> None:
    ramp = torch.arange(8.0)[:, None].expand(8, 4).reshape(1, 32, 1)
    resized = resize_positions(ramp, (8, 4), (16, 4)).reshape(16, 4)
    assert (resized.diff(dim=0) >= 0).all()
    assert torch.equal(resize_positions(ramp, (8, 4), (8, 4)), ramp)


def test_weights_round_trip_and_half_precision(model: AIOModel, tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", export_weights(model, config(), {"note": 1}))
    loaded, weights = load_model(tmp_path / "w.safetensors")
    inputs = example((Modality.RGB, Modality.TEXT))
    torch.testing.assert_close(loaded(inputs), model(inputs), atol=1e-6, rtol=0)
    assert weights.about == {"note": 1}
    write_weights(tmp_path / "half.safetensors", export_weights(model, config(), {}, dtype=torch.float16))
    half, _ = load_model(tmp_path / "half.safetensors")
    assert (half(inputs) - model(inputs)).abs().max() < 0.05
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "w.safetensors").stat().st_size


def test_wrong_weights_are_refused_in_one_line(model: AIOModel, tmp_path: Path) -> None:
    good = tmp_path / "w.safetensors"
    write_weights(good, export_weights(model, config(), {}))
    (tmp_path / "cut.safetensors").write_bytes(good.read_bytes()[:1000])
    (tmp_path / "text.safetensors").write_text("<html>not found</html>")
    for name in ("cut.safetensors", "text.safetensors", "none.safetensors"):
        with pytest.raises(WeightsError) as caught:
            load_model(tmp_path / name)
        assert "\n" not in str(caught.value) and name in str(caught.value)


def test_weights_of_another_encoder_are_refused(model: AIOModel, tmp_path: Path) -> None:
    exported = export_weights(model, config(), {})
    tensors = {**exported.tensors, "encoder.norm.weight": exported.tensors["encoder.norm.weight"] + 1}
    write_weights(tmp_path / "w.safetensors", type(exported)(tensors, exported.model, exported.encoder_hash, True, {}))
    with pytest.raises(WeightsError, match="belong to encoder"):
        load_model(tmp_path / "w.safetensors")


def test_take_over_resizes_positions_and_copies_missing_stems(tmp_path: Path) -> None:
    small = build_model(config(image_size=(64, 32), modalities=[Modality.RGB, Modality.TEXT]), seed=1)
    write_weights(
        tmp_path / "w.safetensors",
        export_weights(small, config(image_size=(64, 32), modalities=[Modality.RGB, Modality.TEXT]), {}),
    )
    large = build_model(config(image_size=(128, 64)), seed=2)
    encoder_before = large.encoder.hash()
    taken = take_over(large, read_weights(tmp_path / "w.safetensors"))
    assert "tokenizers.sketch.projection.weight" in taken
    assert torch.equal(large.tokenizers["sketch"].projection.weight, small.tokenizers["rgb"].projection.weight)
    assert large.sequence.visual_positions.shape == (1, 32, D)
    assert large.encoder.hash() == encoder_before


def test_words_start_from_a_clip_table_and_the_mask_row_stays_fresh(tmp_path: Path) -> None:
    table = torch.randn(49408, 6)
    torch.save({"token_embedding.weight": table}, tmp_path / "clip.pt")
    fresh = build_model(config(), seed=0).tokenizers["text"].words.weight
    model = build_model(config(word_table_file=tmp_path / "clip.pt"), seed=0)
    started = model.tokenizers["text"].words.weight
    torch.testing.assert_close(started[:49405, :6], table[:49405])
    assert torch.count_nonzero(started[:49405, 6:]) == 0
    assert torch.equal(started[49405], fresh[49405])
    with pytest.raises(WeightsError, match="does not fit 49408 words of width 4"):
        build_model(config(word_width=4, word_table_file=tmp_path / "clip.pt"), seed=0)


def test_take_over_keeps_a_trained_final_norm_and_leaves_what_is_frozen() -> None:
    """Where the pre-training had no final norm (Meta-Transformer), a trained one takes its place."""
    models = [build_model(config(), seed=seed) for seed in (1, 2)]
    for model in models:
        blocks = model.encoder.blocks
        model.encoder = FrozenEncoder(blocks=blocks, width=D, name="without norms", norm_pre=torch.nn.LayerNorm(D))
    first, second = models
    with torch.no_grad():
        first.encoder.norm.weight.fill_(3.0)
        first.encoder.norm_pre.weight.fill_(5.0)
    frozen = second.encoder.hash()
    tensors = {n: t.clone() for n, t in first.state_dict().items()}
    taken = take_over(second, WeightsFile(tensors, config().model_dump(mode="json"), "", True, {}))
    assert "encoder.norm.weight" in taken and "encoder.norm_pre.weight" not in taken
    assert torch.equal(second.encoder.norm.weight, torch.full((D,), 3.0))
    assert second.encoder.hash() == frozen


def test_a_damaged_header_and_a_folder_are_one_line(model: AIOModel, tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", export_weights(model, config(), {}))
    raw = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "bad.safetensors").write_bytes(raw.replace(b'"has_encoder":"true"', b'"has_encoder":"trux"'))
    with pytest.raises(WeightsError, match="damaged header"):
        read_weights(tmp_path / "bad.safetensors")
    with pytest.raises(WeightsError, match="are a folder"):
        read_weights(tmp_path)


@pytest.mark.parametrize("subset", [(Modality.RGB,), (Modality.TEXT,), ALL], ids=lambda s: "".join(m.letter for m in s))
def test_the_feature_alone_equals_the_feature_beside_its_tokens(model: AIOModel, subset: tuple[Modality, ...]) -> None:
    inputs = example(subset)
    whole = model.encode({m: model.tokenize(m, x) for m, x in inputs.items()}).feature
    torch.testing.assert_close(model(inputs), whole, atol=1e-5, rtol=1e-5)
