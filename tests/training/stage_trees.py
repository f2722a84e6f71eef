"""Small copies of what the two stages of the paper are trained on, in the published layouts, of noise."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

import suite_trees

PERSONS = (1, 2, 4, 5)
"""Those of LLCM and of SYNTH-PEDES who are trained on; 0010, 0011, ... in Market-Sketch-1K."""


def synth_pedes(root: Path) -> None:
    """Draw a part with two photos, and two sentences about each, of every person."""
    entries = []
    for person in PERSONS:
        for photo in (1, 2):
            path = f"Part1/{person}/{photo}.jpg"
            suite_trees.draw(root / path)
            sentence = suite_trees.SENTENCES[person % len(suite_trees.SENTENCES)]
            entries.append({"id": person, "file_path": path, "captions": [sentence, f"Photo {photo}: {sentence}"]})
    suite_trees.write(root / "synthpedes_dataset.json", json.dumps(entries))


def llcm(root: Path) -> None:
    """Draw two photos and an infrared frame of every person of the training split, beside the test of the suite."""
    suite_trees.llcm(root)
    for sensor, frames in (("vis", (1, 2)), ("nir", (3,))):
        names = [f"{sensor}/{p:04}/{p:04}_c01_s100000_f{n}_{sensor}.jpg" for p in PERSONS for n in frames]
        suite_trees.draw(*(root / name for name in names))
        lines = "".join(f"{name} {PERSONS.index(int(name[4:8]))}\n" for name in names)
        suite_trees.write(root / "idx" / f"train_{sensor}.txt", lines)


def market_sketch_1k(root: Path) -> None:
    """Add three sketched persons to the one of the suite, with photos of Market-1501, and one whom nobody drew."""
    suite_trees.market_sketch_1k(root)
    for person in (11, 12, 13):
        suite_trees.draw(*(root / "photo" / "train" / f"{person:04}_c{n}s1_000451_03.jpg" for n in (1, 2)))
        suite_trees.draw(*(root / "sketch" / style / "train" / f"{person:04}_{style}.jpg" for style in "AF"))
    suite_trees.draw(root / "photo" / "train" / "0099_c1s1_000451_03.jpg")


def grow(data: Path) -> None:
    """Make the three copies where configs/aio-b-stage*.yaml look for them."""
    synth_pedes(data / "SYNTH-PEDES")
    llcm(data / "LLCM")
    market_sketch_1k(data / "Market-Sketch-1K")
