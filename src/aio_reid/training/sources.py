"""From the configured sources to what is trained on and what is validated on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from aio_reid.config import RunConfig
from aio_reid.data.sources import TrainingSource
from aio_reid.data.tags import Tags
from aio_reid.data_config import DataConfig, SourceConfig
from aio_reid.datasets.catalogue import find_dataset
from aio_reid.datasets.manifest import read_manifest
from aio_reid.errors import DataError
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.records import Modality, Record, Split


@dataclass(frozen=True, slots=True)
class LoadedSource:
    """One source in memory.

    Attributes:
        dataset: as the records call it; of a partial copy it tells what is there.
        training: what is trained on.
        held_out: records of the split val.
        num_records: of all splits.
    """

    dataset: str
    training: TrainingSource
    held_out: tuple[Record, ...]
    num_records: int


def load_sources(config: DataConfig, *, seed: int) -> tuple[LoadedSource, ...]:
    """Read the sources of a run, in their order; a second one of the same name is called "NAME 2".

    Args:
        config: the run's section data.
        seed: draws the identities where a source is limited to some of them.

    Raises:
        ConfigError: no data set has that name.
        DataError: a source cannot be read, is withdrawn, has nothing to train on, or trains on a person of its split
            val.
    """
    loaded: list[LoadedSource] = []
    names: list[str] = []
    for source in config.origins:
        records = _read(source)
        name = source.dataset or (records[0].dataset if records else source.place.stem)
        names.append(name)
        number = names.count(name)
        loaded.append(_split(source, records, f"{name} {number}" if number > 1 else name, seed))
    return tuple(loaded)


def validation_records(
    sources: Sequence[LoadedSource], num_identities: int, modalities: tuple[Modality, ...]
) -> list[Record]:
    """Return the records of the validation identities as queries and gallery; none where no source has a split val.

    Sources that have one share `num_identities` evenly; with several, ids are "SOURCE/ID", as the same id in two of
    them means two people.

    Raises:
        DataError: they cannot be ranked; told before training, not hours into it.
    """
    own: list[Record] = []
    several = len(sources) > 1
    lists = [(s.training.name, [r for r in s.held_out if r.modality in modalities]) for s in sources]
    lists = [(name, records) for name, records in lists if records]
    for place, (name, records) in enumerate(lists):
        quota = num_identities // len(lists) + (place < num_identities % len(lists))
        persons = set(sorted({r.person_id for r in records})[:quota])
        chosen = [r for r in records if r.person_id in persons]
        own += [replace(r, person_id=f"{name}/{r.person_id}") for r in chosen] if several else chosen
    gallery = [replace(r, split=Split.GALLERY) for r in own if r.modality is Modality.RGB]
    ranked = [replace(r, split=Split.QUERY) for r in own] + gallery
    if ranked:
        try:
            evaluate_combinations(ranked, lambda queries, _: np.ones((len(queries), 1), np.float32), fusions=("early",))
        except DataError as error:
            raise DataError(f"the split val cannot be validated on: {error}; leave it out, or complete it") from None
    return ranked


def check_told(config: RunConfig, tags: Tags | None) -> None:
    """Refuse options that use what is said of people where nothing is said of anybody: they would do nothing.

    Args:
        tags: of the training identities; None where no option asks for them.

    Raises:
        DataError: names the options, and what they need.
    """
    if tags is None or tags.is_told.any():
        return
    asking = {"loss.tag_weight": (config.loss.tag_weight, 0), "data.lookalikes": (config.data.lookalikes, 1)}
    asking = {name: values for name, values in asking.items() if values[0] > values[1]}
    raise DataError(
        f"{' and '.join(f'{name} {value:g}' for name, (value, _) in asking.items())}: need sentences, or attributes of "
        f"photos, and no training identity of {config.data.places} has any; add some, or give "
        f"{' '.join(f'--set {name}={nothing}' for name, (_, nothing) in asking.items())}"
    )


def _read(source: SourceConfig) -> list[Record]:
    if source.manifest is not None:
        return read_manifest(source.manifest, check_files=True)
    return find_dataset(str(source.dataset)).parse(source.place)


def _split(source: SourceConfig, records: Sequence[Record], name: str, seed: int) -> LoadedSource:
    trained = [r for r in records if r.split in source.splits]
    held_out = () if Split.VAL in source.splits else tuple(r for r in records if r.split is Split.VAL)
    both = {r.person_id for r in held_out} & {r.person_id for r in trained}
    if both:
        raise DataError(
            f"person {min(both)!r} is in the splits train and val; take each person out of one of "
            "them, or train on both: splits: [train, val]"
        )
    training = TrainingSource(
        name=name,
        records=_chosen(source, trained, name, seed),
        share=source.share,
        replayed=source.replay,
        synthesised=source.synthesised_share,
    )
    return LoadedSource(records[0].dataset if records else name, training, held_out, len(records))


def _chosen(source: SourceConfig, records: list[Record], name: str, seed: int) -> list[Record]:
    """Return the records of the identities that have a photo and what the source needs, of at most so many of them."""
    if not source.needs and source.max_identities is None:
        return records
    having = [{r.person_id for r in records if r.modality is m} for m in (Modality.RGB, *source.needs)]
    persons = sorted(set.intersection(*having))
    if not persons:
        needed = ", ".join(m.value for m in source.needs)
        raise DataError(f"source {name!r}: no training identity has rgb and {needed}; correct needs, or the source")
    if source.max_identities is not None and source.max_identities < len(persons):
        rng = np.random.default_rng((seed, 0x1DE27))
        persons = [persons[n] for n in rng.permutation(len(persons))[: source.max_identities]]
    kept = set(persons)
    return [r for r in records if r.person_id in kept]
