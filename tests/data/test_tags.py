"""What is said of people: attributes of photos before words of sentences; shares; who is not told of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from aio_reid.data.attributes import ATTRIBUTE_CLASSES
from aio_reid.data.tags import Tags, find_tags
from aio_reid.models.heads import TagHead
from aio_reid.records import Modality, Record, Split


def photo(*attributes: str) -> Record:
    return Record("made", Split.TRAIN, Modality.RGB, "1", image_path=Path("a.png"), attributes=attributes)


def frame(*attributes: str) -> Record:
    return Record("made", Split.TRAIN, Modality.INFRARED, "1", image_path=Path("b.png"), attributes=attributes)


def sentence(caption: str, *attributes: str) -> Record:
    return Record("made", Split.TRAIN, Modality.TEXT, "1", caption=caption, attributes=attributes)


def told(tags: Tags, label: int) -> set[str]:
    row = tags.row(label)
    assert row is not None
    return {tags.names[place] for place in row.nonzero().flatten().tolist()}


def test_without_attributes_the_words_of_all_sentences_are_the_tags() -> None:
    tags = find_tags({0: [photo(), sentence("a man in a red coat"), sentence("he has a backpack")], 1: [photo()]}, 3)
    assert tags.names == ATTRIBUTE_CLASSES and tags.of.shape == (3, len(ATTRIBUTE_CLASSES))
    assert told(tags, 0) == {"man", "red", "coat", "backpack"}
    assert tags.is_told.tolist() == [True, False, False] and tags.row(1) is None and tags.row(2) is None
    assert tags.shares.sum() == 4 and set(tags.shares) == {0.0, 1.0}


def test_attributes_of_photos_come_before_words_and_bring_their_own_names() -> None:
    tags = find_tags(
        {
            0: [photo("upper red", "bag backpack"), photo("bag backpack", "hat"), sentence("a man in blue", "blue")],
            1: [photo(), sentence("a woman in green", "pink")],
            2: [frame("lower black"), photo("hat")],
            3: [frame("lower black"), photo()],
        },
        4,
    )
    assert tags.names == ("bag backpack", "hat", "upper red")
    assert [told(tags, n) for n in (0, 2)] == [{"upper red", "bag backpack", "hat"}, {"hat"}]
    assert tags.row(1) is None and tags.row(3) is None  # a word that is missing here would be taken for a no
    np.testing.assert_allclose(tags.shares, [1 / 2, 1, 1 / 2])


def test_nobody_told_of_has_no_shares() -> None:
    tags = find_tags({0: [photo()]}, 1)
    assert not tags.shares.any() and not tags.is_told.any()


def test_a_head_that_expects_the_shares_begins_with_them() -> None:
    head = TagHead(8, ["often", "never", "seldom"])
    head.linear.weight.data.zero_()
    head.expect(torch.tensor([0.75, 0.0, 0.1]))
    found = head(torch.randn(2, 8)).sigmoid()
    torch.testing.assert_close(found, torch.tensor([0.75, 0.001, 0.1]).expand(2, 3))
