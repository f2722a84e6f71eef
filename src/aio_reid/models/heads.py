"""The heads with parameters: BNNeck and identity classifier (CE), masked attribute prediction (VA). FB is a loss
without parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BNNeck(nn.Module):
    """Batch normalisation between the feature of the metric losses and that of classification; its bias is fixed at 0.

    Shared by all modalities and fused features: the identity space is shared (method.md section 5; AGW, CAJ).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.norm.bias.requires_grad_(False)

    def forward(self, features: Tensor) -> Tensor:
        """Return b(f) (B, D) of features (B, D)."""
        normalised: Tensor = self.norm(features.float())
        return normalised


class IdentityClassifier(nn.Module):
    """Linear layer without bias onto C training identities, N(0, 0.001^2) at the start (AGW)."""

    def __init__(self, width: int, num_identities: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, num_identities, bias=False)
        nn.init.normal_(self.linear.weight, std=0.001)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, C) of bottleneck features (B, D)."""
        logits: Tensor = self.linear(features)
        return logits


class TagHead(nn.Module):
    """Tell from one feature which of A attribute words are said of the person: LayerNorm, Linear D to A."""

    def __init__(self, width: int, num_attributes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, num_attributes)
        nn.init.normal_(self.linear.weight, std=0.02)
        nn.init.constant_(self.linear.bias, -2.0)  # few words are said of anybody

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, A) of features (B, D)."""
        logits: Tensor = self.linear(self.norm(features))
        return logits


class AttributeHead(nn.Module):
    """Predict masked attribute words from text and photo: Linear 2D to D, GELU, LayerNorm, Linear D to A (method.md
    6.2).
    """

    def __init__(self, width: int, num_attributes: int) -> None:
        super().__init__()
        self.dense = nn.Linear(2 * width, width)
        self.activation = nn.GELU()
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, num_attributes)
        nn.init.normal_(self.dense.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(self.classifier.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, text: Tensor, photo: Tensor) -> Tensor:
        """Return logits (K, A) for K masked positions: their text outputs (K, D) beside the same tuples' photo
        features (K, D).
        """
        joined = torch.cat([text, photo], dim=-1)  # (K, 2D)
        logits: Tensor = self.classifier(self.norm(self.activation(self.dense(joined))))
        return logits
