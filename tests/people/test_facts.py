"""What is to be seen of drawn people, by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aio_reid.people.facts import visible_attributes
from aio_reid.people.identity import near_twin, random_identity
from aio_reid.people.limbs import SLEEVES

PEOPLE = [random_identity(seed) for seed in range(400)]
PARTS = {"upper", "inner", "lower", "head", "shoes", "hair", "bag"}


def parts(names: set[str]) -> set[str]:
    return {name.split(" ")[0] for name in names}


def test_every_garment_that_shows_is_told_and_a_hidden_one_is_not() -> None:
    seen = {"open": 0, "closed": 0, "alone": 0}
    layered = [(person, person.outer) for person in PEOPLE if person.outer is not None]
    closed = [replace(person, outer=replace(outer, is_open=False)) for person, outer in layered]
    for person in [*PEOPLE, *closed]:
        names = visible_attributes(person)
        assert len(set(names)) == len(names) and all(" " not in n or n.split(" ")[0] in PARTS for n in names)
        told = set(names)
        assert {person.gender, f"shoes {person.shoes.kind}", f"hair {person.hair.style}", *person.worn} <= told
        assert {f"bag {thing.kind}" for thing in person.carried} == {n for n in told if n in BAGS}
        shown = person.outer or person.upper
        assert {f"upper {shown.kind}", f"upper {shown.paint.colour}"} <= told
        is_open = person.outer is not None and person.outer.is_open
        assert (f"inner {person.upper.kind}" in told) == is_open
        assert ("lower" in parts(told)) == (person.lower is not None)
        seen["alone" if person.outer is None else "open" if is_open else "closed"] += 1
    assert min(seen.values()) > 5


BAGS = {f"bag {thing.kind}" for person in PEOPLE for thing in person.carried}


def test_a_twin_differs_in_one_part_and_skin_is_never_told() -> None:
    for seed, person in enumerate(PEOPLE):
        mine, twins = set(visible_attributes(person)), set(visible_attributes(near_twin(person, seed)))
        assert len(parts(mine ^ twins)) == 1, mine ^ twins
        assert visible_attributes(replace(person, skin=(0.5, 0.5, 0.5))) == visible_attributes(person)


def test_sleeves_below_a_sleeved_jacket_are_not_told() -> None:
    layered = [(person, person.outer.sleeve) for person in PEOPLE if person.outer is not None]
    assert {sleeve for _, sleeve in layered} == {"long-sleeved", "sleeveless"}
    for person, outer in layered:
        told = {f"inner {sleeve}" for sleeve in SLEEVES if sleeve} & set(visible_attributes(person))
        assert told == ({f"inner {person.upper.sleeve}"} if outer == "sleeveless" else set())


def test_names_are_common_enough_to_be_learned() -> None:
    """Of some hundred names, few are rare."""
    counts = {name: 0 for person in PEOPLE for name in visible_attributes(person)}
    for person in PEOPLE:
        for name in visible_attributes(person):
            counts[name] += 1
    assert 100 < len(counts) < 300
    assert np.median(list(counts.values())) >= 0.02 * len(PEOPLE)
