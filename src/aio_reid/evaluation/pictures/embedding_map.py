"""A map of embeddings: queries and gallery entries in the plane, by modality, the points of each person joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.evaluation.pictures.lists import STATEMENT, TEMPLATES, words_of
from aio_reid.evaluation.pictures.projection import Projection, project
from aio_reid.evaluation.pictures.ranked import RankedTask
from aio_reid.pages.render import render
from aio_reid.pages.text import shown
from aio_reid.records import Modality, Query, subset_name

MOST_POINTS = 800
WIDTH, HEIGHT, MARGIN = 1120, 720, 18
SHAPES = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",  # circle
    "M-4-4H4V4H-4z",  # square
    "M0-5.4L5 3.6H-5z",  # triangle
    "M0-5.8L5.8 0L0 5.8L-5.8 0z",  # diamond
    "M-1.8-5.2H1.8V-1.8H5.2V1.8H1.8V5.2H-1.8V1.8H-5.2V-1.8H-1.8z",  # plus
    "M-5.2 0L-2.6-4.5H2.6L5.2 0L2.6 4.5H-2.6z",  # hexagon
)
"""One for each modality in its order; what has none, and combinations, are hexagons."""
COMBINED = "combined"


@dataclass(frozen=True)
class Mapped:
    """N points to place.

    Attributes:
        entries: of each point its records: one, or those of a fused query.
        is_query: (N,) bool, asked with, not searched.
        vectors: (N, E) float32.
        num_persons: persons on the map, of `num_asked` who are asked for.
    """

    entries: tuple[Query, ...]
    is_query: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    num_persons: int
    num_asked: int


@dataclass(frozen=True, slots=True)
class _Point:
    x: str
    y: str
    kind: str
    shape: str
    is_query: bool
    title: str


@dataclass(frozen=True, slots=True)
class _Person:
    title: str
    x: str
    y: str
    points: list[_Point]


def select_points(tasks: Sequence[RankedTask], *, seed: int, most_points: int = MOST_POINTS) -> Mapped:
    """Choose what one map shows: whole persons, drawn among those who are asked for, with all their points.

    Args:
        tasks: of one gallery, at least one with the vectors of its queries; the others are passed over. Queries of
            single records are taken from all of them, each once; where there is none, the fused ones of the first task.
        seed: of the draw; persons are added until the next one would be too much, but at least one.
        most_points: on the map.
    """
    known = [(task.queries, task.query_vectors) for task in tasks if task.query_vectors is not None]
    asked = [pair for one in known for pair in zip(*one, strict=True) if len(pair[0]) == 1] or list(
        zip(*known[0], strict=True)
    )
    points: dict[tuple[Query, bool], NDArray[np.float32]] = {}
    for query, vector in asked:
        points.setdefault((tuple(query), True), vector)
    persons = sorted({query[0].person_id for query, _ in points})
    for record, vector in zip(tasks[0].gallery, tasks[0].gallery_vectors, strict=True):
        points.setdefault(((record,), False), vector)
    of_person: dict[str, list[tuple[Query, bool]]] = {person: [] for person in persons}
    for entry, is_query in points:
        if entry[0].person_id in of_person:
            of_person[entry[0].person_id].append((entry, is_query))
    chosen: list[str] = []
    num_points = 0
    for n in np.random.default_rng(seed).permutation(len(persons)).tolist():
        num_points += len(of_person[persons[n]])
        if chosen and num_points > most_points:
            break
        chosen.append(persons[n])
    shown_points = [point for person in sorted(chosen) for point in of_person[person]]
    return Mapped(
        entries=tuple(entry for entry, _ in shown_points),
        is_query=np.array([is_query for _, is_query in shown_points]),
        vectors=np.stack([points[point] for point in shown_points]),  # (N, E)
        num_persons=len(chosen),
        num_asked=len(persons),
    )


def map_page(mapped: Mapped, facts: Mapping[str, str], *, seed: int, method: str | None = None, index: str = "") -> str:
    """Return the page of a map; it says how the vectors were projected.

    Args:
        mapped: see `select_points`.
        facts: what the foot tells, name -> value.
        seed, method: see `projection.project`, which raises as it says.
        index: the file that the page links back to.
    """
    projection = project(mapped.vectors, seed=seed, method=method)
    kinds = {_kind(entry): _label(entry) for entry in mapped.entries}
    return render(
        TEMPLATES,
        "map.html",
        statement=STATEMENT,
        facts=list(facts.items()),
        width=WIDTH,
        height=HEIGHT,
        method=projection.method,
        meaning=projection.meaning,
        persons=_shown_persons(mapped, projection),
        num_persons=mapped.num_persons,
        num_asked=mapped.num_asked,
        num_points=len(mapped.entries),
        legend=[(kind, label, _shape(kind)) for kind, label in sorted(kinds.items(), key=lambda item: _place(item[0]))],
        index=index,
    )


def place_points(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, 2) float64, the points in units of the drawing: one scale for both axes, centred in its margins."""
    lowest, highest = points.min(axis=0), points.max(axis=0)
    extent = np.maximum(highest - lowest, 1e-9)
    room = np.array([WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN])
    scale = float((room / extent).min())
    placed: NDArray[np.float64] = (points - (lowest + highest) / 2) * scale + np.array([WIDTH, HEIGHT]) / 2
    return placed


def _shown_persons(mapped: Mapped, projection: Projection) -> list[_Person]:
    placed = place_points(projection.points)
    rows: dict[str, list[int]] = {}
    for row, entry in enumerate(mapped.entries):
        rows.setdefault(entry[0].person_id, []).append(row)
    persons = []
    for person, of_person in rows.items():
        x, y = placed[of_person].mean(axis=0)
        points = [_point(mapped.entries[n], bool(mapped.is_query[n]), placed[n]) for n in of_person]
        persons.append(_Person(f"person {shown(person)}", f"{x:.1f}", f"{y:.1f}", points))
    return persons


def _point(entry: Query, is_query: bool, place: NDArray[np.float64]) -> _Point:
    role = "query" if is_query else "gallery"
    names = [words_of(r) if r.image_path is None else shown(r.image_path, only_name=True) for r in entry]
    title = f"person {shown(entry[0].person_id)}, {role}, {_label(entry)}: {' + '.join(names)}"
    kind = _kind(entry)
    return _Point(f"{place[0]:.1f}", f"{place[1]:.1f}", kind, _shape(kind), is_query, title)


def _kind(entry: Query) -> str:
    return entry[0].modality.value if len(entry) == 1 else COMBINED


def _label(entry: Query) -> str:
    if len(entry) == 1:
        return entry[0].modality.label
    return f"combination {subset_name(record.modality for record in entry)}"


def _place(kind: str) -> int:
    kinds = [modality.value for modality in Modality]
    return kinds.index(kind) if kind in kinds else len(kinds)


def _shape(kind: str) -> str:
    return SHAPES[min(_place(kind), len(SHAPES) - 1)]
