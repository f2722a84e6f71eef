"""How fast `AIO.embed` turns picture files into vectors, beside what a user would write by hand: a bare timm encoder.

The bare encoder is timm's smallest ViT of the customary depth, `vit_tiny_patch16_224`, at the model's picture size. Its
tensors are ready before the clock starts, while `AIO.embed` reads, decodes and resizes files. The loaded model on ready
tensors stands beside them, which says what files cost. All take turns in one run with the same batch size and the same
number of threads. Peak memory is that of a fresh process that only embeds.

    python benchmarks/embed_speed.py [FOLDER] [--weights aio-nano] [--out results/embed_speed.json]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import timm
import torch
from memory import PEAK, memory_mib
from pictures import find_pictures
from stored import store_result
from torch import Tensor

from aio_reid.api import AIO
from aio_reid.records import Modality

ROOT = Path(__file__).resolve().parents[1]
BARE = "vit_tiny_patch16_224"
MOST_RATIO, MOST_MEMORY_MIB, LEAST_PER_S = 1.25, 2048, 60
FILES, SAME, TIMM = "AIO.embed, picture files", "the same model, ready tensors", f"timm {BARE}, ready tensors"


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write; return 0, or 1 where a target is missed."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    if options.memory_only:
        print(measure_memory(options))
        return 0
    with TemporaryDirectory() as scratch:
        paths = find_pictures(options.folder, Path(scratch), options.pictures)
        result = measure(options, paths)
    store_result(options.out, "embed_speed", result)
    print(
        f"{result['pictures_per_s']} pictures/s, {result['ratio']:.3f} times the time of {TIMM}, peak memory "
        f"{result['peak_memory_mib']} MiB"
    )
    return 0 if is_within_targets(result) else 1


def is_within_targets(result: dict[str, Any]) -> bool:
    """Return whether ratio, memory and rate are what the project promises."""
    return bool(
        result["ratio"] <= MOST_RATIO
        and result["peak_memory_mib"] <= MOST_MEMORY_MIB
        and result["pictures_per_s"] >= LEAST_PER_S
    )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time AIO.embed on picture files beside a bare timm encoder.")
    parser.add_argument("folder", type=Path, nargs="?", help="pictures to embed; without it people are drawn")
    parser.add_argument("--weights", default="aio-nano")
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "embed_speed.json")
    parser.add_argument("--memory-only", action="store_true", help="embed once and print the peak memory in MiB")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace, paths: list[Path]) -> dict[str, Any]:
    """Return the result as plain data."""
    model = AIO.load(options.weights, device="cpu")
    bare = timm.create_model(BARE, img_size=model.image_size, num_classes=0).eval()
    ready = ready_tensors(model, len(paths), options.batch)
    ways: dict[str, Callable[[], object]] = {
        FILES: lambda: model.embed(paths, batch_size=options.batch),
        SAME: lambda: run_bare(lambda pixels: model.model.embed({Modality.RGB: pixels}), ready),
        TIMM: lambda: run_bare(bare, ready),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(-1, options.repeats):  # the first round warms up and is not counted
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if repeat >= 0:
                seconds[name].append(round(time.perf_counter() - started, 4))
    middle = {name: median(taken) for name, taken in seconds.items()}
    timed = [{"what": name, "seconds": taken, "median_s": middle[name]} for name, taken in seconds.items()]
    return {
        "num_pictures": len(paths),
        "batch_size": options.batch,
        "threads": options.threads,
        "image_size": list(model.image_size),
        "weights": {"name": Path(options.weights).name, "sha256": model.weights_hash},
        "ways": timed,
        "pictures_per_s": round(len(paths) / middle[FILES], 1),
        "ratio": round(middle[FILES] / middle[TIMM], 4),
        "ratio_to_ready_tensors": round(middle[FILES] / middle[SAME], 4),
        "peak_memory_mib": peak_memory(options, paths),
    }


def ready_tensors(model: AIO, count: int, batch: int) -> list[Tensor]:
    """Return normalised pictures (B, 3, H, W) float32, `count` in all."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(min(batch, count - at), 3, *model.image_size, generator=generator) for at in range(0, count, batch)
    ]


def run_bare(bare: Callable[[Tensor], Tensor], ready: list[Tensor]) -> Tensor:
    """Return the features of all pictures."""
    with torch.inference_mode():
        return torch.cat([bare(batch) for batch in ready])  # (count, D)


def peak_memory(options: argparse.Namespace, paths: list[Path]) -> int:
    """Return the peak resident memory, in MiB, of a fresh process that loads the weights and embeds these pictures."""
    command = [sys.executable, __file__, str(paths[0].parent), "--memory-only", "--weights", options.weights]
    command += ["--pictures", str(len(paths)), "--batch", str(options.batch), "--threads", str(options.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def measure_memory(options: argparse.Namespace) -> int:
    """Embed once; return the peak resident memory of this process in MiB."""
    paths = find_pictures(options.folder, options.folder, options.pictures)
    AIO.load(options.weights, device="cpu").embed(paths, batch_size=options.batch)
    return round(memory_mib(PEAK))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
