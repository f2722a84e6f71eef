"""The configuration of training data: one manifest, or several sources that share every batch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aio_reid.records import Modality

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(gt=0)]


class Frozen(BaseModel):
    """Base of all sections: no key is added, none is changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceConfig(Frozen):
    """One origin of training tuples among several: a data set of the catalogue, or a manifest (method.md section 7)."""

    dataset: str | None = Field(default=None, description="name of a data set, as `aio-reid data list` calls it")
    root: Path | None = Field(default=None, description="the folder of that data set's copy")
    manifest: Path | None = Field(default=None, description="Parquet or CSV manifest, instead of dataset and root")
    share: float = Field(
        default=1.0, gt=0, description="part of each batch's identities, in relation to the shares of all sources"
    )
    replay: bool = Field(
        default=False, description="True: rehearsed beside the others; an epoch is not made longer to visit it all"
    )
    splits: tuple[Literal["train", "val"], ...] = Field(
        default=("train",), min_length=1, description="what is trained on; val is validated on unless it is named here"
    )
    needs: tuple[Modality, ...] = Field(
        default=(), description="identities without a record of one of these modalities are left out"
    )
    max_identities: Positive | None = Field(
        default=None, description="train on only so many identities, drawn by the seed; None: all"
    )
    synthesised_share: dict[Modality, Share] = Field(
        default={}, description="as data.synthesised_share, which it precedes for this source"
    )

    @model_validator(mode="after")
    def _check(self) -> SourceConfig:
        if (self.manifest is None) == (self.dataset is None) or (self.dataset is None) != (self.root is None):
            raise ValueError("a source is either a manifest, or a dataset with its root; give one of both")
        return self

    @property
    def place(self) -> Path:
        """The manifest, or the folder of the data set."""
        place = self.root if self.manifest is None else self.manifest
        assert place is not None
        return place


class DataConfig(Frozen):
    """Where the training tuples come from and what is done to them."""

    manifest: Path | None = Field(
        default=None, description="Parquet or CSV manifest with splits train and, for validation, val; or give sources"
    )
    sources: tuple[SourceConfig, ...] = Field(
        default=(), description="origins that share every batch, instead of one manifest"
    )
    num_identities: Positive = Field(description="P, identities in a batch")
    tuples_per_identity: Positive = Field(description="K, tuples of each identity in a batch")
    synthesised_share: dict[Modality, Share] = Field(
        default={},
        description="how often a partner is synthesised although a recorded one exists; where none exists it always is",
    )
    synthesise: bool = Field(
        default=True,
        description="False: no partner is ever synthesised, whatever the shares; what is not on record is absent",
    )
    partner_share: dict[Modality, Share] = Field(
        default={}, description="how often a partner of a modality comes along with its photo; 1 where not named"
    )
    colourless_share: Share = Field(
        default=0.0,
        description="how often a whole batch is seen without colour, so that form alone tells its people apart",
    )
    tone_share: Share = Field(
        default=0.0,
        description="how often a batch without colour also has its tones redistributed, each photo's by its own curve",
    )
    proportions: Annotated[float, Field(ge=0.0, le=0.5)] = Field(
        default=0.0, description="how far drawn bodies get other proportions (with augment); 0.12 is an artist's"
    )
    ramp_steps: Annotated[int, Field(ge=0)] = Field(
        default=0, description="steps over which colourless_share grows from 0: colour first, then form"
    )
    lookalikes: Positive = Field(
        default=1, description="people that sentences describe alike stand together in a batch in groups of so many"
    )
    augment: bool = True
    max_identities: Positive | None = Field(
        default=None, description="with manifest: train on so many identities, drawn by the seed; None: on all"
    )
    cache: Path | None = Field(
        default=None,
        description="folder for the pictures of the training set, decoded and fitted to image_size once; None: none",
    )
    num_workers: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="processes that load pictures; 0: the training itself, between the steps; None: 0 on a CPU, up to "
        "8 for a GPU",
    )

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if (self.manifest is None) == (not self.sources):
            raise ValueError("give either manifest, or sources (a list with a dataset or manifest in each)")
        if self.sources and self.max_identities is not None:
            raise ValueError("max_identities belongs to each of the sources; set data.sources.0.max_identities")
        if self.tone_share and not self.colourless_share:
            raise ValueError(f"tone_share is {self.tone_share:g}, of batches without colour, and colourless_share is 0")
        if self.ramp_steps and not self.colourless_share:
            raise ValueError(f"ramp_steps is {self.ramp_steps}, the way to colourless_share, and colourless_share is 0")
        if len(self.sources) > 1 and self.lookalikes > 1:
            raise ValueError(f"lookalikes is {self.lookalikes}, but several sources fill each batch; give 1")
        if self.sources and all(source.replay for source in self.sources):
            raise ValueError("all sources have replay: true; one at least must be visited as a whole in an epoch")
        return self

    @property
    def origins(self) -> tuple[SourceConfig, ...]:
        """The sources; a manifest alone is one."""
        return self.sources or (SourceConfig(manifest=self.manifest, max_identities=self.max_identities),)

    @property
    def places(self) -> str:
        """The files and folders that the tuples come from, for messages."""
        return ", ".join(str(source.place) for source in self.origins)
