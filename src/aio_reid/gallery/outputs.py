"""A search result as files and as rows of a table. Files appear whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aio_reid import __version__
from aio_reid.errors import StorageError
from aio_reid.gallery.calibration.reading import probability_text, rate_text
from aio_reid.gallery.result import STATEMENT, Evidence, Hit, SearchResult, shown_inside
from aio_reid.pages.text import shown
from aio_reid.storage import written_whole

TABLE_HEADER = ("rank", "score", "stands out", "picture")
GALLERY_TABLE_HEADER = ("rank", "score", "stands out", "id", "camera", "time", "track", "picture")
CSV_HEADER = (
    "rank",
    "path",
    "score",
    "stands_out_uncalibrated",
    "percentile_uncalibrated",
    "sha256",
    "is_query",
    "error",
)


CALIBRATED_TABLE_HEADER = (*GALLERY_TABLE_HEADER[:3], "P(match)", "strangers this high", *GALLERY_TABLE_HEADER[3:])
"""Of a lasting gallery whose scores are calibrated for the query."""

GALLERY_CSV_HEADER = (
    *CSV_HEADER,
    "id",
    "modality",
    "camera",
    "time",
    "track",
    "track_size",
    "source",
    "frame",
    "probability",
    "log_likelihood_ratio",
    "stranger_rate",
    "is_least_rate",
    "expected_strangers",
)
"""Behind these come the gallery's own columns, by name."""


def table_header(result: SearchResult) -> tuple[str, ...]:
    """Return the names of the cells of `table_rows`."""
    if result.gallery_modality:
        return TABLE_HEADER
    return CALIBRATED_TABLE_HEADER if is_calibrated(result) else GALLERY_TABLE_HEADER


def is_calibrated(result: SearchResult) -> bool:
    """Tell whether what the score means is known of at least one hit."""
    return any(hit.evidence is not None for hit in result.hits)


def table_rows(result: SearchResult) -> list[tuple[str, ...]]:
    """Return the hits as cells for `table_header`: plain text without control characters, not markup of any kind."""
    return [
        (
            str(hit.rank),
            f"{hit.score:.4f}",
            margin_text(hit.stands_out),
            *(_evidence_cells(hit.evidence) if is_calibrated(result) else ()),
            *_enrolled_cells(hit),
            shown_inside(result.folder, hit.path),
        )
        for hit in result.hits
    ]


def _evidence_cells(evidence: Evidence | None) -> tuple[str, str]:
    return ("–", "–") if evidence is None else (probability_text(evidence), rate_text(evidence))


def _enrolled_cells(hit: Hit) -> tuple[str, ...]:
    if hit.enrolled is None:
        return ()
    facts = dict(hit.enrolled.facts)
    return (str(hit.enrolled.id), *(facts.get(name, "–") for name in ("camera", "time", "track")))


def margin_text(stands_out: float | None) -> str:
    """Return how far a score stands out in words of at most five characters; "–" where it cannot be told."""
    return "–" if stands_out is None else f"{stands_out:+.1f}"


def write_json(result: SearchResult, path: Path) -> None:
    """Write everything that is known of a search as UTF-8 JSON.

    Raises:
        StorageError: when the file cannot be written.
    """
    text = json.dumps(result_dict(result), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path, text + "\n")


def result_dict(result: SearchResult) -> dict[str, Any]:
    """Return a search result as plain values for JSON."""
    return {
        "format": "aio-reid search 1",
        "program": f"aio-reid {__version__}",
        "statement": STATEMENT,
        "calibrated": is_calibrated(result),
        "presence": None if result.presence is None else asdict(result.presence),
        "folder": shown(result.folder),
        "query": [{"modality": part.modality.value, "value": shown(part.name)} for part in result.parts],
        "fusion": result.fusion,
        "gallery_modality": None if result.gallery_modality is None else result.gallery_modality.value,
        "filters": list(result.filters),
        "exact": result.recall is None,
        "measured_recall": _rounded(result.recall, 4),
        "weights_sha256": result.weights_hash,
        "unread_words": list(result.unread_words),
        "notes": list(result.notes),
        "counts": asdict(result.counts),
        "timings": {name: round(seconds, 4) for name, seconds in asdict(result.timings).items()},
        "scores": None if result.spread is None else asdict(result.spread),
        "hits": [_hit_dict(hit) for hit in result.hits],
        "left_out": [_hit_dict(hit) for hit in result.left_out],
        "unreadable": [{"path": shown(item.path), "error": shown(item.error)} for item in result.unreadable],
    }


def write_csv(result: SearchResult, path: Path) -> None:
    """Write one line per hit, then per picture left out, then per unreadable one, in UTF-8 under CSV_HEADER, or of a
    lasting gallery under GALLERY_CSV_HEADER.

    Raises:
        StorageError: when the file cannot be written.
    """
    hits = (*result.hits, *result.left_out)
    header = CSV_HEADER if result.gallery_modality else GALLERY_CSV_HEADER
    own = sorted({name for hit in hits if hit.enrolled is not None for name in hit.enrolled.columns})
    titles = {name: f"column {name}" if name in header else shown(name) for name in own}
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, (*header, *titles.values()), restval="")
    writer.writeheader()
    for hit in hits:
        cells = _hit_dict(hit)
        columns = {titles[name]: value for name, value in cells.pop("columns", {}).items()}
        writer.writerow({**cells, **columns, "is_query": str(hit in result.left_out).lower()})
    for item in result.unreadable:
        writer.writerow({"path": shown(item.path), "is_query": "false", "error": shown(item.error)})
    write_whole(path, text.getvalue())


def write_html(result: SearchResult, path: Path) -> None:
    """Write one self-contained page that shows the query and the ranked pictures.

    Raises:
        StorageError: when the file cannot be written.
    """
    from aio_reid.gallery.page import search_page  # a search without a page needs neither Jinja nor Pillow

    write_whole(path, search_page(result))


def check_writable(path: Path) -> None:
    """Find out before a long search that its result could not be written.

    Raises:
        StorageError: when the path is a folder, or its folder is missing or not writable.
    """
    if path.is_dir():
        raise StorageError(f"cannot write {str(path)!r}: it is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise StorageError(f"cannot write {str(path)!r}: folder {str(path.parent)!r} does not exist; make it first")
    if not os.access(path if _is_special(path) else path.parent, os.W_OK):
        raise StorageError(f"cannot write {str(path)!r}: no permission for its folder; choose another place")


def write_whole(path: Path, text: str) -> None:
    """Write a UTF-8 file so that at every moment it is the old one or the new one; pipes and devices are written to.

    Raises:
        StorageError: when the file cannot be written; what was there before stays.
    """
    check_writable(path)
    data = text.encode("utf-8", "replace")
    try:
        if _is_special(path):
            path.write_bytes(data)
            return
        with written_whole(path) as part:
            part.write_bytes(data)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot write {str(path)!r} ({reason}); free space or choose another place") from None


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _hit_dict(hit: Hit) -> dict[str, Any]:
    """Return a hit as plain values, those of CSV_HEADER first."""
    values: dict[str, Any] = {
        "rank": hit.rank,
        "path": shown(hit.path),
        "score": round(hit.score, 6),
        "stands_out_uncalibrated": _rounded(hit.stands_out, 3),
        "percentile_uncalibrated": _rounded(hit.percentile, 5),
        "sha256": hit.content,
    }
    known = hit.enrolled
    if known is not None:
        values |= {
            "id": known.id,
            "modality": known.modality.value,
            "camera": known.camera,
            "time": None if known.time is None else known.time.isoformat(),
            "track": known.track,
            "track_size": known.track_size,
            "source": known.source,
            "frame": known.frame,
            **_evidence_dict(hit.evidence),
            "columns": dict(known.columns),
        }
    return values


def _evidence_dict(evidence: Evidence | None) -> dict[str, float | bool | None]:
    return {
        "probability": round(evidence.probability, 6) if evidence else None,
        "log_likelihood_ratio": round(evidence.log_ratio, 4) if evidence else None,
        "stranger_rate": float(f"{evidence.stranger_rate:.4g}") if evidence else None,
        "is_least_rate": evidence.is_least_rate if evidence else None,
        "expected_strangers": float(f"{evidence.expected_strangers:.4g}") if evidence else None,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
