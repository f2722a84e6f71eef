"""One evaluation from end to end: data set and weights in, record out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aio_reid.api import AIO
from aio_reid.datasets.manifest import read_manifest
from aio_reid.datasets.pku_sketch import parse
from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.embed import CachedEmbedder, EmbedQueries
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.evaluation.protocols.pku_sketch import evaluate_all_persons
from aio_reid.evaluation.record import EvaluationRecord, count_records, describe_command, split_hash, write_json
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.evaluation.tasks import name_of_ranking
from aio_reid.progress import SILENT, Progress
from aio_reid.provenance import collect_provenance
from aio_reid.records import FUSIONS, Modality, Record, Split

DEFAULT_WEIGHTS = "aio-nano"
Protocol = Callable[[list[Record], EmbedQueries], ProtocolScores]


@dataclass(frozen=True, slots=True)
class Combinations:
    """What of a manifest is asked.

    Attributes:
        fusions: any of "early" and "late".
        subsets: the combinations to ask; None asks all.
        gallery: the modalities of the pictures that are searched, e.g. photos by day and infrared frames by night.
    """

    fusions: Sequence[str] = FUSIONS
    subsets: Sequence[Collection[Modality]] | None = None
    gallery: Sequence[Modality] = (Modality.RGB,)


def evaluate_manifest(
    manifest: Path,
    *,
    weights: str = DEFAULT_WEIGHTS,
    out: Path | None = None,
    asked: Combinations = Combinations(),
    seed: int = 0,
    device: str | None = None,
    progress: Progress = SILENT,
) -> EvaluationRecord:
    """Evaluate every combination of modalities against the gallery of a manifest (protocol any-combination-to-rgb, or
    -to-rgb+infrared and the like).

    Args:
        manifest: its splits "query" and "gallery" are used; modalities that the weights do not read are left aside.
        weights: name of packaged weights, or path of a weights file.
        out: JSON file for the record; None writes none.
        asked: which combinations, how they are fused, and what is searched.
        seed: draws each person's record of each modality.
        device: a torch device; None takes a GPU where there is one.
        progress: told of every input that is embedded.

    Raises:
        AioError: wrong manifest, missing picture, wrong weights, a file that cannot be written.
    """
    _check_fusions(asked.fusions)
    used = [r for r in read_manifest(manifest) if r.split in (Split.QUERY, Split.GALLERY)]

    def protocol(records: list[Record], embed: EmbedQueries) -> ProtocolScores:
        return evaluate_combinations(
            records,
            embed,
            fusions=asked.fusions,
            subsets=asked.subsets,
            seed=seed,
            gallery_modalities=asked.gallery,
        )

    return _evaluate(used, protocol, AIO.load(weights, device), weights=weights, seed=seed, out=out, progress=progress)


def evaluate_pku_sketch(
    root: Path,
    *,
    weights: str = DEFAULT_WEIGHTS,
    out: Path | None = None,
    fusions: Sequence[str] = FUSIONS,
    device: str | None = None,
    progress: Progress = SILENT,
) -> EvaluationRecord:
    """Evaluate photo, sketch, text, and sketch + text against PKU-Sketch's photos (protocol pku-sketch/all-persons).

    Args:
        root: the folder that holds `photo` and `sketch`; a partial copy is named as such in the record.
        weights, out, device, progress: as `evaluate_manifest`.
        fusions: any of "early" and "late".

    Raises:
        AioError: as `evaluate_manifest`.
    """
    _check_fusions(fusions)
    used = parse(root)

    def protocol(records: list[Record], embed: EmbedQueries) -> ProtocolScores:
        return evaluate_all_persons(records, embed, fusions=fusions)

    return _evaluate(used, protocol, AIO.load(weights, device), weights=weights, seed=None, out=out, progress=progress)


def _evaluate(
    records: Sequence[Record],
    protocol: Protocol,
    model: AIO,
    *,
    weights: str,
    seed: int | None,
    out: Path | None,
    progress: Progress,
) -> EvaluationRecord:
    readable = [record for record in records if record.modality in model.model.modalities]
    if not records:
        raise DataError(
            "there is nothing to evaluate: no record is of split query or gallery; name splits so in the manifest "
            "(drawn people have them with `aio-reid people --layout retrieval`)"
        )
    if not readable:
        raise DataError(
            "there is nothing to evaluate: no record of split query or gallery has a modality the weights read"
        )
    check_pictures(readable)
    started = time.perf_counter()
    scores = protocol(readable, CachedEmbedder(model.embed_queries, reliability=model.reliability, progress=progress))
    seconds = time.perf_counter() - started
    record = make_record(scores, [readable], model, weights=weights, seed=seed, seconds=seconds)
    if out is not None:
        write_json(out, record.to_json())
    return record


def make_record(
    scores: ProtocolScores,
    trials: Sequence[Sequence[Record]],
    model: AIO,
    *,
    weights: str,
    seed: int | None,
    seconds: float,
) -> EvaluationRecord:
    """Return the record of an evaluation that was just made by the command line of this process.

    Args:
        scores: what the protocol returned.
        trials: the records that it was given; see `record.split_hash`.
        model: that embedded them; `weights` is what it was loaded by.
        seed: of the protocol's draws; None where it draws nothing.
        seconds: that it took.
    """
    described = {
        "image_size": list(model.image_size),
        "context_length": model.context_length,
        "modalities": [modality.value for modality in model.model.modalities],
        "about": model.about,
    }
    processed = name_of_ranking()
    return EvaluationRecord(
        scores=replace(scores, protocol=f"{scores.protocol}, {processed}") if processed else scores,
        dataset=next(record.dataset for trial in trials for record in trial),
        split_hash=split_hash(*trials),
        counts=count_records(dict.fromkeys(record for trial in trials for record in trial)),
        weights=Path(weights).name,
        weights_hash=model.weights_hash,
        model=described,
        seed=seed,
        command=describe_command(sys.argv),
        seconds=seconds,
        provenance=collect_provenance(config=described, seed=seed),
    )


def check_pictures(records: Sequence[Record]) -> None:
    """Tell of a missing picture before the model has worked for minutes.

    Raises:
        DataError: how many are missing, and the first of them.
    """
    missing = [r.image_path for r in records if r.image_path is not None and not r.image_path.is_file()]
    if missing:
        raise DataError(f"{len(missing)} pictures are missing, the first is {missing[0]}; complete the data set")


def _check_fusions(fusions: Sequence[str]) -> None:
    unknown = [fusion for fusion in fusions if fusion not in FUSIONS]
    if unknown or not fusions:
        named = repr(unknown[0]) if unknown else "none"
        raise ConfigError(f"fusion is {named}; choose one or both of: {', '.join(FUSIONS)}")
