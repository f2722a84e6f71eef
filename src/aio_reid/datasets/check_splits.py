"""Remarks on what is trained with, validated with and tested with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from aio_reid.datasets.manifest import TEST_SPLITS
from aio_reid.datasets.remarks import Remark, Table, counted, persons, photos
from aio_reid.records import Modality, Split

_MADE_FROM_PHOTOS = (Modality.INFRARED, Modality.SKETCH)
"""What training can synthesise where it is not recorded."""


def find_known_persons(table: Table) -> Iterator[Remark]:
    """Who was seen in training is found too easily."""
    trained, held_out = persons(table.of(Split.TRAIN)), persons(table.of(Split.VAL))
    tested = persons(table.tested)
    rest = "keep all rows of a person on one side"
    for first, second, place, result in (
        (trained, tested, "in train and in query or gallery", "the result would be that of persons seen in training"),
        (trained, held_out, "in train and in val", "training refuses to validate on persons that it has seen"),
    ):
        if both := _shared(first, second):
            yield Remark("error", f"{both} {place}: {result}; {rest}")
    if both := _shared(held_out, tested):
        yield Remark("warning", f"{both} in val and in query or gallery: models would be chosen on the test; {rest}")


def find_untrainable(table: Table) -> Iterator[Remark]:
    """Training binds everything to photos, and tells persons apart."""
    rows = table.of(Split.TRAIN)
    everyone, pictured = persons(rows), persons(photos(rows))
    unseen = [row for row in rows if row.cells.person not in pictured]
    if rows and not pictured:
        yield Remark(
            "error",
            f"none of the {len(rows)} rows of the split train is a photo (rgb), to which training binds all else; "
            "add photos of these persons",
        )
    elif unseen:
        yield Remark(
            "warning",
            f"of {len(everyone)} persons in the split train, "
            f"{counted(len(persons(unseen)), 'has no photo', 'have no photo')} (the first is "
            f"{unseen[0].cells.person!r}, row {unseen[0].number}): their {counted(len(unseen), 'row')} will not be "
            "used; add photos of them",
        )
    if len(pictured) == 1:
        yield Remark(
            "error",
            f"all photos of the split train are of person {next(iter(pictured))!r}: there is nobody to tell apart; "
            "add photos of other persons",
        )


def find_validation(table: Table) -> Iterator[Remark]:
    """A training without a split val runs blind; one with a split val that cannot be ranked does not start."""
    held_out = table.of(Split.VAL)
    if held_out and not photos(held_out):
        yield Remark(
            "error",
            f"none of the {len(held_out)} rows of the split val is a photo (rgb), so that there is nothing to find; "
            "add photos of these persons, or leave the split out",
        )
    if not held_out and photos(table.of(Split.TRAIN)):
        yield Remark(
            "note",
            "no row is of the split val: a training will not show how well it finds persons whom it has not seen; move "
            "some persons from train to val",
        )


def find_unmatched_modalities(table: Table) -> Iterator[Remark]:
    """Learned, but never asked; or asked, but never learned."""
    trained = Counter(row.cells.modality for row in table.of(Split.TRAIN))
    asked = Counter(row.cells.modality for row in table.of(Split.VAL, Split.QUERY))
    if not trained or not asked:
        return
    for kind in Modality:
        if trained[kind] and not asked[kind] and kind is not Modality.RGB:
            yield Remark(
                "note",
                f"{kind.value} is in the split train only ({counted(trained[kind], 'row')}): no result will tell "
                "whether it was learned; add some to query or val",
            )
        if asked[kind] and not trained[kind]:
            remedy = "let it be synthesised" if kind in _MADE_FROM_PHOTOS else "evaluate other weights"
            yield Remark(
                "warning",
                f"{kind.value} is in the splits query and val ({counted(asked[kind], 'row')}), but not in train: a "
                f"training on this does not learn it; add some to train, or {remedy}",
            )


def find_nothing_to_do(table: Table) -> Iterator[Remark]:
    """A manifest for training alone is complete; the others lack what they are evaluated with."""
    present = {row.cells.split for row in table.rows}
    if not present.intersection(TEST_SPLITS):
        yield Remark(
            "note",
            "no row is of the split query or gallery: there is nothing to evaluate; add both for persons who are not "
            "in train, if you want to",
        )


SPLIT_RULES = (find_known_persons, find_untrainable, find_validation, find_unmatched_modalities, find_nothing_to_do)


def _shared(first: Mapping[str, int], second: Mapping[str, int]) -> str:
    """Return "2 persons are (the first is '5', rows 1 and 9)"; "" for none."""
    both = [person for person in first if person in second]
    if not both:
        return ""
    example = f"({both[0]!r}, rows {first[both[0]]} and {second[both[0]]})"
    return f"{counted(len(both), 'person')} {example} {'is' if len(both) == 1 else 'are'}"
