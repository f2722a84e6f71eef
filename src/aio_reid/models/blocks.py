"""The pre-norm vision transformer block, with the parameter names of timm's `Block`.

It exists because importing timm takes two seconds of process start, and the model that comes with the package must
answer a search in less than three. A test holds it equal to timm's block, so weights move between the two freely.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class SelfAttention(nn.Module):
    """Multi-head self-attention.

    Input `x` (B, N, D), `attn_mask` and `num_queries` as in `TransformerBlock`; returns (B, N or num_queries, D).
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        if width % num_heads:
            raise ValueError(
                f"width {width} is no multiple of num_heads {num_heads}; choose heads that divide the width"
            )
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, num_queries: int | None = None) -> Tensor:
        B, N, D = x.shape
        if num_queries is None:
            query, key, value = self._heads(self.qkv(x), 3)  # each (B, heads, N, D / heads)
        else:
            weight, bias = self.qkv.weight, self.qkv.bias
            (query,) = self._heads(functional.linear(x[:, :num_queries], weight[:D], bias[:D]), 1)
            key, value = self._heads(functional.linear(x, weight[D:], bias[D:]), 2)
        if x.is_cpu and torch.is_grad_enabled():
            # On a CPU the backward pass of torch's fused attention is slow for short sequences, in bf16 most of all.
            read = _written_out(query, key, value, attn_mask)
        else:
            read = functional.scaled_dot_product_attention(query, key, value, attn_mask=attn_mask)
        projected: Tensor = self.proj(read.transpose(1, 2).reshape(B, num_queries or N, D))  # (B, N or num_queries, D)
        return projected

    def _heads(self, x: Tensor, count: int) -> tuple[Tensor, ...]:
        B, N, width = x.shape
        split = x.view(
            B, N, count, self.num_heads, width // (count * self.num_heads)
        )  # (B, N, count, heads, D / heads)
        return split.permute(2, 0, 3, 1, 4).unbind(0)  # count times (B, heads, N, D / heads)


def _written_out(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Return attention as its definition has it, (B, heads, queries, D / heads); softmax in fp32."""
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # (B, heads, queries, N)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    read: Tensor = scores.float().softmax(dim=-1).to(value.dtype) @ value
    return read


class FeedForward(nn.Module):
    """Two linear layers with GELU between them; (B, N, D) to (B, N, D)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each behind a LayerNorm and around a residual.

    Input `x` (B, N, D) float; `attn_mask` bool, broadcastable to (B, heads, N, N), usually (B, 1, 1, N): True where a
    key may be attended to, at least one for each query; None attends everywhere. Returns (B, N, D), or with
    `num_queries` only the first of them (B, num_queries, D): all that a last block must compute where [CLS] alone is
    read.

    Raises:
        ValueError: `width` is no multiple of `num_heads`.

    Source: method.md section 4 (the block of ViT, CLIP and Meta-Transformer).
    """

    def __init__(self, width: int, num_heads: int, mlp_ratio: float = 4.0, layer_norm_eps: float = 1e-6) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=layer_norm_eps)
        self.attn = SelfAttention(width, num_heads)
        self.norm2 = nn.LayerNorm(width, eps=layer_norm_eps)
        self.mlp = FeedForward(width, int(width * mlp_ratio))

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, num_queries: int | None = None) -> Tensor:
        x = x[:, :num_queries] + self.attn(self.norm1(x), attn_mask=attn_mask, num_queries=num_queries)
        x = x + self.mlp(self.norm2(x))
        return x


def initialise_blocks(blocks: nn.ModuleList, width: int, generator: torch.Generator) -> None:
    """Fill the blocks' parameters in place: linear weights normal, biases 0, norms the identity.

    The deviations are CLIP's (open_clip `TextTransformer.init_parameters`): width^-1/2 for qkv, (2 width)^-1/2 for fc1,
    and width^-1/2 (2 depth)^-1/2 for the two layers that write into the residual stream, so that depth does not
    inflate it.
    """
    into_residual = width**-0.5 * (2 * max(len(blocks), 1)) ** -0.5
    deviations = {"qkv": width**-0.5, "fc1": (2 * width) ** -0.5, "proj": into_residual, "fc2": into_residual}
    for name, parameter in blocks.named_parameters():
        layer, kind = name.split(".")[-2:]
        with torch.no_grad():
            if kind == "bias":
                parameter.zero_()
            elif layer in deviations:
                parameter.normal_(0.0, deviations[layer], generator=generator)
            else:
                parameter.fill_(1.0)
