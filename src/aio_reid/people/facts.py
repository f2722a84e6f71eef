"""What is to be seen of a synthetic person, as names of attributes, each with the part of the body it is about.

A sentence tells some of it in words of its own; this tells all of it, so that a model can be taught every detail.
"""

from __future__ import annotations

from aio_reid.people.identity import Garment, Identity
from aio_reid.people.paint import Paint

SLIM, HEAVY = 0.25, 0.65
"""Of `Identity.build`; about a fifth of the people lie beyond each."""


def visible_attributes(identity: Identity) -> tuple[str, ...]:
    """Return the names of what can be seen of a person, e.g. "upper striped" or "bag backpack", without repeats.

    Kind, colour, tone, pattern and sleeves of each garment that is not hidden by another; hair, headwear, shoes, things
    carried and worn; gender and build. What the shirt under a closed jacket looks like is not told, and skin never is.
    """
    names = [identity.gender, *_build(identity.build), "beard" if identity.has_beard else ""]
    if identity.outer is None or identity.outer.is_open:
        names += _garment("upper" if identity.outer is None else "inner", identity.seen_upper)
    for part, garment in (("upper", identity.outer), ("lower", identity.lower), ("head", identity.headwear)):
        names += _garment(part, garment) if garment is not None else []
    names += [f"shoes {identity.shoes.kind}", *_paint("shoes", identity.shoes.paint)]
    names += [f"hair {identity.hair.style}"]
    names += _paint("hair", identity.hair.paint) if identity.hair.style != "bald" else []
    for thing in identity.carried:
        names += [f"bag {thing.kind}", *_paint("bag", thing.paint)]
    names += identity.worn
    return tuple(dict.fromkeys(name for name in names if name))


def _build(build: float) -> list[str]:
    return ["slim"] * (build < SLIM) + ["heavy"] * (build > HEAVY)


def _garment(part: str, garment: Garment) -> list[str]:
    told = (garment.kind, garment.pattern, garment.sleeve, "open" if garment.is_open else "")
    return [f"{part} {name}" for name in told if name] + _paint(part, garment.paint)


def _paint(part: str, paint: Paint) -> list[str]:
    return [f"{part} {name}" for name in (paint.colour, paint.tone) if name]
