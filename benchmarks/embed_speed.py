"""How fast `AIO.embed` turns picture files into vectors, beside what a user would write by hand: the bare timm encoder.

The bare encoder is a timm VisionTransformer of the size of the loaded model's frozen encoder; its tensors are ready
before the clock starts, while `AIO.embed` reads, decodes and resizes files. Both take turns in one run with the same
batch size and the same number of threads. Peak memory is that of a fresh process that only embeds.

    python benchmarks/embed_speed.py [FOLDER] [--weights aio-nano] [--out results/embed_speed.json]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from pictures import find_pictures
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from aio_reid.api import AIO
from aio_reid.evaluation.record import describe_command, write_json
from aio_reid.provenance import collect_provenance

ROOT = Path(__file__).resolve().parents[1]
PATCH = 16
MOST_RATIO, MOST_MEMORY_MIB = 1.25, 2048


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
    write_json(options.out, result)
    print(f"ratio {result['ratio']:.3f}, peak memory {result['peak_memory_mib']} MiB, written: {options.out}")
    return 0 if result["ratio"] <= MOST_RATIO and result["peak_memory_mib"] <= MOST_MEMORY_MIB else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time AIO.embed on picture files beside the bare timm encoder.")
    parser.add_argument("folder", type=Path, nargs="?", help="pictures to embed; without it people are drawn")
    parser.add_argument("--weights", default="aio-nano")
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "embed_speed.json")
    parser.add_argument("--memory-only", action="store_true", help="embed once and print the peak memory in MiB")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace, paths: list[Path]) -> dict[str, object]:
    """Return the result as plain data."""
    model = AIO.load(options.weights, device="cpu")
    bare = bare_encoder(model)
    ready = ready_tensors(model, len(paths), options.batch)
    ways: dict[str, Callable[[], object]] = {
        "AIO.embed, picture files": lambda: model.embed(paths, batch_size=options.batch),
        "bare timm encoder, ready tensors": lambda: run_bare(bare, ready),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(-1, options.repeats):  # the first round warms up and is not counted
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if repeat >= 0:
                seconds[name].append(round(time.perf_counter() - started, 4))
    timed = [{"what": name, "seconds": taken, "median_s": median(taken)} for name, taken in seconds.items()]
    return {
        "kind": "embed_speed",
        "num_pictures": len(paths),
        "batch_size": options.batch,
        "threads": options.threads,
        "image_size": list(model.image_size),
        "encoder": describe_encoder(model),
        "weights": {"name": Path(options.weights).name, "sha256": model.weights_hash},
        "ways": timed,
        "ratio": round(
            median(seconds["AIO.embed, picture files"]) / median(seconds["bare timm encoder, ready tensors"]), 4
        ),
        "peak_memory_mib": peak_memory(options, paths),
        "command": describe_command(["python", *repeatable(sys.argv)]),
        "provenance": collect_provenance(),
    }


def describe_encoder(model: AIO) -> dict[str, int]:
    """Return the size of the frozen encoder."""
    encoder = model.model.encoder
    block = encoder.blocks[0]
    return {
        "width": encoder.width,
        "depth": len(encoder.blocks),
        "num_heads": block.attn.num_heads,
        "hidden": block.mlp.fc1.out_features,
    }


def bare_encoder(model: AIO) -> VisionTransformer:
    """Return a timm ViT of that size, random weights, no classifier."""
    size = describe_encoder(model)
    return VisionTransformer(
        img_size=model.image_size,
        patch_size=PATCH,
        embed_dim=size["width"],
        depth=size["depth"],
        num_heads=size["num_heads"],
        mlp_ratio=size["hidden"] / size["width"],
        num_classes=0,
    ).eval()


def ready_tensors(model: AIO, count: int, batch: int) -> list[Tensor]:
    """Return normalised pictures (B, 3, H, W) float32, `count` in all."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(min(batch, count - at), 3, *model.image_size, generator=generator) for at in range(0, count, batch)
    ]


def run_bare(bare: VisionTransformer, ready: list[Tensor]) -> Tensor:
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
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def repeatable(argv: list[str]) -> list[str]:
    """Name the script as it is called from the checkout."""
    return [str(Path("benchmarks") / Path(argv[0]).name), *argv[1:]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
