"""The rows of the whole evaluation: which data set is scored by which protocol, in the order of the table.

A new row is one entry of `ROWS`: what reads the copy, and what scores it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aio_reid.datasets import orbench as orbench_files
from aio_reid.datasets import regdb as regdb_files
from aio_reid.datasets.catalogue import find_dataset
from aio_reid.datasets.manifest import read_manifest
from aio_reid.datasets.sysu_permutations import read_permutations
from aio_reid.errors import DataError
from aio_reid.evaluation.embed import EmbedQueries
from aio_reid.evaluation.protocols import (
    combinations,
    cross_camera,
    llcm,
    market_sketch_1k,
    orbench,
    pku_sketch,
    regdb,
    sysu_mm01,
    text_to_image,
    tri_modal,
)
from aio_reid.evaluation.published import FIGURES, Published
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.records import Modality, Record, Split

PAPER, SEVERAL, FURTHER = "one modality, as in the paper", "several modalities", "further data sets"
MANIFEST = "manifest"
MANIFEST_FILES = ("manifest.parquet", "manifest.csv")
PERMUTATION_FILES = tuple(
    f"{folder}/rand_perm_cam.mat" for folder in ("exp", "evaluation", "evaluation/data_split", "data_split")
)
Seed = int


@dataclass(frozen=True, slots=True)
class RowData:
    """A copy of a data set, read.

    Attributes:
        trials: the records that are asked and searched: one list, or one for each part that stands for itself (RegDB's
            trials, ORBench's tasks). All lists are empty where the copy has nothing to test.
        score: runs the protocol on them; the seed counts only for rows that are drawn.
        files: other files that the result depends on.
    """

    trials: tuple[Sequence[Record], ...]
    score: Callable[[EmbedQueries, Seed], ProtocolScores]
    files: tuple[Path, ...] = ()


Read = Callable[[Path, Collection[Modality]], RowData]
"""Folder of the copy (or file of the manifest), modalities that the weights read -> what is to be scored.

Raises DataError where the copy is not what it should be."""


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One row: a data set under one protocol.

    Attributes:
        name: what `--protocols` and `--dataset` call it.
        label: what searches what, by the letters of the modalities.
        dataset: name in the catalogue.
        group: the table that it stands in.
        read: see `Read`.
        protocol: name of the protocol; `version` is its version.
        needs: modalities that the weights must read.
        any_of: files of which a copy must hold one, that the row exists at all; none: every copy has it.
        is_drawn: the protocol draws at random, by our seed.
        published: figures of others to stand beside it.
    """

    name: str
    label: str
    dataset: str
    group: str
    read: Read
    protocol: str
    version: str
    needs: tuple[Modality, ...] = ()
    any_of: tuple[str, ...] = ()
    is_drawn: bool = False
    published: tuple[Published, ...] = ()


def title_of(row: SuiteRow) -> str:
    """Return what the authors call the row's data set; of a manifest, the name of the row."""
    return row.name if row.dataset == MANIFEST else find_dataset(row.dataset).title


def folder_of(row: SuiteRow) -> str:
    """Return the likeliest name of what the row is looked for as."""
    return MANIFEST_FILES[-1] if row.dataset == MANIFEST else find_dataset(row.dataset).folders[0]


def select_tested(records: Iterable[Record], modalities: Collection[Modality]) -> list[Record]:
    """Return the records of the splits query and gallery whose modality is one of these, in their order."""
    return [r for r in records if r.split in (Split.QUERY, Split.GALLERY) and r.modality in modalities]


def find_file(folder: Path, names: Iterable[str]) -> Path | None:
    """Return the first of these that lies in the folder, or in a folder that lies in it; None where none does."""
    for name in names:
        found = [folder / name, *sorted(folder.glob(f"*/{name}"))]
        for path in found:
            if path.exists():
                return path
    return None


def find_manifests(root: Path) -> dict[str, Path]:
    """Return the manifests in `root` and in the folders in it: name of the row -> file.

    Of a folder that has both forms, Parquet counts.
    """
    found: dict[str, Path] = {}
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        files = [folder / name for name in MANIFEST_FILES if (folder / name).is_file()]
        if files:
            found[MANIFEST if folder == root else f"{MANIFEST}-{folder.name}"] = files[0]
    return found


def list_rows(manifests: Mapping[str, Path]) -> tuple[SuiteRow, ...]:
    """Return all rows in the order of the table, with one for each manifest, or one for none."""
    rows: list[SuiteRow] = []
    for row in ROWS:
        names = list(manifests) or [MANIFEST] if row.dataset == MANIFEST else [row.name]
        rows += [replace(row, name=name) for name in names]
    return tuple(rows)


def read_plain(dataset: str, protocol: Callable[[Sequence[Record], EmbedQueries], ProtocolScores]) -> Read:
    """Return the reader of a row whose protocol takes the test records of the catalogue's parser."""

    def read(folder: Path, modalities: Collection[Modality]) -> RowData:
        records = select_tested(find_dataset(dataset).parse(folder), modalities)
        return RowData((records,), lambda embed, _: protocol(records, embed))

    return read


def read_sysu_official(folder: Path, modalities: Collection[Modality]) -> RowData:
    """Read SYSU-MM01 with the galleries that its authors drew."""
    path = find_file(folder, PERMUTATION_FILES)
    if path is None:
        raise DataError(f"there is no rand_perm_cam.mat in {folder}; put it into its folder exp")
    records = select_tested(find_dataset("sysu-mm01").parse(folder), modalities)
    permutations = read_permutations(path)

    def score(embed: EmbedQueries, _: Seed) -> ProtocolScores:
        return sysu_mm01.evaluate_sysu_mm01(records, embed, draw=sysu_mm01.OFFICIAL, permutations=permutations)

    return RowData((records,), score, (path,))


def read_pku_fifty(folder: Path, modalities: Collection[Modality]) -> RowData:
    """Read PKU-Sketch for its splits of 50 persons."""
    records = select_tested(find_dataset("pku-sketch").parse(folder), modalities)
    return RowData((records,), lambda embed, seed: pku_sketch.evaluate_fifty_persons(records, embed, seed=seed))


def read_regdb(folder: Path, modalities: Collection[Modality]) -> RowData:
    """Read RegDB's ten trials."""
    trials = tuple(select_tested(trial, modalities) for trial in regdb_files.parse_trials(folder))
    return RowData(trials, lambda embed, _: regdb.evaluate_regdb(trials, embed))


def read_orbench(folder: Path, modalities: Collection[Modality]) -> RowData:
    """Read ORBench's tasks, those that ask for a modality which the weights do not read left out."""
    gallery = [r for r in select_tested(orbench_files.parse(folder), modalities) if r.split is Split.GALLERY]
    tasks = {
        task: queries
        for task, queries in orbench_files.parse_tasks(folder).items()
        if all(record.modality in modalities for query in queries[:1] for record in query)
    }
    asked = [[record for query in queries for record in query] for queries in tasks.values()]
    return RowData((gallery, *asked) if asked else (), lambda embed, _: orbench.evaluate_orbench(tasks, gallery, embed))


def read_combinations(path: Path, modalities: Collection[Modality]) -> RowData:
    """Read a manifest; one without queries or without gallery, as for training, has nothing to test."""
    records = select_tested(read_manifest(path), modalities)
    if len({record.split for record in records}) < 2:
        records = []
    return RowData((records,), lambda embed, seed: combinations.evaluate_combinations(records, embed, seed=seed))


RGB, IR, SKETCH, TEXT = Modality.RGB, Modality.INFRARED, Modality.SKETCH, Modality.TEXT
_CUHK03_FILES = ("cuhk03_new_protocol_config_{}.mat", "{}/bounding_box_test")


def _photos(name: str, group: str, any_of: tuple[str, ...] = ()) -> SuiteRow:
    read = read_plain(name, cross_camera.evaluate_cross_camera)
    return SuiteRow(name, "R to R", name, group, read, cross_camera.NAME, cross_camera.VERSION, (RGB,), any_of)


def _sentences(name: str, group: str) -> SuiteRow:
    read = read_plain(name, text_to_image.evaluate_text_to_image)
    return SuiteRow(name, "T to R", name, group, read, text_to_image.NAME, text_to_image.VERSION, (RGB, TEXT))


def _tri(name: str, group: str) -> SuiteRow:
    read = read_plain(name, tri_modal.evaluate_tri_modal)
    return SuiteRow(name, "S, T, ST to R", name, group, read, tri_modal.NAME, tri_modal.VERSION, (RGB, SKETCH, TEXT))


def _sysu(name: str, draw: str, label: str, read: Read, any_of: tuple[str, ...] = ()) -> SuiteRow:
    protocol = f"{sysu_mm01.NAME}/{draw}"
    return SuiteRow(name, label, "sysu-mm01", PAPER, read, protocol, sysu_mm01.VERSION, (RGB, IR), any_of)


_ENTRIES = (
    _photos("market1501", PAPER),
    _sysu("sysu-mm01", sysu_mm01.SEEDED_RANDOM, "I to R", read_plain("sysu-mm01", sysu_mm01.evaluate_sysu_mm01)),
    _sysu("sysu-mm01-official", sysu_mm01.OFFICIAL, "I to R, official draw", read_sysu_official, PERMUTATION_FILES),
    SuiteRow(
        name="pku-sketch-50",
        label="S to R",
        dataset="pku-sketch",
        group=PAPER,
        read=read_pku_fifty,
        protocol=pku_sketch.FIFTY_PERSONS,
        version=pku_sketch.VERSION,
        needs=(RGB, SKETCH),
        is_drawn=True,
    ),
    SuiteRow(
        name="pku-sketch",
        label="S to R, all persons",
        dataset="pku-sketch",
        group=PAPER,
        read=read_plain("pku-sketch", pku_sketch.evaluate_all_persons),
        protocol=pku_sketch.NAME,
        version=pku_sketch.VERSION,
        needs=(RGB, SKETCH),
    ),
    _sentences("cuhk-pedes", PAPER),
    _tri("tri-cuhk-pedes", SEVERAL),
    SuiteRow("orbench", "any to R", "orbench", SEVERAL, read_orbench, orbench.NAME, orbench.VERSION, (RGB,)),
    SuiteRow(
        name=MANIFEST,
        label="any to R",
        dataset=MANIFEST,
        group=SEVERAL,
        read=read_combinations,
        protocol=combinations.protocol_name(combinations.RGB_GALLERY),
        version=combinations.VERSION,
        needs=(RGB,),
        is_drawn=True,
    ),
    SuiteRow(
        name="llcm",
        label="I to R, R to I",
        dataset="llcm",
        group=FURTHER,
        read=read_plain("llcm", llcm.evaluate_llcm),
        protocol=llcm.NAME,
        version=llcm.VERSION,
        needs=(RGB, IR),
    ),
    SuiteRow("regdb", "R to I, I to R", "regdb", FURTHER, read_regdb, regdb.NAME, regdb.VERSION, (RGB, IR)),
    SuiteRow(
        name="market-sketch-1k",
        label="S to R",
        dataset="market-sketch-1k",
        group=FURTHER,
        read=read_plain("market-sketch-1k", market_sketch_1k.evaluate_market_sketch_1k),
        protocol=market_sketch_1k.NAME,
        version=market_sketch_1k.VERSION,
        needs=(RGB, SKETCH),
    ),
    _sentences("icfg-pedes", FURTHER),
    _sentences("rstpreid", FURTHER),
    _tri("tri-icfg-pedes", FURTHER),
    _tri("tri-rstpreid", FURTHER),
    _photos("msmt17", FURTHER),
    _photos("cuhk03-np-detected", FURTHER, tuple(name.format("detected") for name in _CUHK03_FILES)),
    _photos("cuhk03-np-labeled", FURTHER, tuple(name.format("labeled") for name in _CUHK03_FILES)),
)
ROWS: tuple[SuiteRow, ...] = tuple(replace(row, published=FIGURES.get(row.name, ())) for row in _ENTRIES)
"""All rows, in the order of the table."""
