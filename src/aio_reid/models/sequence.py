"""What is added to tokens before the encoder: [CLS], positions and modality codes (method.md 3.4, equation 1)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aio_reid.models.tokenizers import Tokens
from aio_reid.records import Modality

VISUAL_POSITION_DEVIATION = 0.5
"""At the start of a training from nothing, positions are as large as the stems' tokens. With the customary 0.02 [CLS]
reads the mean of all tokens for hundreds of steps before it learns where to look (docs/experiments.md 6)."""


class SequenceEmbedding(nn.Module):
    """Learnable [CLS], one position table for all visual modalities, one for text, and a code per modality.

    The visual modalities share a table because their crops are spatially aligned; a table of its own for each place
    in the concatenation would make a modality's tokens depend on which others are present. Where tokenizers give
    summaries, their sum joins [CLS]: an input that says little may say it quietly.

    Attributes:
        grid: (rows, columns) of visual tokens.
    """

    def __init__(
        self, width: int, *, grid: tuple[int, int], context_length: int, modalities: tuple[Modality, ...]
    ) -> None:
        super().__init__()
        self.grid = grid
        self.cls = nn.Parameter(torch.empty(1, 1, width))
        self.cls_position = nn.Parameter(torch.empty(1, 1, width))
        self.visual_positions = nn.Parameter(torch.empty(1, self.grid[0] * self.grid[1], width))
        self.text_positions = nn.Parameter(torch.empty(1, context_length, width))
        self.codes = nn.ParameterDict({m.value: nn.Parameter(torch.zeros(width)) for m in modalities})
        for table in (self.cls, self.cls_position, self.text_positions):
            nn.init.normal_(table, std=0.02)
        nn.init.normal_(self.visual_positions, std=VISUAL_POSITION_DEVIATION)

    def forward(self, parts: Mapping[Modality, Tokens]) -> tuple[Tensor, Tensor | None]:
        """Return the sequence (B, 1 + sum of N, D) in fusion order and its key mask (B, ...) bool, None if nothing is
        padded.
        """
        chosen = [m for m in Modality if m in parts]
        B = parts[chosen[0]].values.shape[0]
        cls = (self.cls + self.cls_position).expand(B, -1, -1)  # (B, 1, D)
        for summary in (parts[m].summary for m in chosen):
            cls = cls if summary is None else cls + summary[:, None]
        pieces = [cls]
        pieces += [self._placed(m, parts[m].values) for m in chosen]
        sequence = torch.cat([p.to(pieces[-1].dtype) for p in pieces], dim=1)  # (B, 1 + N..., D)
        if all(parts[m].valid is None for m in chosen):
            return sequence, None
        return sequence, torch.cat(
            [sequence.new_ones(B, 1, dtype=torch.bool), *(_valid(parts[m]) for m in chosen)], dim=1
        )

    def _placed(self, modality: Modality, values: Tensor) -> Tensor:
        table = self.visual_positions if modality.is_visual else self.text_positions
        placed: Tensor = values + table[:, : values.shape[1]] + self.codes[modality.value]
        return placed

    def start_from(self, cls: Tensor | None, positions: Tensor | None, grid: tuple[int, int] | None) -> None:
        """Initialise from a pre-trained class embedding (1, 1, D) and position table (1 + h*w, D), resized
        bicubically.
        """
        with torch.no_grad():
            if cls is not None:
                self.cls.copy_(cls)
            if positions is not None and grid is not None:
                self.cls_position.copy_(positions[:1][None])
                self.visual_positions.copy_(resize_positions(positions[1:][None], grid, self.grid))


def resize_positions(table: Tensor, source: tuple[int, int], target: tuple[int, int]) -> Tensor:
    """Return a position table (1, h*w, D) for another grid, by bicubic interpolation."""
    if source == target:
        return table
    D = table.shape[-1]
    image = table.reshape(1, *source, D).permute(0, 3, 1, 2)  # (1, D, h, w)
    image = F.interpolate(image.float(), size=target, mode="bicubic", align_corners=False)
    return image.permute(0, 2, 3, 1).reshape(1, target[0] * target[1], D)  # (1, h'*w', D)


def _valid(tokens: Tokens) -> Tensor:
    B, N, _ = tokens.values.shape
    return tokens.valid if tokens.valid is not None else torch.ones(B, N, dtype=torch.bool, device=tokens.values.device)
