"""Attribute words are found as people write them, and masked as method.md 6.2 says."""

from __future__ import annotations

import numpy as np
import pytest

from aio_reid.data.attributes import ATTRIBUTE_CLASSES, count_attributes, find_attributes, mask_attributes
from aio_reid.data.text import END_ID, MASK_ID, START_ID, ClipBpe
from aio_reid.errors import TextError

CAPTION = "A woman in a red t-shirt, dark blue jeans and short sleeved coat with two grey backpacks."
NAMES = ["woman", "red", "t-shirt", "dark", "blue", "jeans", "short-sleeved", "coat", "gray", "backpack"]


@pytest.fixture(scope="module")
def bpe() -> ClipBpe:
    return ClipBpe.load()


def names(caption: str) -> list[str]:
    return [ATTRIBUTE_CLASSES[span.label] for span in find_attributes(caption)]


def test_the_classes_are_those_of_the_method() -> None:
    assert len(ATTRIBUTE_CLASSES) == len(set(ATTRIBUTE_CLASSES)) == 88
    assert ATTRIBUTE_CLASSES[0] == "black"
    assert ATTRIBUTE_CLASSES[17:19] == ("khaki", "dark")
    assert ATTRIBUTE_CLASSES[-4:] == ("man", "woman", "boy", "girl")


@pytest.mark.parametrize("name", ATTRIBUTE_CLASSES)
def test_every_class_is_found_by_its_own_name(name: str) -> None:
    assert names(f"the {name} here") == [name]
    assert names(f"the {name.upper()} here") == [name]
    assert names(f"the {name.replace('-', ' ')}.") == [name]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a man in a t-shirt", ["man", "t-shirt"]),
        ("men in tshirts, T shirts and Tees", ["man", "t-shirt", "t-shirt", "t-shirt"]),
        ("a shirt", ["shirt"]),
        ("short hair, shorts, short sleeves", ["shorts", "short-sleeved"]),
        ("a long sleeve sweatshirt and sweatpants", ["long-sleeved", "sweatshirt", "sweatpants"]),
        ("ladies with scarves, dresses and pigtails", ["woman", "scarf", "dress", "braid"]),
        ("a polka-dotted skirt, polka dots, a polka dress", ["dotted", "skirt", "dotted", "dotted", "dress"]),
        ("greyish, burgundy and turquoise", ["gray", "maroon", "teal"]),
        ("flip-flops, flip flops, one sneaker", ["slippers", "slippers", "sneakers"]),
        ("a glass in a bottle, tight", []),
        ("eyeglasses and sunglasses", ["glasses", "sunglasses"]),
        ("the man's handbag", ["man", "handbag"]),
        ("redhead, capable, battle", []),
        ("colourful hooded top, checked trousers", ["colorful", "hoodie", "plaid", "trousers"]),
        (CAPTION, NAMES),
    ],
)
def test_captions_as_people_write_them(caption: str, expected: list[str]) -> None:
    assert names(caption) == expected


def test_counting_lists_every_class() -> None:
    counts = count_attributes(["a red shirt and red shoes", "a shoe", "nothing at all"])
    assert tuple(counts) == ATTRIBUTE_CLASSES
    assert {name: count for name, count in counts.items() if count} == {"red": 2, "shirt": 1, "shoes": 2}
    with pytest.raises(TextError):
        count_attributes([" "])


def fates(bpe: ClipBpe, num_draws: int = 4000) -> tuple[int, list[int], list[tuple[int, ...]]]:
    """Return (number of spans, how many were chosen per draw, what stood in for the one-token span "red")."""
    rng = np.random.default_rng(0)
    chosen, stand_ins = [], []
    red = ATTRIBUTE_CLASSES.index("red")
    for _ in range(num_draws):
        masked = mask_attributes(CAPTION, rng, bpe)
        chosen.append(len(masked.positions))
        stand_ins += [
            (masked.ids[p],) for p, label in zip(masked.positions, masked.labels, strict=True) if label == red
        ]
    return len(NAMES), chosen, stand_ins


def test_shares_of_masking(bpe: ClipBpe) -> None:
    num_spans, chosen, stand_ins = fates(bpe)
    assert min(chosen) >= 1
    assert np.mean(chosen) == pytest.approx(num_spans / 2, abs=0.1)
    own = bpe.piece_ids("red")
    assert np.mean([s == (MASK_ID,) for s in stand_ins]) == pytest.approx(0.8, abs=0.03)
    assert np.mean([s == own for s in stand_ins]) == pytest.approx(0.1, abs=0.02)
    others = [s[0] for s in stand_ins if s not in ((MASK_ID,), own)]
    assert len(others) / len(stand_ins) == pytest.approx(0.1, abs=0.02)
    assert min(others) >= 1
    assert max(others) < MASK_ID


def test_a_masked_span_is_one_token_and_the_rest_stays(bpe: ClipBpe) -> None:
    rng = np.random.default_rng(1)
    plain = list(bpe.encode("a man in a t-shirt today").ids)
    man, shirt = (ATTRIBUTE_CLASSES.index(name) for name in ("man", "t-shirt"))
    expected = {
        (man,): [*plain[:2], MASK_ID, *plain[3:]],
        (shirt,): [*plain[:5], MASK_ID, *plain[8:]],
        (man, shirt): [*plain[:2], MASK_ID, *plain[3:5], MASK_ID, *plain[8:]],
    }
    seen = set()
    for _ in range(200):
        masked = mask_attributes("a man in a t-shirt today", rng, bpe)
        if all(masked.ids[p] == MASK_ID for p in masked.positions):
            assert list(masked.ids) == expected[masked.labels]
            assert masked.positions == {(man,): (2,), (shirt,): (5,), (man, shirt): (2, 5)}[masked.labels]
            seen.add(masked.labels)
    assert seen == set(expected)


def test_a_single_attribute_is_always_chosen(bpe: ClipBpe) -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        masked = mask_attributes("someone in boots", rng, bpe)
        assert [ATTRIBUTE_CLASSES[label] for label in masked.labels] == ["boots"]


def test_a_caption_without_attributes_stays_as_it_is(bpe: ClipBpe) -> None:
    masked = mask_attributes("someone walks by", np.random.default_rng(0), bpe)
    assert (masked.positions, masked.labels) == ((), ())
    assert masked.ids == bpe.encode("someone walks by").ids


def test_positions_beyond_the_context_do_not_occur(bpe: ClipBpe) -> None:
    rng = np.random.default_rng(3)
    long = "a red t-shirt and " * 30 + "boots"
    for context_length in (3, 4, 7, 20, 77):
        for _ in range(50):
            masked = mask_attributes(long, rng, bpe, context_length)
            assert len(masked.ids) <= context_length
            assert (masked.ids[0], masked.ids[-1]) == (START_ID, END_ID)
            assert all(0 < p < len(masked.ids) - 1 for p in masked.positions)
            assert len(masked.positions) == len(masked.labels)
    assert mask_attributes(long, rng, bpe, 3).positions == ()  # only "a" is read


def test_the_generator_decides_alone(bpe: ClipBpe) -> None:
    first, second = (
        [mask_attributes(CAPTION, rng, bpe) for _ in range(5)]
        for rng in (np.random.default_rng(7), np.random.default_rng(7))
    )
    assert first == second
