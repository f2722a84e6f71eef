"""Sentences about a person, as witnesses and annotators write them, with the attribute classes that stand in them.

A grammar with synonyms, free order, omission and, now and then, a neighbouring colour as memory has it. Labels always
follow the words that are written, not the person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from aio_reid.people.identity import Identity
from aio_reid.people.phrases import Dice, Teller

_TAG = re.compile(r"([^\s{}]+)\{([^{}]*)\}")
_BRACES = re.compile(r"\{[^{}]*\}")
_ARTICLE = re.compile(r"\ba(?= [aeiou])")
_START = re.compile(r"(?:^|(?<=\. ))[a-z]")
_MIN_WORDS, _MAX_WORDS = 8, 60


@dataclass(frozen=True, slots=True)
class Caption:
    """One text and the attribute classes (method.md section 9) that its words name, in order of first occurrence."""

    text: str
    attributes: tuple[str, ...]


def describe(identity: Identity, rng: np.random.Generator) -> Caption:
    """Write one to three sentences, or terse notes, of 8 to 60 words about a person.

    The same identity and state of `rng` give the same caption.
    """
    dice = Dice(rng)
    teller = Teller(identity, dice)
    style = dice.unit()
    if style < 0.20:
        marked = _notes(teller)
        if _MIN_WORDS <= _count_words(marked) <= _MAX_WORDS:
            return _finish(marked, lower=dice.chance(0.6))
    draft = _portrait if style < 0.55 else _sentences if style < 0.83 else _witness
    recall = 0.5 + 0.5 * dice.unit()
    marked = draft(teller, recall)
    while not _MIN_WORDS <= _count_words(marked) <= _MAX_WORDS:
        recall = 1.0 if _count_words(marked) < _MIN_WORDS else recall * 0.7
        marked = draft(teller, recall)
    return _finish(marked, lower=dice.chance(0.1))


def _portrait(teller: Teller, recall: float) -> str:
    """One sentence: "A woman with black hair wearing a white top and jeans, carrying a bag."."""
    dice = teller.dice
    looks, clothes, things = teller.looks(recall), teller.clothes(recall), teller.things(recall)
    opening = f"a {teller.person(1.0)}"
    if looks:
        opening += f" with {_listed(dice, looks)}"
    verb = dice.pick(
        ("wearing", "wearing", "wearing", "in", "dressed in", "who is wearing", "is wearing", "wears", "wore")
    )
    body = f"{opening} {verb} {_listed(dice, clothes)}"
    if not things:
        return f"{body}."
    if dice.chance(0.25):
        return f"{body}. {teller.pronoun} is {_listed(dice, _finite(things))}."
    return f"{body}, {dice.pick(('', '', 'and '))}{_listed(dice, things)}."


def _sentences(teller: Teller, recall: float) -> str:
    """Two or three sentences: "The man is wearing a ... He has ... He is carrying ..."."""
    dice = teller.dice
    looks, clothes, things = teller.looks(recall), teller.clothes(recall), teller.things(recall)
    subject = f"{dice.pick(('the', 'the', 'this', 'a'))} {teller.person(0.7)}"
    late = clothes[2:] if len(clothes) > 2 and dice.chance(0.5) else []
    early = clothes[: len(clothes) - len(late)]
    facts = [f"%s {dice.pick(('is wearing', 'is wearing', 'wears', 'is dressed in', 'has on'))} {_listed(dice, early)}"]
    rest = []
    if looks:
        rest.append(f"%s has {_listed(dice, looks)}")
    if late:
        rest.append(f"%s {dice.pick(('is wearing', 'also wears', 'has'))} {_listed(dice, late)}")
    if things:
        rest.append(f"%s is {_listed(dice, _finite(things))}")
    rest = dice.shuffled(rest)
    facts = [*rest[:1], *facts, *rest[1:]] if dice.chance(0.2) else [*facts, *rest]
    if len(facts) > 3:
        facts = [*facts[:2], f"{facts[2]} and {facts[3].removeprefix('%s ')}"]
    told = [fact.replace("%s", subject if index == 0 else teller.pronoun, 1) for index, fact in enumerate(facts)]
    if len(told) > 1 and dice.chance(0.2):
        return f"{told[0]}, and {'. '.join(told[1:])}."
    return f"{'. '.join(told)}."


def _witness(teller: Teller, recall: float) -> str:
    """Somebody remembers: past tense and doubt."""
    dice, pronoun = teller.dice, teller.pronoun
    looks, clothes, things = teller.looks(recall * 0.8), teller.clothes(recall), teller.things(recall)
    opening = dice.pick(("I saw %s", "it was %s", "there was %s", "looking for %s", "we noticed %s", "%s")).replace(
        "%s", f"a {teller.person(1.2)}"
    )
    hedges = ("maybe", "I think", "probably", "some kind of", "what looked like", "perhaps")
    doubt = int(dice.unit() * len(clothes) * 2.0)
    clothes = [_doubted(dice.pick(hedges), phrase) if n == doubt else phrase for n, phrase in enumerate(clothes)]
    told = [f"{opening} {dice.pick(('in', 'wearing', 'with', 'dressed in', 'who wore'))} {_listed(dice, clothes)}"]
    if looks:
        told.append(f"{pronoun} {dice.pick(('had', 'had', 'has', 'must have had'))} {_listed(dice, looks)}")
    if things:
        afterthought = dice.pick(("", "", ", I believe", ", as far as I remember"))
        told.append(f"{pronoun} was {_listed(dice, _finite(things))}{afterthought}")
    return f"{'. '.join(told)}."


def _notes(teller: Teller) -> str:
    """Terse notes: "guy, red hoodie, dark jeans, backpack"."""
    dice = teller.dice
    recall = 0.5 + 0.5 * dice.unit()
    parts = [*teller.clothes(recall), *teller.looks(recall * 0.8), *teller.things(recall)]
    parts = dice.shuffled(parts) if dice.chance(0.3) else parts
    parts = [_bare(part) if dice.chance(0.9) else part for part in parts]
    person = teller.person(1.0)
    parts = [*parts, person] if dice.chance(0.12) else [person, *parts]
    separator = dice.pick((", ", ", ", ", ", "; ", ". ", " / "))
    return separator.join(parts) + dice.pick((".", "", ""))


def _finite(things: list[str]) -> list[str]:
    """Make every part fit after "is"."""
    return [re.sub("^with ", "carrying ", thing) for thing in things]


def _doubted(hedge: str, phrase: str) -> str:
    return f"{hedge} {re.sub('^an? ', '', phrase) if hedge.endswith('of') else phrase}"


def _bare(phrase: str) -> str:
    return re.sub("^(?:carrying |holding |wearing |with |pulling )?(?:a )?", "", phrase)


def _listed(dice: Dice, parts: list[str]) -> str:
    if len(parts) < 3:
        return " and ".join(parts)
    last = dice.pick((" and ", " and ", ", and ", " and ", ", "))
    return f"{', '.join(parts[:-1])}{last}{parts[-1]}"


def _count_words(marked: str) -> int:
    return len(marked.split())


def _finish(marked: str, *, lower: bool = False) -> Caption:
    """Take the labels out of the marked words, mend articles, and set capitals."""
    attributes = dict.fromkeys(name or word for word, name in _TAG.findall(marked))
    plain = _ARTICLE.sub("an", _BRACES.sub("", marked))
    text = plain if lower else _START.sub(lambda match: match.group().upper(), plain)
    return Caption(text=text, attributes=tuple(attributes))
