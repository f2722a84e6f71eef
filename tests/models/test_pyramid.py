"""The pyramid of convolutions as tokenizer, and the summaries that join [CLS]."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from aio_reid.config import ModelConfig, parse
from aio_reid.errors import ConfigError
from aio_reid.models.build import build_model, export_weights, load_model, take_over
from aio_reid.models.checkpoint import read_weights, write_weights
from aio_reid.models.pyramid import NUM_STRIPES, PyramidTokenizer
from aio_reid.models.tokenizers import TextTokenizer, Tokens
from aio_reid.records import Modality

D = 16
CONTENT = {
    "encoder": {"kind": "plain", "width": D, "depth": 2, "num_heads": 2},
    "image_size": (64, 32),
    "stem": "pyramid",
    "pyramid_widths": (4, 8, 8),
    "word_width": 8,
}


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(3, 3, 64, 32, generator=torch.Generator().manual_seed(0))


def test_tokens_stand_for_squares_of_the_stride_and_the_summary_for_stripes(pixels: torch.Tensor) -> None:
    tokenizer = PyramidTokenizer(D, widths=(4, 8, 8)).eval()
    assert tokenizer.stride == 16
    tokens = tokenizer(pixels)
    assert tokens.valid is None and tokens.summary is not None
    assert (tuple(tokens.values.shape), tuple(tokens.summary.shape)) == ((3, 4 * 2, D), (3, D))
    last = tokenizer.levels(pixels)  # (3, 8, 4, 2): as many rows as stripes, so a stripe is the mean of a row
    assert last.shape[2] == NUM_STRIPES
    stripes = last.mean(dim=3).flatten(1)  # (3, 8 * 4), channel by channel
    expected = functional.linear(stripes, tokenizer.summary.weight, tokenizer.summary.bias)
    torch.testing.assert_close(tokens.summary, expected)
    projected = torch.einsum("bchw,dc->bhwd", last, tokenizer.projection.weight[:, :, 0, 0]) + tokenizer.projection.bias
    torch.testing.assert_close(tokens.values, projected.flatten(1, 2))


@pytest.mark.parametrize("widths", [(4,), (4, 8), (4, 8, 8, 8)])
def test_tokens_are_as_large_as_the_configuration_says(widths: tuple[int, ...], pixels: torch.Tensor) -> None:
    config = ModelConfig.model_validate(CONTENT | {"pyramid_widths": widths})
    tokenizer = PyramidTokenizer(D, widths=widths).eval()
    assert tokenizer.stride == config.token_stride
    assert tokenizer(pixels).values.shape[1] == config.token_grid[0] * config.token_grid[1]


def test_a_picture_is_read_alone(pixels: torch.Tensor) -> None:
    tokenizer = PyramidTokenizer(D, widths=(4, 8)).eval()
    together, alone = tokenizer(pixels), tokenizer(pixels[1:2])
    torch.testing.assert_close(together.values[1:2], alone.values)
    torch.testing.assert_close(together.summary[1:2], alone.summary)


def test_the_summary_of_a_sentence_is_read_from_its_mean_word_without_padding() -> None:
    tokenizer = TextTokenizer(D, word_width=8, summarised=True)
    short = torch.tensor([[49406, 320, 49407]])
    padded = torch.tensor([[49406, 320, 49407, 0, 0]])
    summary = tokenizer(short).summary
    assert summary is not None
    torch.testing.assert_close(summary, tokenizer(padded).summary)
    assert tokenizer.summary is not None
    torch.testing.assert_close(summary, tokenizer.summary(tokenizer(short).values.mean(dim=1)))


def test_summaries_join_cls_and_nothing_else() -> None:
    model = build_model(ModelConfig.model_validate(CONTENT), seed=0).eval()
    values = torch.randn(2, 8, D)
    silent = Tokens(values, None, torch.zeros(2, D))
    loud = Tokens(values, None, torch.ones(2, D))
    plain, _ = model.sequence({Modality.RGB: Tokens(values, None)})
    without, _ = model.sequence({Modality.RGB: silent})
    both, _ = model.sequence({Modality.RGB: loud, Modality.SKETCH: loud})
    torch.testing.assert_close(without, plain)
    torch.testing.assert_close(both[:, 0], plain[:, 0] + 2)
    torch.testing.assert_close(both[:, 1:9], plain[:, 1:])


def test_rows_chosen_keep_their_padding_and_summary() -> None:
    tokens = Tokens(torch.arange(24.0).reshape(3, 4, 2), torch.ones(3, 4, dtype=torch.bool), torch.arange(3.0)[:, None])
    chosen = tokens.chosen(torch.tensor([2, 0]), 3)
    assert chosen.valid is not None and chosen.summary is not None
    assert (chosen.values[:, 0, 0].tolist(), chosen.summary.flatten().tolist()) == ([16.0, 0.0], [2.0, 0.0])
    assert tuple(chosen.values.shape) == (2, 3, 2) and tuple(chosen.valid.shape) == (2, 3)


def test_weights_go_to_a_file_and_back_and_start_another_size(tmp_path: Path, pixels: torch.Tensor) -> None:
    config = ModelConfig.model_validate(CONTENT | {"modalities": ("rgb", "text")})
    model = build_model(config, seed=1).eval()
    write_weights(tmp_path / "w.safetensors", export_weights(model, config, {}))
    loaded, weights = load_model(tmp_path / "w.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(loaded({Modality.RGB: pixels}), model({Modality.RGB: pixels}))
    larger = build_model(ModelConfig.model_validate(CONTENT | {"image_size": (128, 64)}), seed=2)
    taken = take_over(larger, read_weights(tmp_path / "w.safetensors"))
    assert "tokenizers.sketch.summary.weight" in taken
    assert larger.sequence.grid == (8, 4) and weights.model["stem"] == "pyramid"
    torch.testing.assert_close(
        larger.state_dict()["tokenizers.infrared.levels.0.weight"], model.state_dict()["tokenizers.rgb.levels.0.weight"]
    )


def test_sizes_that_leave_part_of_a_token_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiples of 32"):
        parse(ModelConfig, CONTENT | {"pyramid_widths": (4, 8, 8, 8), "image_size": (48, 32)}, "test")
    with pytest.raises(ConfigError, match="even"):
        parse(ModelConfig, CONTENT | {"pyramid_widths": (4, 7)}, "test")
