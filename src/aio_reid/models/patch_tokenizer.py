"""A linear patch projection in the place of the IBN stem: an ablation."""

from __future__ import annotations

from torch import Tensor, nn

from aio_reid.models.tokenizers import PATCH, Tokens


class PatchTokenizer(nn.Module):
    """Turn pictures into one token per 16x16 pixels by one convolution, as a plain ViT does."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, width, PATCH, stride=PATCH)
        nn.init.trunc_normal_(self.projection.weight, std=0.02)
        assert self.projection.bias is not None
        nn.init.zeros_(self.projection.bias)

    def forward(self, pixels: Tensor) -> Tokens:
        """Return tokens (B, N, D) of normalised pixels (B, 3, H, W), N = H/16 * W/16, row by row."""
        x = self.projection(pixels)  # (B, D, H/16, W/16)
        return Tokens(x.flatten(2).transpose(1, 2), None)  # (B, N, D)
