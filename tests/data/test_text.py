"""Sentences become CLIP's ids, equal to those of the tokenizer that the text towers were trained with."""

from __future__ import annotations

import gzip
import pickle
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from aio_reid.data import text
from aio_reid.data.text import END_ID, MASK_ID, PAD_ID, START_ID, VOCABULARY_SIZE, ClipBpe, pad_ids, split_words
from aio_reid.errors import TextError, WeightsError

SENTENCES = [
    "a man in a t-shirt",
    "A WOMAN's red T-shirt, 2 bags & 100% cotton!!",
    "I'LL I'd we've THEY'RE 'S don't o'clock ''s",
    "ΟΔΟΣ ΣΑΣ, Äpfel Straße İstanbul ǅ",
    "naïve café — “quoted” … e\u0301",
    "&lt;b&gt; &amp;amp; &eacute; &#39;s",
    "ðŸ˜Š schÃ¶n",
    "😀👩🏽‍🦱 man ☂️",
    "日本語のテキスト 한국어 ไทย العربية",
    "١٢٣ ²³½ ⅷ 1234567",
    "a\tb\n\nc\x85d\x1ce\u00a0f\u2003g\u2028h\u200bi",
    "--..!!?? ___ a_b",
    "ﬁ ligature Å \u00adsoft ſ 'ſ",
    "x",
]
LETTERS = [
    chr(c) for span in ((32, 127), (160, 592), (880, 1100), (0x2000, 0x2070), (0x1F600, 0x1F640)) for c in range(*span)
]
WORDS = ["a", "the", "man", "wearing", "red", "t-shirt", "blue", "JEANS", "backpack's", "it's", "23", "&amp;"]
WORDS += ["&#39;", "short-sleeved", "don't,", "(dark)"]


@pytest.fixture(scope="module")
def bpe() -> ClipBpe:
    return ClipBpe.load()


def varied_sentences() -> list[str]:
    rng = random.Random(0)
    noise = ["".join(rng.choices(LETTERS, k=rng.randint(1, 40))) for _ in range(400)]
    prose = [" ".join(rng.choices(WORDS, k=rng.randint(1, 90))) for _ in range(400)]
    return [sentence for sentence in SENTENCES + noise + prose if sentence.strip()]


def test_ids_equal_those_of_open_clip(bpe: ClipBpe) -> None:
    from open_clip.tokenizer import SimpleTokenizer

    reference = SimpleTokenizer()
    sentences = varied_sentences()
    expected = reference(sentences)  # (B, 77), zero-padded
    for sentence, row in zip(sentences, expected.tolist(), strict=True):
        ids = bpe.encode(sentence).ids
        assert list(ids) + [PAD_ID] * (77 - len(ids)) == row, sentence
    # The one merge that gave its row to the mask token.
    assert reference.encode("jekyll") == [MASK_ID]
    jeky, ll = bpe.encode("jekyll").ids[1:-1]
    assert reference.decoder[jeky] + reference.decoder[ll] == "jekyll</w>"


def test_a_known_sentence(bpe: ClipBpe) -> None:
    assert bpe.encode("a photo of a cat").ids == (START_ID, 320, 1125, 539, 320, 2368, END_ID)


def test_no_sentence_can_name_a_special_token(bpe: ClipBpe) -> None:
    for sentence in ("<start_of_text>", "<end_of_text>", "<|mask|>", "<|endoftext|>", *varied_sentences()):
        start, *inner, end = bpe.encode(sentence).ids
        assert (start, end) == (START_ID, END_ID)
        assert all(0 <= i < MASK_ID for i in inner)
    assert VOCABULARY_SIZE == END_ID + 1


def test_what_does_not_fit_is_named(bpe: ClipBpe) -> None:
    whole = bpe.encode("A man, in a RED t-shirt.")
    assert whole.unread == ()
    assert len(whole.ids) == 12  # a man , in a red t - shirt .
    for context_length, unread in [(12, ()), (11, ("t-shirt.",)), (8, ("t-shirt.",)), (7, ("RED", "t-shirt."))]:
        cut = bpe.encode("A man, in a RED t-shirt.", context_length)
        assert cut.unread == unread
        assert cut.ids == (*whole.ids[: context_length - 1], END_ID)
        assert len(cut.ids) == context_length
    endless = bpe.encode("pneumonoultramicroscopicsilicovolcanoconiosis" * 50)
    assert len(endless.ids) == 77
    assert len(endless.unread) == 1


@pytest.mark.parametrize("sentence", ["", " ", "\t\n\u00a0", "&nbsp;", "\ud800 man"])
def test_nothing_to_read_is_an_error(sentence: str, bpe: ClipBpe) -> None:
    with pytest.raises(TextError) as caught:
        bpe.encode(sentence)
    assert "\n" not in str(caught.value)


def test_a_context_without_room_is_an_error(bpe: ClipBpe) -> None:
    with pytest.raises(TextError, match="at least 3"):
        bpe.encode("man", context_length=2)


def test_words_keep_the_users_spelling() -> None:
    words = split_words("  A  RED T-Shirt\n&amp; caf\u00e9  ")
    assert [word.text for word in words] == ["A", "RED", "T-Shirt", "&", "café"]
    assert [word.pieces for word in words] == [("a",), ("red",), ("t", "-", "shirt"), ("&",), ("café",)]


def test_padding_to_the_longest() -> None:
    padded = pad_ids([(1, 2, 3), (4,), ()])
    assert padded.dtype == torch.int64
    assert padded.tolist() == [[1, 2, 3], [4, 0, 0], [0, 0, 0]]
    with pytest.raises(TextError):
        pad_ids([])


def test_one_instance_per_process_and_it_travels_light(bpe: ClipBpe) -> None:
    assert ClipBpe.load() is bpe
    packed = pickle.dumps(bpe)
    assert len(packed) < 200
    assert pickle.loads(packed) is bpe  # noqa: S301


def test_loading_needs_neither_torch_nor_open_clip() -> None:
    program = "import sys; from aio_reid.data.text import ClipBpe; ClipBpe.load().encode('a man'); print(*sys.modules)"
    source = str(Path(text.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {source!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"torch", "open_clip"} & set(done.stdout.split())


def test_a_damaged_word_list_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "merges.gz"
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.write("version\na b\nc d\n")
    with pytest.raises(WeightsError, match="2 merges instead of 48893"):
        text._read_merges(path)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(WeightsError, match="cannot be read"):
        text._read_merges(path)
    monkeypatch.setattr(text, "_MERGES_FILE", "absent.gz")
    with pytest.raises(WeightsError, match="pip install open_clip_torch"):
        text._find_merges()
