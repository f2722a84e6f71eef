"""How long `aio-reid search` takes on a folder of pictures: the first time, and when nothing in the folder has changed.

Each search is the command as a user runs it, a process of its own, timed from its start to its end. The first one
embeds the folder into an empty cache; those after it find the pictures there.

    python benchmarks/search_speed.py [FOLDER] [--weights aio-nano] [--out results/search_speed.json]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import copy2
from statistics import median
from tempfile import TemporaryDirectory

from pictures import find_pictures
from stored import store_result

ROOT = Path(__file__).resolve().parents[1]
MOST_SECONDS = 3.0
FIRST = "a man in a black coat with a blue backpack"
OTHERS = (
    "a woman in a red jacket with a grey backpack",
    "a boy in a striped t-shirt and white sneakers",
    "a girl with a ponytail, a green dress and sandals",
)


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write; return 0, or 1 where the target is missed."""
    options = parse(arguments)
    with TemporaryDirectory() as scratch:
        gallery = Path(scratch) / "gallery"
        gallery.mkdir()
        for number, path in enumerate(find_pictures(options.folder, Path(scratch), options.pictures)):
            copy2(path, gallery / f"{number:05d}{path.suffix}")
        searches = measure(gallery, Path(scratch) / "cache", options.weights)
    result = {
        "num_pictures": options.pictures,
        "weights": {"name": Path(options.weights).name},
        "searches": searches,
    }
    store_result(options.out, "search_speed", result)
    for search in searches:
        print(f"{search['what']}: {search['seconds']:.2f} s")
    return 0 if all(search["seconds"] <= MOST_SECONDS for search in searches[1:]) else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time searches of a folder by the aio-reid command.")
    parser.add_argument("folder", type=Path, nargs="?", help="pictures to search; without it people are drawn")
    parser.add_argument("--weights", default="aio-nano")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "search_speed.json")
    return parser.parse_args(arguments)


def measure(gallery: Path, cache: Path, weights: str) -> list[dict[str, object]]:
    """Return the searches in the order in which they were made; several of one kind give their median."""
    first = time_search(gallery, cache, weights, FIRST)
    again = [time_search(gallery, cache, weights, FIRST) for _ in OTHERS]
    others = [time_search(gallery, cache, weights, sentence) for sentence in OTHERS]
    return [
        {"what": "first, embeds the folder", "seconds": first, "all": [first]},
        {"what": "later, another sentence", "seconds": median(others), "all": others},
        {"what": "later, the same sentence", "seconds": median(again), "all": again},
    ]


def time_search(gallery: Path, cache: Path, weights: str, sentence: str) -> float:
    """Return the wall time of one search, in seconds.

    Raises:
        SystemExit: the command failed; with what it said.
    """
    script = Path(sys.executable).with_name("aio-reid")
    program = [str(script)] if script.exists() else [sys.executable, "-m", "aio_reid"]
    command = [*program, "search", str(gallery), "--text", sentence, "--weights", weights, "--cache", str(cache)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return round(seconds, 3)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
