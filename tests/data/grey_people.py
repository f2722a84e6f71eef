"""Three people in pictures of one grey level each, so that every pixel tells whose picture it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from aio_reid.data.sources import TrainingSource
from aio_reid.data.tuples import Shares, TupleDataset
from aio_reid.records import VISUAL_MODALITIES, Modality, Record, Split

SIZE = (32, 16)
PERSONS = ("10", "2", "7")
"""As published: labels follow the order of the texts, "10" before "2"."""
CAPTIONS = {"10": ["a man in a red jacket"], "2": ["a woman with a backpack", "a lady in blue jeans"]}


def tone(person: int, modality: Modality, view: int) -> int:
    """Every picture of the set is of one grey level that tells who, what and which."""
    return 10 + 60 * person + 12 * list(Modality).index(modality) + 3 * view


def tones_of(pixels: Tensor) -> set[int]:
    return set(pixels.unique().tolist())


def draw_people(folder: Path) -> list[Record]:
    """Draw three people; the last has photos only, the second no infrared."""
    found: list[Record] = []
    for number, person in enumerate(PERSONS):
        for modality in VISUAL_MODALITIES:
            lacks = person == "7" or (person == "2" and modality is Modality.INFRARED)
            for view in range(2 if modality is Modality.RGB or not lacks else 0):
                path = folder / f"{person}_{modality}_{view}.png"
                Image.new("RGB", SIZE[::-1], (tone(number, modality, view),) * 3).save(path)
                found.append(Record("made", Split.TRAIN, modality, person, image_path=path))
        found += [Record("made", Split.TRAIN, Modality.TEXT, person, caption=c) for c in CAPTIONS.get(person, ())]
    return found


def tuples_of(*sources: TrainingSource, **changes: Any) -> TupleDataset:
    """Return their tuples of all modalities, not augmented, with tags; `changes` replace these settings."""
    settings = {
        "image_size": SIZE,
        "modalities": tuple(Modality),
        "shares": Shares(),
        "context_length": 77,
        "augmented": False,
        "tagged": True,
        "seed": 5,
    }
    return TupleDataset(sources, **{**settings, **changes})
