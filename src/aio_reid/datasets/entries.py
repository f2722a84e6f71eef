"""What a user has to know of each data set that can be read; `catalogue.py` finds one by its name.

A new one is its parser, and one entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aio_reid.datasets import (
    cuhk03_np,
    cuhk_pedes,
    icfg_pedes,
    llcm,
    market1501,
    market_sketch_1k,
    msmt17,
    orbench,
    pku_sketch,
    regdb,
    rstpreid,
    synth_pedes,
    sysu_mm01,
    tri_modal,
)
from aio_reid.datasets.captioned import TextSet
from aio_reid.datasets.counts import Counts
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
        marker: what its folder holds and the folder of another set, of the same name, does not; None where no other
            set's folder has that name.
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
    marker: str | None = None


_CUHK03_FOLDERS = ("cuhk03-np", "CUHK03-NP", "cuhk03", "CUHK03")  # the raw release, without split files, may lie beside
_CUHK03_TERMS = "Offered by the Chinese University of Hong Kong for research, under the terms of its page."
_CUHK03_OBTAIN = (
    "pictures: the university's page on person re-identification; split files, or both as CUHK03-NP: "
    "github.com/zhunzhong07/person-re-ranking"
)

_CUHK_PEDES_FOLDERS = ("CUHK-PEDES", "cuhk-pedes", "cuhk_pedes")
_ICFG_PEDES_FOLDERS = ("ICFG-PEDES", "icfg-pedes", "icfg_pedes")
_RSTPREID_FOLDERS = ("RSTPReid", "rstpreid")


def _with_sketches(
    title: str, parse: Callable[[Path], list[Record]], layout: TextSet, folders: tuple[str, ...]
) -> DatasetEntry:
    text_set = title.removeprefix("Tri-")
    return DatasetEntry(
        layout.name,
        title,
        parse,
        layout.published,
        (title, layout.name, *folders),
        purpose="text, sketch or both to photo",
        terms=f"The authors of the sketches state none; for photos and sentences see {text_set}.",
        obtain=f"{text_set}, and beside its imgs the folder {layout.sketches} of the link of github.com/ccq195/UNIReID",
        marker=layout.sketches,
    )


ENTRIES = (
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
        ("cuhk03-np-detected", *_CUHK03_FOLDERS),
        purpose="photo to photo",
        terms=_CUHK03_TERMS,
        obtain=_CUHK03_OBTAIN,
    ),
    DatasetEntry(
        "cuhk03-np-labeled",
        f"{cuhk03_np.TITLE}, boxes labeled by hand",
        cuhk03_np.parse_labeled,
        cuhk03_np.PUBLISHED_LABELED,
        ("cuhk03-np-labeled", *_CUHK03_FOLDERS),
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
        purpose="thermal to photo, photo to thermal; for weights trained on it only trial 1 of 10 is a test",
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
        pku_sketch.TITLE,
        pku_sketch.parse,
        pku_sketch.PUBLISHED,
        ("PKUSketchRE-ID_V1", "pku-sketch", "pku_sketch", "PKU-Sketch", "pku_sketch_dev"),
        purpose="sketch to photo",
        terms="Research only, as agreed with Peking University.",
        obtain="www.pkuml.org/resources/pkusketchreid-dataset.html",
        known_copies={"a copy that lacks 15 sketches (158 to 186)": {"persons": 200, "photos": 400, "sketches": 185}},
    ),
    DatasetEntry(
        "market-sketch-1k",
        market_sketch_1k.TITLE,
        market_sketch_1k.parse,
        market_sketch_1k.PUBLISHED,
        ("Market-Sketch-1K", "market-sketch-1k", "MaSk1K", "mask1k"),
        purpose="sketch to photo",
        terms="CC BY-NC-SA 4.0: not for commercial use; the photos are Market-1501's, which has terms of its own.",
        obtain="the link of github.com/Lin-Kayla/subjectivity-sketch-reid; it has a selection of the photos",
    ),
    DatasetEntry(
        "cuhk-pedes",
        cuhk_pedes.TITLE,
        cuhk_pedes.parse,
        cuhk_pedes.PUBLISHED,
        _CUHK_PEDES_FOLDERS,
        purpose="text to photo",
        terms="Academic use only.",
        obtain=(
            "ask its authors from a university address, as "
            "github.com/ShuangLI59/Person-Search-with-Natural-Language-Description says"
        ),
    ),
    DatasetEntry(
        "icfg-pedes",
        icfg_pedes.TITLE,
        icfg_pedes.parse,
        icfg_pedes.PUBLISHED,
        _ICFG_PEDES_FOLDERS,
        purpose="text to photo",
        terms="Given out by its authors on request; the photos are MSMT17's, which has terms of its own.",
        obtain="ask its authors by e-mail, as github.com/zifyloo/SSAN says",
    ),
    DatasetEntry(
        "rstpreid",
        rstpreid.TITLE,
        rstpreid.parse,
        rstpreid.PUBLISHED,
        _RSTPREID_FOLDERS,
        purpose="text to photo",
        terms="Its page states none for the data; the photos are MSMT17's, which has terms of its own.",
        obtain="the links of github.com/NjtechCVLab/RSTPReid-Dataset",
    ),
    _with_sketches("Tri-CUHK-PEDES", tri_modal.parse_tri_cuhk_pedes, tri_modal.TRI_CUHK_PEDES, _CUHK_PEDES_FOLDERS),
    _with_sketches("Tri-ICFG-PEDES", tri_modal.parse_tri_icfg_pedes, tri_modal.TRI_ICFG_PEDES, _ICFG_PEDES_FOLDERS),
    _with_sketches("Tri-RSTPReid", tri_modal.parse_tri_rstpreid, tri_modal.TRI_RSTPREID, _RSTPREID_FOLDERS),
    DatasetEntry(
        "orbench",
        orbench.TITLE,
        orbench.parse,
        orbench.PUBLISHED,
        ("ORBench", "orbench"),
        purpose="infrared, colour pencil, sketch, text, and their combinations to photo",
        terms="A signed data use agreement; the photos are SYSU-MM01's and LLCM's, which have terms of their own.",
        obtain="the links of github.com/Zplusdragon/ReID5o_ORBench; sign its agreement and send it to the authors",
    ),
    DatasetEntry(
        "synth-pedes",
        synth_pedes.TITLE,
        synth_pedes.parse,
        synth_pedes.PUBLISHED,
        ("SYNTH-PEDES", "synth-pedes", "synth_pedes"),
        purpose="text and photo to train with; there is no test",
        terms="Research only; any commercial use is forbidden.",
        obtain="the link of github.com/Zplusdragon/PLIP",
    ),
)
