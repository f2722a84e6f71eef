"""A training set of a few coloured rectangles, small enough for a test, with everything that a real one has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aio_reid.config import RunConfig, parse
from aio_reid.datasets.manifest import ManifestRow, write_manifest
from aio_reid.records import Modality, Split

COLOURS = ["red", "blue", "green", "yellow", "black", "white", "pink", "brown", "orange", "purple"]


def tiny_people(folder: Path, identities: int = 8, train: int = 6) -> Path:
    """Draw `identities` people of two photos, an infrared frame and a sketch each, with a caption; return the
    manifest.
    """
    rng = np.random.default_rng(0)
    rows: list[ManifestRow] = []
    for person in range(identities):
        split = "train" if person < train else "val"
        shade = rng.integers(0, 255, 3)
        for n, modality in enumerate(("rgb", "rgb", "infrared", "sketch")):
            pixels = np.clip(shade + rng.integers(-30, 30, (48, 24, 3)), 0, 255).astype(np.uint8)
            if modality != "rgb":
                pixels = pixels.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2)
            name = f"{person}_{n}.png"
            Image.fromarray(pixels).save(folder / name)
            rows.append(_row(person, modality, split, path=name, camera=f"c{n}"))
        colour = COLOURS[person % len(COLOURS)]
        rows.append(_row(person, "text", split, caption=f"a man in a {colour} jacket with a backpack", camera=None))
    manifest = folder / "manifest.parquet"
    write_manifest(manifest, rows)
    return manifest


def tiny_config(manifest: Path, **changes: Any) -> RunConfig:
    """Return a run of six steps on them; `changes` replace whole sections' keys, e.g. optim={"max_steps": 2}."""
    content: dict[str, Any] = {
        "name": "tiny",
        "seed": 3,
        "model": {
            "encoder": {"kind": "plain", "width": 32, "depth": 2, "num_heads": 2},
            "image_size": [32, 16],
            "stem_width": 4,
            "word_width": 8,
        },
        "data": {"manifest": str(manifest), "num_identities": 3, "tuples_per_identity": 2, "num_workers": 0},
        "loss": {},
        "optim": {"learning_rate": 1e-3, "max_epochs": 3},
        "checkpoint_every": 2,
        "validate_every": 100,
    }
    for section, value in changes.items():
        content[section] = {**content[section], **value} if isinstance(value, dict) and section in content else value
    return parse(RunConfig, content, "tiny")


def _row(
    person: int, modality: str, split: str, *, path: str | None = None, caption: str | None = None, camera: str | None
) -> ManifestRow:
    return ManifestRow(path, caption, f"{person:04d}", Modality(modality), Split(split), camera)
