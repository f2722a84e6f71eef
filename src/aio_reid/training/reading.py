"""What the model makes of the tuples it was given, before any loss: joined over micro-batches, gathered over
processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from aio_reid.training.processes import Processes


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the losses need of B tuples; rows count the tuples of the part, share or batch that was read.

    Attributes:
        labels: (B,) int64 identities.
        features: name ("rgb", ..., "fused") to (b, D) float; rows: the same names to (b,) int64, ascending.
        masked: (K, D) float, outputs at masked positions; masked_rows: (K,) int64; masked_labels: (K,) int64.
        tags: (t, A) bool, attribute classes said of a tuple's person; tag_rows: (t,) int64.
    """

    labels: Tensor
    features: dict[str, Tensor]
    rows: dict[str, Tensor]
    masked: Tensor
    masked_rows: Tensor
    masked_labels: Tensor
    tags: Tensor
    tag_rows: Tensor

    def outputs(self) -> list[Tensor]:
        """Return what has a gradient: the features by name, then the outputs at masked positions."""
        return [*self.features.values(), self.masked]


def joined(parts: Sequence[Reading]) -> Reading:
    """Return the reading of parts that follow each other; the same names in each."""
    first = [sum(len(part.labels) for part in parts[:place]) for place in range(len(parts))]
    moved = [_moved(part, by) for part, by in zip(parts, first, strict=True)]
    return Reading(
        labels=torch.cat([part.labels for part in moved]),
        features={name: torch.cat([part.features[name] for part in moved]) for name in moved[0].features},
        rows={name: torch.cat([part.rows[name] for part in moved]) for name in moved[0].rows},
        masked=torch.cat([part.masked for part in moved]),
        masked_rows=torch.cat([part.masked_rows for part in moved]),
        masked_labels=torch.cat([part.masked_labels for part in moved]),
        tags=torch.cat([part.tags for part in moved]),
        tag_rows=torch.cat([part.tag_rows for part in moved]),
    )


def detached(reading: Reading) -> Reading:
    """Return the reading with its outputs as leaves that collect a gradient."""
    return replace(
        reading,
        features={name: feature.detach().requires_grad_() for name, feature in reading.features.items()},
        masked=reading.masked.detach().requires_grad_(),
    )


def gathered(reading: Reading, processes: Processes) -> Reading:
    """Return the reading of the whole batch in every process, features with their gradient path; every process must
    call this with the same names.
    """
    if processes.count == 1:
        return reading
    names = list(reading.features)
    own = [len(reading.labels), len(reading.masked), len(reading.tag_rows), *(len(reading.rows[n]) for n in names)]
    tuples, masked, tagged, *each = processes.lengths(own)
    lengths = dict(zip(names, each, strict=True))
    moved = _moved(reading, sum(tuples[: processes.index]))
    take = processes.gather
    return Reading(
        labels=take(moved.labels, tuples),
        features={name: take(moved.features[name].float(), lengths[name]) for name in names},
        rows={name: take(moved.rows[name], lengths[name]) for name in names},
        masked=take(moved.masked.float(), masked),
        masked_rows=take(moved.masked_rows, masked),
        masked_labels=take(moved.masked_labels, masked),
        tags=take(moved.tags, tagged),
        tag_rows=take(moved.tag_rows, tagged),
    )


def _moved(reading: Reading, by: int) -> Reading:
    return replace(
        reading,
        rows={name: rows + by for name, rows in reading.rows.items()},
        masked_rows=reading.masked_rows + by,
        tag_rows=reading.tag_rows + by,
    )
