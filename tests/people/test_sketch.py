from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aio_reid.people.artists import NUM_ARTISTS, NUM_STYLES, artist_hand
from aio_reid.people.identity import Garment, Identity, random_identity
from aio_reid.people.paint import random_paint
from aio_reid.people.pencil import render_pencil
from aio_reid.people.sketch import render_sketch
from aio_reid.people.strokes import draw_contours, hatch

SIZE = (128, 64)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def painted(garment: Garment, colour: str) -> Garment:
    return replace(garment, paint=random_paint(rng(1), "cotton", colour=colour), pattern="")


def plain(colour: str) -> Identity:
    """A person in a t-shirt of one colour."""
    person = next(p for p in map(random_identity, range(200)) if p.upper.kind == "t-shirt" and p.outer is None)
    return replace(person, upper=painted(person.upper, colour), carried=(), worn=())


def chest(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    return picture[int(height * 0.3) : int(height * 0.44), int(width * 0.38) : int(width * 0.62)].astype(np.float32)


@pytest.mark.parametrize("render", [render_sketch, render_pencil])
def test_same_seed_same_drawing(render) -> None:  # type: ignore[no-untyped-def]
    person = random_identity(8)
    first, again, other = (render(person, 3, rng(s), SIZE) for s in (5, 5, 6))
    assert first.dtype == np.uint8
    assert first.shape == (*SIZE, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("artist", range(NUM_STYLES))
def test_a_sketch_is_a_figure_in_grey_on_white_paper(artist: int) -> None:
    picture = render_sketch(plain("black"), artist, rng(artist), SIZE)
    assert (picture[..., 0] == picture[..., 1]).all()
    assert (picture[..., 0] == picture[..., 2]).all()
    grey = picture[..., 0]
    assert np.median(np.concatenate([grey[:, 0], grey[:, -1]])) > 230
    dark = grey < 180
    assert dark.any(1).mean() > 0.6, "the figure fills most of the height"
    assert dark.mean() > 0.01


def test_colours_count_as_tone() -> None:
    darkness = {}
    for colour in ("black", "gray", "white"):
        pictures = [render_sketch(plain(colour), artist, rng(artist), SIZE) for artist in range(1, NUM_STYLES)]
        darkness[colour] = np.mean([255.0 - chest(picture).mean() for picture in pictures])
    assert darkness["black"] > darkness["gray"] + 10 > darkness["white"] + 20


def test_artists_differ_more_than_one_artists_days() -> None:
    person = plain("black")
    by_artist = np.array(
        [
            [chest(render_sketch(person, artist, rng(day), SIZE)).mean() for day in range(4)]
            for artist in range(NUM_STYLES)
        ]
    )
    assert by_artist.mean(1).std() > 0.7 * by_artist.std(1).mean()


def test_every_artist_can_draw() -> None:
    for artist in range(NUM_STYLES, NUM_ARTISTS, 5):
        hand = artist_hand(artist, rng(artist))
        assert hand.passes >= 1
        assert 0.0 < hand.pressure <= 1.0
        assert render_sketch(random_identity(artist), artist, rng(artist), SIZE).min() < 200


@pytest.mark.parametrize(("colour", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_pencil_keeps_the_colour_and_lets_paper_through(colour: str, channel: int) -> None:
    shirt = np.concatenate(
        [chest(render_pencil(plain(colour), artist, rng(artist), SIZE)) for artist in range(6)], axis=1
    )
    mean = shirt.mean((0, 1))
    assert np.argmax(mean) == channel
    assert mean[channel] > 1.25 * np.delete(mean, channel).mean()


def test_hatching_gets_darker_with_the_tone_and_leaves_white_alone() -> None:
    shape = (96, 96)
    flat = np.zeros(shape, np.float32)
    spacing = np.full(shape, 6.0, np.float32)
    cover = [
        float(hatch(np.full(shape, t, np.float32), flat + 0.7, flat, spacing, rng()).mean()) for t in (0, 0.2, 0.5, 0.9)
    ]
    assert cover[0] == 0.0
    assert cover == sorted(cover)
    assert cover[-1] > 0.5


def test_hatching_runs_in_the_given_direction() -> None:
    shape = (96, 96)
    tone, flat = np.full(shape, 0.4, np.float32), np.zeros(shape, np.float32)
    spacing = np.full(shape, 8.0, np.float32)
    level = hatch(tone, flat, flat, spacing, rng())
    assert level.mean(axis=1).std() > 2.0 * level.mean(axis=0).std()


def test_a_contour_stays_near_its_path() -> None:
    path = np.stack([np.linspace(20, 180, 161), np.full(161, 100.0)], axis=1).astype(np.float32)
    hand = replace(artist_hand(0, rng()), gaps=0.0, wobble=0.002)
    cover = draw_contours([path], hand, rng(), (200, 200))
    rows = np.flatnonzero(cover.max(axis=1) > 0.2)
    assert abs(rows.mean() - 100) < 4
    assert np.ptp(rows) < 14
    assert (cover[94:107].max(axis=0) > 0.2)[25:175].mean() > 0.9
