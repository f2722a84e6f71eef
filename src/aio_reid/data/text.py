"""Sentences: CLIP's byte-pair ids (method.md 3.3), and which words of a too long sentence were not read.

The merges file is the one that the installed open_clip package ships. It is found without importing open_clip (which
would also import torch and a model zoo, seconds), and the merging itself is done by the `tokenizers` library.
"""

from __future__ import annotations

import gzip
import html
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import ftfy
import regex
from tokenizers import Tokenizer, models

from aio_reid.errors import TextError, WeightsError

if TYPE_CHECKING:
    import torch

VOCABULARY_SIZE = 49408
START_ID = 49406
END_ID = 49407
MASK_ID = 49405
"""The mask token takes the place of CLIP's last merge ("jeky" + "ll"), so that the vocabulary, and with it the
embedding table of any CLIP text tower, keeps its 49408 rows. The one price: the word "jekyll" is read as two tokens."""
PAD_ID = 0
CONTEXT_LENGTH = 77

_MERGES_FILE = "bpe_simple_vocab_16e6.txt.gz"
_NUM_BYTES = 256
_NUM_MERGES = MASK_ID - 2 * _NUM_BYTES  # the vocabulary is: bytes, bytes that end a word, merges, mask, start, end
_END_OF_WORD = "</w>"
_PIECE = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", regex.IGNORECASE)
_CACHED_PIECES = 2**16
_CACHED_SENTENCES = 2**14


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A sentence as the model reads it.

    Attributes:
        ids: start, tokens, end; at most the context length, not padded.
        unread: the words that did not fit, or not wholly, in order and in the user's spelling.
    """

    ids: tuple[int, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """What stands between two spaces.

    Attributes:
        text: the user's spelling.
        pieces: lower-cased runs of letters, single digits and runs of punctuation; byte pairs never merge across them.
    """

    text: str
    pieces: tuple[str, ...]


@lru_cache(maxsize=_CACHED_SENTENCES)
def split_words(sentence: str) -> tuple[Word, ...]:
    """Return the words of a sentence after CLIP's cleaning (broken Unicode and HTML repaired, spaces collapsed).

    Special tokens cannot be typed: "<end_of_text>" is punctuation and letters like any other.

    Raises:
        TextError: when nothing is left to read, or the sentence is not valid Unicode.
    """
    try:
        sentence.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TextError(f"sentence {sentence!r} is broken at character {error.start}; give it as UTF-8") from None
    words = _cleaned(sentence).split()
    # Lower-cased as a whole, as CLIP does: the shape of a final sigma depends on what surrounds it.
    pieces = [tuple(_PIECE.findall(word)) for word in " ".join(words).lower().split()]
    if not any(pieces):
        raise TextError(f"sentence {sentence!r} holds no words; describe the person, e.g. a man in a red jacket")
    return tuple(Word(*pair) for pair in zip(words, pieces, strict=True))


def _cleaned(sentence: str) -> str:
    if sentence.isascii() and sentence.isprintable() and "&" not in sentence:
        return sentence  # there is nothing to repair, and finding that out takes most of the time
    return html.unescape(html.unescape(ftfy.fix_text(sentence)))


class ClipBpe:
    """CLIP's lower-case byte-pair encoding; one instance per process, by `load`."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # Captions repeat few words: a look-up is some twenty times cheaper than merging again.
        self.piece_ids = lru_cache(maxsize=_CACHED_PIECES)(self._merge)

    @staticmethod
    def load() -> ClipBpe:
        """Return the process-wide instance; built on first use in less than a tenth of a second.

        Raises:
            WeightsError: when the merges file of open_clip is missing or not the expected one.
        """
        return _load()

    def __reduce__(self) -> tuple[object, ...]:
        return ClipBpe.load, ()  # a worker process builds its own instead of receiving 49408 strings

    def encode(self, sentence: str, context_length: int = CONTEXT_LENGTH) -> EncodedText:
        """Return the ids of a sentence, cut at `context_length` with the end token kept last (method.md 3.3).

        Raises:
            TextError: an empty sentence, or a context without room for a single token.
        """
        if context_length < 3:
            raise TextError(f"context length {context_length} has no room for a word; give at least 3")
        words = split_words(sentence)
        room = context_length - 2
        ids: list[int] = []
        num_read = 0
        for word in words:
            ids += [i for piece in word.pieces for i in self.piece_ids(piece)]
            if len(ids) > room:
                break
            num_read += 1
        unread = tuple(word.text for word in words[num_read:])
        return EncodedText(ids=(START_ID, *ids[:room], END_ID), unread=unread)

    def _merge(self, piece: str) -> tuple[int, ...]:
        """Return the ids of one piece (as `split_words` cuts them)."""
        letters = _byte_letters()
        return tuple(self._tokenizer.encode("".join(letters[byte] for byte in piece.encode("utf-8"))).ids)


def pad_ids(sentences: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return int64 (B, L), L the length of the longest sentence of the batch, filled up with `PAD_ID`.

    Raises:
        TextError: when there is no sentence.
    """
    import torch  # here, so that words can be read and counted without it

    if not sentences:
        raise TextError("there is no sentence to pad; give at least one")
    padded = torch.full((len(sentences), max(map(len, sentences))), PAD_ID, dtype=torch.int64)  # (B, L)
    for row, ids in zip(padded, sentences, strict=True):
        row[: len(ids)] = torch.tensor(ids, dtype=torch.int64)
    return padded


@cache
def _byte_letters() -> tuple[str, ...]:
    """Return the letter for each byte in the merges file: itself where it is visible, else one from U+0100 on."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(_NUM_BYTES) if byte not in set(visible)]
    stand_ins = {byte: chr(_NUM_BYTES + i) for i, byte in enumerate(hidden)}
    return tuple(stand_ins.get(byte, chr(byte)) for byte in range(_NUM_BYTES))


@cache
def _load() -> ClipBpe:
    merges = _read_merges(_find_merges())
    letters = sorted(_byte_letters())  # visible bytes in order, then the stand-ins: CLIP's first 256 ids
    tokens = [*letters, *(letter + _END_OF_WORD for letter in letters), *(left + right for left, right in merges)]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    model = models.BPE(vocab=vocabulary, merges=merges, end_of_word_suffix=_END_OF_WORD)
    return ClipBpe(Tokenizer(model))


def _find_merges() -> Path:
    spec = importlib.util.find_spec("open_clip")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    for folder in folders:
        if (path := Path(folder) / _MERGES_FILE).is_file():
            return path
    raise WeightsError(f"CLIP's word list {_MERGES_FILE} was not found; reinstall it: pip install open_clip_torch")


def _read_merges(path: Path) -> list[tuple[str, str]]:
    """Return the first merges of the file, all that CLIP uses but the last (see `MASK_ID`)."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            pairs = [line.split() for line in islice(lines, 1, 1 + _NUM_MERGES)]  # the first line is a version
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise WeightsError(f"CLIP's word list {path} cannot be read ({error}); reinstall open_clip_torch") from error
    merges = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
    if len(merges) != _NUM_MERGES:
        counts = f"{len(merges)} merges instead of {_NUM_MERGES}"
        raise WeightsError(f"CLIP's word list {path} has {counts}; reinstall open_clip_torch")
    return merges
