"""Attribute words of captions, and how they are masked for vision-guided attribute modelling (method.md 6.2 and 9).

The 88 classes are closed: a caption's words are matched to them by their written forms, greedily and longest first, so
that "a man in a t-shirt" names a t-shirt and not a shirt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from aio_reid.data.text import CONTEXT_LENGTH, END_ID, MASK_ID, START_ID, ClipBpe, split_words

# Per group: classes, each with its aliases behind "=" (method.md section 9). "-" in a form also matches a space and
# nothing.
_VOCABULARY: dict[str, str] = {
    "colour": """black, white, gray = grey greyish silver, red = reddish crimson, maroon = burgundy wine,
        pink = pinkish rose coral salmon, orange = orangish, yellow = yellowish mustard, gold = golden, green =
        greenish, olive, teal = turquoise aqua cyan, blue = bluish blueish, navy, purple = purplish violet lavender,
        brown = brownish, beige = tan cream nude ivory, khaki""",
    "tone": "dark, light = pale, colorful = colourful multicolored multicoloured",
    "pattern": """striped = stripe, plaid = checkered checked, floral = flowered, dotted = polka polka-dot polka-dotted,
        printed = print graphic logo, camouflage = camo, denim, leather""",
    "upper body": """shirt, t-shirt = tee tee-shirt, blouse, polo, sweater = pullover jumper, sweatshirt,
        hoodie = hooded, cardigan, jacket, coat = overcoat parka, vest = waistcoat, suit = blazer, tank = camisole""",
    "lower body": """pants = pant slacks, trousers = trouser, jeans = jean, shorts, skirt, dress = gown,
        leggings = legging tights, sweatpants = joggers, capris = capri cropped""",
    "footwear": """shoes = shoe, sneakers = sneaker trainers, boots = boot, sandals = sandal, heels = heel pumps,
        flats = loafer, slippers = slipper flip-flop, socks = sock stocking""",
    "carried": """backpack = rucksack knapsack, handbag = purse, bag = tote satchel, briefcase, suitcase = luggage,
    umbrella,
        phone = cellphone""",
    "worn": """hat, cap, glasses = eyeglasses, sunglasses, mask, scarf, tie, headphones = headphone earphone, belt""",
    "hair": "bald, ponytail, bun, braid = pigtail, curly = wavy, blond = blonde",
    "sleeve": "sleeveless, short-sleeved = short-sleeve, long-sleeved = long-sleeve",
    "person": "man = male, woman = female lady, boy, girl",
}
# Groups of things, which also have a plural; colours, tones and sleeves of adjectives only.
_COUNTED = frozenset(("pattern", "upper body", "lower body", "footwear", "carried", "worn", "hair", "sleeve", "person"))
_ODD_PLURALS = {"man": "men", "woman": "women", "lady": "ladies", "scarf": "scarves"}

KEEP_SHARE = 0.5
"""Probability that an attribute of a caption is chosen for masking (method.md 6.2 step 1)."""
MASK_SHARE = 0.8
RANDOM_SHARE = 0.1
"""A chosen span becomes the mask token, a random token, or stays (the remaining tenth) (method.md 6.2 step 2)."""


@dataclass(frozen=True, slots=True)
class AttributeSpan:
    """An attribute named in a caption: pieces start..stop-1 of its CLIP pre-tokenisation, and a class index."""

    start: int
    stop: int
    label: int


@dataclass(frozen=True, slots=True)
class MaskedCaption:
    """A caption with some attributes hidden.

    Attributes:
        ids: start, tokens, end; not padded.
        positions: indices into `ids` at which an attribute is to be predicted, ascending; empty without attributes.
        labels: for each position the class, an index into `ATTRIBUTE_CLASSES`.
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    labels: tuple[int, ...]


def _parse_vocabulary() -> dict[str, tuple[str, ...]]:
    """Return per class, in order, every form that it is written in; parts of a form are joined by "-"."""
    forms: dict[str, tuple[str, ...]] = {}
    for group, text in _VOCABULARY.items():
        for entry in text.split(","):
            name, _, aliases = (part.strip() for part in entry.partition("="))
            singulars = (name, *aliases.split())
            plurals = [_plural(form) for form in singulars] if group in _COUNTED else []
            forms[name] = tuple(dict.fromkeys((*singulars, *plurals)))
    return forms


def _plural(noun: str) -> str:
    """Return the plural of a form; the form itself where it already is one. Forms that nobody writes do no harm."""
    head, dash, last = noun.rpartition("-")
    if last in _ODD_PLURALS:
        return head + dash + _ODD_PLURALS[last]
    if last.endswith(("ss", "sh", "ch", "x")):
        return noun + "es"
    return noun if last.endswith("s") else noun + "s"


_FORMS = _parse_vocabulary()
ATTRIBUTE_CLASSES: tuple[str, ...] = tuple(_FORMS)
"""The canonical class names; a class index is a place in this tuple."""


def find_attributes(caption: str) -> tuple[AttributeSpan, ...]:
    """Return the attributes that a caption names, in order and without overlap.

    Raises:
        TextError: an empty caption.
    """
    return _match(_pieces(caption))


def count_attributes(captions: Iterable[str]) -> dict[str, int]:
    """Return how often each class occurs in the captions; every class is listed, also those that never do.

    Raises:
        TextError: an empty caption.
    """
    counts = Counter(span.label for caption in captions for span in find_attributes(caption))
    return {name: counts[label] for label, name in enumerate(ATTRIBUTE_CLASSES)}


def mask_attributes(
    caption: str, rng: np.random.Generator, bpe: ClipBpe, context_length: int = CONTEXT_LENGTH
) -> MaskedCaption:
    """Return the caption with a random part of its attributes hidden (method.md 6.2 steps 1 and 2).

    Each attribute is chosen with probability 0.5, at least one if there is any. In 80 of 100 cases a chosen one becomes
    one mask token, in 10 one random token (so the caption gets shorter where it had several), in 10 it stays as written
    and is predicted at its first token. Attributes that start beyond the context are neither chosen nor counted as
    "any".

    Raises:
        TextError: an empty caption.
    """
    pieces = _pieces(caption)
    piece_ids = [bpe.piece_ids(piece) for piece in pieces]
    chosen = _choose(_match(pieces), piece_ids, rng, room=context_length - 2)
    ids, positions, labels = [START_ID], [], []
    at = 0
    for span in chosen:
        ids += [i for piece in piece_ids[at : span.start] for i in piece]
        positions.append(len(ids))
        labels.append(span.label)
        ids += _replacement([i for piece in piece_ids[span.start : span.stop] for i in piece], rng)
        at = span.stop
    ids += [i for piece in piece_ids[at:] for i in piece]
    return MaskedCaption((*ids[: context_length - 1], END_ID), tuple(positions), tuple(labels))


def _pieces(caption: str) -> list[str]:
    return [piece for word in split_words(caption) for piece in word.pieces]


@cache
def _label_of_form() -> dict[tuple[str, ...], int]:
    """Return the class of each form as CLIP pieces: "t-shirt" is read from t-shirt, "t shirt" and tshirt alike."""
    table: dict[tuple[str, ...], int] = {}
    for label, forms in enumerate(_FORMS.values()):
        for form in forms:
            parts = form.split("-")
            hyphenated = [piece for part in parts for piece in (part, "-")][:-1]
            for pieces in (tuple(hyphenated), tuple(parts), ("".join(parts),)):
                table[pieces] = label
    return table


@cache
def _longest_form() -> dict[str, int]:
    """Return for each piece that a form begins with the number of pieces of the longest such form."""
    longest: dict[str, int] = {}
    for form in _label_of_form():
        longest[form[0]] = max(len(form), longest.get(form[0], 0))
    return longest


def _match(pieces: list[str]) -> tuple[AttributeSpan, ...]:
    table, longest = _label_of_form(), _longest_form()
    spans: list[AttributeSpan] = []
    start = 0
    while start < len(pieces):
        most = longest.get(pieces[start], 0)  # 0 of most words
        stops = range(min(start + most, len(pieces)), start, -1)
        stop = next((stop for stop in stops if tuple(pieces[start:stop]) in table), None) if most else None
        if stop is not None:
            spans.append(AttributeSpan(start, stop, table[tuple(pieces[start:stop])]))
        start = start + 1 if stop is None else stop
    return tuple(spans)


def _choose(
    spans: tuple[AttributeSpan, ...], piece_ids: list[tuple[int, ...]], rng: np.random.Generator, *, room: int
) -> list[AttributeSpan]:
    """Return the spans to hide, all of them within the first `room` tokens. Hiding only moves later ones forward."""
    first_token = np.cumsum([0, *map(len, piece_ids)])
    readable = [span for span in spans if first_token[span.start] < room]
    if not readable:
        return []
    kept = rng.random(len(readable)) < KEEP_SHARE
    if not kept.any():
        kept[rng.integers(len(readable))] = True
    return [span for span, keep in zip(readable, kept, strict=True) if keep]


def _replacement(own: list[int], rng: np.random.Generator) -> list[int]:
    draw = rng.random()
    if draw < MASK_SHARE:
        return [MASK_ID]
    return [int(rng.integers(1, MASK_ID))] if draw < MASK_SHARE + RANDOM_SHARE else own
