"""Rankings of random vectors, of people who are flat colours; and pages, read as a browser reads them."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from aio_reid.evaluation.pictures.ranked import NearestKeeper, RankedTask
from aio_reid.evaluation.ranking import Masks
from aio_reid.evaluation.tasks import Asked
from aio_reid.records import Modality, Query, Record, Split

SVG = "{http://www.w3.org/2000/svg}"


def unit(num: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(num, 6)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def photo(folder: Path, person: int, number: int, modality: Modality = Modality.RGB) -> Record:
    path = folder / f"{modality.value}-{person}-{number}.png"
    if not path.exists():
        Image.new("RGB", (16, 32), (40 * person % 256, 60 * number % 256, 90)).save(path)
    split = Split.GALLERY if modality is Modality.RGB else Split.QUERY
    return Record("flat people", split, modality, str(person), image_path=path)


def text(person: int, words: str) -> Record:
    return Record("flat people", Split.QUERY, Modality.TEXT, str(person), caption=words)


def same_person(queries: Sequence[Query], gallery: Sequence[Record], ignore: np.ndarray) -> Masks:
    same = np.array([[query[0].person_id == entry.person_id for entry in gallery] for query in queries])
    return lambda rows: (same[rows], ignore[rows])


def ask(
    task: str, queries: Sequence[Query], gallery: Sequence[Record], *, seed: int = 0, fusion: str = "single"
) -> Asked:
    """One ranking of random vectors that ignores a fifth of the entries."""
    ignore = np.random.default_rng(seed + 1).random((len(queries), len(gallery))) < 0.2
    masks = same_person(queries, gallery, ignore)
    return Asked(task, fusion, queries, gallery, unit(len(queries), seed + 2), unit(len(gallery), seed + 3), masks)


def rank(*asked: Asked) -> tuple[RankedTask, ...]:
    keeper = NearestKeeper()
    for one in asked:
        keeper.rank(one)
    return keeper.tasks


class Page(HTMLParser):
    """Tags with their attributes in order, and the text that can be seen."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def assert_self_contained(self) -> None:
        """Nothing is loaded from elsewhere and nothing runs; links lead to files beside the page only."""
        assert not self.all("script") and not self.all("link") and not self.all("iframe")
        for tag, attributes in self.tags:
            assert (attributes.get("src") or "data:").startswith("data:"), tag
            assert not [name for name in attributes if name.startswith("on")]
            assert tag != "a" or "/" not in (attributes.get("href") or "")


def svg_inside(page: str, marker: str) -> ElementTree.Element:
    """Return the drawing that holds a text, parsed strictly."""
    start = page.rindex("<svg", 0, page.index(marker))
    return ElementTree.fromstring(page[start : page.index("</svg>", start) + len("</svg>")])
