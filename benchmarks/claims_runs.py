"""One run of benchmarks/claims.py: a variant and a seed, trained and measured.

A finished one leaves a record and is not done again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from claims_variants import PEOPLE, Place, Variant, pretraining, settings

from aio_reid.api import AIO
from aio_reid.config import RunConfig, parse
from aio_reid.datasets.manifest import read_manifest
from aio_reid.errors import AioError, DataError
from aio_reid.evaluation.embed import EARLY, LATE, CachedEmbedder
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.evaluation.record import count_records, split_hash, write_json
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.models.checkpoint import read_weights
from aio_reid.people.write import write_people
from aio_reid.progress import Progress
from aio_reid.provenance import collect_provenance, hash_file, hash_json
from aio_reid.records import Modality
from aio_reid.training.pretrain import pretrain
from aio_reid.training.reliability import choose_reliability
from aio_reid.training.run import train
from aio_reid.training.state import CHECKPOINT, LOG, deciding_settings

KIND = "claims_run"
LATE_EQUAL = "late, equal"
"""Late fusion in which every modality counts the same, as method.md section 4 has it."""
SEED_OF_DRAWS = 0
"""Which record of a person is asked with; the same for every run, so that runs differ in the model alone."""
LEAST_PEOPLE = 8


@dataclass(frozen=True)
class Job:
    """A variant and a seed."""

    variant: Variant
    seed: int

    @property
    def title(self) -> str:
        """As the command line names it."""
        return f"{self.variant.name}:{self.seed}"


def draw_people(place: Place, workers: int, progress: Progress) -> None:
    """Draw all sets of people that are not there yet.

    Raises:
        DataError, StorageError: as `write_people`.
    """
    for name, people in PEOPLE.items():
        write_people(
            place.people(name),
            identities=max(LEAST_PEOPLE, round(place.people_factor * people.identities)),
            seed=people.seed,
            views=people.views,
            size=people.size,
            splits=people.splits,
            workers=workers,
            progress=progress,
        )


def make_encoder(place: Place, progress: Progress) -> None:
    """Pre-train the encoder that is frozen, or go on with it; one that is finished is taken as it is, also if a later
    version of the program would make another of it (its weights say which one made it).

    Raises:
        DataError: the encoder that is there was pre-trained with other settings.
        AioError: as `pretrain`.
    """
    wanted = pretraining(place)
    if not place.encoder_file.exists():
        pretrain(wanted, place.encoder, resume=True, progress=progress)
        return
    made = parse(RunConfig, read_weights(place.encoder_file).about.get("config"), str(place.encoder_file))
    if deciding_settings(made.model_dump(mode="json")) != deciding_settings(wanted.model_dump(mode="json")):
        raise DataError(f"{str(place.encoder)!r} holds an encoder of other settings; give another --folder")


def job_hash(job: Job, place: Place) -> str:
    """Return what the figures of a run depend on, as one hash: its settings, its people, and the encoder's file.

    Raises:
        DataError: people or encoder are not there yet.
    """
    try:
        people = {name: hash_file(place.people(name) / "settings.json") for name in PEOPLE}
        encoder = hash_file(place.encoder_file)
    except OSError as error:
        raise DataError(f"{error.filename} is not there: run benchmarks/claims.py without --worker first") from None
    stages = {stage: _plain(settings(job.variant, stage, job.seed, place)) for stage in job.variant.stages}
    return hash_json({"settings": stages, "people": people, "encoder": encoder})


def read_record(job: Job, place: Place) -> dict[str, Any] | None:
    """Return the record of a run that has finished or failed, None where there is none.

    Raises:
        DataError: the record is of other settings, people or encoder, or damaged.
    """
    path = place.record(job.variant.name, job.seed)
    if not path.exists():
        return None
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        is_same = record["job_sha256"] == job_hash(job, place)
    except (ValueError, KeyError, TypeError):
        raise DataError(
            f"{path} is damaged; delete it and its folder {place.run(job.variant.name, job.seed)}"
        ) from None
    if not is_same:
        raise DataError(
            f"{path} is of other settings, people or another encoder; give another --folder, or delete it and "
            f"{place.run(job.variant.name, job.seed)}"
        )
    return record


def do(job: Job, place: Place, *, threads: int, progress: Progress) -> dict[str, Any]:
    """Train and measure one run, leave its record, and return it. What fails leaves a record that says why."""
    content: dict[str, Any] = {
        "kind": KIND,
        "variant": job.variant.name,
        "seed": job.seed,
        "overrides": list(job.variant.overrides),
        "threads": threads,
        "job_sha256": job_hash(job, place),
        "provenance": collect_provenance(seed=job.seed),
    }
    try:
        content["stages"] = {stage: _do_stage(job, stage, place, progress) for stage in job.variant.stages}
    except AioError as error:
        content["failed"] = str(error)
    write_json(place.record(job.variant.name, job.seed), content)
    if "failed" not in content:
        for stage in job.variant.stages:  # the state of the optimiser is of no more use, and large
            (place.run(job.variant.name, job.seed) / stage / CHECKPOINT).unlink(missing_ok=True)
    return content


def _do_stage(job: Job, stage: str, place: Place, progress: Progress) -> dict[str, Any]:
    out = place.run(job.variant.name, job.seed) / stage
    config = settings(job.variant, stage, job.seed, place)
    result = train(config, out, resume=True, progress=progress)
    model = AIO.load(str(result.weights))
    return {
        "config_sha256": hash_json(_plain(config)),
        "weights_sha256": model.weights_hash,
        "encoder": model.about["encoder_hash"],
        "steps": result.steps,
        "training_s": round(seconds_of_steps(out, config), 3),
        **measure(model, place, progress),
    }


def seconds_of_steps(run: Path, config: RunConfig) -> float:
    """Return how long the steps of a run took, from its log: what was done before an interruption counts too."""
    rows = [json.loads(line) for line in (run / LOG).read_text(encoding="utf-8").splitlines()]
    return sum(config.data.num_identities * config.data.tuples_per_identity / row["tuples_per_s"] for row in rows)


def measure(model: AIO, place: Place, progress: Progress) -> dict[str, Any]:
    """Return what a model finds of the people of the test, as plain data; fractions.

    Late fusion is measured twice: with factors that are chosen on the people of the validation, as a search has it,
    and with equal ones.
    """
    chosen = choose_reliability(read_manifest(place.manifest("validation")), model.embed_queries, seed=SEED_OF_DRAWS)
    factors = {} if chosen is None else chosen.reliability
    test = read_manifest(place.manifest("test"))
    weighted = CachedEmbedder(
        model.embed_queries, reliability={Modality(name): factor for name, factor in factors.items()}, progress=progress
    )
    scores = evaluate_combinations(test, weighted, fusions=(EARLY, LATE), seed=SEED_OF_DRAWS)
    equal = evaluate_combinations(test, CachedEmbedder(weighted), fusions=(LATE,), seed=SEED_OF_DRAWS)
    tasks = _tasks(scores) + [{**task, "fusion": LATE_EQUAL} for task in _tasks(equal) if task["fusion"] == LATE]
    return {
        "test": {"protocol": scores.protocol, "split_sha256": split_hash(test), "counts": count_records(test)},
        "reliability": factors,
        "tasks": tasks,
    }


def _tasks(scores: ProtocolScores) -> list[dict[str, Any]]:
    return [
        {
            "task": task.task,
            "fusion": task.fusion,
            "rank1": task.scores.rank[1],
            "mAP": task.scores.mAP,
            "num_queries": task.scores.num_queries,
            "num_without_match": task.scores.num_without_match,
            "num_gallery": task.scores.num_gallery,
        }
        for task in scores.tasks
    ]


def _plain(config: RunConfig) -> dict[str, Any]:
    """Return the settings that are not at their defaults: a setting that comes later leaves earlier records valid. A
    default that is changed later is not noticed.
    """
    content: dict[str, Any] = config.model_dump(mode="json", exclude_defaults=True)
    return content


def describe_people(place: Place) -> dict[str, Any]:
    """Return who the people of a place are, as plain data."""
    return {
        name: {
            **asdict(people),
            "identities": max(LEAST_PEOPLE, round(place.people_factor * people.identities)),
        }
        for name, people in PEOPLE.items()
    }
