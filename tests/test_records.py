"""Records and modalities: what is refused, and the order that everything relies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from aio_reid.data import text
from aio_reid.errors import DataError
from aio_reid.models import tokenizers
from aio_reid.records import VISUAL_MODALITIES, Modality, Record, Split, parse_modality, subset_name


def test_fusion_order_is_r_i_s_t_with_pencil_before_sketch() -> None:
    assert "".join(m.letter for m in Modality) == "RICST"
    assert subset_name([Modality.TEXT, Modality.RGB, Modality.TEXT]) == "RT"
    assert Modality.TEXT not in VISUAL_MODALITIES and len(VISUAL_MODALITIES) == len(Modality) - 1


@pytest.mark.parametrize(
    ("modality", "path", "caption"),
    [
        (Modality.RGB, None, None),
        (Modality.RGB, Path("a.jpg"), "a man"),
        (Modality.RGB, None, "a man"),
        (Modality.TEXT, Path("a.jpg"), None),
    ],
)
def test_a_record_is_either_picture_or_sentence(modality: Modality, path: Path | None, caption: str | None) -> None:
    with pytest.raises(DataError, match="person '7'"):
        Record("x", Split.TRAIN, modality, "7", image_path=path, caption=caption)


def test_unknown_modality_names_the_known() -> None:
    assert parse_modality("sketch") is Modality.SKETCH
    with pytest.raises(DataError, match="'thermal'; choose one of: rgb, infrared, pencil, sketch, text"):
        parse_modality("thermal")


def test_models_and_data_agree_on_the_special_words() -> None:
    assert (tokenizers.END_ID, tokenizers.MASK_ID, tokenizers.VOCABULARY_SIZE) == (
        text.END_ID,
        text.MASK_ID,
        text.VOCABULARY_SIZE,
    )
