"""One training run from its configuration: what `aio-reid train` and `aio-reid pretrain` call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import set_seed

from aio_reid.api import AIO
from aio_reid.config import RunConfig
from aio_reid.data.attributes import ATTRIBUTE_CLASSES
from aio_reid.data.tags import Tags
from aio_reid.data.tuples import Shares, TupleDataset
from aio_reid.errors import WeightsError
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.models.build import build_model, export_weights
from aio_reid.models.checkpoint import WeightsFile, read_weights, write_weights
from aio_reid.models.heads import AttributeHead, IdentityClassifier, SampledIdentityClassifier, TagHead
from aio_reid.models.model import AIOModel
from aio_reid.progress import SILENT, Progress
from aio_reid.provenance import collect_provenance, hash_json
from aio_reid.records import Record
from aio_reid.training.batches import check_shares, count_steps
from aio_reid.training.folder import RunFolder
from aio_reid.training.imprint import imprint_classifier
from aio_reid.training.launch import compile_parts, processes_of, start_accelerator, usable_precision
from aio_reid.training.loop import LoopParts, Validate, run_loop
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.optim import build_optimizer
from aio_reid.training.plan import ColourlessSteps
from aio_reid.training.processes import ALONE, Processes, errors_of_all, share_batch_statistics
from aio_reid.training.reliability import choose_reliability, prefer_fusion
from aio_reid.training.sources import LoadedSource, check_told, load_sources, validation_records
from aio_reid.training.start import WEIGHTS, start_from
from aio_reid.training.state import CHECKPOINT, VALIDATION, RunPosition, append_row, cut_rows, load_checkpoint


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Where the weights of a finished run are, how many steps it made, and its last validation figures (fractions)."""

    weights: Path
    steps: int
    validation: dict[str, float]


def train(
    config: RunConfig, out: Path, *, resume: bool = False, half: bool = False, progress: Progress = SILENT
) -> TrainingResult:
    """Run a training configuration into the folder `out`; leaves config, log, checkpoint, TensorBoard and weights
    there.

    `half` stores the final weights as float16. A run that has finished is left as it is. Under torchrun every process
    calls this with the same arguments and sees the same `out`; the first alone writes, and has validation figures to
    return.

    Raises:
        ConfigError, DataError, WeightsError: the configuration or what it names is wrong.
        TrainingError: the folder holds another run, or a loss is not finite.
        StorageError: something cannot be written, or another process trains in the folder.
    """
    with RunFolder(out) as folder:
        return _train(config, folder, resume=resume, half=half, progress=progress)


def _train(config: RunConfig, folder: RunFolder, *, resume: bool, half: bool, progress: Progress) -> TrainingResult:
    out = folder.path
    settings = config.model_dump(mode="json")
    accelerator = start_accelerator(usable_precision(config.precision))
    processes = processes_of(accelerator)
    check_shares(config, processes)
    sources = load_sources(config.data, seed=config.seed)
    dataset = _dataset(config, sources)
    held_out = validation_records(sources, config.num_validation_identities, config.model.modalities)
    total = count_steps(config, dataset.groups)
    with errors_of_all(processes):
        if processes.is_main:
            folder.prepare(settings, resume)
    _make_repeatable(config.seed)
    is_new = not (out / CHECKPOINT).exists()
    objective = _objective(config, dataset.num_identities, processes, tags=dataset.tags, is_new=is_new)
    optimizer = _optimizer(config, objective)
    about = _about(config, settings, sources, dataset, objective.model)
    with errors_of_all(processes):
        position = load_checkpoint(out, objective, optimizer, about, cut_logs=processes.is_main)
        if config.loss.imprint and position.step == 0 and processes.is_main:
            imprint_classifier(objective, dataset, progress=progress)
    processes.take_from_main(objective)
    if position.step >= total and (finished := _finished(out, processes)) is not None:
        return TrainingResult(out / WEIGHTS, position.step, finished.about.get("validation", {}))
    validation: dict[str, float] = {}
    parts = LoopParts(
        config=config,
        run=out,
        dataset=dataset,
        objective=objective,
        optimizer=optimizer,
        accelerator=accelerator,
        validate=_validation(config, held_out, objective.model, out, validation),
        about=about,
    )
    end = run_loop(parts, position, progress if processes.is_main else SILENT)
    with errors_of_all(processes):
        if processes.is_main:
            _finish(parts, end, held_out, validation, half)
    return TrainingResult(out / WEIGHTS, end.step, validation)


def _finished(out: Path, processes: Processes) -> WeightsFile | None:
    """Return the weights of a run that has made all its steps; None, in every process, where they have to be written
    (again): it was killed before that, or a power cut has left them damaged.
    """
    try:
        weights = read_weights(out / WEIGHTS)
    except WeightsError:
        weights = None
    return None if any(processes.anywhere([weights is None])) else weights


def _finish(
    parts: LoopParts, end: RunPosition, held_out: list[Record], validation: dict[str, float], half: bool
) -> None:
    """Write the weights, with what they say of themselves."""
    config, model = parts.config, parts.objective.model
    about = {**parts.about, "steps": end.step, "validation": dict(validation) or parts.validate(end.step - 1)}
    about |= _fusion(config, held_out, model, validation)
    weights = export_weights(model, config.model, about, dtype=torch.float16 if half else torch.float32)
    write_weights(parts.run / WEIGHTS, weights)


def _make_repeatable(seed: int) -> None:
    """Seed everything, and choose algorithms that give the same sums each time."""
    set_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Nothing here reads memory before it is written, and filling it costs a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _dataset(config: RunConfig, sources: Sequence[LoadedSource]) -> TupleDataset:
    dataset = TupleDataset(
        [source.training for source in sources],
        image_size=config.model.image_size,
        modalities=config.model.modalities,
        shares=Shares(
            config.data.synthesised_share,
            config.data.partner_share,
            synthesise=config.data.synthesise,
            proportions=config.data.proportions,
            masked=config.loss.va_weight > 0,
        ),
        context_length=config.model.context_length,
        augmented=config.data.augment,
        tagged=config.loss.tag_weight > 0 or config.data.lookalikes > 1,
        seed=config.seed,
    )
    check_told(config, dataset.tags)
    if config.data.cache is not None:
        dataset.keep_pictures(config.data.cache)
    return dataset


def _objective(
    config: RunConfig,
    num_identities: int,
    processes: Processes = ALONE,
    *,
    tags: Tags | None = None,
    is_new: bool = True,
) -> TrainingObjective:
    """Return what is trained; what it begins with is read only if `is_new`: otherwise a checkpoint follows."""
    model = build_model(config.model, seed=config.seed)
    model.encoder.requires_grad_(config.trainable_encoder)
    model.encoder.activation_checkpointing = config.activation_checkpointing
    if config.compile:
        compile_parts(model)
    share_batch_statistics(model.tokenizers, processes)
    classifier: IdentityClassifier | SampledIdentityClassifier
    if config.loss.sampled_identities < 1:
        classifier = SampledIdentityClassifier(model.encoder.width, num_identities)
    else:
        classifier = IdentityClassifier(model.encoder.width, num_identities)
    objective = TrainingObjective(
        model,
        classifier=classifier,
        attribute_head=AttributeHead(model.encoder.width, len(ATTRIBUTE_CLASSES)),
        tag_head=_tag_head(model.encoder.width, tags),
        loss=config.loss,
        colourless=ColourlessSteps(config.data.colourless_share, config.data.ramp_steps, config.data.tone_share),
        seed=config.seed,
    )
    if config.start_from is not None and is_new:
        start_from(objective, config.start_from, with_encoder=config.trainable_encoder)
    objective.processes = processes
    return objective.to(processes.device)


def _tag_head(width: int, tags: Tags | None) -> TagHead:
    head = TagHead(width, ATTRIBUTE_CLASSES if tags is None else tags.names)
    if tags is not None:
        head.expect(torch.from_numpy(tags.shares))
    return head


def _optimizer(config: RunConfig, objective: TrainingObjective) -> torch.optim.AdamW:
    optimizer = build_optimizer(
        objective,
        learning_rate=config.optim.learning_rate,
        weight_decay=config.optim.weight_decay,
        word_table_rate=config.optim.word_table_rate,
        head_rate=config.optim.head_rate,
        classifier_rate=config.optim.classifier_rate,
    )
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    table = objective.classifier
    if isinstance(table, SampledIdentityClassifier):
        rate, decay = config.optim.head_rate * config.optim.classifier_rate, config.optim.weight_decay

        def update(stepped: torch.optim.Optimizer, *_: object) -> None:  # its groups are others after a checkpoint
            table.update(learning_rate=stepped.param_groups[0]["lr"] * rate, weight_decay=decay)

        optimizer.register_step_post_hook(update)
    return optimizer


def _about(
    config: RunConfig, settings: dict[str, Any], sources: Sequence[LoadedSource], dataset: TupleDataset, model: AIOModel
) -> dict[str, Any]:
    num_records = sum(source.num_records for source in sources)
    return {
        "run": config.name,
        "config": settings,
        "config_hash": hash_json(settings),
        "encoder_hash": "trained" if config.trainable_encoder else model.encoder.hash(),
        "persons_hash": hash_json(dataset.persons),
        "attributes": list(ATTRIBUTE_CLASSES),
        "tags": list(dataset.tag_names),
        "data": {"identities": dataset.num_identities, "photos": len(dataset), "records": num_records},
        "sources": [
            {"dataset": source.dataset, "identities": len(group.labels)}
            for source, group in zip(sources, dataset.groups, strict=True)
        ],
        "precision": usable_precision(config.precision),
        "planned_steps": count_steps(config, dataset.groups),
        "provenance": collect_provenance(settings, config.seed),
    }


def _validation(
    config: RunConfig, held_out: list[Record], model: AIOModel, out: Path, latest: dict[str, float]
) -> Validate:
    """Return the function that ranks unseen identities for every modality and combination; it keeps its figures in
    `latest` and in the run's folder.
    """

    def validate(step: int) -> dict[str, float]:
        if not held_out:
            return {}
        scores = evaluate_combinations(
            held_out, CachedEmbedder(_reader(config, model).embed_queries), fusions=("early",), seed=config.seed
        )
        latest.clear()
        for task in scores.tasks:
            latest[f"{task.task}_rank1"] = task.scores.rank[1]
            latest[f"{task.task}_mAP"] = task.scores.mAP
        cut_rows(out, VALIDATION, step)  # killed after the last of them, a run that goes on does it again
        append_row(out, VALIDATION, {"step": step, **latest})
        return dict(latest)

    return validate


def _reader(config: RunConfig, model: AIOModel) -> AIO:
    """Return the model as its users have it, in eval mode."""
    return AIO(model, image_size=config.model.image_size, context_length=config.model.context_length)


def _fusion(
    config: RunConfig, held_out: list[Record], model: AIOModel, validation: dict[str, float]
) -> dict[str, object]:
    """Return what the weights say of fusion: how much each modality counts in late fusion, and which of both to
    prefer.
    """
    if not held_out:
        return {}
    late = choose_reliability(held_out, _reader(config, model).embed_queries, seed=config.seed)
    return {"reliability": late.reliability if late else {}, "fusion": prefer_fusion(late, validation)}
