"""The words that sentences about people are made of.

A word followed by braces stands for an attribute class of method.md section 9: "tee{t-shirt}" reads "tee" and labels
"t-shirt"; "red{}" labels the word itself. Words without braces, such as "top", are no class, but witnesses use them.
"""

from __future__ import annotations

Words = tuple[str, ...]

# Colour class -> what people call it when it is neither dark nor light of its kind. Repeated words are more frequent.
COLOURS: dict[str, Words] = {
    "black": ("black{}",) * 6 + ("dark{}", "jet black{}", "all black{}"),
    "white": ("white{}",) * 6 + ("off-white{white}", "plain white{}", "light{}"),
    "gray": ("gray{}", "gray{}", "grey{gray}", "grey{gray}", "grey{gray}", "greyish{gray}", "silver{gray}"),
    "blue": ("blue{}",) * 5 + ("royal blue{}", "bright blue{}", "bluish{blue}"),
    "navy": ("navy{}", "navy{} blue{}", "navy{} blue{}", "dark{} blue{}", "dark{} blue{}"),
    "red": ("red{}",) * 5 + ("bright red{}", "crimson{red}", "scarlet", "reddish{red}"),
    "brown": ("brown{}",) * 5 + ("brownish{brown}", "chocolate brown{}"),
    "beige": (
        "beige{}",
        "beige{}",
        "tan{beige}",
        "cream{beige}",
        "cream{beige}-colored",
        "ivory{beige}",
        "sand-coloured",
    ),
    "green": ("green{}",) * 5 + ("bright green{}", "greenish{green}", "grass green{}"),
    "pink": ("pink{}",) * 5 + ("rose{pink}", "salmon{pink}", "coral{pink}", "pinkish{pink}"),
    "yellow": ("yellow{}",) * 4 + ("bright yellow{}", "mustard{yellow}", "yellowish{yellow}", "lemon yellow{}"),
    "purple": ("purple{}",) * 4 + ("violet{purple}", "purplish{purple}", "plum"),
    "orange": ("orange{}",) * 5 + ("bright orange{}", "orangish{orange}", "tangerine"),
    "khaki": ("khaki{}", "khaki{}", "khaki{}", "khaki{}-colored", "sandy"),
    "maroon": (
        "maroon{}",
        "maroon{}",
        "burgundy{maroon}",
        "burgundy{maroon}",
        "wine{maroon} red{}",
        "dark{} red{}",
        "dark{} red{}",
    ),
    "teal": ("teal{}", "teal{}", "turquoise{teal}", "aqua{teal}", "blue{}-green{green}"),
    "olive": ("olive{}", "olive{} green{}", "olive{} green{}", "army green{}", "dark{} green{}"),
    "gold": ("gold{}", "gold{}", "golden{gold}", "gold{}-colored"),
}

# (tone, colour) -> further names beside "dark red", "light red".
TONED: dict[tuple[str, str], Words] = {
    ("dark", "blue"): ("navy{}", "deep blue{}"),
    ("dark", "red"): ("burgundy{maroon}", "deep red{}", "maroon{}"),
    ("dark", "gray"): ("charcoal", "charcoal grey{gray}", "dark{} grey{gray}", "dark{} grey{gray}"),
    ("dark", "green"): ("forest green{}", "bottle green{}", "deep green{}"),
    ("dark", "brown"): ("chocolate", "deep brown{}"),
    ("dark", "yellow"): ("mustard{yellow}",),
    ("dark", "orange"): ("rust-coloured", "burnt orange{}"),
    ("dark", "pink"): ("hot pink{}",),
    ("dark", "purple"): ("deep purple{}",),
    ("light", "blue"): ("sky blue{}", "baby blue{}", "pale{light} blue{}"),
    ("light", "gray"): ("light{} grey{gray}", "light{} grey{gray}", "silver{gray}", "pale{light} grey{gray}"),
    ("light", "green"): ("mint green{}", "lime green{}", "pale{light} green{}"),
    ("light", "purple"): ("lavender{purple}", "lilac", "pale{light} purple{}"),
    ("light", "pink"): ("pale{light} pink{}", "baby pink{}"),
    ("light", "brown"): ("tan{beige}", "camel-coloured"),
    ("light", "beige"): ("cream{beige}", "ivory{beige}"),
    ("light", "yellow"): ("pale{light} yellow{}",),
    ("light", "red"): ("coral{pink}", "pale{light} red{}"),
    ("light", "orange"): ("peach", "pale{light} orange{}"),
}

# What a colour is mistaken for in memory or bad light.
NEIGHBOURS: dict[str, Words] = {
    "black": ("navy", "gray"),
    "white": ("beige", "gray"),
    "gray": ("blue", "black"),
    "blue": ("navy", "teal"),
    "navy": ("black", "blue"),
    "red": ("maroon", "orange"),
    "brown": ("maroon", "olive"),
    "beige": ("khaki", "white"),
    "green": ("teal", "olive"),
    "pink": ("red", "purple"),
    "yellow": ("gold", "orange"),
    "purple": ("blue", "pink"),
    "orange": ("red", "yellow"),
    "khaki": ("beige", "olive"),
    "maroon": ("red", "brown"),
    "teal": ("green", "blue"),
    "olive": ("green", "khaki"),
    "gold": ("yellow", "beige"),
}

DEEP_COLOURS = frozenset({"black", "navy", "maroon", "brown", "olive"})
PALE_COLOURS = frozenset({"white", "beige", "pink", "yellow"})

# Garment, shoe, bag and headwear kind -> names. Plurals are listed in PLURAL.
NOUNS: dict[str, Words] = {
    "t-shirt": ("t-shirt{}",) * 6 + ("tee{t-shirt}", "tee{t-shirt}", "tshirt{t-shirt}", "top", "shirt{}"),
    "shirt": ("shirt{}",) * 5 + ("button-up shirt{}", "button-down shirt{}", "collared shirt{}"),
    "blouse": ("blouse{}",) * 4 + ("top", "top", "shirt{}"),
    "polo": ("polo{} shirt{}",) * 3 + ("polo{}", "shirt{} with a collar"),
    "sweater": ("sweater{}",) * 3 + ("pullover{sweater}", "jumper{sweater}", "knit sweater{}", "top"),
    "sweatshirt": ("sweatshirt{}",) * 4 + ("pullover{sweater}", "top"),
    "hoodie": ("hoodie{}",) * 4 + ("hooded{hoodie} top", "hooded{hoodie} sweatshirt{}"),
    "cardigan": ("cardigan{}",) * 4 + ("knitted cardigan{}",),
    "jacket": ("jacket{}",) * 6 + ("zip-up jacket{}", "coat{}"),
    "coat": ("coat{}",) * 5 + ("overcoat{coat}", "parka{coat}", "winter coat{}", "jacket{}"),
    "vest": ("vest{}",) * 3 + ("waistcoat{vest}", "sleeveless{} jacket{}"),
    "suit": ("suit{}", "suit{}", "blazer{suit}", "blazer{suit}"),
    "tank": ("tank{} top", "tank{} top", "tank{}", "camisole{tank}", "top"),
    "dress": ("dress{}",) * 7 + ("gown{dress}",),
    "pants": ("pants{}",) * 4 + ("trousers{}", "trousers{}", "slacks{pants}"),
    "trousers": ("trousers{}",) * 4 + ("pants{}", "pants{}", "slacks{pants}", "suit{} trousers{}"),
    "jeans": ("jeans{}",) * 6 + ("denim{} jeans{}", "denim{} trousers{}", "pants{}"),
    "shorts": ("shorts{}",) * 6 + ("short pants{}",),
    "skirt": ("skirt{}",),
    "leggings": ("leggings{}",) * 4 + ("tights{leggings}", "skinny pants{}"),
    "sweatpants": ("sweatpants{}", "sweatpants{}", "joggers{sweatpants}", "track pants{}", "jogging trousers{}"),
    "capris": (
        "capris{}",
        "cropped{capris} pants{}",
        "cropped{capris} trousers{}",
        "cropped{capris} trousers{}",
        "calf-length pants{}",
    ),
    "sneakers": ("sneakers{}",) * 5
    + ("trainers{sneakers}", "trainers{sneakers}", "running shoes{}", "sports shoes{}", "shoes{}"),
    "shoes": ("shoes{}",) * 6 + ("leather{} shoes{}", "leather{} shoes{}", "lace-up shoes{}"),
    "boots": ("boots{}",) * 4 + ("ankle boots{}", "leather{} boots{}"),
    "sandals": ("sandals{}",) * 5 + ("open-toed sandals{}",),
    "heels": ("heels{}", "high heels{}", "high heels{}", "pumps{heels}", "high-heeled shoes{}"),
    "flats": ("flats{}", "loafers{flats}", "ballet flats{}", "shoes{}", "low shoes{}"),
    "slippers": ("slippers{}", "slippers{}", "flip-flops{slippers}", "flip-flops{slippers}"),
    "backpack": ("backpack{}",) * 5 + ("rucksack{backpack}", "knapsack{backpack}", "school bag{}"),
    "handbag": ("handbag{}",) * 4 + ("purse{handbag}", "purse{handbag}", "bag{}"),
    "bag": ("bag{}", "bag{}", "shoulder bag{}", "shoulder bag{}", "tote{bag} bag{}", "satchel{bag}", "messenger bag{}"),
    "briefcase": ("briefcase{}",) * 4 + ("laptop bag{}",),
    "suitcase": ("suitcase{}",) * 3 + ("trolley suitcase{}", "piece of luggage{suitcase}"),
    "umbrella": ("umbrella{}",),
    "phone": ("phone{}", "phone{}", "cellphone{phone}", "mobile phone{}"),
    "cap": ("cap{}",) * 3 + ("baseball cap{}", "baseball cap{}", "peaked cap{}"),
    "hat": ("hat{}",) * 4 + ("brimmed hat{}", "sun hat{}"),
}

PLURAL = frozenset(
    {
        "pants",
        "trousers",
        "jeans",
        "shorts",
        "leggings",
        "sweatpants",
        "capris",
        "sneakers",
        "shoes",
        "boots",
        "sandals",
        "heels",
        "flats",
        "slippers",
    }
)

# Pattern -> adjectives before the noun; "%s" stands for the second colour and is filled or the form is not taken.
PATTERN_BEFORE: dict[str, Words] = {
    "striped": ("striped{}", "striped{}", "and %s striped{}"),
    "plaid": ("plaid{}", "checkered{plaid}", "checked{plaid}", "and %s plaid{}", "and %s checkered{plaid}"),
    "floral": ("floral{}", "floral{}", "flowered{floral}", "floral{} print{printed}", "and %s floral{}"),
    "dotted": ("dotted{}", "polka{dotted} dot", "spotted", "and %s dotted{}"),
    "printed": ("printed{}", "graphic{printed}", "patterned"),
    "camouflage": ("camouflage{}", "camouflage{}", "camo{camouflage}"),
}
PATTERN_AFTER: dict[str, Words] = {
    "striped": ("with %s stripes{striped}", "with stripes{striped}", "with a %s stripe{striped}"),
    "plaid": ("with a plaid{} pattern", "with a checked{plaid} pattern", "with %s checks"),
    "floral": (
        "with a floral{} pattern",
        "with %s flowers",
        "with a %s floral{} print{printed}",
        "with a flower print{printed}",
    ),
    "dotted": ("with %s polka{dotted} dots", "with %s dots", "with polka{dotted} dots"),
    "printed": (
        "with a %s print{printed}",
        "with a print{printed} on the front",
        "with a %s logo{printed}",
        "with a %s picture on it",
    ),
    "camouflage": ("with a camouflage{} pattern", "with a camo{camouflage} print{printed}"),
}

SLEEVE_BEFORE: dict[str, Words] = {
    "sleeveless": ("sleeveless{}",),
    "short-sleeved": ("short-sleeved{}", "short-sleeved{}", "short sleeve{short-sleeved}"),
    "long-sleeved": ("long-sleeved{}", "long-sleeved{}", "long sleeve{long-sleeved}"),
}
SLEEVE_AFTER: dict[str, Words] = {
    "sleeveless": ("without sleeves",),
    "short-sleeved": ("with short sleeves{short-sleeved}",),
    "long-sleeved": ("with long sleeves{long-sleeved}",),
}

OPEN_WORDS: Words = ("open", "open", "unbuttoned", "unzipped")
LOOSE_WORDS: Words = ("loose", "baggy", "wide", "loose-fitting")
TIGHT_WORDS: Words = ("tight", "fitted", "slim")

# What the person is called, by gender; the last ones leave the gender open.
PEOPLE: dict[str, Words] = {
    "man": ("man{}",) * 8 + ("guy", "male{man}", "gentleman", "person", "pedestrian"),
    "woman": ("woman{}",) * 8 + ("lady{woman}", "female{woman}", "person", "pedestrian"),
    "boy": ("boy{}",) * 6 + ("kid", "child", "schoolboy"),
    "girl": ("girl{}",) * 6 + ("kid", "child", "schoolgirl"),
}
AGES: dict[str, Words] = {
    "child": ("young", "little", "small"),
    "young": ("young", "young", "young-looking"),
    "middle": ("middle-aged", "middle-aged", "adult"),
    "old": ("older", "elderly", "old", "middle-aged"),
}
BUILDS: dict[str, Words] = {
    "slim": ("slim", "thin", "skinny", "slender"),
    "heavy": ("heavy", "stocky", "chubby", "heavyset", "big-built", "overweight"),
    "tall": ("tall", "tall", "very tall"),
    "short": ("short", "small", "not very tall"),
}

HAIR_COLOURS: dict[str, Words] = {
    "black": ("black{}",) * 6 + ("dark{}", "dark{}"),
    "brown": ("brown{}",) * 5 + ("dark{}", "dark{} brown{}", "chestnut"),
    "blond": ("blond{}", "blonde{blond}", "blonde{blond}", "fair", "light{}"),
    "gray": ("gray{}", "grey{gray}", "grey{gray}", "silver{gray}"),
    "red": ("red{}", "red{}", "ginger", "reddish{red}"),
}
# "%s" is the hair's colour, "%p" the possessive.
HAIR_STYLES: dict[str, Words] = {
    "bald": ("a bald{} head", "a shaved head", "no hair"),
    "short": ("short %s hair", "short %s hair", "%s short hair", "%s hair cut short"),
    "long": (
        "long %s hair",
        "long %s hair",
        "%s hair down to %p shoulders",
        "shoulder-length %s hair",
        "loose %s hair",
    ),
    "ponytail": (
        "a %s ponytail{}",
        "%s hair in a ponytail{}",
        "tied back %s hair",
        "%s hair tied back",
        "%s hair tied in a ponytail{}",
    ),
    "bun": ("%s hair in a bun{}", "%s hair up", "%p hair up", "a %s bun{}", "%s hair tied up"),
    "braid": ("a %s braid{}", "%s hair in a braid{}", "braided %s hair"),
    "curly": ("curly{} %s hair", "curly{} %s hair", "wavy{curly} %s hair", "%s curly{} hair"),
}

WORN: dict[str, Words] = {
    "glasses": ("glasses{}", "glasses{}", "eyeglasses{glasses}"),
    "sunglasses": ("sunglasses{}", "dark{} sunglasses{}"),
    "mask": ("a mask{}", "a face mask{}", "a medical mask{}"),
    "scarf": ("a %s scarf{}",),
    "tie": ("a %s tie{}",),
    "headphones": ("headphones{}", "%s headphones{}", "earphones{headphones}"),
    "belt": ("a belt{}", "a %s belt{}"),
}

# How a thing is carried; "%s" is the thing with its article, "%p" the possessive.
CARRYING: dict[str, Words] = {
    "backpack": ("carrying %s", "carrying %s", "wearing %s", "with %s on %p back", "with %s"),
    "handbag": ("carrying %s", "carrying %s", "with %s"),
    "bag": ("carrying %s", "carrying %s", "with %s"),
    "briefcase": ("carrying %s", "holding %s", "with %s in %p hand"),
    "suitcase": ("pulling %s", "carrying %s", "with %s"),
    "umbrella": ("holding %s", "carrying %s", "with %s in %p hand"),
    "phone": ("holding %s", "looking at %s", "with %s in %p hand", "using %s"),
}
# Further ones, by how a bag is carried (`Identity.hanging`).
HANGING: dict[str, Words] = {
    "hand": ("holding %s", "carrying %s in %p hand"),
    "shoulder": ("with %s over %p shoulder", "carrying %s over %p shoulder"),
    "across": ("carrying %s across %p body", "with %s over %p shoulder"),
    "": (),
}
