"""The drawn figure: what must be there, stay the same, or change, whatever the style of drawing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aio_reid.people.figure import Layers, Part, View, draw_figure, frontal_view, random_view
from aio_reid.people.identity import Carried, Identity, random_identity
from aio_reid.people.paint import Paint, random_paint

HEIGHT = 160


def paint_of(colour: str) -> Paint:
    return random_paint(np.random.default_rng(5), "cotton", colour=colour)


def plain_person(**changes: object) -> Identity:
    """A man in a red t-shirt and blue trousers who carries nothing."""
    person = random_identity(4)
    top = replace(
        person.upper, kind="t-shirt", paint=paint_of("red"), second=paint_of("white"), pattern="", pattern_seed=77,
        material="cotton", sleeve="short-sleeved", length=0.05, fit=0.4, is_open=False,
    )  # fmt: skip
    legs = replace(top, kind="pants", paint=paint_of("blue"), length=0.95, pattern_seed=99, sleeve="")
    plain = replace(
        person,
        gender="man",
        upper=top,
        outer=None,
        lower=legs,
        carried=(),
        worn=(),
        headwear=None,
        height_m=1.75,
        shoes=replace(person.shoes, kind="sneakers"),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def draw(person: Identity, azimuth: float = 0.0, **pose: float) -> Layers:
    return draw_figure(person, View(azimuth_deg=azimuth, **pose), HEIGHT, np.random.default_rng(0))  # type: ignore[arg-type]


def share_of(layers: Layers, *parts: Part) -> float:
    return float(np.isin(layers.part, parts).sum() / max(1, (layers.alpha > 0.5).sum()))


def test_layers_agree_in_shape_and_stay_in_range() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        layers = draw_figure(random_identity(seed), random_view(rng), HEIGHT, rng)
        height, width = layers.part.shape
        assert height == HEIGHT
        assert layers.part.dtype == np.uint8
        assert layers.albedo.shape == (height, width, 3)
        assert layers.normal.shape == (height, width, 2)
        for plane in (layers.nir, layers.warmth, layers.shade, layers.alpha, layers.ink):
            assert plane.shape == (height, width)
            assert plane.dtype == np.float32
            assert np.isfinite(plane).all()
        assert layers.albedo.min() >= 0.0
        assert layers.albedo.max() <= 1.0
        assert set(np.unique(layers.part)) <= {int(part) for part in Part}


def test_whole_figure_lies_inside_the_canvas() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        alpha = draw_figure(random_identity(seed), random_view(rng), HEIGHT, rng, outlines=False).alpha
        border = max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max())
        assert border == 0.0, f"figure {seed} touches the border"


def test_same_seed_gives_the_same_bytes() -> None:
    first, second = draw(random_identity(8), 70.0), draw(random_identity(8), 70.0)
    assert first.albedo.tobytes() == second.albedo.tobytes()
    assert first.shade.tobytes() == second.shade.tobytes()


def test_fitting_the_body_makes_the_body_as_high_as_asked_even_under_an_umbrella() -> None:
    person = plain_person(carried=(Carried("umbrella", paint_of("green"), 1, 1.0),))
    layers = draw_figure(person, View(), 200, np.random.default_rng(0), fit_body=True)
    assert layers.body[3] - layers.body[1] == pytest.approx(194.0, abs=1.0)
    assert layers.alpha.shape[0] > 210


def test_face_is_seen_from_the_front_and_hair_from_the_back() -> None:
    front, back = draw(plain_person()), draw(plain_person(), 180.0)
    assert share_of(front, Part.FACE) > 5.0 * share_of(back, Part.FACE)
    assert share_of(back, Part.HAIR) > 1.2 * share_of(front, Part.HAIR)


def test_backpack_is_seen_from_the_back_and_only_its_straps_from_the_front() -> None:
    person = plain_person(carried=(Carried("backpack", paint_of("yellow"), 1, 1.0),))
    front, side, back = (share_of(draw(person, azimuth), Part.BAG) for azimuth in (0.0, 90.0, 180.0))
    assert 0.0 < front < side < back
    assert back > 4.0 * front


@pytest.mark.parametrize("side", [-1, 1])
def test_a_strap_across_the_body_ends_at_its_bag(side: int) -> None:
    person = plain_person(carried=(Carried("bag", paint_of("yellow"), side, 1.0),))
    assert person.hanging(person.carried[0]) == "across"
    rows, columns = np.nonzero(draw(person).part == Part.BAG)
    middle = np.median(np.nonzero(draw(person).alpha > 0.5)[1])
    top, low = (columns[np.abs(rows - at) < 6].mean() - middle for at in (rows.min(), rows.max()))
    assert -side * low > 5.0 and -side * top < -2.0  # side -1 is the person's left, on the right of the picture


def test_print_is_on_the_chest_only() -> None:
    person = plain_person()
    printed = replace(person, upper=replace(person.upper, pattern="printed", second=paint_of("white")))
    for azimuth, is_changed in ((0.0, True), (180.0, False)):
        without, with_print = draw(person, azimuth), draw(printed, azimuth)
        changed = np.abs(with_print.albedo - without.albedo).max(axis=2) > 0.1
        assert changed.any() == is_changed


def test_open_jacket_shows_the_shirt_in_front_and_hides_it_behind() -> None:
    person = plain_person()
    outer = replace(person.upper, kind="jacket", paint=paint_of("green"), sleeve="long-sleeved", is_open=True)
    person = replace(person, outer=outer)
    assert share_of(draw(person), Part.UPPER) > 0.04
    assert share_of(draw(person, 180.0), Part.UPPER) == 0.0
    assert share_of(draw(person, 180.0), Part.OUTER) > 0.25


def test_changing_one_colour_changes_nothing_but_that_part() -> None:
    person = plain_person()
    other = replace(person, upper=replace(person.upper, paint=paint_of("yellow")))
    before, after = draw(person), draw(other)
    changed = np.abs(before.albedo - after.albedo).max(axis=2) > 0.02
    inside = before.part == Part.UPPER
    assert changed[inside].mean() > 0.95
    solid = before.alpha > 0.99
    assert changed[solid & ~inside].mean() < 0.03  # only the mixed pixels along the seam
    assert np.array_equal(before.part, after.part)
    assert np.array_equal(before.shade, after.shade)


@pytest.mark.parametrize(
    ("shorter", "longer", "part"),
    [("short-sleeved", "long-sleeved", Part.UPPER), ("sleeveless", "short-sleeved", Part.UPPER)],
)
def test_longer_sleeves_cover_more(shorter: str, longer: str, part: Part) -> None:
    person = plain_person()
    few, many = (
        share_of(draw(replace(person, upper=replace(person.upper, sleeve=s))), part) for s in (shorter, longer)
    )
    assert many > 1.1 * few


def test_longer_trousers_build_and_bags_show() -> None:
    person = plain_person()
    assert person.lower is not None
    shorts = replace(person, lower=replace(person.lower, kind="shorts", length=0.3))
    assert share_of(draw(person), Part.LOWER) > 1.5 * share_of(draw(shorts), Part.LOWER)
    assert share_of(draw(shorts), Part.SKIN) > share_of(draw(person), Part.SKIN)
    slim, heavy = (draw(replace(person, build=build)).alpha.sum() for build in (0.0, 1.0))
    assert heavy > 1.2 * slim
    for kind in ("handbag", "bag", "briefcase", "suitcase", "umbrella"):
        with_bag = draw(replace(person, carried=(Carried(kind, paint_of("yellow"), 1, 1.0),)), 60.0)
        assert share_of(with_bag, Part.BAG) > 0.01, kind


def test_every_accessory_headwear_and_hair_style_is_visible() -> None:
    person = plain_person(worn_paint=paint_of("yellow"))
    bare = draw(person)
    for worn in ("glasses", "sunglasses", "mask", "scarf", "tie", "headphones", "belt"):
        assert share_of(draw(replace(person, worn=(worn,))), Part.ACCESSORY) > share_of(bare, Part.ACCESSORY), worn
    for kind in ("cap", "hat"):
        wearing = replace(person, headwear=replace(person.upper, kind=kind))
        assert share_of(draw(wearing), Part.HEADWEAR) > 0.01
    bald = draw(replace(person, hair=replace(person.hair, style="bald")), 180.0)
    assert share_of(bald, Part.HAIR) == 0.0
    for style in ("long", "ponytail", "bun", "braid", "curly"):
        hair = replace(person.hair, style=style, length=0.7)
        assert share_of(draw(replace(person, hair=hair), 180.0), Part.HAIR) > 0.03, style


def test_stripes_stay_at_their_height_on_the_body_from_every_side() -> None:
    person = plain_person()
    striped = replace(person.upper, pattern="striped", pattern_seed=0, pattern_scale=0.09, second=paint_of("white"))
    rows = []
    for azimuth in (0.0, 180.0):
        layers = draw(replace(person, upper=striped), azimuth)
        middle = (layers.body[0] + layers.body[2]) / 2.0
        column = layers.albedo[60:80, int(middle), 1]
        rows.append(column)
    assert np.ptp(rows[0]) > 0.3
    # The two pictures are scaled to their own outline, so that rows may be off by a pixel or two.
    matches = [np.corrcoef(rows[0][3:-3], rows[1][3 + k : 17 + k])[0, 1] for k in range(-3, 4)]
    assert max(matches) > 0.93


def test_outlines_lie_on_the_canvas_and_name_their_part() -> None:
    layers = draw(plain_person())
    height, width = layers.alpha.shape
    assert {Part.UPPER, Part.LOWER, Part.SKIN, Part.SHOES} <= {outline.part for outline in layers.outlines}
    for outline in layers.outlines:
        assert outline.points.shape[1] == 2
        assert (outline.points >= 0).all()
        assert (outline.points < (width, height)).all()


def test_outlines_can_be_left_out_without_changing_the_rest() -> None:
    person, view = plain_person(), frontal_view()
    full = draw_figure(person, view, HEIGHT, np.random.default_rng(1))
    bare = draw_figure(person, view, HEIGHT, np.random.default_rng(1), outlines=False)
    assert bare.outlines == ()
    assert np.array_equal(full.albedo, bare.albedo)


def test_dyes_lose_their_contrast_in_near_infrared() -> None:
    person = plain_person()
    plaid = replace(person.upper, pattern="plaid", paint=paint_of("black"), second=paint_of("white"))
    layers = draw(replace(person, upper=plaid))
    cloth = layers.part == Part.UPPER
    assert layers.nir[cloth].std() < 0.4 * layers.albedo[cloth].mean(axis=1).std()


def test_skin_is_warmer_than_clothes_and_clothes_than_bags() -> None:
    person = plain_person(carried=(Carried("backpack", paint_of("yellow"), 1, 1.0),))
    layers = draw(person, 180.0)
    skin, cloth, bag = (layers.warmth[layers.part == part].mean() for part in (Part.SKIN, Part.UPPER, Part.BAG))
    assert skin > cloth > bag
