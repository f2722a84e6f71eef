"""The line-drawing generator in the layout of the published weights: check 6 of method.md section 13."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from aio_reid.errors import WeightsError
from aio_reid.models.lineart import LineartGenerator, draw_lineart, load_lineart, working_size

PUBLISHED = {
    "model0.1": (64, 3, 7, 7),
    "model1.0": (128, 64, 3, 3),
    "model1.3": (256, 128, 3, 3),
    **{f"model2.{block}.conv_block.{at}": (256, 256, 3, 3) for block in range(3) for at in (1, 5)},
    "model3.0": (256, 128, 3, 3),
    "model3.3": (128, 64, 3, 3),
    "model4.1": (1, 64, 7, 7),
}
TRANSPOSED = ("model3.0", "model3.3")  # their output channels come second


def made_weights() -> dict[str, Tensor]:
    """Return random tensors with the names and shapes of the published file, written down apart from our module."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in PUBLISHED.items():
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * 0.05
        state[f"{name}.bias"] = torch.randn(shape[1 if name in TRANSPOSED else 0], generator=generator) * 0.05
    return state


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lineart") / "sk_model.pth"
    torch.save(made_weights(), path)
    return path


def test_24_tensors_as_published() -> None:
    state = LineartGenerator().state_dict()
    assert {name: t.shape for name, t in state.items()} == {name: t.shape for name, t in made_weights().items()}
    assert len(state) == 24
    assert sum(tensor.numel() for tensor in state.values()) == 4_290_945


@pytest.mark.parametrize("size", [(8, 12), (32, 20), (16, 64)])
def test_output_size_is_input_size_and_range_is_0_to_1(size: tuple[int, int], weights_file: Path) -> None:
    pictures = torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(0))
    drawings = load_lineart(weights_file)(pictures)
    assert drawings.shape == (2, 1, *size)
    assert drawings.min() >= 0
    assert drawings.max() <= 1


def test_a_picture_is_drawn_the_same_alone_and_in_a_batch(weights_file: Path) -> None:
    generator = load_lineart(weights_file).train()  # instance norm: no running statistics, no training mode
    pictures = torch.rand((3, 3, 16, 12), generator=torch.Generator().manual_seed(1))
    assert torch.allclose(generator(pictures)[1:2], generator(pictures[1:2]), atol=1e-5)


def test_forward_against_the_layers_written_out(weights_file: Path) -> None:
    w, F = made_weights(), torch.nn.functional

    def norm_relu(x: Tensor) -> Tensor:
        return F.relu(F.instance_norm(x))

    def conv(x: Tensor, name: str, pad: int) -> Tensor:
        return F.conv2d(F.pad(x, (pad,) * 4, mode="reflect"), w[f"{name}.weight"], w[f"{name}.bias"])

    x = pictures = torch.rand((1, 3, 12, 16), generator=torch.Generator().manual_seed(2))
    x = norm_relu(conv(x, "model0.1", 3))
    for name in ("model1.0", "model1.3"):
        x = norm_relu(F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride=2, padding=1))
    for block in range(3):
        inner = norm_relu(conv(x, f"model2.{block}.conv_block.1", 1))
        x = x + F.instance_norm(conv(inner, f"model2.{block}.conv_block.5", 1))
    for name in ("model3.0", "model3.3"):
        deconv = F.conv_transpose2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride=2, padding=1, output_padding=1)
        x = norm_relu(deconv)
    expected = torch.sigmoid(conv(x, "model4.1", 3))
    assert torch.allclose(load_lineart(weights_file)(pictures), expected, atol=1e-5)


def test_both_file_kinds_and_half_precision_load(weights_file: Path, tmp_path: Path) -> None:
    save_file(made_weights(), tmp_path / "lineart.safetensors")
    torch.save({name: tensor.half() for name, tensor in made_weights().items()}, tmp_path / "half.pt")
    torch.save(made_weights(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    expected = load_lineart(weights_file).state_dict()
    for name in ("lineart.safetensors", "half.pt", "old.pth"):
        generator = load_lineart(tmp_path / name)
        assert not generator.training
        assert not any(parameter.requires_grad for parameter in generator.parameters())
        for key, tensor in generator.state_dict().items():
            assert tensor.dtype == torch.float32
            assert torch.allclose(tensor, expected[key], atol=1e-3)


def test_differences_are_named(tmp_path: Path) -> None:
    without = made_weights()
    del without["model4.1.bias"]
    more = {**made_weights(), "model2.8.conv_block.1.weight": torch.zeros(1)}
    reshaped = {**made_weights(), "model0.1.weight": torch.zeros(64, 1, 7, 7)}
    infinite = {**made_weights(), "model0.1.bias": torch.full((64,), torch.inf)}
    wrapped = {"state_dict": made_weights()}
    cases = {
        r"1 missing \(model4.1.bias\)": without,
        r"1 foreign \(model2.8.conv_block.1.weight\)": more,
        r"model0.1.weight \[64, 1, 7, 7\] instead of \[64, 3, 7, 7\]": reshaped,
        r"1 not finite \(model0.1.bias\)": infinite,
        "more than tensors": wrapped,
        r"24 missing \(model0.1.weight, model0.1.bias, model1.0.weight, ...\)": {},
    }
    for message, state in cases.items():
        torch.save(state, tmp_path / "other.pth")
        with pytest.raises(WeightsError, match=message) as caught:
            load_lineart(tmp_path / "other.pth")
        assert "\n" not in str(caught.value)


class Payload:
    """An object whose unpickling would run code."""

    def __reduce__(self) -> tuple[object, ...]:
        return print, ("run",)


def test_files_that_are_no_weights(weights_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"model0.1.weight": Payload()}, tmp_path / "code.pth")
    (tmp_path / "empty.pth").touch()
    (tmp_path / "cut.pth").write_bytes(weights_file.read_bytes()[:1000])
    (tmp_path / "text.safetensors").write_text("no weights")
    for name in ("absent.pth", "code.pth", "empty.pth", "cut.pth", "text.safetensors"):
        with pytest.raises(WeightsError, match=name) as caught:
            load_lineart(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("size", "expected"),
    [((256, 128), (512, 256)), ((128, 256), (256, 512)), ((300, 300), (256, 256)), ((100, 33), (776, 256)),
     ((1, 1), (256, 256)), ((10000, 10), (2048, 256))],
)  # fmt: skip
def test_working_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert working_size(*size) == expected


class ChannelZero(torch.nn.Module):
    """Stands in for the generator: returns what it was given in the first channel, so that the way there and back
    shows."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(1))
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, pictures: Tensor) -> Tensor:
        self.sizes.append(tuple(pictures.shape))
        assert 0 <= pictures.min() <= pictures.max() <= 1
        return pictures[:, :1]


def test_drawing_goes_to_working_size_and_back_without_inversion() -> None:
    ramp = np.tile(np.linspace(0, 255, 40), (60, 1)).astype(np.uint8)
    pixels = np.stack([ramp, np.zeros_like(ramp), np.zeros_like(ramp)])  # (3, H, W)
    stand_in = ChannelZero()
    drawing = draw_lineart(stand_in, pixels)  # type: ignore[arg-type]
    assert stand_in.sizes == [(1, 3, 384, 256)]
    assert drawing.shape == pixels.shape
    assert drawing.dtype == np.uint8
    assert (drawing == drawing[0]).all()
    assert np.abs(drawing[0].astype(int) - ramp).max() <= 3


def test_drawing_with_weights_is_deterministic(weights_file: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 30, 33), dtype=np.uint8)
    generator = load_lineart(weights_file)
    first, second = draw_lineart(generator, pixels), draw_lineart(generator, pixels)
    assert first.shape == (3, 30, 33)
    assert np.array_equal(first, second)
