"""A small convolution network as visual tokenizer, for a model without a large pre-trained encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aio_reid.models.tokenizers import IBN, Tokens

FIRST_STRIDE = 4
NUM_STRIPES = 4


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a residual, (B, C, H, W) to the same; the first is followed by IBN (IBN-Net-a)."""

    def __init__(self, channels: int, *, ibn: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = IBN(channels) if ibn else nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(inner)))


class PyramidTokenizer(nn.Module):
    """Turn pictures into tokens by levels of halving size, and into a summary of horizontal stripes that joins [CLS].

    The first level sees patches of 4x4 pixels, each further one half as many each way, so with four levels a token
    stands for 32x32 pixels. The stem of the paper (`VisualTokenizer`) leaves all understanding to a large pre-trained
    encoder; an encoder that is trained from nothing learns far more from the same pictures behind this one
    (docs/experiments.md 8). The summary is a linear reading of the last level averaged over `NUM_STRIPES` stripes, the
    parts that re-identification has long compared (PCB): with it [CLS] starts from a person's colours from head to
    foot, and not from a mean of tokens.

    Attributes:
        stride: pixels of a token along each side.

    Source: our choice, where method.md 3.1 gives the paper's stem; residual blocks with IBN-a as in IBN-Net's ResNet.
    """

    def __init__(self, width: int, *, widths: Sequence[int]) -> None:
        super().__init__()
        self.stride = FIRST_STRIDE << (len(widths) - 1)
        layers: list[nn.Module] = [
            nn.Conv2d(3, widths[0], FIRST_STRIDE, stride=FIRST_STRIDE, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
        last = len(widths) - 1
        for level, channels in enumerate(widths):
            if level:
                layers += [nn.Conv2d(widths[level - 1], channels, 2, stride=2, bias=False), nn.BatchNorm2d(channels)]
            layers.append(ResidualBlock(channels, ibn=level < last))  # as in IBN-Net: the last level keeps what is deep
        self.levels = nn.Sequential(*layers)
        self.projection = nn.Conv2d(widths[-1], width, 1)
        self.summary = nn.Linear(widths[-1] * NUM_STRIPES, width)
        self.to(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> Tokens:
        """Return tokens (B, N, D) and summary (B, D) of normalised pixels (B, 3, H, W), N = H/stride * W/stride, row by
        row.
        """
        x = self.levels(pixels.contiguous(memory_format=torch.channels_last))  # (B, C, H/stride, W/stride)
        stripes = F.adaptive_avg_pool2d(x.float(), (NUM_STRIPES, 1)).flatten(1)  # (B, C * stripes)
        tokens = self.projection(x).flatten(2).transpose(1, 2)  # (B, N, D)
        return Tokens(tokens, None, self.summary(stripes))
