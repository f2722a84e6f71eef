"""Which of the paper's claims hold here: full model against ablations on unseen synthetic people, several seeds each.

Small models (configs/claims-*.yaml), so that all of it takes about an hour on two quiet cores. Every variant starts
from the same frozen encoder and from tokenizers that know nothing, goes through the paper's two stages, and is asked
for the same unseen people with every combination of modalities. What is finished is not done again: a call that was
stopped goes on. claims_variants.py lists the variants.

    python benchmarks/claims.py [--only full --only no-fb] [--seeds 1 2 3] [--jobs 2]
    python benchmarks/claims.py --steps-factor 0.01 --people-factor 0.05 --folder runs/claims-trial     a trial
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from claims_runs import LATE_EQUAL, Job, describe_people, do, draw_people, make_encoder, read_record
from claims_summary import cells_of, fusion_differences, summarise_row
from claims_variants import FULL, ROOT, ROWS, STAGE2, STAGES, VARIANTS, Place, Row, pretraining, settings
from stored import store_result

from aio_reid.errors import AioError, ConfigError
from aio_reid.evaluation.embed import EARLY, LATE
from aio_reid.evaluation.report import make_table, to_markdown
from aio_reid.progress import LineProgress
from aio_reid.provenance import hash_file, usable_cores

LEAST_SEEDS = 3
"""Fewer are not reported."""
Records = Mapping[tuple[str, int], Mapping[str, Any]]
"""(variant, seed) -> the record of that run."""


def main(arguments: Sequence[str]) -> int:
    """Do what is not done yet, print and write; return 0, or 1 where a run failed, 2 for a mistake in the call."""
    options = parse(arguments)
    place = Place(options.folder, options.steps_factor, options.people_factor, tuple(options.overrides))
    try:
        if options.worker is not None:
            return work(options.worker, place, threads=options.threads)
        jobs = wanted_jobs(options)
        prepare(place)
        do_all(jobs, place, options, arguments)
        result = collect(place, options.seeds)
    except AioError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    out = options.out or default_out(result, place)
    result = store_result(out, "claims", result)
    for view in (None, "differences", "combinations"):
        print(to_markdown(make_table(result, view)) + "\n")
    done = {(run["variant"], run["seed"]) for run in result["runs"]}
    lacking = [job.title for job in jobs if (job.variant.name, job.seed) not in done]
    if lacking:
        print(f"not done, the same call tries again: {', '.join(lacking)}", file=sys.stderr)
    return 1 if lacking else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train and measure the paper's ablations on synthetic people.")
    parser.add_argument(
        "--only", action="append", metavar="VARIANT", help=f"may be repeated; one of: {', '.join(VARIANTS)}"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=usable_cores(), help="runs at a time; default: one for each core")
    parser.add_argument("--threads", type=int, help="of each run; default: cores / jobs")
    parser.add_argument("--folder", type=Path, default=Path("runs") / "claims", help="people, runs and their records")
    parser.add_argument(
        "--out", type=Path, help="default: results/claims.json if all is there, else FOLDER/claims.json"
    )
    parser.add_argument("--steps-factor", type=float, default=1.0, help="share of the steps, for a trial")
    parser.add_argument("--people-factor", type=float, default=1.0, help="share of the people, for a trial")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE", help="for a trial")
    parser.add_argument("--worker", metavar="VARIANT:SEED", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.threads = options.threads or max(1, usable_cores() // options.jobs)
    return options


def wanted_jobs(options: argparse.Namespace) -> list[Job]:
    """Return the runs that are asked for; the first seed of every variant comes first.

    Raises:
        ConfigError: no variant has that name, or the numbers make no sense.
    """
    names = options.only or list(VARIANTS)
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        raise ConfigError(f"variant {unknown[0]!r} is not known; choose from: {', '.join(VARIANTS)}")
    if options.jobs < 1 or min(options.steps_factor, options.people_factor) <= 0:
        raise ConfigError("--jobs must be 1 or more, --steps-factor and --people-factor more than 0")
    return [Job(VARIANTS[name], seed) for seed in dict.fromkeys(options.seeds) for name in dict.fromkeys(names)]


def prepare(place: Place) -> None:
    """Draw the people and pre-train the encoder, where that is not done yet.

    Raises:
        AioError: as `draw_people` and `make_encoder`.
    """
    progress = LineProgress(sys.stderr)
    torch.set_num_threads(usable_cores())
    draw_people(place, usable_cores(), progress)
    make_encoder(place, progress)


def do_all(jobs: Sequence[Job], place: Place, options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Do the runs that have not finished, `options.jobs` at a time; several at a time are processes of their own.

    Raises:
        DataError: a record is of other settings.
    """
    waiting = [job for job in jobs if (read_record(job, place) or {"failed": "never tried"}).get("failed")]
    print(f"{len(jobs)} runs, {len(jobs) - len(waiting)} done, {len(waiting)} to do", file=sys.stderr, flush=True)

    def run(numbered: tuple[int, Job]) -> None:
        number, job = numbered
        print(f"run {number}/{len(waiting)}: {job.title}", file=sys.stderr, flush=True)
        if options.jobs == 1:
            work(job.title, place, threads=options.threads)
        else:
            own = ["--worker", job.title, "--threads", str(options.threads)]
            subprocess.run([sys.executable, str(Path(__file__)), *arguments, *own], check=False)

    pool = ThreadPoolExecutor(options.jobs)
    try:
        list(map(run, enumerate(waiting, 1)) if options.jobs == 1 else pool.map(run, enumerate(waiting, 1)))
    finally:
        pool.shutdown(cancel_futures=True)


def work(title: str, place: Place, *, threads: int) -> int:
    """Do one run in this process; return 0, or 1 where it failed.

    Raises:
        AioError: it cannot even begin.
    """
    name, _, seed = title.partition(":")
    torch.set_num_threads(threads)
    record = do(Job(VARIANTS[name], int(seed)), place, threads=threads, progress=LineProgress(sys.stderr))
    print(f"{title}: {record.get('failed', 'done')}", file=sys.stderr, flush=True)
    return 1 if "failed" in record else 0


def collect(place: Place, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what the runs that are there come to, as plain data.

    Raises:
        DataError: a record is of other settings.
    """
    known = {(v, s): read_record(Job(VARIANTS[v], s), place) for v in VARIANTS for s in seeds}
    tried = {key: record for key, record in known.items() if record is not None}
    done = {key: record for key, record in tried.items() if "failed" not in record}
    rows = [_row(row, done) for row in ROWS if any(v == row.variant for v, _ in done)]
    full = _cells(ROWS[0], done)
    return {
        "is_trial": place.is_trial,
        "is_complete": len(tried) == len(known),
        "seeds": list(seeds),
        "steps": {s: settings(VARIANTS[FULL], s, seeds[0], place).optim.max_steps for s in STAGES}
        | {"pretraining": pretraining(place).optim.max_steps},
        "people": describe_people(place),
        "encoder_file_sha256": hash_file(place.encoder_file),
        "rows": rows,
        "fusion": {
            "early minus late": fusion_differences(full, (EARLY, LATE)) if full else {},
            "late minus late, equal": fusion_differences(full, (LATE, LATE_EQUAL)) if full else {},
        },
        "failures": {f"{v}:{s}": record["failed"] for (v, s), record in tried.items() if "failed" in record},
        "commits": sorted({str(record["provenance"]["commit"]) for record in done.values()}),
        "runs": list(done.values()),
    }


def _row(row: Row, done: Records) -> dict[str, Any]:
    variant = VARIANTS[row.variant]
    against = next((other for other in ROWS if other.name == row.against), None)
    seconds = [
        sum(stage["training_s"] for name, stage in record["stages"].items() if row.stage in (name, STAGE2))
        for (name_of, _), record in done.items()
        if name_of == row.variant
    ]
    return {
        "name": row.name,
        "title": row.title,
        "changed": row.changed or variant.changed,
        "overrides": list(variant.overrides),
        "after": row.stage,
        "against": row.against,
        "training_s": round(sum(seconds) / len(seconds), 1),
        **summarise_row(_cells(row, done), None if against is None else _cells(against, done)),
    }


def _cells(row: Row, done: Records) -> dict[int, dict[str, dict[str, float]]]:
    return {s: cells_of(record["stages"][row.stage]) for (v, s), record in done.items() if v == row.variant}


def default_out(result: Mapping[str, Any], place: Place) -> Path:
    """Return where a result goes: among those that are reported only if all is there, and nothing was made small."""
    is_whole = result["is_complete"] and not result["is_trial"] and len(result["seeds"]) >= LEAST_SEEDS
    return ROOT / "results" / "claims.json" if is_whole else place.folder / "claims.json"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("stopped; the same call goes on", file=sys.stderr)
        sys.exit(130)
