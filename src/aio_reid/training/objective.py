"""What one training step computes: unimodal, fused and masked passes, and their losses (method.md sections 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn

from aio_reid.config import LossConfig
from aio_reid.data.augment import without_colour
from aio_reid.data.images import normalise
from aio_reid.data.tuples import TupleBatch
from aio_reid.losses.binding import binding_loss
from aio_reid.losses.identity import identity_loss, mean_over_modalities
from aio_reid.losses.masked_attributes import masked_attribute_loss
from aio_reid.losses.sdm import sdm_loss
from aio_reid.losses.tags import tag_loss
from aio_reid.losses.triplet import weighted_triplet_loss
from aio_reid.models.heads import AttributeHead, IdentityClassifier, TagHead
from aio_reid.models.model import AIOModel
from aio_reid.models.tokenizers import Tokens
from aio_reid.records import Modality

FUSED = "fused"
_WORTH_PARTING = 16
SHARE_OF_SIZE = {2: 0.5, 3: 0.3}
"""How often a fused pass joins two or three modalities; larger sets share the rest evenly (method.md section 7)."""


@dataclass(frozen=True, slots=True)
class ColourlessSteps:
    """The share of the steps whose batch is seen without colour; it grows from 0 over the first `ramp` steps."""

    share: float = 0.0
    ramp: int = 0

    def share_at(self, step: int) -> float:
        """Return the share at that step."""
        return self.share * min(1.0, step / self.ramp) if self.ramp else self.share


class TrainingObjective(nn.Module):
    """Model, training heads and losses as one module, so that a step is one forward call whatever wraps it."""

    def __init__(
        self,
        model: AIOModel,
        *,
        classifier: IdentityClassifier,
        attribute_head: AttributeHead,
        tag_head: TagHead,
        loss: LossConfig,
        seed: int,
        colourless: ColourlessSteps | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.classifier = classifier
        self.attribute_head = attribute_head
        self.tag_head = tag_head
        self.loss = loss
        self.seed = seed
        self.colourless = colourless or ColourlessSteps()

    def forward(self, batch: TupleBatch, step: int) -> dict[str, Tensor]:
        """Return the losses of a batch: "ce", "va", "fb", "tags" and their weighted sum "total", each a scalar
        float32.
        """
        inputs = self._inputs(batch, step)
        tokens = {m: self.model.tokenize(m, _prepared(m, x)) for m, x in inputs.items()}
        features: dict[str, Tensor] = {m.value: self._feature(t, m) for m, t in tokens.items()}
        rows: dict[str, Tensor] = {m.value: batch.rows[m] for m in tokens}
        subset = self._fused_subset(batch, step)
        together = _rows_of_all(batch, subset)
        if len(together):
            chosen = {m: tokens[m].chosen(torch.isin(batch.rows[m], together)) for m in subset}
            features[FUSED], rows[FUSED] = self.model.feature(chosen), together
        losses = {
            "ce": self._identity(features, rows, batch.labels),
            "va": self._attributes(features[Modality.RGB.value], batch),
            "fb": self._binding(features, rows, batch.labels, fused_with_rgb=Modality.RGB in subset),
            "tags": self._tags(features, rows, batch),
        }
        weights = {
            "ce": self.loss.ce_weight,
            "va": self.loss.va_weight,
            "fb": self.loss.fb_weight,
            "tags": self.loss.tag_weight,
        }
        losses["total"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses

    def _inputs(self, batch: TupleBatch, step: int) -> dict[Modality, Tensor]:
        """Return the inputs, in a share of the steps without their colour; which steps depends on (seed, step)."""
        rng = np.random.default_rng((self.seed, step, 0x6BE7))
        if rng.random() >= self.colourless.share_at(step):
            return batch.inputs
        inputs = dict(batch.inputs)
        for m in (m for m in inputs if m.is_visual and m.has_colour):
            shares = torch.from_numpy(rng.dirichlet((1.0, 1.0, 1.0), len(inputs[m])).astype(np.float32))
            inputs[m] = without_colour(inputs[m], shares.to(inputs[m].device))
        return inputs

    def _feature(self, tokens: Tokens, modality: Modality) -> Tensor:
        """Return the features (b, D) of one modality; sentences in two parts, so that short ones are not padded to the
        longest.
        """
        if tokens.valid is None or len(tokens.values) < _WORTH_PARTING:
            return self.model.feature({modality: tokens})
        lengths = tokens.valid.sum(dim=1)
        order = lengths.argsort(stable=True)
        parts = []
        for rows in order.chunk(2):
            part = tokens.chosen(rows, int(lengths[rows[-1]]))
            parts.append(self.model.feature({modality: part}))
        return torch.cat(parts)[order.argsort()]

    def _fused_subset(self, batch: TupleBatch, step: int) -> tuple[Modality, ...]:
        """Draw which modalities this step's fused pass joins, from (seed, step): () where there is no fused pass."""
        every = self.loss.fused_every
        available = tuple(m for m in Modality if m in batch.inputs)
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

    def _tags(self, features: Mapping[str, Tensor], rows: Mapping[str, Tensor], batch: TupleBatch) -> Tensor:
        """Every feature, of one modality or fused, tells the attribute words of its person."""
        if self.loss.tag_weight == 0 or batch.tags is None or batch.tag_rows is None:
            return features[Modality.RGB.value].new_zeros((), dtype=torch.float32)
        all_tags = batch.tags.new_zeros(len(batch.labels), batch.tags.shape[1]).index_copy(
            0, batch.tag_rows, batch.tags
        )
        losses = {}
        for name, feature in features.items():
            told = torch.isin(rows[name], batch.tag_rows)
            losses[name] = tag_loss(self.tag_head(feature[told]), all_tags[rows[name][told]])
        return mean_over_modalities(losses)

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


def _rows_of_all(batch: TupleBatch, subset: tuple[Modality, ...]) -> Tensor:
    """Return the tuples (b,) that have every modality of the subset, ascending; none for the empty subset."""
    everyone = torch.arange(len(batch.labels), device=batch.labels.device)
    if not subset:
        return everyone[:0]
    for m in subset:
        everyone = everyone[torch.isin(everyone, batch.rows[m])]
    return everyone


def _scattered(features: Tensor, rows: Tensor, num_rows: int) -> tuple[Tensor, Tensor]:
    """Return features (B, D) with zeros where a tuple lacks the modality, and validity (B,) bool."""
    valid = torch.zeros(num_rows, dtype=torch.bool, device=features.device)
    valid[rows] = True
    full = features.new_zeros(num_rows, features.shape[1]).index_copy(0, rows, features)
    return full, valid
