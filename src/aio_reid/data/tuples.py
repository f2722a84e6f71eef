"""Training tuples: one photo with whatever partners exist, synthesised where configured (method.md section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from aio_reid.data.attributes import ATTRIBUTE_CLASSES, MaskedCaption, mask_attributes
from aio_reid.data.augment import augment
from aio_reid.data.images import fit_image, read_image
from aio_reid.data.picture_cache import PictureCache
from aio_reid.data.samplers import TupleKey
from aio_reid.data.sources import IdentityGroup, TrainingSource
from aio_reid.data.synthesis import channel_augment, draw_lines
from aio_reid.data.tags import Tags, find_tags
from aio_reid.data.text import ClipBpe, pad_ids
from aio_reid.errors import DataError
from aio_reid.records import Modality, Record, is_called

SYNTHESISED = (Modality.INFRARED, Modality.SKETCH)
"""What can be made from a photo: infrared by channel augmentation, sketch by line drawing. Text never is (method.md
8.3).
"""


@dataclass(frozen=True, slots=True)
class TrainingTuple:
    """One photo and its partners; `pixels` holds (3, H, W) uint8 of each visual modality that is present.

    `tags` (A,) bool is what is said of the person (`find_tags`), None where nothing is, or nobody asked.
    """

    label: int
    pixels: dict[Modality, Tensor]
    ids: tuple[int, ...] | None
    masked: MaskedCaption | None
    tags: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """How often a tuple is made in which way, as probabilities.

    Attributes:
        synthesised: a partner is synthesised although a recorded one exists; where none exists it always is.
        synthesise: False: none is ever synthesised, whatever `synthesised` says, and what is not on record is absent.
        proportions: how far those of drawn bodies are varied, see `augment`; a deviation, not a probability.
        partners: a partner comes along with its photo at all; 1 where not named.
        masked: a sentence comes with a copy whose attributes are masked (VA); True or False, not a probability.
    """

    synthesised: Mapping[Modality, float] = field(default_factory=dict)
    partners: Mapping[Modality, float] = field(default_factory=dict)
    synthesise: bool = True
    proportions: float = 0.0
    masked: bool = True


@dataclass(frozen=True, slots=True)
class TupleBatch:
    """B tuples, each modality with the rows that have it, and nothing else.

    Attributes:
        labels: (B,) int64, identities 0..C-1.
        inputs: per modality uint8 pixels (b, 3, H, W) or int64 ids (b, L), b <= B.
        rows: per modality (b,) int64, which tuple each input belongs to.
        masked_ids: (b, L) int64, captions with masked attributes, rows as `rows[TEXT]`; None without text.
        masked_at: (K, 2) int64, row in `masked_ids` and position; masked_labels: (K,) int64 attribute classes.
        tags: (b, A) bool, what is said of a person; tag_rows: (b,) int64, of whom. None where nothing is said of
            anybody.
    """

    labels: Tensor
    inputs: dict[Modality, Tensor]
    rows: dict[Modality, Tensor]
    masked_ids: Tensor | None
    masked_at: Tensor
    masked_labels: Tensor
    tags: Tensor | None = None
    tag_rows: Tensor | None = None


class TupleDataset(Dataset[TrainingTuple]):
    """Tuples around every photo of the sources; partners are drawn from the same identity's records.

    The same id in two sources means two people. Everything random about a tuple is drawn from (seed, draw, photo), so
    it does not matter which worker makes it. Only if `tagged` is it looked for what is said of all, once and here:
    worker processes come and go.

    Raises:
        DataError: no photo among the records of a source, or a share for a modality that is never synthesised.
    """

    def __init__(
        self,
        sources: Sequence[TrainingSource],
        *,
        image_size: tuple[int, int],
        modalities: Sequence[Modality],
        shares: Shares,
        context_length: int,
        augmented: bool,
        tagged: bool,
        seed: int,
    ) -> None:
        if shares.partners.get(Modality.RGB, 1.0) < 1:
            raise DataError("partner_share of 'rgb': every tuple has its photo; name other modalities")
        self.photos: list[Record] = []
        self._labels: list[int] = []
        self._persons: list[str] = []
        self._groups: list[IdentityGroup] = []
        self._partners: dict[tuple[int, Modality], list[Record]] = {}
        self._synthesised: list[Mapping[Modality, float]] = []
        for source in sources:
            self._add(source, shares, is_alone=len(sources) == 1)
        self.image_size = image_size
        self.modalities = tuple(m for m in Modality if m in modalities)
        self.shares = shares
        self.context_length = context_length
        self.augmented = augmented
        self.seed = seed
        self._bpe = ClipBpe.load()
        self._tags = find_tags(self._records_by_label(), self.num_identities) if tagged else None
        self._cache: PictureCache | None = None

    def keep_pictures(self, folder: Path) -> None:
        """Keep decoded pictures in a folder, see `PictureCache`.

        Raises:
            StorageError: the folder cannot be made.
        """
        records = [*self.photos, *(record for found in self._partners.values() for record in found)]
        self._cache = PictureCache(folder, records, image_size=self.image_size, read=self._decode)

    def _add(self, source: TrainingSource, shares: Shares, *, is_alone: bool) -> None:
        photos = [r for r in source.records if r.modality is Modality.RGB]
        if not photos:
            of = "" if is_alone else f" of source {source.name!r}"
            raise DataError(f"no rgb record in the training split{of}: AIO binds every modality to photos")
        synthesised = {**shares.synthesised, **source.synthesised}
        never = [m.value for m in synthesised if m not in SYNTHESISED]
        if never:
            allowed = ", ".join(m.value for m in SYNTHESISED)
            raise DataError(f"synthesised_share of {never[0]!r}: never made from photos; choose from: {allowed}")
        first = self.num_identities
        identities = sorted({r.person_id for r in photos})
        label_of = {identity: label for label, identity in enumerate(identities, start=first)}
        self._persons += identities if is_alone else [f"{source.name}/{identity}" for identity in identities]
        self._groups.append(IdentityGroup(source.name, range(first, len(self._persons)), source.share, source.replayed))
        self._synthesised += [synthesised] * len(identities)
        self.photos += photos
        self._labels += [label_of[r.person_id] for r in photos]
        for record in source.records:
            if record.person_id in label_of:
                self._partners.setdefault((label_of[record.person_id], record.modality), []).append(record)

    @property
    def tags(self) -> Tags | None:
        """What is said of each identity; None where nobody asked."""
        return self._tags

    @property
    def tag_names(self) -> tuple[str, ...]:
        """The names of the tags, A."""
        return ATTRIBUTE_CLASSES if self._tags is None else self._tags.names

    @property
    def labels(self) -> list[int]:
        """Identity of every photo, 0..C-1."""
        return self._labels

    @property
    def persons(self) -> tuple[str, ...]:
        """The person behind each label, (C,): the id as published, behind "SOURCE/" where there are several sources."""
        return tuple(self._persons)

    @property
    def groups(self) -> tuple[IdentityGroup, ...]:
        """The labels of each source."""
        return tuple(self._groups)

    @property
    def num_identities(self) -> int:
        """C, the number of training identities."""
        return len(self._persons)

    def __len__(self) -> int:
        return len(self.photos)

    def plain_photo(self, index: int) -> Tensor:
        """Return photo `index` as it is, without augmentation: (3, H, W) uint8."""
        return self._read(self.photos[index].image_path, Modality.RGB)

    def __getitem__(self, key: TupleKey) -> TrainingTuple:
        index, draw = key
        rng = np.random.default_rng((self.seed, draw, index))
        photo, label = self.photos[index], self._labels[index]
        pixels: dict[Modality, Tensor] = {}
        for modality in (m for m in self.modalities if m.is_visual and self._comes_along(m, rng)):
            plain = self._plain(photo, label, modality, rng)
            if plain is not None and self.augmented:
                plain = augment(plain, modality, rng, proportions=self.shares.proportions)
            if plain is not None:
                pixels[modality] = plain
        told = Modality.TEXT in self.modalities and self._comes_along(Modality.TEXT, rng)
        caption = self._pick(label, Modality.TEXT, rng, about=photo) if told else None
        tags = None if self._tags is None else self._tags.row(label)
        if caption is None or caption.caption is None:
            return TrainingTuple(label, pixels, None, None, tags)
        encoded = self._bpe.encode(caption.caption, context_length=self.context_length)
        masked = None
        if self.shares.masked:
            masked = mask_attributes(caption.caption, rng, self._bpe, context_length=self.context_length)
        return TrainingTuple(label, pixels, encoded.ids, masked, tags)

    def _records_by_label(self) -> dict[int, list[Record]]:
        found: dict[int, list[Record]] = {}
        for (label, _), records in self._partners.items():
            found.setdefault(label, []).extend(records)
        return found

    def _comes_along(self, modality: Modality, rng: np.random.Generator) -> bool:
        return modality is Modality.RGB or rng.random() < self.shares.partners.get(modality, 1.0)

    def _plain(self, photo: Record, label: int, modality: Modality, rng: np.random.Generator) -> Tensor | None:
        """Return one modality's picture (3, H, W) uint8: the photo, a recorded partner, or one synthesised from a photo
        of the person, not always this one: a partner that has the photo's outline would teach to compare outlines.
        """
        if modality is Modality.RGB:
            return self._read(photo.image_path, modality)
        partner = self._pick(label, modality, rng)
        synthesise = rng.random() < self._synthesised[label].get(modality, 0.0) or partner is None
        if not (synthesise and modality in SYNTHESISED and self.shares.synthesise):
            return None if partner is None else self._read(partner.image_path, modality)
        source = self._pick(label, Modality.RGB, rng)
        pixels = self._read((source or photo).image_path, Modality.RGB)
        return channel_augment(pixels, rng) if modality is Modality.INFRARED else draw_lines(pixels, rng)

    def _pick(
        self, label: int, modality: Modality, rng: np.random.Generator, *, about: Record | None = None
    ) -> Record | None:
        """Draw a record of a person, one that says of itself that it is `about` that photo where there are such."""
        found = self._partners.get((label, modality))
        if found and about is not None:
            found = [r for r in found if r.source_image_id and is_called(about, r.source_image_id)] or found
        return found[int(rng.integers(len(found)))] if found else None

    def _read(self, path: Path | None, modality: Modality) -> Tensor:
        assert path is not None
        return torch.from_numpy(self._cache.get(path, modality) if self._cache else self._decode(path, modality))

    def _decode(self, path: Path, modality: Modality) -> NDArray[np.uint8]:
        return fit_image(read_image(path, min_size=self.image_size), self.image_size, modality)


def collate(tuples: Sequence[TrainingTuple]) -> TupleBatch:
    """Stack tuples; each modality keeps only the rows that have it."""
    inputs: dict[Modality, Tensor] = {}
    rows: dict[Modality, Tensor] = {}
    for modality in Modality:
        present = [row for row, t in enumerate(tuples) if modality in t.pixels]
        if present:
            inputs[modality] = torch.stack([tuples[row].pixels[modality] for row in present])  # (b, 3, H, W)
            rows[modality] = torch.tensor(present)
    captioned = [row for row, t in enumerate(tuples) if t.ids is not None]
    masked = [m for t in tuples if (m := t.masked) is not None]
    if captioned:
        inputs[Modality.TEXT] = pad_ids([ids for t in tuples if (ids := t.ids) is not None])
        rows[Modality.TEXT] = torch.tensor(captioned)
    tagged = [(row, tags) for row, t in enumerate(tuples) if (tags := t.tags) is not None]
    places = [(row, position) for row, m in enumerate(masked) for position in m.positions]
    return TupleBatch(
        labels=torch.tensor([t.label for t in tuples]),
        inputs=inputs,
        rows=rows,
        masked_ids=pad_ids([m.ids for m in masked]) if masked else None,
        masked_at=torch.tensor(places, dtype=torch.int64).reshape(-1, 2),
        masked_labels=torch.tensor([label for m in masked for label in m.labels], dtype=torch.int64),
        tags=torch.stack([tags for _, tags in tagged]) if tagged else None,
        tag_rows=torch.tensor([row for row, _ in tagged]) if tagged else None,
    )
