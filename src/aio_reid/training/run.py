"""One training run from its configuration: what `aio-reid train` and `aio-reid pretrain` call."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from accelerate import Accelerator
from accelerate.utils import set_seed

from aio_reid.api import AIO
from aio_reid.config import RunConfig
from aio_reid.data.attributes import ATTRIBUTE_CLASSES
from aio_reid.data.tuples import TupleDataset
from aio_reid.datasets.manifest import read_manifest
from aio_reid.errors import StorageError, TrainingError
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.models.build import build_model, export_weights, take_over
from aio_reid.models.checkpoint import read_weights, write_weights
from aio_reid.models.heads import AttributeHead, IdentityClassifier
from aio_reid.models.model import AIOModel
from aio_reid.progress import SILENT, Progress
from aio_reid.provenance import collect_provenance, hash_json
from aio_reid.records import Modality, Record, Split
from aio_reid.training.loop import LoopParts, Validate, count_steps, run_loop
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.optim import build_optimizer
from aio_reid.training.state import CHECKPOINT, load_checkpoint

WEIGHTS = "weights.safetensors"
VALIDATION = "validation.jsonl"


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

    `half` stores the final weights as float16.

    Raises:
        ConfigError, DataError, WeightsError: the configuration or what it names is wrong.
        TrainingError: the folder holds another run, or a loss is not finite.
        StorageError: something cannot be written.
    """
    settings = config.model_dump(mode="json")
    _prepare_folder(out, settings, resume)
    set_seed(config.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    records = read_manifest(config.data.manifest)
    dataset = _dataset(config, records)
    objective = _objective(config, dataset.num_identities)
    optimizer = build_optimizer(
        objective,
        learning_rate=config.optim.learning_rate,
        weight_decay=config.optim.weight_decay,
        word_table_rate=config.optim.word_table_rate,
    )
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    about = _about(config, settings, records, dataset, objective.model)
    position = load_checkpoint(
        out, objective, optimizer, config_hash=about["config_hash"], encoder_hash=about["encoder_hash"]
    )
    validation: dict[str, float] = {}
    parts = LoopParts(
        config=config,
        run=out,
        dataset=dataset,
        objective=objective,
        optimizer=optimizer,
        accelerator=Accelerator(mixed_precision="bf16" if config.precision == "bf16" else "no"),
        validate=_validation(config, records, objective.model, out, validation),
        about=about,
    )
    end = run_loop(parts, position, progress)
    about = {**about, "steps": end.step, "validation": dict(validation)}
    weights = export_weights(objective.model, config.model, about, dtype=torch.float16 if half else torch.float32)
    write_weights(out / WEIGHTS, weights)
    return TrainingResult(out / WEIGHTS, end.step, validation)


def _prepare_folder(out: Path, settings: dict[str, Any], resume: bool) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if (out / CHECKPOINT).exists() and not resume:
            raise TrainingError(
                f"{str(out)!r} holds a run already: add --resume to go on with it, or give another --out"
            )
        if any(out.iterdir()) and not (out / "config.yaml").exists():
            raise TrainingError(f"{str(out)!r} holds other files; give a new folder as --out")
        (out / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"run folder {str(out)!r} cannot be used: {error}") from None


def _dataset(config: RunConfig, records: list[Record]) -> TupleDataset:
    return TupleDataset(
        [r for r in records if r.split is Split.TRAIN],
        image_size=config.model.image_size,
        modalities=config.model.modalities,
        synthesised_share=config.data.synthesised_share,
        context_length=config.model.context_length,
        augmented=config.data.augment,
        seed=config.seed,
    )


def _objective(config: RunConfig, num_identities: int) -> TrainingObjective:
    model = build_model(config.model, seed=config.seed)
    if config.start_from is not None:
        source = config.start_from / WEIGHTS if config.start_from.is_dir() else config.start_from
        take_over(model, read_weights(source))
    model.encoder.requires_grad_(config.trainable_encoder)
    model.encoder.activation_checkpointing = config.activation_checkpointing
    return TrainingObjective(
        model,
        classifier=IdentityClassifier(model.encoder.width, num_identities),
        attribute_head=AttributeHead(model.encoder.width, len(ATTRIBUTE_CLASSES)),
        loss=config.loss,
        seed=config.seed,
    )


def _about(
    config: RunConfig, settings: dict[str, Any], records: list[Record], dataset: TupleDataset, model: AIOModel
) -> dict[str, Any]:
    return {
        "run": config.name,
        "config": settings,
        "config_hash": hash_json(settings),
        "encoder_hash": "trained" if config.trainable_encoder else model.encoder.hash(),
        "attributes": list(ATTRIBUTE_CLASSES),
        "data": {"identities": dataset.num_identities, "photos": len(dataset), "records": len(records)},
        "planned_steps": count_steps(config, dataset.num_identities),
        "provenance": collect_provenance(settings, config.seed),
    }


def _validation(
    config: RunConfig, records: list[Record], model: AIOModel, out: Path, latest: dict[str, float]
) -> Validate:
    """Return the function that ranks unseen identities for every modality and combination; it keeps its figures in
    `latest`.
    """
    chosen = _validation_records(records, config.num_validation_identities, config.model.modalities)

    def validate() -> dict[str, float]:
        if not chosen:
            return {}
        model.eval()
        aio = AIO(model, image_size=config.model.image_size, context_length=config.model.context_length)
        scores = evaluate_combinations(chosen, CachedEmbedder(aio.embed_queries), fusions=("early",), seed=config.seed)
        latest.clear()
        for task in scores.tasks:
            latest[f"{task.task}_rank1"] = task.scores.rank[1]
            latest[f"{task.task}_mAP"] = task.scores.mAP
        with (out / VALIDATION).open("a", encoding="utf-8") as file:
            file.write(json.dumps(latest) + "\n")
        return dict(latest)

    return validate


def _validation_records(records: list[Record], num_identities: int, modalities: tuple[Modality, ...]) -> list[Record]:
    """Return the records of the validation identities as queries and gallery: none of them is ever trained on."""
    from dataclasses import replace

    held_out = [r for r in records if r.split is Split.VAL and r.modality in modalities]
    persons = set(sorted({r.person_id for r in held_out})[:num_identities])
    own = [r for r in held_out if r.person_id in persons]
    gallery = [replace(r, split=Split.GALLERY) for r in own if r.modality is Modality.RGB]
    return [replace(r, split=Split.QUERY) for r in own] + gallery
