"""Modality tokenizers: an IBN convolution stem per visual modality, a word table for sentences (method.md sections
3.1, 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aio_reid.errors import WeightsError

END_ID = 49407
MASK_ID = 49405
VOCABULARY_SIZE = 49408
PATCH = 16


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one modality.

    Attributes:
        values: (B, N, D).
        valid: (B, N) bool where some are padding; None: all valid.
        summary: (B, D), what the tokenizer says of the whole input; it joins [CLS]; None: nothing.
    """

    values: Tensor
    valid: Tensor | None
    summary: Tensor | None = None

    def chosen(self, rows: Tensor, longest: int | None = None) -> Tokens:
        """Return the tokens of some rows, (b,) int64 indices or (B,) bool, cut to the first `longest` positions."""
        return Tokens(
            self.values[rows, :longest],
            None if self.valid is None else self.valid[rows, :longest],
            None if self.summary is None else self.summary[rows],
        )


class IBN(nn.Module):
    """Instance normalisation on the first half of the channels, batch normalisation on the rest (IBN-a, TransReID-SSL).

    Both are written as one scale and shift per picture and channel. In eval mode the two halves are applied together.
    Moments
    come from the mean and the mean of squares, which on a CPU is some ten times as fast as torch's variance in this
    layout.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.num_instance = channels // 2
        self.instance = nn.InstanceNorm2d(self.num_instance, affine=True)
        self.batch = nn.BatchNorm2d(channels - self.num_instance)

    def forward(self, x: Tensor) -> Tensor:
        first = x[:, : self.num_instance]
        scale, shift = self._instance_affine(first)  # (B, C/2)
        if self.training:
            whole = torch.cat(
                [torch.addcmul(_spread(shift, x), first, _spread(scale, x)), self.batch(x[:, self.num_instance :])],
                dim=1,
            )
            return whole.contiguous(memory_format=torch.channels_last)  # (B, C, H, W)
        batch = self.batch
        assert batch.running_mean is not None and batch.running_var is not None
        batch_scale = batch.weight * torch.rsqrt(batch.running_var + batch.eps)  # (C/2,)
        batch_shift = batch.bias - batch.running_mean * batch_scale
        scale = torch.cat([scale, batch_scale.expand_as(scale)], dim=1)  # (B, C)
        shift = torch.cat([shift, batch_shift.expand_as(shift)], dim=1)
        return torch.addcmul(_spread(shift, x), x, _spread(scale, x))

    def _instance_affine(self, x: Tensor) -> tuple[Tensor, Tensor]:
        values = x.float()
        mean = values.mean(dim=(2, 3))  # (B, C/2)
        variance = ((values * values).mean(dim=(2, 3)) - mean * mean).clamp_min(0.0)
        scale = self.instance.weight * torch.rsqrt(variance + self.instance.eps)
        return scale, self.instance.bias - mean * scale


def _spread(values: Tensor, like: Tensor) -> Tensor:
    return values[:, :, None, None].to(like.dtype)  # (B, C, 1, 1)


class VisualTokenizer(nn.Module):
    """Turn pictures into one token per 16x16 pixels by the IBN stem of TransReID-SSL (table in method.md 3.1).

    Convolutions run in channels-last layout, in which they are about 1.3 times as fast on a CPU.
    """

    def __init__(self, width: int, *, stem_width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem_width, 7, stride=2, padding=3, bias=False),
            IBN(stem_width),
            nn.ReLU(inplace=True),
            nn.Conv2d(stem_width, stem_width, 3, padding=1, bias=False),
            IBN(stem_width),
            nn.ReLU(inplace=True),
            nn.Conv2d(stem_width, stem_width, 3, padding=1, bias=False),
            nn.BatchNorm2d(stem_width),
            nn.ReLU(inplace=True),
        )
        self.projection = nn.Conv2d(stem_width, width, PATCH // 2, stride=PATCH // 2)
        self._initialise()
        self.to(memory_format=torch.channels_last)

    def _initialise(self) -> None:
        for layer in self.stem:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        nn.init.trunc_normal_(self.projection.weight, std=0.02)
        assert self.projection.bias is not None
        nn.init.zeros_(self.projection.bias)

    def forward(self, pixels: Tensor) -> Tokens:
        """Return tokens (B, N, D) of normalised pixels (B, 3, H, W), N = H/16 * W/16, row by row."""
        x = pixels.contiguous(memory_format=torch.channels_last)
        x = self.projection(self.stem(x))  # (B, D, H/16, W/16)
        return Tokens(x.flatten(2).transpose(1, 2), None)  # (B, N, D)


class TextTokenizer(nn.Module):
    """Turn CLIP byte-pair ids into tokens; what follows the end mark is padding and is never attended to.

    A word table narrower than the encoder (`word_width` < `width`) is followed by a linear projection. If `summarised`,
    a linear reading of the mean word joins [CLS], as the stripes of `PyramidTokenizer` do.
    """

    def __init__(self, width: int, *, word_width: int | None = None, summarised: bool = False) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY_SIZE, word_width or width)
        nn.init.normal_(self.words.weight, std=0.02)
        self.projection = nn.Identity() if word_width in (None, width) else nn.Linear(int(word_width or width), width)
        self.summary = nn.Linear(width, width) if summarised else None

    def forward(self, ids: Tensor) -> Tokens:
        """Return tokens (B, N, D) of ids (B, N) int64 that contain the end mark 49407; `valid` ends with it."""
        N = ids.shape[1]
        end = (ids == END_ID).int().argmax(dim=1)  # (B,) the first end mark
        valid = torch.arange(N, device=ids.device)[None, :] <= end[:, None]  # (B, N)
        values = self.projection(self.words(ids))  # (B, N, D)
        if self.summary is None:
            return Tokens(values, valid)
        shares = valid.to(values.dtype) / valid.sum(dim=1, keepdim=True).to(values.dtype)  # (B, N)
        return Tokens(values, valid, self.summary(torch.einsum("bn,bnd->bd", shares, values)))

    def load_word_table(self, table: Tensor) -> None:
        """Start from a pre-trained table (49408, W), zero-padded where W is narrower; the mask row stays fresh.

        Raises:
            WeightsError: the table is wider than this one, or of another vocabulary.
        """
        rows, columns = table.shape
        if rows != VOCABULARY_SIZE or columns > self.words.embedding_dim:
            raise WeightsError(
                f"word table {rows} x {columns} does not fit {VOCABULARY_SIZE} words of width "
                f"{self.words.embedding_dim}; take another file or raise model.word_width"
            )
        with torch.no_grad():
            fresh = self.words.weight[MASK_ID].clone()
            self.words.weight.zero_()
            self.words.weight[:, :columns] = table
            self.words.weight[MASK_ID] = fresh
