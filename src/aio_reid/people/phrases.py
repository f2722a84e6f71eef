"""The parts of one person in words: "long black hair", "a red striped shirt with short sleeves", "carrying a bag".

Phrases hold marked words (see `lexicon`): the label of a class stands in braces behind its word.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aio_reid.people import lexicon
from aio_reid.people.identity import Carried, Garment, Identity
from aio_reid.people.paint import Paint

_WRONG_COLOUR = 0.03
_SHOE_KINDS = ("sneakers", "shoes", "boots", "sandals", "heels", "flats", "slippers")


class Dice:
    """Fast draws from one generator: numbers are taken in blocks."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._drawn: list[float] = []

    def unit(self) -> float:
        """Return the next number in 0..1."""
        if not self._drawn:
            self._drawn = self._rng.random(64).tolist()
        return self._drawn.pop()

    def chance(self, probability: float) -> bool:
        """Return True with that probability."""
        return self.unit() < probability

    def pick(self, choices: Sequence[str]) -> str:
        """Return one of the choices, each as likely as it is often listed."""
        return choices[int(self.unit() * len(choices))]

    def shuffled(self, items: Sequence[str]) -> list[str]:
        """Return the items in random order."""
        return [item for _, item in sorted((self.unit(), item) for item in items)]


class Teller:
    """Puts the parts of one person into marked words (see `lexicon`)."""

    def __init__(self, identity: Identity, dice: Dice) -> None:
        self.identity = identity
        self.dice = dice
        male = identity.gender in ("man", "boy")
        self.pronoun, self.possessive = ("he", "his") if male else ("she", "her")

    def person(self, adjectives: float) -> str:
        """Return "tall young man{}", without article."""
        one, dice = self.identity, self.dice
        told = []
        size = 1.32 if one.gender in ("boy", "girl") else 1.77 if one.gender == "man" else 1.64
        if abs(one.height_m - size) > 0.06 and dice.chance(0.4 * adjectives):
            told.append(dice.pick(lexicon.BUILDS["tall" if one.height_m > size else "short"]))
        if not 0.25 < one.build < 0.7 and dice.chance(0.4 * adjectives):
            told.append(dice.pick(lexicon.BUILDS["slim" if one.build < 0.5 else "heavy"]))
        if dice.chance(0.35 * adjectives):
            told.append(dice.pick(lexicon.AGES[_age(one)]))
        return " ".join([*told, dice.pick(lexicon.PEOPLE[one.gender])])

    def colour(self, paint: Paint, forget: float) -> str:
        """Return the colour's name, or "" when it is forgotten."""
        dice = self.dice
        if dice.chance(forget):
            return ""
        colour, tone = paint.colour, paint.tone
        if dice.chance(_WRONG_COLOUR):
            colour, tone = dice.pick(lexicon.NEIGHBOURS[colour]), ""
        if dice.chance(0.05) and (tone or colour in lexicon.DEEP_COLOURS or colour in lexicon.PALE_COLOURS):
            shade = tone or ("dark" if colour in lexicon.DEEP_COLOURS else "light")
            return dice.pick((f"{shade}{{}}", f"{shade}{{}}-coloured", f"{shade}{{}}-colored"))
        further = lexicon.TONED.get((tone, colour), ())
        if tone and further and dice.chance(0.4):
            return dice.pick(further)
        if tone and dice.chance(0.75):
            return f"{tone}{{}} {colour}{{}}"
        return dice.pick(lexicon.COLOURS[colour])

    def garment(self, garment: Garment, forget: float = 0.06) -> str:
        """Return "red{} striped{} shirt{} with ...", without article."""
        dice = self.dice
        before = [self.colour(garment.paint, forget)]
        after: list[str] = []
        if garment.pattern and dice.chance(0.8):
            self._pattern(garment, before, after)
        if garment.sleeve and dice.chance(0.4 if garment.kind in ("shirt", "blouse", "dress") else 0.15):
            self._sleeve(garment, before, after)
        if (
            garment.material in ("leather", "denim")
            and garment.kind not in ("jeans", *_SHOE_KINDS)
            and dice.chance(0.6)
        ):
            before.append(f"{garment.material}{{}}")
        shape = self._shape(garment)
        if shape:
            before.insert(0 if dice.chance(0.7) else 1, shape)
        return words(*before, dice.pick(lexicon.NOUNS[garment.kind]), *after)

    def _pattern(self, garment: Garment, before: list[str], after: list[str]) -> None:
        dice = self.dice
        if garment.pattern == "floral" and dice.chance(0.25):
            before[0] = dice.pick(("colorful{}", "colourful{colorful}", "multicolored{colorful}"))
        if garment.pattern == "camouflage" and dice.chance(0.7):
            before[0] = ""
        second = self.colour(garment.second, 0.0)
        if dice.chance(0.55):
            form = dice.pick(lexicon.PATTERN_BEFORE[garment.pattern])
            if form.startswith("and %s") and not before[0]:
                form = form.removeprefix("and %s ")
            pattern = form.replace("%s", second)
            if pattern.startswith("and "):  # belongs to the first colour: nothing may come between
                before[0] = f"{before[0]} {pattern}"
            else:
                before.append(pattern)
            return
        form = dice.pick(lexicon.PATTERN_AFTER[garment.pattern])
        after.append(form.replace("%s", second))

    def _sleeve(self, garment: Garment, before: list[str], after: list[str]) -> None:
        if self.dice.chance(0.75) or after:
            before.insert(int(self.dice.unit() * 2), self.dice.pick(lexicon.SLEEVE_BEFORE[garment.sleeve]))
        else:
            after.append(self.dice.pick(lexicon.SLEEVE_AFTER[garment.sleeve]))

    def _shape(self, garment: Garment) -> str:
        dice = self.dice
        if garment.kind in ("skirt", "dress", "shorts") and dice.chance(0.4):
            if garment.length < 0.36:
                return "short" if garment.kind != "skirt" else dice.pick(("short", "mini"))
            if garment.length < 0.56:
                return "knee-length"
            return dice.pick(("long", "ankle-length")) if garment.length > 0.8 else dice.pick(("long", "calf-length"))
        if garment.kind == "coat" and dice.chance(0.3):
            return "long" if garment.length > 0.5 else "short"
        if dice.chance(0.12) and garment.kind not in _SHOE_KINDS and not 0.2 < garment.fit < 0.7:
            return dice.pick(lexicon.TIGHT_WORDS if garment.fit < 0.5 else lexicon.LOOSE_WORDS)
        return ""

    def noun(self, garment: Garment, forget: float = 0.06) -> str:
        """Return a garment with its article."""
        phrase = self.garment(garment, forget)
        if garment.kind in lexicon.PLURAL:
            return f"a pair of {phrase}" if self.dice.chance(0.06) else phrase
        return f"a {phrase}"

    def top(self) -> str:
        """Return what is worn on the upper body, or the dress, with articles."""
        one, dice = self.identity, self.dice
        if one.outer is None:
            return self.noun(one.upper)
        outer = self.garment(one.outer)
        if dice.chance(0.3):
            outer = f"{dice.pick(lexicon.OPEN_WORDS)} {outer}"
        if dice.chance(0.2):
            return f"a {outer}"
        inner = self.noun(one.seen_upper)
        joint = dice.pick(("%o over %i", "%o over %i", "%i under %o", "%o and %i", "%o with %i underneath"))
        return joint.replace("%o", f"a {outer}").replace("%i", inner)

    def hair(self) -> str:
        """Return "short black{} hair"."""
        hair, dice = self.identity.hair, self.dice
        names = lexicon.HAIR_COLOURS.get(hair.paint.colour) or lexicon.COLOURS[hair.paint.colour]  # or dyed
        colour = dice.pick(names) if dice.chance(0.85) else ""
        form = dice.pick(lexicon.HAIR_STYLES[hair.style]).replace("%p", self.possessive)
        return words(*form.replace("%s", colour).split())

    def worn(self, name: str) -> str:
        """Return "a red{} scarf{}" for one of `Identity.worn`."""
        paint = self.identity.worn_paint
        form = self.dice.pick(lexicon.WORN[name]).replace("%s", self.colour(paint, 0.2))
        return words(*form.split())

    def carried(self, thing: Carried) -> str:
        """Return "carrying a black{} backpack{}"."""
        dice = self.dice
        colour = self.colour(thing.paint, 0.6 if thing.kind == "phone" else 0.2)
        size = "large" if thing.size > 1.15 else "small" if thing.size < 0.9 else ""
        size = size if dice.chance(0.25) else ""
        name = words("a", size, colour, dice.pick(lexicon.NOUNS[thing.kind]))
        hanging = self.identity.hanging(thing)
        form = dice.pick(lexicon.CARRYING[thing.kind] + lexicon.HANGING[hanging]).replace("%s", name)
        if form.endswith("%p shoulder") and dice.chance(0.4):
            is_left = (thing.side < 0) != (hanging == "across")
            form = form.replace("%p shoulder", f"%p {'left' if is_left else 'right'} shoulder")
        return form.replace("%p", self.possessive)

    def looks(self, recall: float) -> list[str]:
        """Return what stands after "with" or "has": hair, glasses, beard."""
        one, dice = self.identity, self.dice
        parts = [self.hair()] if dice.chance(recall) else []
        parts += [self.worn(w) for w in one.worn if w in ("glasses", "sunglasses") and dice.chance(recall)]
        if one.has_beard and dice.chance(0.6 * recall):
            parts.append(dice.pick(("a beard", "a short beard", "facial hair")))
        return dice.shuffled(parts) if dice.chance(0.3) else parts

    def clothes(self, recall: float) -> list[str]:
        """Return what stands after "wearing": top, lower garment, shoes, headwear, accessories."""
        one, dice = self.identity, self.dice
        parts = [self.top()]
        if one.lower is not None and dice.chance(0.75 + 0.25 * recall):
            parts.append(self.noun(one.lower))
        if dice.chance(recall * 0.85):
            parts.append(self.noun(one.shoes, 0.15))
        if one.headwear is not None and dice.chance(0.5 + 0.5 * recall):
            parts.insert(0 if dice.chance(0.4) else len(parts), self.noun(one.headwear, 0.15))
        further = [w for w in one.worn if w not in ("glasses", "sunglasses")]
        return parts + [self.worn(w) for w in further if dice.chance(recall)]

    def things(self, recall: float) -> list[str]:
        """Return what is carried, each with its verb."""
        return [self.carried(thing) for thing in self.identity.carried if self.dice.chance(0.3 + 0.7 * recall)]


def words(*parts: str) -> str:
    """Join the parts that are not empty."""
    return " ".join(part for part in parts if part)


def _age(identity: Identity) -> str:
    if identity.gender in ("boy", "girl"):
        return "child"
    if identity.hair.paint.colour == "gray":
        return "old"
    return "middle" if identity.hair.style == "bald" or identity.seed % 3 == 0 else "young"
