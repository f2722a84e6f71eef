"""What commands of `aio-reid gallery` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aio_reid.cli.show import print_table, print_unreadable, remark

if TYPE_CHECKING:
    from pathlib import Path

    from aio_reid.gallery.calibration.calibrate import Calibrated
    from aio_reid.gallery.scan import Unreadable
    from aio_reid.gallery.store.approximate.file import Index
    from aio_reid.gallery.store.embedded import EmbeddedStore
    from aio_reid.gallery.store.enrol import Enrolment
    from aio_reid.gallery.store.entries import Entry, Given
    from aio_reid.gallery.store.milvus.store import MilvusStore


def print_enrolment(result: Enrolment, unreadable: Sequence[Unreadable], num_sentences: int, num_pictures: int) -> None:
    """Print what became of the pictures."""
    print_unreadable("not added", [(item.path, item.error) for item in unreadable], most=None)
    if num_sentences:
        remark(f"{num_sentences} rows without a picture were left out")
    print(
        f"added {result.new} pictures, {result.known} were there already, {result.updated} were described anew, "
        f"{result.duplicates} are copies of others, {len(unreadable)} cannot be added; the gallery holds {num_pictures}"
    )


def print_modalities(entries: Sequence[Entry], given: Given) -> None:
    """Say what pictures were taken for, where that was guessed, or where they look like something else."""
    from aio_reid.gallery.colour import colourless_notes
    from aio_reid.records import Modality

    if isinstance(given, Modality):
        remedy = "remove them and add them with --modality auto"
        for note in colourless_notes([entry.path for entry in entries if entry.modality is given], given, remedy):
            remark(note)
        return
    counts = Counter(entry.modality.label for entry in entries)
    named = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    remark(
        f"by name, manifest or colour: {named}; what is wrong: `aio-reid gallery remove` it, and add it by a manifest "
        "with a column 'modality'"
    )


def print_dropped(dropped: Sequence[Unreadable]) -> None:
    """Print what was lost when a gallery was embedded anew."""
    print_unreadable("removed", [(item.path, item.error) for item in dropped], most=None)


def print_calibration(done: Calibrated) -> None:
    """Print one row per combination, then what could not be calibrated and what the reader has to know."""
    header = ("query", "gallery", "matches", "strangers", "AUROC", "TPR at 1% FPR", "calibration error", "map")
    rows = [
        (
            " + ".join(modality.label for modality in pair.pairing.query),
            pair.pairing.gallery.label,
            str(pair.quality.num_matches),
            str(pair.quality.num_strangers),
            f"{pair.quality.auroc:.3f}",
            f"{100 * pair.quality.tpr_at_1_percent:.1f} %",
            f"{pair.quality.calibration_error:.3f}",
            pair.score_map.family,
        )
        for pair in done.pairs
    ]
    print_table(header, rows)
    for name, reason in done.left_out:
        remark(f"not calibrated: {name}: {reason}")
    for note in done.notes:
        remark(note)
    remark(f"calibrated {len(done.pairs)} combinations, {done.pairs[0].fusion} fusion; searches say so from now on")


def print_cluster_stats(store: MilvusStore) -> None:
    """Print what a gallery in a cluster holds."""
    from aio_reid.pages.text import shown

    about = store.about()
    groups = Counter(store.groups())
    modalities: Counter[str] = Counter()
    cameras: Counter[str | None] = Counter()
    for (modality, camera), count in groups.items():
        modalities[modality] += count
        cameras[camera] += count
    rows = [
        ("place", shown(about.place)),
        ("search", "exact, by Milvus"),
        ("pictures", str(sum(groups.values()))),
        *((f"of modality {name}", str(count)) for name, count in sorted(modalities.items())),
        *((f"of camera {name}", str(cameras[name])) for name in sorted(name for name in cameras if name is not None)),
        ("of no known camera", str(cameras[None])),
        ("own columns", ", ".join(f"{name} ({kind})" for name, kind in about.column_types.items()) or "none"),
        ("weights", f"{about.weights_name}, SHA-256 {about.weights_hash}"),
        ("numbers in a vector", str(about.embedding_size or "not known yet")),
        ("made", about.created),
        *(("backup", shown(path)) for path in sorted(store.backups())),
    ]
    print_table(("what", "value"), [(shown(name), value) for name, value in rows])


def describe_index(index: Index, num_pictures: int) -> str:
    """Return what an index is and how good it was found to be."""
    known, num_cells = index.label, index.cells.num_cells
    return (
        f"of {len(index.ids)} pictures ({num_pictures} are in the gallery), made {known.made}, {num_cells} cells, "
        f"{min(known.num_probes, num_cells)} are read; measured recall of the nearest {known.top}: {known.recall:.3f}, "
        f"for {known.num_queries} vectors of the gallery"
    )


def _index_line(store: EmbeddedStore, num_pictures: int) -> str:
    index = store.index()
    if store.index_problem is not None:
        return store.index_problem
    return "none" if index is None else describe_index(index, num_pictures)


def print_stats(store: EmbeddedStore) -> None:
    """Print what a gallery holds."""
    from aio_reid.gallery.store.backups import known_backups
    from aio_reid.gallery.store.resident import number_time
    from aio_reid.pages.text import shown

    about = store.about()
    with store.reading() as connection:
        groups = connection.execute("SELECT modality, camera FROM items").fetchall()
        earliest, latest = connection.execute("SELECT min(time), max(time) FROM items").fetchone()
        tracks = connection.execute(
            "SELECT count(*) FROM (SELECT DISTINCT camera, track FROM items WHERE track IS NOT NULL)"
        )
        num_tracks = tracks.fetchone()[0]
    modalities = Counter(modality for modality, _ in groups)
    cameras = Counter(camera for _, camera in groups)
    files = [path for path in store.path.parent.glob(f"{store.path.name}*") if path.is_file()]
    rows = [
        ("file", shown(store.path)),
        ("size", f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB"),
        ("pictures", str(len(groups))),
        *((f"of modality {name}", str(count)) for name, count in sorted(modalities.items())),
        *((f"of camera {name}", str(cameras[name])) for name in sorted(name for name in cameras if name is not None)),
        ("of no known camera", str(cameras[None])),
        ("tracks", str(num_tracks)),
        ("times", "none" if earliest is None else f"{number_time(earliest)} to {number_time(latest)}"),
        ("own columns", ", ".join(f"{name} ({kind})" for name, kind in about.column_types.items()) or "none"),
        ("copies", str(store.count_copies()) if about.keeps_copies else "none, it refers to files"),
        ("weights", f"{about.weights_name}, SHA-256 {about.weights_hash}"),
        ("numbers in a vector", str(about.embedding_size or "not known yet")),
        ("made", about.created),
        ("calibration", _calibration_text(store)),
        ("approximate index", _index_line(store, len(groups))),
        *(("backup", f"{shown(path)}{'' if _is_there(path) else ' (not there)'}") for path, _ in known_backups(store)),
    ]
    print_table(("what", "value"), [(shown(name), value) for name, value in rows])
    if store.is_uncompacted:
        remark("an erasure was interrupted; the next command that writes completes it")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a folder that one may not enter
        return False


def _calibration_text(store: EmbeddedStore) -> str:
    from aio_reid.gallery.calibration.kept import read_calibration

    pairs = read_calibration(store)
    if not pairs:
        return "none, see `aio-reid gallery calibrate`"
    return f"{len(pairs)} combinations of query and gallery, {pairs[0].origin}, {pairs[0].made}"
