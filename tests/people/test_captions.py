from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from aio_reid.data.attributes import ATTRIBUTE_CLASSES, find_attributes
from aio_reid.people import lexicon
from aio_reid.people.captions import Caption, describe
from aio_reid.people.identity import Carried, Identity, near_twin, random_identity

# What a witness may call each thing: a class stands in the labels only if one of these is true of the person.
LOOSE_KINDS = {
    "shirt",
    "jacket",
    "coat",
    "pants",
    "trousers",
    "shoes",
    "bag",
    "sweater",
    "sleeveless",
    "suit",
    "sweatshirt",
}


PEOPLE = [random_identity(i) for i in range(500)]


def captions(number: int, seed: int = 5) -> list[tuple[Identity, Caption]]:
    rng = np.random.default_rng(seed)
    people = [PEOPLE[i % len(PEOPLE)] for i in range(number)]
    return [(person, describe(person, rng)) for person in people]


def test_same_seed_same_sentence_and_other_seed_other_sentence() -> None:
    person = random_identity(3)
    first, again, other = (describe(person, np.random.default_rng(s)) for s in (1, 1, 2))
    assert first == again
    assert first.text != other.text


def test_length_and_clean_writing() -> None:
    for _, caption in captions(1500):
        text = caption.text
        assert 8 <= len(text.split()) <= 60, text
        assert not re.search(r"[{}%]|  | ,|\.\.|,,", text), text
        assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]", text), text
        assert not re.search(r"\b(an? an?|the an?|is is|with with)\b", text), text


def test_many_different_sentences_for_one_person() -> None:
    rng = np.random.default_rng(0)
    person = random_identity(11)
    texts = {describe(person, rng).text for _ in range(300)}
    assert len(texts) > 290


def test_every_word_of_the_lexicon_is_used() -> None:
    told = " ".join(caption.text for _, caption in captions(6000)).lower()
    nouns = {re.sub(r"\{[^}]*\}", "", word) for words in lexicon.NOUNS.values() for word in words}
    unused = {noun for noun in nouns if noun not in told}
    assert len(unused) <= 3, unused


def test_says_only_what_is_true_of_the_person() -> None:
    for person, caption in captions(1500):
        names = set(caption.attributes)
        kinds = {g.kind for g in (person.upper, person.outer, person.lower, person.shoes, person.headwear) if g}
        kinds |= {thing.kind for thing in person.carried} | set(person.worn)
        nouns = set(lexicon.NOUNS) | set(lexicon.WORN)
        assert names & nouns <= kinds | LOOSE_KINDS, (caption, kinds)
        assert names & {"man", "woman", "boy", "girl"} <= {person.gender}
        assert names & {"bald", "ponytail", "bun", "braid", "curly"} <= {person.hair.style}
        patterns = {g.pattern for g in (person.upper, person.outer, person.lower) if g} | {"printed"}
        assert names & set(lexicon.PATTERN_BEFORE) <= patterns


def test_colours_are_mostly_right() -> None:
    rng = np.random.default_rng(9)
    told = right = 0
    for person in PEOPLE:
        if person.lower is None or person.lower.pattern or person.lower.kind != "shorts":
            continue
        for _ in range(30):
            found = re.findall(
                r"(?:,|and|in|is) (black|white|red|green|pink|purple) shorts", describe(person, rng).text
            )
            told += len(found)
            right += sum(word == person.lower.paint.colour for word in found)
    assert told > 100
    assert right / told > 0.85


def test_a_twin_who_differs_in_a_bag_can_be_told_apart() -> None:
    person = random_identity(21)
    seed = next(s for s in range(1000, 2000) if near_twin(person, s).carried != person.carried)
    twin = near_twin(person, seed)
    rng = np.random.default_rng(4)
    kinds = {one: {name for _ in range(60) for name in describe(one, rng).attributes} for one in (person, twin)}
    differing = {c.kind for c in person.carried} ^ {c.kind for c in twin.carried}
    assert all((kind in kinds[person]) != (kind in kinds[twin]) for kind in differing - LOOSE_KINDS)


def test_a_bag_is_carried_in_the_words_of_how_it_is_drawn() -> None:
    told = {
        "hand": "in (his|her) hand",
        "shoulder": "over (his|her) (left )?shoulder",
        "across": "across (his|her) body|over (his|her) right shoulder",
    }
    for kind, seed, hanging in (
        ("bag", 3, "hand"),
        ("bag", 4, "across"),
        ("handbag", 3, "hand"),
        ("handbag", 4, "shoulder"),
    ):
        person = replace(random_identity(seed), carried=(Carried(kind, random_identity(1).worn_paint, -1, 1.0),))
        assert person.hanging(person.carried[0]) == hanging
        rng = np.random.default_rng(seed)
        texts = [describe(person, rng).text for _ in range(200)]
        assert any(re.search(told[hanging], text) for text in texts)
        others = [
            words for name, words in told.items() if name != hanging and {name, hanging} != {"shoulder", "across"}
        ]
        assert not any(re.search(words, text) for text in texts for words in others)
        left, right = (f"{side} shoulder" in " ".join(texts) for side in ("left", "right"))
        assert (left, right) == (hanging == "shoulder", hanging == "across")  # the bag is on the left side


def test_labels_are_what_the_attribute_parser_reads_in_the_text() -> None:
    for _, caption in captions(2000):
        found = [ATTRIBUTE_CLASSES[span.label] for span in find_attributes(caption.text)]
        assert tuple(dict.fromkeys(found)) == caption.attributes, caption
