"""From templates to pages and drawings: no script, style, font or picture of them lies outside the file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import jinja2

from aio_reid import __version__
from aio_reid.pages.thumbnails import Thumbnail
from aio_reid.records import Modality


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part of a query: for a sentence what was read and what was not, for a picture its name and thumbnail, or the
    problem that it cannot be shown for.
    """

    modality: Modality
    read: str
    unread: str
    name: str
    picture: Thumbnail | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RankedPicture:
    """An entry of a ranked list: `is_match` frames it green or red; a sentence has `words` in place of a picture, and
    a picture that cannot be shown the problem.
    """

    rank: int
    name: str
    score: str
    is_match: bool
    picture: Thumbnail | None
    problem: str = ""
    words: str = ""


def render(templates: Path, name: str, **values: object) -> str:
    """Return a page from a template of that folder, which may extend and import those of this package.

    Everything is escaped, in HTML and XML alike, and a missing value is an error. Pages that extend "base.html" give a
    `statement`, one sentence for the foot.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, Path(__file__).with_name("templates")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written = time.strftime("%Y-%m-%d %H:%M")
    return environment.get_template(name).render(
        version=__version__, written=written, modalities=list(Modality), **values
    )
