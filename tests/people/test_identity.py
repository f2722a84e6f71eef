"""Identities: the same seed, the same person; twins differ in exactly one attribute; names are those of the
vocabulary.
"""

from __future__ import annotations

from dataclasses import fields

import pytest

from aio_reid.data.attributes import ATTRIBUTE_CLASSES
from aio_reid.people import wardrobe
from aio_reid.people.identity import Identity, near_twin, random_identity

PEOPLE = [random_identity(seed) for seed in range(300)]


def test_the_same_seed_is_the_same_person_and_another_is_not() -> None:
    assert [random_identity(seed) for seed in range(300)] == PEOPLE
    assert len({(p.upper, p.lower, p.shoes, p.hair) for p in PEOPLE}) == 300


@pytest.mark.parametrize("seed", range(40))
def test_a_twin_differs_in_exactly_one_attribute(seed: int) -> None:
    person = PEOPLE[seed]
    twin = near_twin(person, seed + 1000)
    differing = [
        f.name for f in fields(Identity) if f.name != "seed" and getattr(person, f.name) != getattr(twin, f.name)
    ]
    assert len(differing) == 1
    assert twin.hair.paint.colour in wardrobe.HAIR_COLOURS


def test_no_twin_wears_a_pattern_in_the_colour_that_it_lies_on() -> None:
    for seed in range(1500):
        person = PEOPLE[seed % len(PEOPLE)]
        garments = [g for g in (person.upper, person.lower, person.shoes) if g is not None]
        twin = near_twin(person, seed)
        for before, after in zip(garments, [g for g in (twin.upper, twin.lower, twin.shoes) if g], strict=True):
            assert before == after or after.paint.colour not in (before.paint.colour, after.second.colour)


def test_what_lies_on_the_chest_is_of_garments_that_show_one() -> None:
    printed = [g for p in PEOPLE for g in (p.upper, p.outer, p.lower) if g is not None and g.pattern == "printed"]
    assert len(printed) > 5 and all(any(garment is p.upper for p in PEOPLE) for garment in printed)


def test_names_are_attribute_classes() -> None:
    known = set(ATTRIBUTE_CLASSES)
    assert set(wardrobe.COLOURS) <= known
    for kinds in (wardrobe.UPPER_KINDS, wardrobe.LOWER_KINDS, wardrobe.SHOE_KINDS, wardrobe.CARRIED_KINDS):
        assert set(kinds) <= known
    assert {pattern for pattern, _ in wardrobe.PATTERNS} <= known


def test_people_vary_as_people_do() -> None:
    feminine = [p for p in PEOPLE if p.gender in ("woman", "girl")]
    assert 0.35 < len(feminine) / len(PEOPLE) < 0.65
    assert all(p.lower is not None or p.upper.kind == "dress" for p in PEOPLE)
    assert all(p.outer is None or p.outer.is_open for p in PEOPLE)
    assert 0.1 < sum(p.outer is not None for p in PEOPLE) / len(PEOPLE) < 0.5
    assert all(0.0 < value < 1.0 for p in PEOPLE for value in p.upper.paint.rgb)
