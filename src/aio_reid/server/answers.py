"""What the service answers, as JSON: the models for OpenAPI, and how results become them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from aio_reid import __version__
from aio_reid.gallery.calibration.reading import probability_text, strangers_text
from aio_reid.gallery.result import STATEMENT, Evidence, Hit, SearchResult
from aio_reid.gallery.store.protocol import About, Item

PROGRAM = f"aio-reid {__version__}"


class ItemAnswer(BaseModel):
    """One enrolled picture."""

    id: int = Field(description="Never given to another picture.")
    gallery: str
    modality: str
    camera: str | None
    time: str | None = Field(description="What the camera's clock showed, ISO 8601 without a zone.")
    track: str | None
    source: str | None
    frame: int | None
    columns: dict[str, str | float]
    path: str = Field(description="Where the file lay when it was enrolled.")
    content: str = Field(description="SHA-256 of the file.")
    picture: str = Field(description="Address of the picture itself, on this service.")


class EvidenceAnswer(BaseModel):
    """What a calibrated score says of one picture."""

    log_ratio: float = Field(description="Nats: log p(score | match) - log p(score | stranger).")
    probability: float = Field(description="P(match), calibrated; no identification.")
    stranger_rate: float = Field(description="Share of pictures of strangers that score at least as high.")
    is_least_rate: bool = Field(description="No stranger was ever seen to; the rate is 1 / N of the N known ones.")
    expected_strangers: float = Field(description="The rate times the pictures of this kind that were searched.")
    probability_text: str
    strangers_text: str


class PresenceAnswer(BaseModel):
    """Whether the person is probably among the pictures searched."""

    is_probable: bool | None = Field(description="null: the calibration cannot tell.")
    expected_strangers: float
    limit: float
    text: str


class HitAnswer(ItemAnswer):
    """A ranked picture."""

    rank: int
    score: float = Field(description="Cosine similarity in [-1, 1]. No probability, no identification.")
    stands_out: float | None = Field(description="Robust deviations above the gallery's median; not calibrated.")
    percentile: float | None = Field(description="Share of the searched pictures with a lower score.")
    track_size: int = Field(description="Pictures of its track that were searched, where tracks are shown as one.")
    evidence: EvidenceAnswer | None = Field(description="What the score means; null where it is not calibrated.")


class SearchAnswer(BaseModel):
    """The answer to a search, best first."""

    gallery: str
    gallery_id: str
    gallery_version: int = Field(description="Of the gallery when it was searched; grows with each change.")
    hits: list[HitAnswer]
    left_out: list[int] = Field(description="Ids of enrolled pictures that are part of the query.")
    query: dict[str, int] = Field(description="How many parts of each modality the query had.")
    query_hash: str = Field(description="SHA-256 of the parts, as the audit log has it.")
    fusion: str
    filters: list[str]
    num_pictures: int
    num_searched: int
    unread_words: list[str] = Field(description="Words that were too many to read.")
    notes: list[str]
    calibrated: bool = Field(description="What the score means is known of at least one hit.")
    presence: PresenceAnswer | None = Field(description="null where the gallery is not calibrated for such a query.")
    chance_best: float | None = Field(description="`stands_out` to expect of the best picture where nobody matches.")
    recall: float | None = Field(description="Measured of the approximate index; null for an exact search.")
    statement: str
    program: str
    weights: str = Field(description="SHA-256 of the model's weights.")
    seconds: float


class EmbedAnswer(BaseModel):
    """Unit vectors: one for all parts together, or, with fusion=separate, one per part in the order of the form."""

    vectors: list[list[float]] | list[str] = Field(description="Numbers, or base64 of little-endian float32.")
    size: int
    fusion: str
    unread_words: list[str]
    weights: str


class TokensAnswer(BaseModel):
    """How much of a sentence is read."""

    num_tokens: int = Field(description="Of the whole sentence, with one for its start and one for its end.")
    limit: int = Field(description="The most that are read.")
    unread_words: list[str] = Field(description="Words that are beyond, in order.")


class ItemsAnswer(BaseModel):
    """One page of a gallery, in the order of ids."""

    items: list[ItemAnswer]
    total: int = Field(description="Pictures that fulfil the filters, on all pages.")
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class EnrolAnswer(BaseModel):
    """What became of a picture."""

    state: str = Field(description="new, updated (it was there, and is described anew) or known (as it is).")
    item: ItemAnswer


class GalleryAnswer(BaseModel):
    """One gallery."""

    name: str
    id: str
    version: int = Field(description="Grows with each change.")
    num_pictures: int
    keeps_copies: bool = Field(description="Pictures can be enrolled through the service.")
    columns: dict[str, str]
    weights: str
    created: str


class GalleriesAnswer(BaseModel):
    """All galleries that are served."""

    galleries: list[GalleryAnswer]
    problems: dict[str, str] = Field(description="Galleries that cannot be read now, by name, and why.")
    modalities: list[str] = Field(description="Kinds of evidence that the model reads.")
    statement: str = Field(description="What a score is not.")
    program: str


class StateAnswer(BaseModel):
    """Whether the service is well; `problems` says what is not."""

    state: str
    problems: dict[str, str] = {}


class ErasureAnswer(BaseModel):
    """The certificate of an erasure, as `aio-reid gallery erase` writes it; it also lies in the gallery's folder."""

    format: str
    program: str
    is_complete: bool = Field(description="Nothing is known to be left in the gallery, caches and backups.")
    source_files: str
    other_galleries: str
    gallery: str
    gallery_id: str
    asked: list[str]
    began: str
    ended: str
    num_before: int
    num_erased: int
    num_after: int
    num_copies_before: int
    num_copies_after: int
    caches: list[dict[str, Any]]
    backups: list[dict[str, Any]]
    num_probed: int
    sha256: str | None
    not_proven: list[str] = Field(description="What could not be shown; then is_complete is false.")


def item_json(gallery: str, item: Item) -> dict[str, Any]:
    """Return a picture as `ItemAnswer`."""
    known = item.picture
    return {
        "id": item.id,
        "gallery": gallery,
        "modality": known.modality.value,
        "camera": known.camera,
        "time": None if known.time is None else known.time.isoformat(),
        "track": known.track,
        "source": known.source,
        "frame": known.frame,
        "columns": dict(known.columns),
        "path": _text(known.path),
        "content": known.content.hex(),
        "picture": _address(gallery, item.id),
    }


def search_json(gallery: str, result: SearchResult, *, about: About, query_hash: str) -> dict[str, Any]:
    """Return the result of a search as `SearchAnswer`; `about` is the gallery as it was searched."""
    return {
        "gallery": gallery,
        "gallery_id": about.gallery_id,
        "gallery_version": about.version,
        "hits": [_hit_json(gallery, hit) for hit in result.hits],
        "left_out": [hit.enrolled.id for hit in result.left_out if hit.enrolled is not None],
        "query": dict(Counter(part.modality.value for part in result.parts)),
        "query_hash": query_hash,
        "fusion": result.fusion,
        "filters": list(result.filters),
        "num_pictures": result.counts.listed,
        "num_searched": result.counts.searched,
        "unread_words": list(result.unread_words),
        "notes": list(result.notes),
        "calibrated": any(hit.evidence is not None for hit in result.hits),
        "presence": None if result.presence is None else asdict(result.presence),
        "chance_best": None if result.spread is None else result.spread.chance_best,
        "recall": result.recall,
        "statement": STATEMENT,
        "program": PROGRAM,
        "weights": result.weights_hash,
        "seconds": round(result.timings.total_s, 4),
    }


def gallery_json(name: str, about: About, num_pictures: int) -> dict[str, Any]:
    """Return a gallery as `GalleryAnswer`."""
    return {
        "name": name,
        "id": about.gallery_id,
        "version": about.version,
        "num_pictures": num_pictures,
        "keeps_copies": about.keeps_copies,
        "columns": dict(about.column_types),
        "weights": about.weights_hash,
        "created": about.created,
    }


def _hit_json(gallery: str, hit: Hit) -> dict[str, Any]:
    known = hit.enrolled
    if known is None:
        raise TypeError("a hit of a lasting gallery is enrolled")
    return {
        "rank": hit.rank,
        "id": known.id,
        "score": hit.score,
        "stands_out": hit.stands_out,
        "percentile": hit.percentile,
        "gallery": gallery,
        "modality": known.modality.value,
        "camera": known.camera,
        "time": None if known.time is None else known.time.isoformat(),
        "track": known.track,
        "track_size": known.track_size,
        "evidence": None if hit.evidence is None else _evidence_json(hit.evidence),
        "source": known.source,
        "frame": known.frame,
        "columns": dict(known.columns),
        "path": _text(hit.path),
        "content": hit.content,
        "picture": _address(gallery, known.id),
    }


def _evidence_json(evidence: Evidence) -> dict[str, Any]:
    words = {"probability_text": probability_text(evidence), "strangers_text": strangers_text(evidence)}
    return {**asdict(evidence), **words}


def _address(gallery: str, number: int) -> str:
    return f"/v1/items/{number}/picture?gallery={quote(gallery, safe='')}"


def _text(path: object) -> str:
    """Return a path as JSON can hold it: names that are no UTF-8 get visible marks."""
    return str(path).encode("utf-8", "replace").decode("utf-8")
