"""The heads with parameters: BNNeck and identity classifier (CE), masked attribute prediction (VA). FB is a loss
without parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


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


class SampledIdentityClassifier(nn.Module):
    """The same for very many identities: a step reads, and changes, only the rows of the classes it is given (partial
    FC).

    The table (C, D) is no parameter: it has no dense gradient, and two numbers per row are kept instead of AdamW's two
    per weight. What `update` does is Adam with one second moment for a whole row and without a first moment, which
    would be as large as the table and out of date in most rows.
    """

    weight: Tensor
    second_moment: Tensor
    num_updates: Tensor

    def __init__(self, width: int, num_identities: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(num_identities, width).normal_(std=0.001))
        self.register_buffer("second_moment", torch.zeros(num_identities))
        self.register_buffer("num_updates", torch.zeros(num_identities))
        self.classes: Tensor | None = None
        self.rows: Tensor | None = None

    def forward(self, features: Tensor, classes: Tensor) -> Tensor:
        """Return logits (B, n) of features (B, D) for the classes (n,) int64, each named once; `rows` (n, D) is the
        leaf that collects the gradient.
        """
        self.classes, self.rows = classes, self.weight[classes].requires_grad_()
        return functional.linear(features, self.rows)  # (B, n)

    @torch.no_grad()
    def update(self, *, learning_rate: float, weight_decay: float, beta: float = 0.999, epsilon: float = 1e-8) -> None:
        """Change the rows of the last `forward` by their gradient, and forget them; as a naive loop:

            for c in classes:
                n[c] += 1
                v[c] = beta * v[c] + (1 - beta) * mean(gradient[c] ** 2)
                step = gradient[c] / (sqrt(v[c] / (1 - beta ** n[c])) + epsilon)
                weight[c] = (1 - learning_rate * weight_decay) * weight[c] - learning_rate * step

        Without a gradient nothing changes.
        """
        if self.classes is not None and self.rows is not None and self.rows.grad is not None:
            classes, gradient = self.classes, self.rows.grad
            count = self.num_updates[classes] + 1  # (n,)
            moment = self.second_moment[classes].lerp(gradient.square().mean(dim=1), 1 - beta)  # (n,)
            scale = (moment / (1 - beta**count)).sqrt() + epsilon
            kept = self.rows * (1 - learning_rate * weight_decay)
            self.weight[classes] = kept - learning_rate * gradient / scale[:, None]
            self.second_moment[classes], self.num_updates[classes] = moment, count
        self.classes = self.rows = None


class TagHead(nn.Module):
    """Tell from one feature which of A tags the person has: LayerNorm, Linear D to A."""

    def __init__(self, width: int, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, len(self.names))
        nn.init.normal_(self.linear.weight, std=0.02)
        nn.init.constant_(self.linear.bias, -2.0)  # few tags are anybody's

    @torch.no_grad()
    def expect(self, shares: Tensor) -> None:
        """Let the head begin with how frequent each tag is, (A,) in 0..1, which it would else have to learn first."""
        self.linear.bias.copy_(torch.logit(shares.to(self.linear.bias), eps=1e-3))

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
