"""`aio-reid demo`: the main job from beginning to end, on people who do not exist."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from aio_reid.api import AIO
from aio_reid.datasets.manifest import read_manifest
from aio_reid.errors import DataError
from aio_reid.evaluation.embed import EARLY, CachedEmbedder
from aio_reid.evaluation.protocols.combinations import draw_records, evaluate_combinations
from aio_reid.evaluation.scores import TaskScores
from aio_reid.gallery.demo_page import DemoHit, DemoQuery, DemoRow, write_demo_page
from aio_reid.gallery.embedder import QueryPart
from aio_reid.people.write import Splits, ViewCounts, write_people
from aio_reid.progress import SILENT, Progress
from aio_reid.provenance import collect_provenance
from aio_reid.records import Modality, Query, Record, Split

VIEWS = ViewCounts(photos=4, infrared=1, sketches=1, pencils=1, captions=1)
COMBINED = (Modality.RGB, Modality.INFRARED, Modality.SKETCH, Modality.TEXT)
SHOWN: tuple[tuple[Modality, ...], ...] = (
    (Modality.RGB,),
    (Modality.INFRARED,),
    (Modality.SKETCH,),
    (Modality.PENCIL,),
    (Modality.TEXT,),
    (Modality.SKETCH, Modality.TEXT),
    (Modality.INFRARED, Modality.TEXT),
    (Modality.INFRARED, Modality.SKETCH, Modality.TEXT),
    COMBINED,
)
"""The queries of the page, all about the same person."""
NUM_HITS = 10
PEOPLE, PAGE = "people", "index.html"
DEFAULT_SEED = 77
"""Not a seed of the people that the packaged weights were trained on."""
TITLE = "One model, any evidence"


@dataclass(frozen=True, slots=True)
class Demo:
    """The page, and its retrieval table: what was searched with, queries, rank-1 and mAP as fractions."""

    page: Path
    rows: tuple[DemoRow, ...]
    num_gallery: int


def run_demo(
    out: Path,
    *,
    identities: int = 60,
    seed: int = DEFAULT_SEED,
    weights: str = "aio-nano",
    device: str | None = None,
    progress: Progress = SILENT,
) -> Demo:
    """Draw a gallery of synthetic people, search it with every kind of evidence, and write the page `out`/index.html.

    The person shown is the first of the set, not a chosen one; the table is over all of them.

    Raises:
        DataError: `out` holds something else.
        StorageError: something cannot be written.
        WeightsError: the weights cannot be loaded.
        ConfigError: the device cannot be used.
    """
    _check_folder(out)
    model = AIO.load(weights, device)
    manifest = write_people(
        out / PEOPLE,
        identities=identities,
        seed=seed,
        views=VIEWS,
        splits=Splits("retrieval"),
        progress=progress,
    )
    records = [record for record in read_manifest(manifest) if record.modality in model.model.modalities]
    embed = CachedEmbedder(model.embed_queries, reliability=model.reliability, progress=progress)
    subsets = asked_subsets(model.model.modalities)
    scores = evaluate_combinations(records, embed, fusions=(model.preferred_fusion,), subsets=subsets, seed=seed)
    gallery = [record for record in records if record.split is Split.GALLERY]
    rows = tuple(_row(task) for task in scores.tasks)
    page = out / PAGE
    write_demo_page(
        page,
        title=TITLE,
        introduction=_introduction(identities, len(gallery), weights),
        queries=_shown_queries(records, gallery, embed, seed, model.preferred_fusion),
        rows=rows,
        facts=_facts(model, seed),
        next_command=_next_command(out, gallery),
    )
    return Demo(page, rows, len(gallery))


def _check_folder(out: Path) -> None:
    if out.is_dir() and not {path.name for path in out.iterdir()} <= {PEOPLE, PAGE}:
        raise DataError(f"{str(out)!r} holds other things than a demonstration; name a new folder")


def asked_subsets(known: Iterable[Modality]) -> list[tuple[Modality, ...]]:
    """Return each modality by itself, then all combinations of photo, infrared, sketch and text."""
    modalities = [modality for modality in Modality if modality in set(known)]
    joined = [modality for modality in COMBINED if modality in modalities]
    singles: list[tuple[Modality, ...]] = [(modality,) for modality in modalities]
    return singles + [subset for size in range(2, len(joined) + 1) for subset in combinations(joined, size)]


def _shown_queries(
    records: Sequence[Record], gallery: Sequence[Record], embed: CachedEmbedder, seed: int, fusion: str
) -> list[DemoQuery]:
    known = draw_records([record for record in records if record.split is Split.QUERY], seed)
    person, evidence = next(iter(known.items()))
    vectors = embed([(record,) for record in gallery], EARLY)  # (G, E)
    queries = []
    for modalities in SHOWN:
        if not all(modality in evidence for modality in modalities):
            continue
        query: Query = tuple(evidence[modality] for modality in modalities)
        scores = vectors @ embed([query], fusion)[0]  # (G,)
        best = np.argsort(-scores, kind="stable")[:NUM_HITS]
        hits = tuple(_hit(gallery[int(g)], float(scores[g]), person) for g in best)
        queries.append(DemoQuery(" + ".join(modality.label for modality in modalities), _parts(query), hits))
    return queries


def _hit(record: Record, score: float, person: str) -> DemoHit:
    return DemoHit(record.image_path or Path(), score, record.person_id == person)


def _parts(query: Query) -> tuple[QueryPart, ...]:
    return tuple(QueryPart(record.modality, record.image_path or record.caption or "") for record in query)


def _row(task: TaskScores) -> DemoRow:
    modalities = tuple(modality for modality in Modality if modality.letter in task.task)
    return DemoRow(modalities, task.scores.num_queries, task.scores.rank[1], task.scores.mAP)


def _introduction(identities: int, num_gallery: int, weights: str) -> str:
    return (
        f"The gallery: {num_gallery} pictures of {identities} people who do not exist. One model ({weights}) reads "
        "every kind of evidence, alone or together. Below, the first of these people is searched for with each; the "
        "picture or sentence used is not in the gallery, and the gallery's photos come from other cameras."
    )


def _facts(model: AIO, seed: int) -> list[tuple[str, str]]:
    made = collect_provenance(seed=seed)
    hardware = made["hardware"]
    cpu = hardware["cpu"] if isinstance(hardware, dict) else ""
    return [
        ("program", f"aio-reid {made['version']}, commit {str(made['commit'] or 'unknown')[:12]}"),
        ("weights", f"sha256 {model.weights_hash[:16]}"),
        (
            "people",
            f"drawn from seed {seed}; the card of the weights names the seeds of the people they were trained on",
        ),
        ("computed on", f"{model.device}, {cpu}"),
        ("time", str(made["time_utc"])),
    ]


def _next_command(out: Path, gallery: Sequence[Record]) -> str:
    folder = gallery[0].image_path.parent if gallery and gallery[0].image_path else out
    return f'aio-reid search {shlex.quote(str(folder))} --text "a woman in a red jacket" --html hits.html'
