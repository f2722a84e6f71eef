"""What one training step computes: unimodal, fused and masked passes, and their losses (method.md sections 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn

from aio_reid.config import LossConfig
from aio_reid.data.images import normalise
from aio_reid.data.tuples import TupleBatch
from aio_reid.losses.binding import binding_loss
from aio_reid.losses.identity import identity_loss, mean_over_modalities
from aio_reid.losses.masked_attributes import masked_attribute_loss
from aio_reid.losses.sdm import sdm_loss
from aio_reid.losses.triplet import weighted_triplet_loss
from aio_reid.models.heads import AttributeHead, IdentityClassifier
from aio_reid.models.model import AIOModel
from aio_reid.models.tokenizers import Tokens
from aio_reid.records import Modality

FUSED = "fused"
SHARE_OF_SIZE = {2: 0.5, 3: 0.3}
"""How often a fused pass joins two or three modalities; larger sets share the rest evenly (method.md section 7)."""


class TrainingObjective(nn.Module):
    """Model, training heads and losses as one module, so that a step is one forward call whatever wraps it."""

    def __init__(
        self,
        model: AIOModel,
        *,
        classifier: IdentityClassifier,
        attribute_head: AttributeHead,
        loss: LossConfig,
        seed: int,
    ) -> None:
        super().__init__()
        self.model = model
        self.classifier = classifier
        self.attribute_head = attribute_head
        self.loss = loss
        self.seed = seed

    def forward(self, batch: TupleBatch, step: int) -> dict[str, Tensor]:
        """Return the losses of a batch: "ce", "va", "fb" and their weighted sum "total", each a scalar float32."""
        tokens = {m: self.model.tokenize(m, _prepared(m, x)) for m, x in batch.inputs.items()}
        features: dict[str, Tensor] = {m.value: self.model.feature({m: t}) for m, t in tokens.items()}
        rows: dict[str, Tensor] = {m.value: batch.rows[m] for m in tokens}
        subset = self._fused_subset(batch, step)
        if subset:
            features[FUSED] = self.model.feature({m: tokens[m] for m in subset})
            rows[FUSED] = torch.arange(len(batch.labels), device=batch.labels.device)
        losses = {
            "ce": self._identity(features, rows, batch.labels),
            "va": self._attributes(features[Modality.RGB.value], batch),
            "fb": self._binding(features, rows, batch.labels, fused_with_rgb=Modality.RGB in subset),
        }
        weights = {"ce": self.loss.ce_weight, "va": self.loss.va_weight, "fb": self.loss.fb_weight}
        losses["total"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses

    def _fused_subset(self, batch: TupleBatch, step: int) -> tuple[Modality, ...]:
        """Draw which modalities this step's fused pass joins, from (seed, step): () where there is no fused pass."""
        every = self.loss.fused_every
        available = batch.complete
        if every == 0 or step % every or len(available) < 2:
            return ()
        rng = np.random.default_rng((self.seed, step, 0xF05E))
        sizes = np.arange(2, len(available) + 1)
        larger = max(1, len(available) - 3)
        share = np.array([SHARE_OF_SIZE.get(int(size), 0.2 / larger) for size in sizes])
        size = int(rng.choice(sizes, p=share / share.sum()))
        subsets = list(combinations(available, size))
        return subsets[int(rng.integers(len(subsets)))]

    def _identity(self, features: Mapping[str, Tensor], rows: Mapping[str, Tensor], labels: Tensor) -> Tensor:
        """Equation (4). All features pass the shared bottleneck together, so that its statistics are those of
        retrieval.
        """
        if self.loss.ce_weight == 0:
            return labels.new_zeros((), dtype=torch.float32)
        logits = self.classifier(self.model.bottleneck(torch.cat([f.float() for f in features.values()])))
        split = logits.split([len(f) for f in features.values()])
        losses = {
            name: identity_loss(part, labels[rows[name]], self.loss.label_smoothing)
            for name, part in zip(features, split, strict=True)
        }
        return mean_over_modalities(losses)

    def _attributes(self, rgb: Tensor, batch: TupleBatch) -> Tensor:
        """Equation (5): the masked caption is read alone; each masked position is predicted beside its tuple's
        photo.
        """
        if self.loss.va_weight == 0 or batch.masked_ids is None or len(batch.masked_labels) == 0:
            return rgb.new_zeros((), dtype=torch.float32)
        outputs = self.model.encode({Modality.TEXT: self._words(batch.masked_ids)}).tokens  # (b, L, D)
        row, position = batch.masked_at.unbind(1)
        text = outputs[row, position]  # (K, D)
        photo = rgb[batch.rows[Modality.TEXT][row]]  # (K, D); every tuple has its photo, in the order of the batch
        return masked_attribute_loss(self.attribute_head(text, photo), batch.masked_labels)

    def _words(self, ids: Tensor) -> Tokens:
        return self.model.tokenize(Modality.TEXT, ids)

    def _binding(
        self, features: Mapping[str, Tensor], rows: Mapping[str, Tensor], labels: Tensor, *, fused_with_rgb: bool
    ) -> Tensor:
        """Equations (6) to (8), or the configured alternative over the same pairs."""
        rgb = features[Modality.RGB.value]
        if self.loss.fb_weight == 0:
            return rgb.new_zeros((), dtype=torch.float32)
        others = {
            name: _scattered(f, rows[name], len(labels)) for name, f in features.items() if name != Modality.RGB.value
        }
        if self.loss.binding == "infonce":
            return binding_loss(
                rgb,
                others,
                labels,
                temperature=self.loss.temperature,
                contains_rgb=(FUSED,) if fused_with_rgb else (),
                detach_rgb=self.loss.detach_rgb,
                include_rgb_pairs=self.loss.bind_rgb_pairs,
            )
        present = [(f, labels[rows[name]]) for name, f in features.items()]
        if self.loss.binding == "wrt":
            return weighted_triplet_loss(torch.cat([f for f, _ in present]), torch.cat([y for _, y in present]))
        pairs = [
            sdm_loss(rgb[rows[name]], f, labels[rows[name]], temperature=self.loss.temperature)
            for name, f in features.items()
            if name != Modality.RGB.value
        ]
        return torch.stack(pairs).mean()


def _prepared(modality: Modality, inputs: Tensor) -> Tensor:
    return normalise(inputs, modality) if modality.is_visual else inputs


def _scattered(features: Tensor, rows: Tensor, num_rows: int) -> tuple[Tensor, Tensor]:
    """Return features (B, D) with zeros where a tuple lacks the modality, and validity (B,) bool."""
    valid = torch.zeros(num_rows, dtype=torch.bool, device=features.device)
    valid[rows] = True
    full = features.new_zeros(num_rows, features.shape[1]).index_copy(0, rows, features)
    return full, valid
