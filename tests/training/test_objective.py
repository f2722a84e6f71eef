"""The losses of a step against the loss functions themselves, fed by hand; which modalities are fused; what learns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from aio_reid.config import LossConfig, ModelConfig
from aio_reid.data.images import normalise
from aio_reid.data.text import END_ID, MASK_ID, START_ID
from aio_reid.data.tuples import TupleBatch
from aio_reid.losses.binding import binding_loss
from aio_reid.losses.identity import identity_loss
from aio_reid.losses.masked_attributes import masked_attribute_loss
from aio_reid.losses.sdm import sdm_loss
from aio_reid.losses.tags import tag_loss
from aio_reid.losses.triplet import weighted_triplet_loss
from aio_reid.models.build import build_model
from aio_reid.models.heads import AttributeHead, IdentityClassifier, TagHead
from aio_reid.records import Modality
from aio_reid.training.objective import TrainingObjective

RGB, INFRARED, SKETCH, TEXT = Modality.RGB, Modality.INFRARED, Modality.SKETCH, Modality.TEXT
D, C, A = 32, 3, 5
MODEL = ModelConfig.model_validate(
    {
        "encoder": {"kind": "plain", "width": D, "depth": 2, "num_heads": 2},
        "image_size": (32, 16),
        "stem_width": 4,
        "word_width": 8,
    }
)
LABELS = torch.tensor([0, 0, 1, 1, 2, 2])
WITH_TEXT = torch.tensor([0, 2, 3, 5])


TAGGED = {"tags": torch.eye(A)[[0, 2, 2, 4]].bool(), "tag_rows": torch.tensor([0, 2, 3, 5])}
NOTHING_MASKED = (torch.zeros(0, 2, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))


def objective(seed: int = 3, **loss: Any) -> TrainingObjective:
    """In eval mode, so that a feature does not depend on which pass it was computed in."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = TrainingObjective(
            build_model(MODEL, seed=1),
            classifier=IdentityClassifier(D, C),
            attribute_head=AttributeHead(D, A),
            tag_head=TagHead(D, [str(n) for n in range(A)]),
            loss=LossConfig.model_validate(loss),
            seed=seed,
        )
        torch.nn.init.normal_(made.classifier.linear.weight)
    return made.eval()


def sentences(rows: int, generator: torch.Generator) -> Tensor:
    ids = torch.randint(300, 49000, (rows, 9), generator=generator)
    ids[:, 0], ids[:, 7], ids[:, 8] = START_ID, END_ID, 0
    return ids


@pytest.fixture(scope="module")
def batch() -> TupleBatch:
    """Six tuples of three persons; two of them lack a sentence."""
    generator = torch.Generator().manual_seed(0)
    inputs: dict[Modality, Tensor] = {
        m: torch.randint(0, 256, (6, 3, 32, 16), generator=generator, dtype=torch.uint8)
        for m in (RGB, INFRARED, SKETCH)
    }
    inputs[TEXT] = sentences(4, generator)
    masked = sentences(4, generator)
    masked_at = torch.tensor([[0, 2], [1, 3], [1, 5], [3, 1]])
    masked[masked_at[:, 0], masked_at[:, 1]] = MASK_ID
    rows = {m: torch.arange(6) for m in (RGB, INFRARED, SKETCH)}
    return TupleBatch(LABELS, inputs, {**rows, TEXT: WITH_TEXT}, masked, masked_at, torch.tensor([4, 0, 2, 1]))


def features_of(made: TrainingObjective, batch: TupleBatch, subset: tuple[Modality, ...]) -> Tensor:
    """One pass over one subset, without the objective, of the tuples that have all of it."""
    shared = set(rows_of(batch, subset).tolist())
    inputs = {m: batch.inputs[m][[int(row) in shared for row in batch.rows[m]]] for m in subset}
    return made.model({m: normalise(x, m) if m.is_visual else x for m, x in inputs.items()})


def rows_of(batch: TupleBatch, subset: tuple[Modality, ...]) -> Tensor:
    return WITH_TEXT if TEXT in subset else torch.arange(len(batch.labels))


def test_the_classification_loss_is_equation_4(batch: TupleBatch) -> None:
    made = objective(label_smoothing=0.2)
    subset = made.plan(batch, 0).subset
    expected = []
    for part, rows in [((m,), batch.rows[m]) for m in batch.inputs] + [(subset, rows_of(batch, subset))]:
        logits = made.classifier(made.model.bottleneck(features_of(made, batch, part)))
        expected.append(identity_loss(logits, LABELS[rows], 0.2))
    torch.testing.assert_close(made(batch, 0)["ce"], torch.stack(expected).mean())


def test_the_attribute_loss_reads_the_masked_positions_beside_the_same_tuples_photo(batch: TupleBatch) -> None:
    made = objective()
    photos = features_of(made, batch, (RGB,))
    assert batch.masked_ids is not None
    queries = []
    for row, position in batch.masked_at.tolist():
        sequence, mask = made.model.sequence({TEXT: made.model.tokenize(TEXT, batch.masked_ids[row : row + 1])})
        outputs = made.model.encoder(sequence, mask)[0]  # (1 + L, D): [CLS] stands before the ids
        queries.append(made.attribute_head(outputs[1 + position][None], photos[WITH_TEXT[row]][None]))
    expected = masked_attribute_loss(torch.cat(queries), batch.masked_labels)
    torch.testing.assert_close(made(batch, 0)["va"], expected)


def test_the_attribute_loss_does_not_see_other_tuples_or_padding(batch: TupleBatch) -> None:
    made = objective()
    assert batch.masked_ids is not None
    kept = batch.masked_at[:, 0] == 1
    alone = TupleBatch(
        LABELS, batch.inputs, batch.rows, batch.masked_ids, batch.masked_at[kept], batch.masked_labels[kept]
    )
    before = made(alone, 0)["va"]
    changed = batch.masked_ids.clone()
    changed[0], changed[1, 8] = MASK_ID, 777  # another sentence, and what follows the end mark
    changed[0, 7] = END_ID
    other = TupleBatch(LABELS, batch.inputs, batch.rows, changed, alone.masked_at, alone.masked_labels)
    torch.testing.assert_close(made(other, 0)["va"], before)


@pytest.mark.parametrize("step", range(6))
def test_the_binding_loss_is_equations_6_to_8(batch: TupleBatch, step: int) -> None:
    made = objective(temperature=0.1, bind_rgb_pairs=True)
    subset = made.plan(batch, step).subset
    everywhere = torch.ones(6, dtype=torch.bool)
    text, has_text = torch.full((6, D), float("nan")), torch.zeros(6, dtype=torch.bool)
    has_text[WITH_TEXT] = True
    text[WITH_TEXT] = features_of(made, batch, (TEXT,))
    others = {m.value: (features_of(made, batch, (m,)), everywhere) for m in (INFRARED, SKETCH)}
    fused, has_all = torch.full((6, D), float("nan")), torch.zeros(6, dtype=torch.bool)
    has_all[rows_of(batch, subset)] = True
    fused[rows_of(batch, subset)] = features_of(made, batch, subset)
    others |= {"text": (text, has_text), "fused": (fused, has_all)}
    expected = binding_loss(
        features_of(made, batch, (RGB,)),
        others,
        LABELS,
        temperature=0.1,
        contains_rgb=("fused",) if RGB in subset else (),
        include_rgb_pairs=True,
    )
    torch.testing.assert_close(made(batch, step)["fb"], expected)


def test_named_alternatives_of_the_binding(batch: TupleBatch) -> None:
    pairs = objective(binding="sdm", temperature=0.02, fused_every=0)
    photos, text = features_of(pairs, batch, (RGB,)), features_of(pairs, batch, (TEXT,))
    expected = [sdm_loss(photos, features_of(pairs, batch, (m,)), LABELS) for m in (INFRARED, SKETCH)]
    expected.append(sdm_loss(photos[WITH_TEXT], text, LABELS[WITH_TEXT]))
    torch.testing.assert_close(pairs(batch, 0)["fb"], torch.stack(expected).mean())
    triplet = objective(binding="wrt", fused_every=0)
    parts = [features_of(triplet, batch, (m,)) for m in (RGB, INFRARED, SKETCH)]
    joined = torch.cat([*parts, text])
    labels = torch.cat([LABELS, LABELS, LABELS, LABELS[WITH_TEXT]])
    torch.testing.assert_close(triplet(batch, 0)["fb"], weighted_triplet_loss(joined, labels))


def test_the_total_is_the_weighted_sum_and_a_loss_of_weight_0_is_not_computed(batch: TupleBatch) -> None:
    losses = objective(ce_weight=0.5, va_weight=2.0, fb_weight=3.0)(batch, 1)
    expected = 0.5 * losses["ce"] + 2 * losses["va"] + 3 * losses["fb"]
    torch.testing.assert_close(losses["total"], expected)
    for name in ("ce", "va", "fb"):
        assert objective(**{f"{name}_weight": 0.0})(batch, 1)[name] == 0


def test_fused_subsets_are_drawn_from_seed_and_step_with_the_stated_shares(batch: TupleBatch) -> None:
    complete = TupleBatch(
        LABELS,
        batch.inputs,
        {m: torch.arange(6) for m in batch.inputs},
        None,
        *NOTHING_MASKED,
    )
    made, same, other = objective(seed=3), objective(seed=3), objective(seed=4)
    drawn = [made.plan(complete, step).subset for step in range(2000)]
    assert [same.plan(complete, step).subset for step in reversed(range(2000))] == drawn[::-1]
    assert [other.plan(complete, step).subset for step in range(50)] != drawn[:50]
    sizes = Counter(map(len, drawn))
    for size, share in ((2, 0.5), (3, 0.3), (4, 0.2)):
        assert sizes[size] / 2000 == pytest.approx(share, abs=0.04)
    pairs = Counter(subset for subset in drawn if len(subset) == 2)
    assert len(pairs) == 6 and min(pairs.values()) > 0.7 * np.mean(list(pairs.values()))
    assert all(list(subset) == [m for m in Modality if m in subset] for subset in drawn)


def test_what_a_tuple_lacks_is_not_fused_and_passes_can_be_rarer(batch: TupleBatch) -> None:
    made = objective()
    nobody_told = TupleBatch(
        LABELS, {m: x for m, x in batch.inputs.items() if m is not TEXT}, batch.rows, None, *NOTHING_MASKED
    )
    assert {m for step in range(60) for m in made.plan(nobody_told, step).subset} == {RGB, INFRARED, SKETCH}
    rare = objective(fused_every=3)
    assert [bool(rare.plan(batch, step).subset) for step in range(7)] == [i % 3 == 0 for i in range(7)]
    assert objective(fused_every=0).plan(batch, 0).subset == ()


def test_every_feature_tells_the_attribute_words_of_its_person(batch: TupleBatch) -> None:
    made = objective(tag_weight=0.5)
    told = replace(batch, **TAGGED)
    tags = {int(row): words for row, words in zip(TAGGED["tag_rows"], TAGGED["tags"], strict=True)}
    subset = made.plan(batch, 2).subset
    expected = []
    for part, rows in [((m,), batch.rows[m]) for m in batch.inputs] + [(subset, rows_of(batch, subset))]:
        kept = [place for place, row in enumerate(rows.tolist()) if row in tags]
        logits = made.tag_head(features_of(made, batch, part)[kept])
        expected.append(tag_loss(logits, torch.stack([tags[int(rows[place])] for place in kept])))
    losses = made(told, 2)
    torch.testing.assert_close(losses["tags"], torch.stack(expected).mean())
    torch.testing.assert_close(losses["total"], losses["ce"] + losses["va"] + losses["fb"] + 0.5 * losses["tags"])
    assert made(batch, 2)["tags"] == 0  # nobody has a sentence
    assert objective(tag_weight=0.0)(told, 2)["tags"] == 0


def test_sentences_read_in_two_parts_by_length_give_what_they_give_alone() -> None:
    made = objective()
    generator = torch.Generator().manual_seed(4)
    ids = torch.zeros(20, 12, dtype=torch.int64)
    for row, length in enumerate(torch.randint(3, 13, (20,), generator=generator).tolist()):
        ids[row, :length] = torch.randint(300, 49000, (length,), generator=generator)
        ids[row, length - 1] = END_ID
    alone = torch.cat([made.model({TEXT: row[None]}) for row in ids])
    torch.testing.assert_close(made._feature(made.model.tokenize(TEXT, ids), TEXT), alone, rtol=1e-4, atol=1e-5)


def test_a_batch_of_photos_alone_trains(batch: TupleBatch) -> None:
    photos = TupleBatch(
        LABELS,
        {RGB: batch.inputs[RGB]},
        {RGB: batch.rows[RGB]},
        None,
        *NOTHING_MASKED,
    )
    losses = objective()(photos, 0)
    assert losses["ce"] > 0 and losses["va"] == losses["fb"] == 0
    losses["total"].backward()
    unpaired = objective(binding="sdm", fused_every=0)(photos, 0)
    assert unpaired["fb"] == 0
    unpaired["total"].backward()


@pytest.mark.parametrize("asked", ["va_weight", "tag_weight"])
def test_a_batch_in_which_nothing_is_said_has_a_gradient_of_zero(batch: TupleBatch, asked: str) -> None:
    photos = TupleBatch(LABELS, {RGB: batch.inputs[RGB]}, {RGB: batch.rows[RGB]}, None, *NOTHING_MASKED)
    made = objective(**{"ce_weight": 0.0, "va_weight": 0.0, "fb_weight": 0.0, asked: 1.0})
    losses = made(photos, 0)
    losses["total"].backward()
    assert all(value == 0 for value in losses.values())
    assert not any(parameter.grad.any() for parameter in made.parameters() if parameter.grad is not None)


def test_tags_are_the_mean_of_the_modalities_that_can_tell_them(batch: TupleBatch) -> None:
    """Of two persons whose tags are known there is no sentence: a loss of text would be 0 and count as learned."""
    made = objective(tag_weight=1.0, fused_every=0)
    silent = replace(batch, tags=torch.eye(A)[[1, 3]].bool(), tag_rows=torch.tensor([1, 4]))
    expected = [
        tag_loss(made.tag_head(features_of(made, batch, (m,))[[1, 4]]), torch.eye(A)[[1, 3]])
        for m in (RGB, INFRARED, SKETCH)
    ]
    torch.testing.assert_close(made(silent, 0)["tags"], torch.stack(expected).mean())


def test_everything_but_the_encoder_learns(batch: TupleBatch) -> None:
    made = objective(tag_weight=1.0).train()
    batch = replace(batch, **TAGGED)
    assert not made.model.encoder.training and made.model.bottleneck.training
    made(batch, 0)["total"].backward()
    assert all(p.grad is None for p in made.model.encoder.parameters())
    fused = made.plan(batch, 0).subset
    assert fused
    silent = [n for n, p in made.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert silent == []


def test_under_autocast_losses_stay_float32_and_near(batch: TupleBatch) -> None:
    made = objective()
    exact = made(batch, 0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = made(batch, 0)
    assert {value.dtype for value in rounded.values()} == {torch.float32}
    for name, value in exact.items():
        torch.testing.assert_close(rounded[name], value, rtol=0.1, atol=0.1)
