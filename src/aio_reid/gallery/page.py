"""One self-contained HTML page: no script, style, font or picture of it lies outside the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aio_reid import __version__
from aio_reid.gallery.calibration.reading import probability_text, strangers_text
from aio_reid.gallery.embedder import QueryPart
from aio_reid.gallery.outputs import is_calibrated, margin_text
from aio_reid.gallery.ranking import NUM_BINS
from aio_reid.gallery.result import STATEMENT, Evidence, Hit, ScoreSpread, SearchResult, shown_inside
from aio_reid.pages import render as pages
from aio_reid.pages.render import ShownPart
from aio_reid.pages.text import shown
from aio_reid.pages.thumbnails import Thumbnail, thumbnail
from aio_reid.storage import unchanged_bytes


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A ranked picture; `share` is how much of its bar is filled, in [0, 1]."""

    rank: int
    name: str
    path: str
    score: str
    margin: str
    lower: str
    share: float
    picture: Thumbnail | None
    facts: tuple[tuple[str, str], ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin of the distribution of scores: position and height in [0, 1], and whether a shown hit lies in it."""

    left: float
    height: float
    has_hit: bool


def search_page(result: SearchResult) -> str:
    """Return the page of a search."""
    parts, unplaced = shown_parts(result.parts, result.unread_words)
    spread = result.spread
    return render(
        "search.html",
        result=result,
        parts=parts,
        unplaced=unplaced,
        hits=[_shown_hit(hit, result) for hit in result.hits],
        left_out=[shown_inside(result.folder, hit.path) for hit in result.left_out],
        unreadable=[(shown_inside(result.folder, item.path), shown(item.error)) for item in result.unreadable],
        bars=[] if spread is None else _bars(spread, result.hits),
        median_share=0.0 if spread is None else _share(spread.median, spread.lowest, spread.highest),
        chance_share=None if spread is None else _chance_share(spread),
        folder=shown(result.folder),
        place=_place(result),
        is_calibrated=is_calibrated(result),
        facts=_facts(result),
    )


def render(template: str, **values: object) -> str:
    """Return a page from a template of this package; everything is escaped, and a missing value is an error."""
    return pages.render(Path(__file__).with_name("templates"), template, statement=STATEMENT, **values)


def shown_parts(parts: Sequence[QueryPart], unread_words: Sequence[str]) -> tuple[list[ShownPart], list[str]]:
    """Return the parts of a query to show, and the unread words that are at the end of no sentence."""
    left = list(unread_words)
    found: list[ShownPart] = []
    for part in reversed(parts):
        if not isinstance(part.value, str):
            found.append(ShownPart(part.modality, "", "", shown(part.name, only_name=True), thumbnail(part.value)))
            continue
        border = _first_unread(part.value, left)
        found.append(ShownPart(part.modality, shown(part.value[:border]), shown(part.value[border:]), "", None))
    return found[::-1], left


def _first_unread(sentence: str, unread: list[str]) -> int:
    """Return where the unread words begin that end this sentence, and take them off the list."""
    rest = sentence.lower().rstrip()
    border = len(sentence)
    while unread and unread[-1] and rest.endswith(unread[-1].lower()):
        border = len(rest) - len(unread.pop())
        rest = rest[:border].rstrip()
    return border


def _place(result: SearchResult) -> str:
    return "folder" if result.gallery_modality else "gallery"


def _shown_hit(hit: Hit, result: SearchResult) -> ShownHit:
    known, data = hit.enrolled, _picture_data(hit)
    changed = (("picture", "its file is gone, or has changed since it was enrolled"),) if data is None else ()
    return ShownHit(
        rank=hit.rank,
        name=shown_inside(result.folder, hit.path),
        path=shown(hit.path),
        score=f"{hit.score:.3f}",
        margin=margin_text(hit.stands_out),
        lower="" if hit.percentile is None else f"{100 * hit.percentile:.1f} % of the {_place(result)} scores lower",
        share=0.0 if result.spread is None else _share(hit.score, result.spread.median, _bar_end(result.spread)),
        picture=None if data is None else thumbnail(data),
        facts=() if known is None else (*changed, ("id", str(known.id)), *known.facts),
        evidence="" if hit.evidence is None else _evidence_text(hit.evidence),
    )


def _picture_data(hit: Hit) -> bytes | None:
    """Return the bytes that the score belongs to, or None: a file may be another picture by now."""
    if hit.enrolled is not None and hit.enrolled.copy is not None:
        return hit.enrolled.copy
    return unchanged_bytes(hit.path, bytes.fromhex(hit.content))


def _evidence_text(evidence: Evidence) -> str:
    return f"P(match) {probability_text(evidence)}; {strangers_text(evidence)}"


def _share(score: float, lowest: float, highest: float) -> float:
    """Return where a score lies between two others, in [0, 1]."""
    width = highest - lowest
    return 1.0 if width <= 0 else min(max((score - lowest) / width, 0.0), 1.0)


def _chance_score(spread: ScoreSpread) -> float:
    return spread.median + (spread.chance_best or 0.0) * spread.deviation


def _bar_end(spread: ScoreSpread) -> float:
    """Return the score at which a bar is full: the best one, or what chance would give where that is higher."""
    return max(spread.highest, _chance_score(spread))


def _chance_share(spread: ScoreSpread) -> float | None:
    if spread.chance_best is None:
        return None
    return _share(_chance_score(spread), spread.median, _bar_end(spread))


def _bars(spread: ScoreSpread, hits: Iterable[Hit]) -> list[Bar]:
    """Return the bins to draw; heights are square roots, so that a single picture in the tail can be seen."""
    tallest = max(spread.bins)
    shares = [_share(hit.score, spread.lowest, spread.highest) for hit in hits]
    with_hit = {min(int(share * NUM_BINS), NUM_BINS - 1) for share in shares}
    return [
        Bar(i / NUM_BINS, (count / tallest) ** 0.5, i in with_hit) for i, count in enumerate(spread.bins) if count > 0
    ]


def _facts(result: SearchResult) -> list[tuple[str, str]]:
    counts, timings = result.counts, result.timings
    return [
        (_place(result).capitalize(), shown(result.folder)),
        *((("Searched only", "; ".join(result.filters)),) if result.filters else ()),
        ("Pictures", f"{counts.listed:,} listed, {counts.searched:,} searched, {counts.unreadable:,} unreadable"),
        ("Embeddings", f"{counts.embedded:,} made now, {counts.from_cache:,} from the cache"),
        ("Searched as", f"{result.gallery_modality.label} gallery" if result.gallery_modality else "what was enrolled"),
        ("Fusion", f"{result.fusion} fusion" if len(result.parts) > 1 else "one part, none needed"),
        ("Time", f"{timings.total_s:.2f} s (query {timings.query_s:.2f} s, gallery {timings.gallery_s:.2f} s)"),
        ("Weights", f"SHA-256 {result.weights_hash}"),
        ("Program", f"aio-reid {__version__}"),
    ]
