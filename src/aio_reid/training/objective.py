"""What one training step computes: unimodal, fused and masked passes, and their losses (method.md sections 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from aio_reid.config import LossConfig
from aio_reid.data.augment import with_tones, without_colour
from aio_reid.data.images import normalise
from aio_reid.data.tuples import TupleBatch
from aio_reid.losses.binding import binding_loss
from aio_reid.losses.identity import identity_loss, mean_over_modalities
from aio_reid.losses.masked_attributes import masked_attribute_loss
from aio_reid.losses.sdm import sdm_loss
from aio_reid.losses.tags import tag_loss
from aio_reid.losses.triplet import weighted_triplet_loss
from aio_reid.models.heads import AttributeHead, IdentityClassifier, SampledIdentityClassifier, TagHead
from aio_reid.models.model import AIOModel
from aio_reid.models.tokenizers import Tokens
from aio_reid.records import Modality
from aio_reid.training.plan import ColourlessSteps, Plan, draw_classes, draw_greys, draw_subset, draw_tones
from aio_reid.training.processes import Processes
from aio_reid.training.reading import Reading, gathered

FUSED = "fused"
_WORTH_PARTING = 16


class TrainingObjective(nn.Module):
    """Model, training heads and losses as one module.

    A step has three parts, so that a batch may be split over processes and micro-batches while every loss sees all of
    it: `plan` draws, `read` encodes some of the tuples, `losses` are those of the joined readings.
    """

    def __init__(
        self,
        model: AIOModel,
        *,
        classifier: IdentityClassifier | SampledIdentityClassifier,
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
        self.processes = Processes()

    def forward(self, batch: TupleBatch, step: int) -> dict[str, Tensor]:
        """Return the losses of the batch of which this process has the share `batch`: "ce", "va", "fb", "tags" and
        their weighted sum "total", each a scalar float32.
        """
        plan = self.plan(batch, step)
        return self.losses(gathered(self.read(batch, plan), self.processes), plan)

    def leaves(self) -> list[Tensor]:
        """Return what a step's gradient is taken for: the trainable parameters, and sampled rows of the classifier."""
        rows = self.classifier.rows if isinstance(self.classifier, SampledIdentityClassifier) else None
        return [*(p for p in self.parameters() if p.requires_grad), *([] if rows is None else [rows])]

    def plan(self, batch: TupleBatch, step: int) -> Plan:
        """Draw what all parts of the step share; every process must call this, with its equal share of the batch."""
        known = [m for m in Modality if m in self.model.modalities]
        seen = self.processes.anywhere([m in batch.inputs for m in known])
        available = tuple(m for m, is_seen in zip(known, seen, strict=True) if is_seen)
        subset = draw_subset(available, seed=self.seed, step=step, every=self.loss.fused_every)
        b = len(batch.labels)
        total, first = b * self.processes.count, b * self.processes.index
        greys = draw_greys(available, self.colourless, seed=self.seed, step=step, num_tuples=total)
        tones = draw_tones(greys, self.colourless, seed=self.seed, step=step)
        share = slice(first, first + b)
        return Plan(
            step,
            available,
            subset,
            greys={m: mix[share] for m, mix in greys.items()},
            tones={m: curves[share] for m, curves in tones.items()},
        )

    def read(self, batch: TupleBatch, plan: Plan, first: int = 0) -> Reading:
        """Encode tuples: unimodal, fused and masked passes.

        Args:
            batch: all tuples of this process's share, or some that follow each other.
            first: place of the first of them in the share.
        """
        nothing = batch.labels[:0]
        rows = {m: batch.rows.get(m, nothing) for m in plan.available}
        tokens = {m: self._tokens(m, self._input(m, batch, plan, first)) for m in plan.available}
        features = {m.value: self._feature(t, m) for m, t in tokens.items()}
        named = {m.value: rows[m] for m in plan.available}
        if plan.subset:
            together = _rows_of_all(len(batch.labels), rows, plan.subset)
            chosen = {m: tokens[m].chosen(torch.isin(rows[m], together)) for m in plan.subset}
            features[FUSED] = self.model.feature(chosen) if len(together) else self._no_tokens().values[:, 0]
            named[FUSED] = together
        masked, masked_rows, masked_labels = self._masked(batch)
        no_tags = torch.zeros(0, self.tag_head.linear.out_features, dtype=torch.bool, device=nothing.device)
        return Reading(
            labels=batch.labels,
            features=features,
            rows=named,
            masked=masked,
            masked_rows=masked_rows,
            masked_labels=masked_labels,
            tags=no_tags if batch.tags is None else batch.tags,
            tag_rows=nothing if batch.tag_rows is None else batch.tag_rows,
        )

    def losses(self, reading: Reading, plan: Plan) -> dict[str, Tensor]:
        """Return the losses of the whole batch's reading, as `forward` does."""
        features = {name: feature for name, feature in reading.features.items() if len(feature)}
        losses = {
            "ce": self._identity(features, reading, plan.step),
            "va": self._attributes(features, reading),
            "fb": self._binding(features, reading, fused_with_rgb=Modality.RGB in plan.subset),
            "tags": self._tags(features, reading),
        }
        weights = {
            "ce": self.loss.ce_weight,
            "va": self.loss.va_weight,
            "fb": self.loss.fb_weight,
            "tags": self.loss.tag_weight,
        }
        losses["total"] = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return losses

    def _input(self, modality: Modality, batch: TupleBatch, plan: Plan, first: int) -> Tensor:
        """Return one modality's pixels or ids, perhaps of no tuple, in a share of the steps without their colour."""
        inputs = batch.inputs.get(modality)
        if not modality.is_visual:
            return batch.labels.new_zeros(0, 2) if inputs is None else inputs
        if inputs is None:
            height, width = self.model.image_size
            inputs = torch.zeros(0, 3, height, width, dtype=torch.uint8, device=batch.labels.device)
        if modality not in plan.greys or not len(inputs):
            return inputs
        tuples = batch.rows[modality] + first
        inputs = without_colour(inputs, plan.greys[modality].to(inputs.device)[tuples])
        tones = plan.tones.get(modality)
        return inputs if tones is None else with_tones(inputs, tones.to(inputs.device)[tuples])

    def _tokens(self, modality: Modality, inputs: Tensor) -> Tokens:
        """Return tokens; without any tuple the stem runs only for the statistics that other processes wait for."""
        if len(inputs) or (self.processes.count > 1 and modality.is_visual):
            return self.model.tokenize(modality, normalise(inputs, modality) if modality.is_visual else inputs)
        return self._no_tokens()

    def _no_tokens(self) -> Tokens:
        device = self.model.sequence.cls.device
        none = torch.zeros(0, 1, self.model.encoder.width, device=device)
        return Tokens(none, torch.ones(0, 1, dtype=torch.bool, device=device))

    def _masked(self, batch: TupleBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Read the masked captions alone: outputs (K, D) at masked positions, their tuples (K,) and classes (K,)."""
        if self.loss.va_weight == 0 or batch.masked_ids is None or len(batch.masked_labels) == 0:
            return self._no_tokens().values[:, 0], batch.labels[:0], batch.labels[:0]
        words = self.model.tokenize(Modality.TEXT, batch.masked_ids)
        outputs = self.model.encode({Modality.TEXT: words}).tokens  # (b, L, D)
        row, position = batch.masked_at.unbind(1)
        return outputs[row, position], batch.rows[Modality.TEXT][row], batch.masked_labels

    def _feature(self, tokens: Tokens, modality: Modality) -> Tensor:
        """Return the features (b, D) of one modality; sentences in two parts, so that short ones are not padded to the
        longest.
        """
        if not len(tokens.values):
            return tokens.values[:, 0]
        if tokens.valid is None or len(tokens.values) < _WORTH_PARTING:
            return self.model.feature({modality: tokens})
        lengths = tokens.valid.sum(dim=1)
        order = lengths.argsort(stable=True)
        parts = []
        for rows in order.chunk(2):
            part = tokens.chosen(rows, int(lengths[rows[-1]]))
            parts.append(self.model.feature({modality: part}))
        return torch.cat(parts)[order.argsort()]

    def _identity(self, features: Mapping[str, Tensor], reading: Reading, step: int) -> Tensor:
        """Equation (4). All features pass the shared bottleneck together, so that its statistics are those of
        retrieval.
        """
        labels = reading.labels
        if self.loss.ce_weight == 0:
            return _zero(features)
        neck = self.model.bottleneck(torch.cat([f.float() for f in features.values()]))
        if isinstance(self.classifier, SampledIdentityClassifier):
            share, known = self.loss.sampled_identities, len(self.classifier.weight)
            classes = draw_classes(labels, known, share=share, seed=self.seed, step=step)
            logits, labels = self.classifier(neck, classes), torch.searchsorted(classes, labels)
        else:
            logits = self.classifier(neck)
        split = logits.split([len(f) for f in features.values()])
        losses = {
            name: identity_loss(part, labels[reading.rows[name]], self.loss.label_smoothing)
            for name, part in zip(features, split, strict=True)
        }
        return mean_over_modalities(losses)

    def _attributes(self, features: Mapping[str, Tensor], reading: Reading) -> Tensor:
        """Equation (5): each masked position of a caption is predicted beside its tuple's photo."""
        if self.loss.va_weight == 0 or len(reading.masked_labels) == 0:
            return _zero(features)
        rgb = features[Modality.RGB.value]  # (B, D): every tuple has its photo
        logits = self.attribute_head(reading.masked, rgb[reading.masked_rows])  # (K, A)
        return masked_attribute_loss(logits, reading.masked_labels)

    def _tags(self, features: Mapping[str, Tensor], reading: Reading) -> Tensor:
        """Every feature, of one modality or fused, tells the attribute words of its person."""
        if self.loss.tag_weight == 0 or len(reading.tag_rows) == 0:
            return _zero(features)
        tags = reading.tags
        all_tags = tags.new_zeros(len(reading.labels), tags.shape[1]).index_copy(0, reading.tag_rows, tags)
        losses = {}
        for name, feature in features.items():
            told = torch.isin(reading.rows[name], reading.tag_rows).nonzero().squeeze(1)
            if len(told):
                losses[name] = tag_loss(self.tag_head(feature[told]), all_tags[reading.rows[name][told]])
        return mean_over_modalities(losses)

    def _binding(self, features: Mapping[str, Tensor], reading: Reading, *, fused_with_rgb: bool) -> Tensor:
        """Equations (6) to (8), or the configured alternative over the same pairs."""
        labels, rows = reading.labels, reading.rows
        rgb = features[Modality.RGB.value]
        if self.loss.fb_weight == 0:
            return _zero(features)
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
        return torch.stack(pairs).mean() if pairs else _zero(features)


def _zero(features: Mapping[str, Tensor]) -> Tensor:
    """Return 0 with a gradient path, the loss of a batch that has nothing to ask (method.md 13.7)."""
    return features[Modality.RGB.value].float().sum() * 0.0


def _rows_of_all(num_tuples: int, rows: Mapping[Modality, Tensor], subset: tuple[Modality, ...]) -> Tensor:
    """Return the tuples (b,) that have every modality of the subset, ascending."""
    everyone = torch.arange(num_tuples, device=rows[subset[0]].device)
    for m in subset:
        everyone = everyone[torch.isin(everyone, rows[m])]
    return everyone


def _scattered(features: Tensor, rows: Tensor, num_rows: int) -> tuple[Tensor, Tensor]:
    """Return features (B, D) with zeros where a tuple lacks the modality, and validity (B,) bool."""
    valid = torch.zeros(num_rows, dtype=torch.bool, device=features.device)
    valid[rows] = True
    full = features.new_zeros(num_rows, features.shape[1]).index_copy(0, rows, features)
    return full, valid
