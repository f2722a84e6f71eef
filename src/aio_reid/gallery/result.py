"""What a search found, as plain values: everything that a table, a file or a page shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.scan import Unreadable
from aio_reid.pages.text import shown
from aio_reid.records import Modality

STATEMENT = (
    "A score is a similarity computed by a model. It is not an identification and not a probability: different people "
    "can score high and the same person low. Let two people check a hit independently before anyone acts on it."
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked picture.

    `score` is the cosine similarity with the query, in [-1, 1]. `stands_out` is how many robust standard deviations it
    lies above the median of this gallery, `percentile` the share of the gallery with a lower score, in [0, 1]; both are
    uncalibrated, and None where the gallery is too small, all scores are equal, or pictures of several modalities are
    ranked by calibrated odds. `content` is the file's SHA-256; `evidence` what the score means, where the gallery is
    calibrated for such a query.
    """

    rank: int
    path: Path
    score: float
    stands_out: float | None
    percentile: float | None
    content: str
    enrolled: Enrolled | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a calibrated score says of one picture.

    `log_ratio` is log p(score | match) - log p(score | stranger), in nats. `probability` is P(match), given how many
    pictures of the person were expected among those searched. `stranger_rate` is the share of pictures of strangers
    that score at least as high; `is_least_rate`: none was ever seen to, and the rate is 1 / N of the N known ones.
    `expected_strangers` is that rate times the pictures of this modality that were searched.
    """

    log_ratio: float
    probability: float
    stranger_rate: float
    is_least_rate: bool
    expected_strangers: float


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the person is probably among the pictures searched, by the best hit, and on what grounds.

    `expected_strangers` would score as high as that hit by chance; the person counts as present where that is at most
    `limit`. None: the calibration knows too few strangers to tell, or its rule was right too seldom. `text` says so in
    one line.
    """

    is_probable: bool | None
    expected_strangers: float
    limit: float
    text: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a lasting gallery knows of a hit. `track_size` is the number of pictures of its track that were searched,
    where tracks are shown as one; `copy` the picture's bytes, where the gallery keeps them.
    """

    id: int
    modality: Modality
    camera: str | None
    time: datetime | None
    track: str | None
    source: str | None
    frame: int | None
    columns: Mapping[str, str | float]
    track_size: int = 1
    copy: bytes | None = None

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What is known, as (name, value) to show."""
        named: list[tuple[str, object]] = [
            ("camera", self.camera),
            ("time", None if self.time is None else self.time.isoformat(" ", "seconds")),
            (
                "track",
                self.track and (self.track if self.track_size == 1 else f"{self.track}, {self.track_size} pictures"),
            ),
            ("source", self.source),
            ("frame", self.frame),
            *((name, _plain(value) if isinstance(value, float) else value) for name, value in self.columns.items()),
        ]
        return tuple((name, shown(str(value))) for name, value in named if value is not None)


def _plain(number: float) -> str:
    """Return all digits of a number, a whole one without a point."""
    return str(int(number)) if number.is_integer() else repr(number)


@dataclass(frozen=True, slots=True)
class ScoreSpread:
    """The scores of the whole gallery: extremes, median, robust standard deviation, counts in equal bins between them.

    `chance_best` is the `stands_out` to expect of the best picture of a gallery of this size where nobody matches, if
    scores were normally distributed (Blom's approximation); None where `stands_out` is None.
    """

    lowest: float
    highest: float
    median: float
    deviation: float
    bins: tuple[int, ...]
    chance_best: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of files: listed = searched + left_out + unreadable (without folders).

    `embedded` and `from_cache` count different contents that can be read; `duplicates` the readable files beyond the
    first of a content.
    """

    listed: int
    searched: int
    left_out: int
    unreadable: int
    embedded: int
    from_cache: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of each step: listing the folder, the query, reading and embedding what is new, ranking; and of all."""

    list_s: float
    query_s: float
    gallery_s: float
    rank_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one query. `hits` are best first; `left_out` are the query's own pictures, found in the folder.

    `gallery_modality` is None where each picture has been enrolled as what it is; `filters` say in words which part of
    a gallery was searched. `presence` is None where the gallery is not calibrated for such a query, `recall` for an
    exact search; else it is what was measured of the index that was used.
    """

    folder: Path
    parts: tuple[QueryPart, ...]
    fusion: str
    gallery_modality: Modality | None
    hits: tuple[Hit, ...]
    left_out: tuple[Hit, ...]
    unreadable: tuple[Unreadable, ...]
    spread: ScoreSpread | None
    counts: Counts
    timings: Timings
    unread_words: tuple[str, ...]
    weights_hash: str
    notes: tuple[str, ...]
    filters: tuple[str, ...] = ()
    presence: Presence | None = None
    recall: float | None = None

    @property
    def description(self) -> str:
        """The query in one line."""
        return describe_query(self.parts, self.fusion)


def describe_query(parts: Sequence[QueryPart], fusion: str) -> str:
    """Return a query in one line, e.g. `text "a man in red" + sketch "witness.png" (early fusion)`."""
    named = [f'{part.modality.label} "{shown(part.name, only_name=True)}"' for part in parts]
    return " + ".join(named) + (f" ({fusion} fusion)" if len(parts) > 1 else "")


def shown_inside(folder: Path, path: Path) -> str:
    """Return a path relative to the folder where it lies in it, safe to show."""
    return shown(path.relative_to(folder) if path.is_relative_to(folder) else path)
