"""The data sets that can be read, with what a user has to know of each, and those that are refused.

A new one is its parser, and one entry here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aio_reid.datasets import cuhk03_np, llcm, market1501, msmt17, pku_sketch, regdb, sysu_mm01
from aio_reid.datasets.counts import Counts
from aio_reid.errors import ConfigError, DataError
from aio_reid.records import Record


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """One data set.

    Attributes:
        name: what the command line calls it.
        title: what its authors call it.
        parse: reads the copy in a folder; raises DataError.
        published: what a complete copy holds.
        folders: what its folder may be called below a common root, the likeliest first.
        purpose: what it is for: what is searched with, and in what.
        terms: the conditions of its use, in one sentence.
        obtain: how to get it.
        known_copies: incomplete copies that circulate: what each is -> its counts.
    """

    name: str
    title: str
    parse: Callable[[Path], list[Record]]
    published: Counts
    folders: tuple[str, ...]
    purpose: str
    terms: str
    obtain: str
    known_copies: Mapping[str, Counts] = field(default_factory=dict)


_CUHK03_FOLDERS = ("cuhk03", "cuhk03-np", "CUHK03-NP", "CUHK03")
_CUHK03_TERMS = "Offered by the Chinese University of Hong Kong for research, under the terms of its page."
_CUHK03_OBTAIN = (
    "pictures: the university's page on person re-identification; split files, or both as CUHK03-NP: "
    "github.com/zhunzhong07/person-re-ranking"
)

_ENTRIES = (
    DatasetEntry(
        "market1501",
        market1501.TITLE,
        market1501.parse,
        market1501.PUBLISHED,
        ("market1501", "Market-1501-v15.09.15", "Market-1501"),
        purpose="photo to photo",
        terms="Offered by its authors for research, under the terms of their page.",
        obtain="zheng-lab.cecs.anu.edu.au/Project/project_reid.html",
    ),
    DatasetEntry(
        "msmt17",
        msmt17.TITLE,
        msmt17.parse,
        msmt17.PUBLISHED,
        ("msmt17", "MSMT17_V1", "MSMT17_V2", "MSMT17"),
        purpose="photo to photo",
        terms="Academic use, agreed with its owners at Peking University, and not to be passed on; V2 masks the faces.",
        obtain="ask the authors of the paper (Wei et al., CVPR 2018) by e-mail; its page is gone",
    ),
    DatasetEntry(
        "cuhk03-np-detected",
        f"{cuhk03_np.TITLE}, detected boxes",
        cuhk03_np.parse_detected,
        cuhk03_np.PUBLISHED_DETECTED,
        _CUHK03_FOLDERS,
        purpose="photo to photo",
        terms=_CUHK03_TERMS,
        obtain=_CUHK03_OBTAIN,
    ),
    DatasetEntry(
        "cuhk03-np-labeled",
        f"{cuhk03_np.TITLE}, boxes labeled by hand",
        cuhk03_np.parse_labeled,
        cuhk03_np.PUBLISHED_LABELED,
        _CUHK03_FOLDERS,
        purpose="photo to photo",
        terms=_CUHK03_TERMS,
        obtain=_CUHK03_OBTAIN,
    ),
    DatasetEntry(
        "sysu-mm01",
        sysu_mm01.TITLE,
        sysu_mm01.parse,
        sysu_mm01.PUBLISHED,
        ("SYSU-MM01", "sysu-mm01", "sysu_mm01", "sysu"),
        purpose="infrared to photo",
        terms="Research, under a signed agreement; the people in it agreed to that and to being shown in papers.",
        obtain="send the signed agreement of github.com/wuancong/SYSU-MM01 to its authors",
    ),
    DatasetEntry(
        "regdb",
        regdb.TITLE,
        regdb.parse,
        regdb.PUBLISHED,
        ("RegDB", "regdb"),
        purpose="thermal to photo, photo to thermal",
        terms="Research, with Dongguk University's copyright form, citing its papers.",
        obtain="dm.dongguk.edu/link.html, there called DBPerson-Recog-DB1; index files: with the published baselines",
    ),
    DatasetEntry(
        "llcm",
        llcm.TITLE,
        llcm.parse,
        llcm.PUBLISHED,
        ("LLCM", "llcm"),
        purpose="infrared to photo, photo to infrared",
        terms="Research only, under a signed agreement: not to be passed on, not to promote any product or technology.",
        obtain="send the signed agreement of github.com/ZYK100/LLCM to its authors",
    ),
    DatasetEntry(
        "pku-sketch",
        "PKU-Sketch",
        pku_sketch.parse,
        pku_sketch.PUBLISHED,
        ("PKUSketchRE-ID_V1", "pku-sketch", "pku_sketch", "PKU-Sketch"),
        purpose="sketch to photo",
        terms="Research only, as agreed with Peking University.",
        obtain="www.pkuml.org/resources/pkusketchreid-dataset.html",
        known_copies={"a copy that lacks 15 sketches (158 to 186)": {"persons": 200, "photos": 400, "sketches": 185}},
    ),
)
CATALOGUE: dict[str, DatasetEntry] = {entry.name: entry for entry in _ENTRIES}

_DUKE = "recorded students in ways that its ethics board had not approved; its authors withdrew it in 2019"
_FROM_DUKE = f"is made of DukeMTMC, which {_DUKE}"
_CELEBRITIES = "gathered faces without asking the people; Microsoft withdrew it in 2019"
WITHDRAWN: dict[str, str] = {
    "Duke": _DUKE,
    "DukeMTMC": _DUKE,
    "DukeMTMC-reID": _FROM_DUKE,
    "DukeMTMC4ReID": _FROM_DUKE,
    "DukeMTMC-VideoReID": _FROM_DUKE,
    "DukeMTMC-attribute": _FROM_DUKE,
    "Duke-attribute": _FROM_DUKE,
    "Occluded-Duke": _FROM_DUKE,
    "Occluded-DukeMTMC": _FROM_DUKE,
    "P-DukeMTMC-reID": _FROM_DUKE,
    "MS-Celeb": _CELEBRITIES,
    "MS-Celeb-1M": _CELEBRITIES,
    "MS1M": _CELEBRITIES,
}
"""Data sets that nobody should use any more -> why. There is no parser for them, and there will be none."""


def find_dataset(name: str) -> DatasetEntry:
    """Return the data set of that name.

    Raises:
        DataError: it was withdrawn.
        ConfigError: there is none; the message lists those that there are.
    """
    for withdrawn, reason in WITHDRAWN.items():
        if _plain(name) == _plain(withdrawn):
            raise DataError(f"{withdrawn} is not read: it {reason}; choose one of: {', '.join(CATALOGUE)}")
    if name not in CATALOGUE:
        raise ConfigError(f"unknown data set {name!r}; choose one of: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def find_available(root: Path) -> dict[str, Path]:
    """Return the folders below `root` that are called as a data set's folder is: name of the data set -> folder.

    Nothing in them is looked at: `verify` does that.

    Raises:
        DataError: `root` is no folder.
    """
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give the one that holds the folders of the data sets")
    found = {}
    for entry in CATALOGUE.values():
        folders = [root / folder for folder in entry.folders if (root / folder).is_dir()]
        if folders:
            found[entry.name] = folders[0]
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
