"""Who a synthetic person is: everything that stays the same from camera to camera.

`random_identity` draws a person from a seed; `near_twin` changes exactly one attribute of a person, so that models
learn to
look at all of them. Nothing is rendered here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aio_reid.people import wardrobe
from aio_reid.people.paint import RGB, Paint, hair_paint, other_paint, pick, random_paint, to_rgb
from aio_reid.people.wardrobe import GarmentKind


@dataclass(frozen=True, slots=True)
class Garment:
    """One piece of clothing.

    Attributes:
        kind: garment class ("jacket").
        paint, second: main colour, and the colour of pattern, print or lining.
        pattern: "", or a pattern class ("striped").
        pattern_seed: what exactly the pattern looks like; `pattern_scale` its size in metres.
        material: "cotton", "wool", "synthetic", "denim" or "leather".
        sleeve: "", "sleeveless", "short-sleeved" or "long-sleeved".
        length: hem as a fraction of the leg below the hip (0 hip, 1 ankle).
        fit: 0 skin-tight to 1 very loose.
        is_open: worn open over another garment.
    """

    kind: str
    paint: Paint
    second: Paint
    pattern: str
    pattern_seed: int
    pattern_scale: float
    material: str
    sleeve: str
    length: float
    fit: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """A bag or thing in hand. `side` is -1 (the person's left) or 1 (right); `size` is relative, about 1."""

    kind: str
    paint: Paint
    side: int
    size: float


@dataclass(frozen=True, slots=True)
class Hair:
    """Hair; `style` is "bald", "short", "long", "ponytail", "bun", "braid" or "curly"; `length` 0 (cropped) to 1 (to
    the hip).
    """

    style: str
    paint: Paint
    length: float


@dataclass(frozen=True, slots=True)
class Identity:
    """A synthetic person.

    Attributes:
        seed: what the person was drawn from; also seeds every detail that renderers add (a print's motif).
        gender: "man", "woman", "boy" or "girl".
        height_m: body height in metres.
        build: 0 slim, 0.5 average, 1 heavy. shoulder, leg: relative width of shoulders and length of legs, about 1.
        skin: sRGB of the skin, 0..1.
        has_beard: a beard or not.
        headwear: a "cap" or "hat", or None.
        upper: shirt, or the whole of a dress (`kind == "dress"`); with `outer`, what shows between its open fronts.
        outer: jacket, coat, cardigan, vest or suit over `upper`, or None.
        lower: trousers, skirt ...; None under a dress.
        shoes, carried: as named; worn: any of "glasses", "sunglasses", "mask", "scarf", "tie", "headphones", "belt".
        worn_paint: the colour of scarf, tie, belt and headphones.
    """

    seed: int
    gender: str
    height_m: float
    build: float
    shoulder: float
    leg: float
    skin: RGB
    hair: Hair
    has_beard: bool
    headwear: Garment | None
    upper: Garment
    outer: Garment | None
    lower: Garment | None
    shoes: Garment
    carried: tuple[Carried, ...]
    worn: tuple[str, ...]
    worn_paint: Paint

    def hanging(self, thing: Carried) -> str:
        """Return how a bag is carried: "hand", "shoulder" (its side's) or "across", from the other one; "" of what is
        carried in one way only.
        """
        if thing.kind == "bag":
            return "across" if self.seed % 3 else "hand"
        if thing.kind == "handbag":
            return "hand" if self.seed % 2 else "shoulder"
        return ""

    @property
    def seen_upper(self) -> Garment:
        """The shirt as it is to be seen: under a jacket with sleeves without its own."""
        is_bare = self.outer is None or self.outer.sleeve == "sleeveless"
        return self.upper if is_bare else replace(self.upper, sleeve="")


def random_identity(seed: int) -> Identity:
    """Draw a person; the same seed gives the same person on every machine."""
    rng = np.random.default_rng((seed, 0x1DE))
    gender = pick(rng, {"man": 44.0, "woman": 44.0, "boy": 6.0, "girl": 6.0})
    feminine = gender in ("woman", "girl")
    is_child = gender in ("boy", "girl")
    height = rng.normal(1.32, 0.12) if is_child else rng.normal(1.64 if feminine else 1.77, 0.07)
    upper, outer, lower = _outfit(rng, feminine)
    skin_base = np.array(wardrobe.SKIN_TONES[int(rng.integers(len(wardrobe.SKIN_TONES)))])
    return Identity(
        seed=seed,
        gender=gender,
        height_m=float(np.clip(height, 1.0, 2.05)),
        build=float(np.clip(rng.normal(0.45, 0.22), 0.0, 1.0)),
        shoulder=float(np.clip(rng.normal(0.95 if feminine else 1.06, 0.06), 0.8, 1.25)),
        leg=float(np.clip(rng.normal(1.0, 0.04), 0.9, 1.12)),
        skin=to_rgb(skin_base * rng.uniform(0.92, 1.06)),
        hair=_hair(rng, feminine),
        has_beard=gender == "man" and bool(rng.random() < 0.22),
        headwear=_headwear(rng, feminine),
        upper=upper,
        outer=outer,
        lower=lower,
        shoes=_shoes(rng, feminine),
        carried=_carried(rng, feminine),
        worn=_worn(rng, feminine, upper, outer),
        worn_paint=random_paint(rng, "wool"),
    )


def near_twin(identity: Identity, seed: int) -> Identity:
    """Return a person who visibly differs from `identity` in exactly one attribute: a colour, a bag or the headwear.

    The twin keeps the identity's own seed, since renderers take details from it (socks, how a bag is worn).
    """
    rng = np.random.default_rng((seed, 0x7415))
    changes = ["upper_paint", "shoes", "carried", "headwear"]
    changes += (["lower_paint"] if identity.lower else []) + (["hair"] if identity.hair.style != "bald" else [])
    change = changes[int(rng.integers(len(changes)))]
    outer, upper, lower = identity.outer, identity.upper, identity.lower
    if change == "upper_paint" and outer is not None and not outer.is_open:  # the shirt below is hidden
        return replace(identity, outer=_repainted(rng, outer))
    if change == "upper_paint":
        return replace(identity, upper=_repainted(rng, upper))
    if change == "lower_paint" and lower is not None:
        return replace(identity, lower=_repainted(rng, lower))
    if change == "carried":
        bags = random_identity(seed).carried or (Carried("backpack", random_paint(rng, "synthetic"), 1, 1.0),)
        return replace(identity, carried=() if identity.carried else bags)
    if change == "headwear":
        return replace(identity, headwear=None if identity.headwear else _garment_plain(rng, "cap", "cotton"))
    if change == "hair":
        names = {n: weight for n, (_, weight) in wardrobe.HAIR_COLOURS.items() if n != identity.hair.paint.colour}
        return replace(identity, hair=replace(identity.hair, paint=hair_paint(rng, pick(rng, names))))
    return replace(identity, shoes=_repainted(rng, identity.shoes))


def _repainted(rng: np.random.Generator, garment: Garment) -> Garment:
    """Return the garment in another colour, which is not that of its pattern."""
    paint = other_paint(rng, garment.paint, garment.material, but=garment.second.colour)
    return replace(garment, paint=paint)


def _outfit(rng: np.random.Generator, feminine: bool) -> tuple[Garment, Garment | None, Garment | None]:
    kind = pick(rng, {name: _weight(k, feminine) for name, k in wardrobe.UPPER_KINDS.items()})
    if feminine and rng.random() < 0.12:
        return _garment(rng, "dress", wardrobe.DRESS_KIND), None, None
    lower_kind = pick(rng, {name: _weight(k, feminine) for name, k in wardrobe.LOWER_KINDS.items()})
    lower = _without_print(_garment(rng, lower_kind, wardrobe.LOWER_KINDS[lower_kind]))
    upper = _garment(rng, kind, wardrobe.UPPER_KINDS[kind])
    if not upper.is_open:
        return upper, None, lower
    inner_kind = (
        "shirt" if kind == "suit" else ("t-shirt", "shirt", "blouse" if feminine else "polo")[int(rng.integers(3))]
    )
    return _garment(rng, inner_kind, wardrobe.UPPER_KINDS[inner_kind]), _without_print(upper), lower


def _without_print(garment: Garment) -> Garment:
    """Return a garment whose chest is not seen: a print, which lies there, it has none."""
    return replace(garment, pattern="") if garment.pattern == "printed" else garment


def _garment(rng: np.random.Generator, name: str, kind: GarmentKind) -> Garment:
    material = kind.materials[int(rng.integers(len(kind.materials)))]
    colour = (
        pick(rng, {"blue": 45.0, "navy": 20.0, "black": 15.0, "gray": 10.0, "white": 5.0})
        if material == "denim"
        else None
    )
    pattern = pick(rng, dict(wardrobe.PATTERNS)) if rng.random() < kind.patterned else ""
    paint = random_paint(rng, material, colour=colour)
    return Garment(
        kind=name,
        paint=paint,
        second=other_paint(rng, paint, material),
        pattern=pattern,
        pattern_seed=int(rng.integers(2**31)),
        pattern_scale=float(rng.uniform(0.03, 0.12)),
        material=material,
        sleeve=kind.sleeves[int(rng.integers(len(kind.sleeves)))],
        length=float(rng.uniform(*kind.length)),
        fit=float(np.clip(rng.normal(0.15 if name == "leggings" else 0.45, 0.18), 0.02, 1.0)),
        is_open=bool(rng.random() < kind.open_front),
    )


def _garment_plain(rng: np.random.Generator, name: str, material: str, colour: str | None = None) -> Garment:
    plain = GarmentKind(1, 1, ("",), (material,), (0.0, 0.0), 0.0)
    garment = _garment(rng, name, plain)
    return garment if colour is None else replace(garment, paint=random_paint(rng, material, colour=colour))


def _shoes(rng: np.random.Generator, feminine: bool) -> Garment:
    kind = pick(rng, {n: w[feminine] for n, w in wardrobe.SHOE_KINDS.items()})
    material = "synthetic" if kind in ("sneakers", "slippers") else "leather"
    colour = pick(rng, {"black": 42.0, "white": 24.0, "brown": 16.0, "gray": 8.0, "": 30.0})
    return _garment_plain(rng, kind, material, colour or None)


def _headwear(rng: np.random.Generator, feminine: bool) -> Garment | None:
    kind = pick(rng, {n: w[feminine] for n, w in wardrobe.HEADWEAR_KINDS.items()})
    return _garment_plain(rng, kind, "cotton") if kind else None


def _carried(rng: np.random.Generator, feminine: bool) -> tuple[Carried, ...]:
    count = int(rng.choice(3, p=(0.42, 0.5, 0.08)))
    things: dict[str, Carried] = {}
    for _ in range(count):
        kind = pick(rng, {n: w[feminine] for n, w in wardrobe.CARRIED_KINDS.items()})
        material = "leather" if kind in ("handbag", "briefcase") else "synthetic"
        colour = pick(rng, {"black": 40.0, "": 60.0}) or None
        side = -1 if rng.random() < 0.5 else 1
        things[kind] = Carried(kind, random_paint(rng, material, colour=colour), side, float(rng.uniform(0.8, 1.25)))
    return tuple(things.values())


def _worn(rng: np.random.Generator, feminine: bool, upper: Garment, outer: Garment | None) -> tuple[str, ...]:
    formal = (outer or upper).kind == "suit" or upper.kind == "shirt"
    chances = {
        "glasses": 0.20,
        "sunglasses": 0.05,
        "mask": 0.06,
        "scarf": 0.10 if feminine else 0.05,
        "tie": 0.25 if formal and not feminine else 0.0,
        "headphones": 0.04,
        "belt": 0.10 if upper.kind != "dress" else 0.0,
    }
    worn = tuple(name for name, chance in chances.items() if rng.random() < chance)
    return tuple(w for w in worn if not (w == "glasses" and "sunglasses" in worn))


def _hair(rng: np.random.Generator, feminine: bool) -> Hair:
    style = pick(rng, {n: w[feminine] for n, w in wardrobe.HAIR_STYLES.items()})
    name = pick(rng, {n: weight for n, (_, weight) in wardrobe.HAIR_COLOURS.items()})
    length = {"bald": 0.0, "short": rng.uniform(0.05, 0.25)}.get(style, rng.uniform(0.35, 0.9))
    return Hair(style, hair_paint(rng, name), float(length))


def _weight(kind: GarmentKind, feminine: bool) -> float:
    return kind.weight_woman if feminine else kind.weight_man
