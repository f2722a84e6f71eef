"""How an input of several values is split into such with one value a modality, and what each weighs."""

from __future__ import annotations

from aio_reid.inputs import exploded
from aio_reid.records import Modality


def test_exploded_by_hand() -> None:
    sketch, text = Modality.SKETCH, Modality.TEXT
    bundle = ((sketch, "a"), (sketch, "b"), (sketch, "c"), (text, "x"), (text, "y"))
    assert exploded(bundle, "early") == [
        (((sketch, "a"), (text, "x")), 1.0),
        (((sketch, "b"), (text, "y")), 1.0),
        (((sketch, "c"), (text, "x")), 1.0),
    ]
    assert exploded(bundle, "late") == [
        (((sketch, "a"),), 1 / 3),
        (((sketch, "b"),), 1 / 3),
        (((sketch, "c"),), 1 / 3),
        (((text, "x"),), 1 / 2),
        (((text, "y"),), 1 / 2),
    ]
    assert exploded(bundle, "late", {text: 0.5})[3:] == [(((text, "x"),), 1 / 4), (((text, "y"),), 1 / 4)]
    assert exploded(bundle, "late", {text: 0.5})[:3] == exploded(bundle, "late")[:3]
    assert exploded(bundle, "early", {text: 0.5}) == exploded(bundle, "early")
