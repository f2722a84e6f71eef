"""Where training tuples come from: one source, or several that share every batch (method.md section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aio_reid.records import Modality, Record


@dataclass(frozen=True, slots=True)
class TrainingSource:
    """Records of one origin; the same person id in two sources means two people.

    Attributes:
        name: tells the people of this source from those of another, in messages and in what is stored of a run.
        records: photos with their partners, all to be trained on.
        share: part of a batch's identities, in relation to the shares of all sources.
        replayed: rehearsed beside the others; an epoch is not made longer to visit it all.
        synthesised: how often a partner is synthesised although a recorded one exists; goes before the shares of all.
    """

    name: str
    records: Sequence[Record]
    share: float = 1.0
    replayed: bool = False
    synthesised: Mapping[Modality, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IdentityGroup:
    """The identities of one source as labels, and its part of a batch; the other fields as in `TrainingSource`."""

    name: str
    labels: range
    share: float = 1.0
    replayed: bool = False
