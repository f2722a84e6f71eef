"""TransformerBlock against timm's Block: same names, same numbers."""

from __future__ import annotations

import pytest
import torch
from timm.models.vision_transformer import Block

from aio_reid.models.blocks import TransformerBlock


def make_pair(width: int = 48, num_heads: int = 4, eps: float = 1e-6) -> tuple[TransformerBlock, Block]:
    torch.manual_seed(0)
    ours = TransformerBlock(width, num_heads, mlp_ratio=3.0, layer_norm_eps=eps)
    theirs = Block(
        width, num_heads, mlp_ratio=3.0, qkv_bias=True, norm_layer=lambda d, **k: torch.nn.LayerNorm(d, eps, **k)
    )
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.normal_(0, 0.3)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    return ours, theirs.eval()


@pytest.mark.parametrize("eps", [1e-6, 1e-5, 1e-2])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_timm(masked: bool, eps: float) -> None:
    ours, theirs = make_pair(eps=eps)
    x = torch.randn(3, 7, 48)
    mask = None
    if masked:
        mask = torch.ones(3, 1, 1, 7, dtype=torch.bool)
        mask[1, ..., 4:] = False
        mask[2, ..., 1:] = False
    torch.testing.assert_close(ours(x, attn_mask=mask), theirs(x, attn_mask=mask), atol=1e-5, rtol=1e-5)


def test_masked_keys_are_not_read() -> None:
    ours, _ = make_pair()
    x = torch.randn(2, 6, 48)
    mask = torch.ones(2, 1, 1, 6, dtype=torch.bool)
    mask[..., 4:] = False
    other = x.clone()
    other[:, 4:] = 7.0
    torch.testing.assert_close(ours(x, mask)[:, :4], ours(other, mask)[:, :4])
    torch.testing.assert_close(ours(x, mask)[:, :4], ours(x[:, :4]), atol=1e-5, rtol=1e-5)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="50 is no multiple of num_heads 4"):
        TransformerBlock(50, 4)
