"""The AIO model: tokens of any set of modalities, read side by side by one frozen encoder, become one feature
(method.md section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from aio_reid.models.encoder import FrozenEncoder
from aio_reid.models.heads import BNNeck
from aio_reid.models.sequence import SequenceEmbedding
from aio_reid.models.tokenizers import PATCH, Tokens
from aio_reid.records import Modality


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the encoder says of a sequence: `feature` (B, D) at [CLS], `tokens` (B, N, D) at the other positions."""

    feature: Tensor
    tokens: Tensor


class AIOModel(nn.Module):
    """Tokenizers, sequence embedding, frozen encoder and BNNeck.

    Inputs are a mapping from modality to normalised pixels (B, 3, H, W) float or byte-pair ids (B, N) int64.
    """

    def __init__(
        self,
        *,
        tokenizers: Mapping[Modality, nn.Module],
        sequence: SequenceEmbedding,
        encoder: FrozenEncoder,
        bottleneck: BNNeck,
        stride: int = PATCH,
        feature_after_bottleneck: bool = True,
        mirrored: bool = False,
    ) -> None:
        super().__init__()
        self.tokenizers = nn.ModuleDict({m.value: tokenizer for m, tokenizer in tokenizers.items()})
        self.sequence = sequence
        self.encoder = encoder
        self.bottleneck = bottleneck
        self.stride = stride
        self.feature_after_bottleneck = feature_after_bottleneck
        self.mirrored = mirrored

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that the model reads, in fusion order."""
        return tuple(m for m in Modality if m.value in self.tokenizers)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of its pictures in pixels."""
        stride = self.stride
        return self.sequence.grid[0] * stride, self.sequence.grid[1] * stride

    def tokenize(self, modality: Modality, inputs: Tensor) -> Tokens:
        """Return the tokens (B, N, D) of one modality's inputs, through that modality's own tokenizer."""
        tokens: Tokens = self.tokenizers[modality.value](inputs)
        return tokens

    def encode(self, parts: Mapping[Modality, Tokens]) -> Encoded:
        """Read the tokens of one or several modalities as one sequence (equations 1 to 3)."""
        sequence, key_mask = self.sequence(parts)  # (B, 1 + N, D), (B, 1 + N) | None
        outputs = self.encoder(sequence, key_mask)
        return Encoded(outputs[:, 0], outputs[:, 1:])

    def feature(self, parts: Mapping[Modality, Tokens]) -> Tensor:
        """Return the feature f_A (B, D) alone, which spares the encoder most of its last block."""
        sequence, key_mask = self.sequence(parts)
        outputs: Tensor = self.encoder(sequence, key_mask, num_outputs=1)  # (B, 1, D)
        return outputs[:, 0]

    def forward(self, inputs: Mapping[Modality, Tensor]) -> Tensor:
        """Return the feature f_A (B, D) of the fused inputs, before the bottleneck."""
        return self.feature({m: self.tokenize(m, x) for m, x in inputs.items()})

    def retrieval(self, features: Tensor) -> Tensor:
        """Return unit vectors (B, D) float32 for search: u(b(f)), or u(f) where so configured."""
        chosen = self.bottleneck(features) if self.feature_after_bottleneck else features
        return F.normalize(chosen.float(), dim=-1)

    def embed(self, inputs: Mapping[Modality, Tensor]) -> Tensor:
        """Return unit vectors (B, D) float32 of inputs, for search.

        With `mirrored` they are u(v + v'), v' of the same inputs with every picture mirrored: a person walks to the
        left and to the right, and what both views say counts more than what one says.
        """
        vectors = self.retrieval(self(inputs))
        pictures = {m: x.flip(-1) for m, x in inputs.items() if m.is_visual}
        if not (self.mirrored and pictures):
            return vectors
        return F.normalize(vectors + self.retrieval(self({**inputs, **pictures})), dim=-1)
