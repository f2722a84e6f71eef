"""Remarks on the splits query and gallery: which queries could never be answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from aio_reid.datasets.remarks import Remark, Row, Table, counted, persons, photos
from aio_reid.records import Modality, Split

_FEW_PERSONS = 10


def find_halves(table: Table) -> Iterator[Remark]:
    """Queries need a gallery of photos, and a gallery needs queries."""
    asked, searched = table.of(Split.QUERY), table.of(Split.GALLERY)
    others = Counter(row.cells.modality.value for row in searched if row.cells.modality is not Modality.RGB)
    listed = ", ".join(f"{kind} {count}" for kind, count in others.items())
    if asked and not searched:
        yield Remark(
            "error",
            f"{counted(len(asked), 'query', 'queries')}, but no row of the split gallery: there is nothing to search; "
            "give the photos to be searched this split",
        )
    if searched and not asked:
        yield Remark(
            "error",
            f"{counted(len(searched), 'row')} of the split gallery, but none of query: nobody is looked for; give what "
            "is searched with this split",
        )
    if searched and not photos(searched):
        yield Remark(
            "error",
            f"none of the {len(searched)} rows of the split gallery is a photo ({listed}), but photos are what is "
            "searched; give photos (rgb) this split",
        )
    elif others:
        yield Remark(
            "warning",
            f"of {len(searched)} rows of the split gallery, {counted(others.total(), 'is no photo', 'are no photos')} "
            f"({listed}) and will not be searched; give them the split query, or remove them",
        )


def find_small_gallery(table: Table) -> Iterator[Remark]:
    """Among few persons chance alone does well."""
    searched = persons(photos(table.of(Split.GALLERY)))
    if len(searched) == 1:
        yield Remark(
            "error",
            f"all photos of the split gallery are of person {next(iter(searched))!r}, so that every answer is right; "
            "add photos of other persons",
        )
    elif 1 < len(searched) < _FEW_PERSONS:
        yield Remark(
            "note",
            f"the split gallery shows {len(searched)} persons: chance alone finds one in {len(searched)}; add photos "
            "of other persons, who need not be in query",
        )


def find_unanswerable(table: Table) -> Iterator[Remark]:
    """Queries whose every match is missing or is taken out of their ranking (protocol any-combination-to-rgb)."""
    asked, searched = table.of(Split.QUERY), photos(table.of(Split.GALLERY))
    of_person: dict[str, list[Row]] = {}
    for row in searched:
        of_person.setdefault(row.cells.person, []).append(row)
    unanswered: dict[str, list[Row]] = {}
    for row in asked if searched else ():
        reason = _why_unanswerable(table.folder, row, of_person.get(row.cells.person, []))
        if reason:
            unanswered.setdefault(reason, []).append(row)
    left = len(asked) - sum(len(rows) for rows in unanswered.values())
    cameras = {row.cells.camera for row in [*photos(asked), *searched] if row.cells.camera is not None}
    for reason, rows in unanswered.items():
        yield Remark("warning" if left else "error", _tell(reason, rows, len(asked), cameras))


def find_repeated(table: Table) -> Iterator[Remark]:
    """Several queries of one person and modality, of which the evaluation asks one (any-combination-to-rgb)."""
    asked = Counter((row.cells.person, row.cells.modality) for row in table.of(Split.QUERY))
    further = asked.total() - len(asked)
    if further:
        yield Remark(
            "note",
            f"{further} of {asked.total()} queries {'is' if further == 1 else 'are'} not asked: of each "
            "person one row of each modality is drawn; `aio-reid evaluate --data FOLDER --seeds 10 --out RESULTS` "
            "draws ten times",
        )


def find_wrong_sources(table: Table) -> Iterator[Remark]:
    """A source that is no photo of the manifest, or one of another person."""
    shown = _index_photos(table)
    sourced = [row for row in table.rows if row.cells.source is not None]
    foreign = [row for row in sourced if row.cells.person not in shown.get(_source(row), {row.cells.person: 0})]
    unknown = [row for row in sourced if row.cells.split is Split.QUERY and _source(row) not in shown]
    if foreign:
        row = foreign[0]
        person, number = next(iter(shown[_source(row)].items()))
        yield Remark(
            "error",
            f"{counted(len(foreign), 'row has a source', 'rows have a source')} that shows another person (row "
            f"{row.number}: {row.cells.person!r}, source {_source(row)!r} in row {number}: {person!r}); correct source "
            "or person",
        )
    if unknown and photos(table.of(Split.GALLERY)):
        yield Remark(
            "warning",
            f"{counted(len(unknown), 'source names', 'sources name')} no photo of this manifest (the first is "
            f"{_source(unknown[0])!r}, row {unknown[0].number}), so that the photo a query was made from may stay in "
            "its ranking; write the path of the photo as in the column path",
        )


RANKING_RULES = (find_halves, find_small_gallery, find_unanswerable, find_repeated, find_wrong_sources)


def _why_unanswerable(folder: Path, query: Row, matches: Sequence[Row]) -> str:
    """Return "absent", "own" or "camera"; "" where at least one match stays."""
    if not matches:
        return "absent"
    others = [row for row in matches if not _is_own(folder, query, row)]
    if not others:
        return "own"
    camera = query.cells.camera if query.cells.modality is Modality.RGB else None
    return "camera" if camera is not None and all(row.cells.camera == camera for row in others) else ""


def _tell(reason: str, rows: Sequence[Row], num_asked: int, cameras: set[str]) -> str:
    first = rows[0]
    example = f"(the first is row {first.number}, person {first.cells.person!r})"
    have = f"{len(rows)} of {num_asked} queries {'has' if len(rows) == 1 else 'have'}"
    if reason == "absent":
        return (
            f"{have} no photo of the person in the split gallery {example} and cannot be scored; add photos of these "
            "persons, or remove the queries"
        )
    if reason == "own":
        return (
            f"{have} no match but the query's own picture or the one that it was made from {example} and cannot "
            "be scored; add other photos of these persons to the gallery"
        )
    cause = f": all photos are by camera {min(cameras)!r}" if len(cameras) == 1 else ""
    return (
        f"{have} no match in another camera {example} and cannot be scored{cause}; add photos by other cameras, "
        "or empty the column camera, which switches the rule on cameras off"
    )


def _source(row: Row) -> str:
    return row.cells.source or ""


def _index_photos(table: Table) -> dict[str, dict[str, int]]:
    """Return, for each name that a source may have, the persons shown there, each with the number of the first row."""
    shown: dict[str, dict[str, int]] = {}
    for row in photos(table.rows):
        path = table.folder / (row.cells.path or "")
        ends = ("/".join(path.parts[start:]) for start in range(len(path.parts)))
        for name in (*ends, path.stem):
            shown.setdefault(name, {}).setdefault(row.cells.person, row.number)
    return shown


def _is_own(folder: Path, query: Row, photo: Row) -> bool:
    if query.cells.path is not None and PurePosixPath(query.cells.path) == PurePosixPath(photo.cells.path or ""):
        return True
    return query.cells.source is not None and _is_called(folder, photo, query.cells.source)


def _is_called(folder: Path, photo: Row, name: str) -> bool:
    """A source is named by the end of its path or by the bare name of the file."""
    path = folder / (photo.cells.path or "")
    return f"/{path.as_posix()}".endswith(f"/{name}") or path.stem == name
