"""Every variant changes what its sentence says and nothing else; the rows compare what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from claims_variants import FULL, PEOPLE, ROWS, STAGE1, STAGE2, VARIANTS, Place, pretraining, settings

from aio_reid.config import RunConfig
from aio_reid.records import Modality

PLACE = Place(Path("runs/claims"))
OF_EVERY_RUN = {"name", "start_from"}
"""A run's own name, and its own first stage."""
CHANGED = {
    FULL: set(),
    "no-fb": {"loss.fb_weight"},
    "no-va": {"loss.va_weight"},
    "no-synthesis": {"data.synthesise"},
    "trained-encoder": {"trainable_encoder"},
    "random-encoder": {"model.encoder.weights_file"},
    "stem-ibn": {"model.stem"},
    "stem-patch": {"model.stem"},
    "stem-ibn-random-encoder": {"model.stem", "model.encoder.weights_file"},
    "stage1-long": {"optim.max_steps"},
}


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return dotted key -> value of a nested configuration."""
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in flat(inner, f"{name}.{key}" if name else key).items()}
    return {name: value}


def plain(config: RunConfig) -> dict[str, Any]:
    return flat(config.model_dump(mode="json"))


def differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_full_in_the_named_keys_of_every_stage(name: str) -> None:
    for stage in VARIANTS[name].stages:
        full = plain(settings(VARIANTS[FULL], stage, 1, PLACE))
        own = plain(settings(VARIANTS[name], stage, 1, PLACE))
        assert differing(own, full) - OF_EVERY_RUN == CHANGED[name]


def test_the_changed_values() -> None:
    def value(name: str, key: str, stage: str = STAGE2) -> Any:
        return plain(settings(VARIANTS[name], stage, 1, PLACE))[key]

    assert value("no-fb", "loss.fb_weight") == value("no-va", "loss.va_weight") == 0
    assert value("no-synthesis", "data.synthesise") is False
    assert value("trained-encoder", "trainable_encoder") is True
    assert value("random-encoder", "model.encoder.weights_file") is None
    assert (value(FULL, "model.stem"), value("stem-ibn", "model.stem"), value("stem-patch", "model.stem")) == (
        "pyramid",
        "ibn",
        "patch",
    )
    both = value(FULL, "optim.max_steps", STAGE1) + value(FULL, "optim.max_steps", STAGE2)
    assert value("stage1-long", "optim.max_steps", STAGE1) == both


def test_seeds_differ_in_the_seed_alone_and_the_encoder_is_one_file() -> None:
    one, two = (settings(VARIANTS[FULL], STAGE2, seed, PLACE) for seed in (1, 2))
    assert differing(plain(one), plain(two)) - OF_EVERY_RUN == {"seed"}
    assert one.start_from == PLACE.run(FULL, 1) / STAGE1
    assert plain(one)["model.encoder.weights_file"] == str(PLACE.encoder_file)
    assert settings(VARIANTS[FULL], STAGE1, 1, PLACE).start_from is None  # tokenizers know nothing


def test_the_stages_are_the_papers() -> None:
    first, second = (settings(VARIANTS[FULL], stage, 1, PLACE) for stage in (STAGE1, STAGE2))
    assert second.optim.max_steps == 2 * (first.optim.max_steps or 0)  # 40 and 80 epochs
    assert PEOPLE[STAGE1].views.infrared == PEOPLE[STAGE1].views.sketches == 0  # only synthesised
    assert PEOPLE[STAGE2].views.infrared > 0 and PEOPLE[STAGE2].views.sketches > 0
    assert PEOPLE[STAGE2].views.captions == 0
    assert len({people.seed for people in PEOPLE.values()}) == len(PEOPLE)
    assert Modality.PENCIL not in first.model.modalities
    frozen = pretraining(PLACE).model
    for config in (first, second):
        own = config.model.encoder
        assert own.kind == frozen.encoder.kind == "plain"
        assert (own.width, own.depth, own.num_heads) == (
            frozen.encoder.width,
            frozen.encoder.depth,
            frozen.encoder.num_heads,
        )


def test_all_stems_have_the_same_grid() -> None:
    grids = {settings(VARIANTS[n], STAGE1, 1, PLACE).model.token_grid for n in (FULL, "stem-ibn", "stem-patch")}
    assert len(grids) == 1


def test_rows_name_variants_stages_and_rows_that_exist() -> None:
    before: set[str] = set()
    for row in ROWS:
        assert row.stage in VARIANTS[row.variant].stages
        assert row.against is None or row.against in before
        before.add(row.name)
    assert {row.variant for row in ROWS} == set(VARIANTS)


def test_a_trial_is_told() -> None:
    assert not PLACE.is_trial
    small = Place(Path("x"), steps_factor=0.001, overrides=("precision=fp32",))
    assert small.is_trial
    config = settings(VARIANTS["stage1-long"], STAGE1, 2, small)
    assert (config.optim.max_steps, config.precision) == (1, "fp32")
