"""The line-drawing generator that AIO makes missing sketches with, in the layout of its published weights (method.md
8.2).

Weights: `checkpoints/anime_style/netG_A_latest.pth` of informative-drawings, or `sk_model.pth` (fine) and
`sk_model2.pth` (coarse) of the ControlNet annotators; all three are the same 24 tensors. The project does not ship
them.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from aio_reid.errors import WeightsError

NUM_RESIDUAL_BLOCKS = 3
SHORTER_SIDE = 256
LONGEST_SIDE = 2048
"""Bound on the other side, only met by strips of 1:8 and more, so that memory stays bounded whatever the picture."""
_MULTIPLE = 4
_NUM_NAMED = 3


class ResidualBlock(nn.Module):
    """x + (conv, norm, ReLU, conv, norm)(x), (B, D, H, W) to (B, D, H, W), reflected at the border."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv_block(x)
        return out


class LineartGenerator(nn.Module):
    """Photo to line drawing: 24 tensors, 4,290,945 parameters, named as in the published weights.

    The norms have neither parameters nor running statistics, so training and evaluation mode are the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model0 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), nn.InstanceNorm2d(64), nn.ReLU())
        self.model1 = nn.Sequential(
            nn.Conv2d(64, 128, 3, stride=2, padding=1),
            nn.InstanceNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 256, 3, stride=2, padding=1),
            nn.InstanceNorm2d(256),
            nn.ReLU(),
        )
        self.model2 = nn.Sequential(*(ResidualBlock(256) for _ in range(NUM_RESIDUAL_BLOCKS)))
        self.model3 = nn.Sequential(
            nn.ConvTranspose2d(256, 128, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(128),
            nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(64),
            nn.ReLU(),
        )
        self.model4 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(64, 1, 7), nn.Sigmoid())

    def forward(self, pictures: Tensor) -> Tensor:
        """Return drawings float32 (B, 1, H, W) in [0, 1], dark strokes on white.

        Args:
            pictures: float32 (B, 3, H, W), RGB in [0, 1] without mean and deviation; H and W multiples of 4, from 8 on.
        """
        x = self.model0(pictures)  # (B, 64, H, W)
        x = self.model1(x)  # (B, 256, H/4, W/4)
        x = self.model2(x)  # (B, 256, H/4, W/4)
        x = self.model3(x)  # (B, 64, H, W)
        drawing: Tensor = self.model4(x)  # (B, 1, H, W)
        return drawing


def load_lineart(path: Path | str) -> LineartGenerator:
    """Return the generator with the weights of a .pth, .pt or .safetensors file, frozen, in evaluation mode, on the
    CPU.

    Raises:
        WeightsError: a missing or unreadable file, one with anything but tensors, or tensors that are missing, foreign,
            of another shape or not finite; all named.
    """
    path = Path(path)
    state = _read_state(path)
    generator = LineartGenerator()
    differences = _differences(generator.state_dict(), state)
    if differences:
        raise WeightsError(f"{str(path)!r} is not the line-drawing generator: {differences}; try sk_model.pth")
    generator.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=True)
    return generator.eval().requires_grad_(False)


@torch.inference_mode()
def draw_lineart(generator: LineartGenerator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the drawing of a photo, both uint8 (3, H, W); the drawing has three equal channels, dark strokes on white.

    The shorter side is brought to 256 pixels (bicubic, aspect kept), both sides to multiples of 4, and the drawing back
    to (H, W). It is not inverted: real sketches are dark on light (method.md 8.2). Runs where the generator's weights
    are.
    """
    _, height, width = pixels.shape
    device = next(generator.parameters()).device
    picture = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).float().div_(255)[None]  # (1, 3, H, W)
    picture = _resize(picture, working_size(height, width)).clamp_(0, 1)
    drawing = _resize(generator(picture), (height, width))  # (1, 1, H, W)
    grey = drawing[0].mul(255).round_().clamp_(0, 255).byte()  # (1, H, W)
    drawn: NDArray[np.uint8] = grey.expand(3, -1, -1).contiguous().cpu().numpy()
    return drawn


def working_size(height: int, width: int) -> tuple[int, int]:
    """Return the (H, W) at which a picture is drawn: shorter side 256, multiples of 4, at most `LONGEST_SIDE`."""
    scale = SHORTER_SIDE / min(height, width)

    def fit(side: int) -> int:
        return min(LONGEST_SIDE, max(_MULTIPLE, round(side * scale / _MULTIPLE) * _MULTIPLE))

    return fit(height), fit(width)


def _resize(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    if pictures.shape[-2:] == size:
        return pictures
    return F.interpolate(pictures, size=size, mode="bicubic", antialias=True, align_corners=False)


def _read_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(f"weights {str(path)!r} do not exist; give the path of sk_model.pth or netG_A_latest.pth")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError, SafetensorError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise WeightsError(f"weights {str(path)!r} cannot be read ({reason}); download them again") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"weights {str(path)!r} hold more than tensors by name; give a state dict as published")
    return state


def _differences(expected: dict[str, Tensor], found: dict[str, Tensor]) -> str:
    """Return in words what keeps `found` from being the expected tensors; empty when nothing does."""
    shared = [name for name in expected if name in found]
    reshaped = [
        f"{name} {list(found[name].shape)} instead of {list(expected[name].shape)}"
        for name in shared
        if found[name].shape != expected[name].shape
    ]
    findings = {
        "missing": [name for name in expected if name not in found],
        "foreign": [name for name in found if name not in expected],
        "of another shape": reshaped,
        "not finite": [name for name in shared if not torch.isfinite(found[name]).all()],
    }
    return "; ".join(f"{len(names)} {kind} ({_listed(names)})" for kind, names in findings.items() if names)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_NUM_NAMED]) + (", ..." if len(names) > _NUM_NAMED else "")
