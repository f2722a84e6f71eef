"""Time and memory of a training step with each option, beside a plain loop with the same model; and what the real data
pipeline leaves of the throughput on cached tensors.

The ways take turns in one process, each with a model of its own, on the same batches of drawn people, held in memory.
The peak memory of each is that of a fresh process: what two steps add to it, model and batch included.

    python benchmarks/training.py [--steps 4] [--rounds 5] [--threads 2] [--out results/training_speed.json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from stored import store_result
from training_ways import (
    MANY_IDENTITIES,
    PLAIN_OF,
    PRECISION,
    WAYS,
    WIDTH,
    Trainer,
    classifier_step,
    config_of,
    dataset_of,
    draw,
    peak_mib,
    real_batches,
)

from aio_reid.data.tuples import TupleBatch, TupleDataset
from aio_reid.training.batches import count_workers
from aio_reid.training.processes import Processes

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ("nano-pretrain", "nano-stage1")
LEAST_OF_CACHED = 0.9
SAMPLED_SHARE = 0.1
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *sys.path])}


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write; return 0, or 1 where the target of the pipeline is missed."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    if options.memory_of:
        print(memory_of(options.memory_of, options))
        return 0
    with TemporaryDirectory() as scratch:
        folder = options.people or Path(scratch)
        manifest = draw(folder, options.identities)
        runs = [measure(name, manifest, options) for name in options.configs]
    result = {
        "device": options.device,
        "precision": PRECISION,
        "threads": options.threads,
        "identities": options.identities,
        "steps": options.steps,
        "rounds": options.rounds,
        "runs": runs,
        "classifier": classifiers(options),
    }
    store_result(options.out, "training_speed", result)
    missed = [r["config"] for r in runs if max(p["ratio"] for p in r["pipeline"]) < LEAST_OF_CACHED]
    print("".join(f"missed: pipeline of {name} is below {LEAST_OF_CACHED}\n" for name in missed), end="")
    return 1 if missed else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time training steps beside a plain loop with the same model.")
    parser.add_argument("--configs", nargs="+", default=list(CONFIGS), choices=CONFIGS)
    parser.add_argument(
        "--ways", nargs="+", default=list(WAYS), choices=list(WAYS), help=f"{PRECISION} is always one of them"
    )
    parser.add_argument("--steps", type=int, default=4, help="of each way in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pipeline-steps", type=int, default=24, help="batches from the real pipeline in each round")
    parser.add_argument("--workers", type=int, help="processes of the real pipeline; default: as a run without a word")
    parser.add_argument("--identities", type=int, default=256, help="people to draw")
    parser.add_argument("--people", type=Path, help="folder for them, kept; default: a temporary one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "training_speed.json")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--batch-file", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def measure(name: str, manifest: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the ways and the pipeline of one configuration as plain data."""
    config = config_of(name, manifest, ["data.num_workers=0"])
    dataset = dataset_of(config)
    batches = list(real_batches(config, dataset, options.steps))
    seconds, trainers = time_ways(name, manifest, dataset, batches, options)
    own = trainers[PRECISION]
    ways = []
    for way, taken in seconds.items():
        plain = seconds.get(PLAIN_OF[way])
        ways.append(
            {
                "name": way,
                "what": WAYS[way].title,
                "seconds": [round(value, 4) for value in taken],
                "median_s": round(median(taken), 4),
                "times_plain": round(median(taken) / median(plain), 4) if plain else None,
                "peak_mib": fresh_memory(f"{name}:{way}", manifest, batches[0], options),
            }
        )
        print(f"{name}, {ways[-1]}", flush=True)
    return {
        "config": name,
        "tuples": len(batches[0].labels),
        "image_size": list(config.model.image_size),
        "ways": ways,
        "pipeline": pipeline(name, manifest, own, batches, options),
    }


def time_ways(
    name: str, manifest: Path, dataset: TupleDataset, batches: list[TupleBatch], options: argparse.Namespace
) -> tuple[dict[str, list[float]], dict[str, Trainer]]:
    """Return the seconds of a step of each way in each round, and the trainers."""
    trainers = {}
    for way in dict.fromkeys((*options.ways, PRECISION)):  # the pipeline is measured with the last
        config = config_of(name, manifest, WAYS[way].overrides)
        device = torch.device(options.device)
        trainers[way] = Trainer(config, dataset, device, is_plain=WAYS[way].is_plain)
    seconds: dict[str, list[float]] = {way: [] for way in trainers}
    for number in range(-1, options.rounds):  # the first round warms up and is not counted
        for way, trainer in trainers.items():
            started = time.perf_counter()
            for batch in batches:
                trainer.step(batch)
            trainer.finish()
            if number >= 0:
                seconds[way].append((time.perf_counter() - started) / len(batches))
    return seconds, trainers


def pipeline(
    name: str, manifest: Path, trainer: Trainer, batches: list[TupleBatch], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return tuples per second with batches from the real pipeline, and what share that is of those on cached tensors.

    Both take turns. What worker processes make ahead of the first steps of a round is used up before the clock starts.
    """
    size, count = len(batches[0].labels), options.pipeline_steps
    rows = []
    for what, overrides in (("decoded each time", []), ("data.cache", [f"data.cache={manifest.parent / 'cache'}"])):
        config = config_of(name, manifest, [f"data.num_workers={json.dumps(options.workers)}", *overrides])
        workers = count_workers(config, Processes(device=torch.device(options.device)))
        warm = 1 + 2 * workers
        rates: dict[str, list[float]] = {"real": [], "cached": []}
        for number in range(-1, options.rounds):
            dataset = dataset_of(config)
            if config.data.cache is not None:
                dataset.keep_pictures(config.data.cache)
            sources = {
                "real": real_batches(config, dataset, count + warm, options.device),
                "cached": (batches[step % len(batches)] for step in range(count + warm)),
            }
            for source, made in sources.items():
                for _ in range(warm):
                    trainer.step(next(made))
                trainer.finish()
                started = time.perf_counter()
                for batch in made:
                    trainer.step(batch)
                trainer.finish()
                if number >= 0:
                    rates[source].append(count * size / (time.perf_counter() - started))
        real, cached = median(rates["real"]), median(rates["cached"])
        ratio = round(real / cached, 4)
        row = {"what": what, "workers": workers, "tuples_per_s": round(real, 2)}
        rows.append({**row, "cached_tuples_per_s": round(cached, 2), "ratio": ratio})
        print(f"{name}, {rows[-1]}", flush=True)
    return rows


def classifiers(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return time and memory of the classifier of SYNTH-PEDES alone, dense and sampled."""
    rows = []
    for what, share in (("dense, AdamW", 1.0), (f"loss.sampled_identities: {SAMPLED_SHARE}", SAMPLED_SHARE)):
        seconds, peak = fresh_memory(f"classifier:{share}", None, None, options).split()
        rows.append({"what": what, "identities": MANY_IDENTITIES, "width": WIDTH, "share": share})
        rows[-1] |= {"median_s": float(seconds), "peak_mib": int(peak)}
        print(rows[-1], flush=True)
    return rows


def fresh_memory(what: str, manifest: Path | None, batch: TupleBatch | None, options: argparse.Namespace) -> Any:
    """Return what a fresh process prints of one way."""
    command = [sys.executable, __file__, "--memory-of", what, "--device", options.device]
    command += ["--threads", str(options.threads)]
    with TemporaryDirectory() as scratch:
        if batch is not None and manifest is not None:
            path = Path(scratch) / "batch.pt"
            torch.save(batch, path)
            command += ["--batch-file", str(path), "--people", str(manifest)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **ENVIRONMENT})
    if done.returncode:
        raise SystemExit(f"error: {what} ended with {done.returncode}: {done.stderr.strip()}")
    said = done.stdout.strip().splitlines()[-1]
    return int(said) if batch is not None else said


def memory_of(what: str, options: argparse.Namespace) -> str:
    """Make two steps of a way in this process; return its peak memory in MiB, for a classifier after the seconds."""
    device = torch.device(options.device)
    kind, _, rest = what.partition(":")
    if kind == "classifier":
        step = classifier_step(float(rest), device)
        peak = peak_mib(device, lambda: [step() for _ in range(2)] and None)
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started)
        return f"{median(seconds):.4f} {peak}"
    config = config_of(kind, options.people, WAYS[rest].overrides)
    dataset = dataset_of(config)
    batch = torch.load(options.batch_file, weights_only=False)  # written by the process that asks

    def work() -> None:
        trainer = Trainer(config, dataset, device, is_plain=WAYS[rest].is_plain)
        for _ in range(2):
            trainer.step(batch)

    return str(peak_mib(device, work))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
