"""What people may wear: colours, garments and how often they occur. Names are the attribute classes of method.md
section 9.
"""

from __future__ import annotations

from dataclasses import dataclass

# Name -> (typical sRGB in 0..1, how often it is worn). Frequencies follow everyday street clothes: dark and neutral
# lead.
COLOURS: dict[str, tuple[tuple[float, float, float], float]] = {
    "black": ((0.07, 0.07, 0.08), 20.0),
    "white": ((0.92, 0.92, 0.91), 14.0),
    "gray": ((0.50, 0.50, 0.51), 11.0),
    "blue": ((0.18, 0.34, 0.68), 10.0),
    "navy": ((0.10, 0.13, 0.28), 7.0),
    "red": ((0.76, 0.11, 0.13), 7.0),
    "brown": ((0.40, 0.26, 0.16), 5.0),
    "beige": ((0.83, 0.75, 0.60), 4.0),
    "green": ((0.17, 0.48, 0.24), 4.5),
    "pink": ((0.92, 0.58, 0.68), 4.5),
    "yellow": ((0.93, 0.80, 0.22), 3.5),
    "purple": ((0.43, 0.23, 0.57), 3.0),
    "orange": ((0.92, 0.47, 0.13), 3.0),
    "khaki": ((0.66, 0.60, 0.42), 3.0),
    "maroon": ((0.42, 0.08, 0.14), 2.5),
    "teal": ((0.12, 0.55, 0.56), 2.5),
    "olive": ((0.36, 0.38, 0.18), 2.0),
    "gold": ((0.80, 0.63, 0.25), 0.8),
}

# Hair and its colour in sRGB; "grey" hair reads as gray, fair hair as blond.
HAIR_COLOURS: dict[str, tuple[tuple[float, float, float], float]] = {
    "black": ((0.06, 0.05, 0.05), 40.0),
    "brown": ((0.27, 0.17, 0.10), 32.0),
    "blond": ((0.78, 0.64, 0.38), 14.0),
    "gray": ((0.62, 0.61, 0.60), 9.0),
    "red": ((0.50, 0.20, 0.09), 5.0),
}

SKIN_TONES: tuple[tuple[float, float, float], ...] = (
    (0.96, 0.82, 0.73),
    (0.91, 0.74, 0.62),
    (0.84, 0.65, 0.51),
    (0.72, 0.52, 0.38),
    (0.55, 0.37, 0.26),
    (0.38, 0.25, 0.18),
)


@dataclass(frozen=True, slots=True)
class GarmentKind:
    """How often a kind is worn, and what it may look like.

    Attributes:
        weight_man, weight_woman: relative frequency.
        sleeves: sleeve classes that it comes in ("" where sleeves mean nothing).
        materials: "cotton", "wool", "synthetic", "denim" or "leather"; decides its look in infrared.
        length: hem as a fraction of the leg below the hip (0 hip, 0.5 knee, 1 ankle); lower bound and upper bound.
        patterned: how likely it is to have a pattern.
        open_front: worn open over something else with this probability.
    """

    weight_man: float
    weight_woman: float
    sleeves: tuple[str, ...]
    materials: tuple[str, ...]
    length: tuple[float, float]
    patterned: float
    open_front: float = 0.0


_ANY_SLEEVE = ("short-sleeved", "short-sleeved", "long-sleeved")
_LONG = ("long-sleeved",)

UPPER_KINDS: dict[str, GarmentKind] = {
    "t-shirt": GarmentKind(24, 20, ("short-sleeved",), ("cotton", "synthetic"), (0.02, 0.12), 0.40),
    "shirt": GarmentKind(16, 10, _ANY_SLEEVE, ("cotton",), (0.02, 0.14), 0.35),
    "blouse": GarmentKind(
        0, 10, ("short-sleeved", "long-sleeved", "sleeveless"), ("cotton", "synthetic"), (0.0, 0.12), 0.4
    ),
    "polo": GarmentKind(8, 3, ("short-sleeved",), ("cotton",), (0.02, 0.1), 0.25),
    "sweater": GarmentKind(7, 9, _LONG, ("wool", "cotton"), (0.02, 0.14), 0.25),
    "sweatshirt": GarmentKind(6, 5, _LONG, ("cotton",), (0.02, 0.12), 0.3),
    "hoodie": GarmentKind(8, 6, _LONG, ("cotton",), (0.02, 0.14), 0.25),
    "cardigan": GarmentKind(2, 6, _LONG, ("wool",), (0.02, 0.3), 0.1, 0.8),
    "jacket": GarmentKind(14, 10, _LONG, ("synthetic", "cotton", "denim", "leather"), (0.0, 0.14), 0.06, 0.45),
    "coat": GarmentKind(6, 8, _LONG, ("wool", "synthetic"), (0.25, 0.75), 0.05, 0.4),
    "vest": GarmentKind(3, 2, ("sleeveless",), ("synthetic", "cotton"), (0.0, 0.1), 0.08, 0.4),
    "suit": GarmentKind(6, 3, _LONG, ("wool",), (0.1, 0.2), 0.1, 0.6),
    "tank": GarmentKind(3, 6, ("sleeveless",), ("cotton", "synthetic"), (0.0, 0.08), 0.2),
}

LOWER_KINDS: dict[str, GarmentKind] = {
    "pants": GarmentKind(22, 14, ("",), ("cotton", "synthetic"), (0.92, 1.0), 0.05),
    "trousers": GarmentKind(16, 9, ("",), ("wool", "cotton"), (0.94, 1.0), 0.06),
    "jeans": GarmentKind(24, 20, ("",), ("denim",), (0.92, 1.0), 0.0),
    "shorts": GarmentKind(16, 11, ("",), ("cotton", "denim", "synthetic"), (0.22, 0.5), 0.15),
    "skirt": GarmentKind(0, 14, ("",), ("cotton", "synthetic", "denim"), (0.25, 0.8), 0.3),
    "leggings": GarmentKind(0, 10, ("",), ("synthetic",), (0.9, 1.0), 0.08),
    "sweatpants": GarmentKind(9, 5, ("",), ("cotton",), (0.9, 1.0), 0.1),
    "capris": GarmentKind(2, 6, ("",), ("cotton", "denim"), (0.6, 0.78), 0.08),
}

DRESS_KIND = GarmentKind(
    0, 12, ("sleeveless", "short-sleeved", "long-sleeved"), ("cotton", "synthetic"), (0.3, 0.95), 0.45
)

SHOE_KINDS: dict[str, tuple[float, float]] = {
    "sneakers": (30, 26),
    "shoes": (30, 14),
    "boots": (9, 12),
    "sandals": (7, 14),
    "heels": (0, 10),
    "flats": (3, 14),
    "slippers": (4, 3),
}

CARRIED_KINDS: dict[str, tuple[float, float]] = {
    "backpack": (22, 16),
    "handbag": (1, 18),
    "bag": (12, 16),
    "briefcase": (4, 2),
    "suitcase": (3, 3),
    "umbrella": (2, 4),
    "phone": (6, 7),
}

# Kinds of headwear, chance for a man and for a woman.
HEADWEAR_KINDS: dict[str, tuple[float, float]] = {"": (74, 82), "cap": (17, 7), "hat": (9, 11)}

HAIR_STYLES: dict[str, tuple[float, float]] = {
    "short": (70, 9),
    "long": (4, 40),
    "ponytail": (3, 22),
    "bun": (2, 11),
    "braid": (1, 7),
    "curly": (8, 11),
    "bald": (12, 0),
}

PATTERNS: tuple[tuple[str, float], ...] = (
    ("striped", 34.0),
    ("printed", 30.0),
    ("plaid", 14.0),
    ("dotted", 8.0),
    ("floral", 10.0),
    ("camouflage", 4.0),
)
