"""Every row of the whole evaluation, by its protocol called by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aio_reid.config import ModelConfig
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
    sysu_mm01,
    tri_modal,
)
from aio_reid.datasets.manifest import read_manifest
from aio_reid.datasets.sysu_permutations import read_permutations
from aio_reid.evaluation.embed import EmbedQueries
from aio_reid.evaluation.protocols.combinations import evaluate_combinations
from aio_reid.evaluation.protocols.cross_camera import evaluate_cross_camera
from aio_reid.evaluation.protocols.llcm import evaluate_llcm
from aio_reid.evaluation.protocols.market_sketch_1k import evaluate_market_sketch_1k
from aio_reid.evaluation.protocols.orbench import evaluate_orbench
from aio_reid.evaluation.protocols.pku_sketch import evaluate_all_persons, evaluate_fifty_persons
from aio_reid.evaluation.protocols.regdb import evaluate_regdb
from aio_reid.evaluation.protocols.sysu_mm01 import evaluate_sysu_mm01
from aio_reid.evaluation.protocols.text_to_image import evaluate_text_to_image
from aio_reid.evaluation.protocols.tri_modal import evaluate_tri_modal
from aio_reid.evaluation.scores import ProtocolScores
from aio_reid.evaluation.suite import SuiteOptions
from aio_reid.models.build import build_model, export_weights
from aio_reid.models.checkpoint import write_weights
from aio_reid.records import Split

Direct = Callable[[Path, EmbedQueries], ProtocolScores]


def official(root: Path, embed: EmbedQueries) -> ProtocolScores:
    permutations = read_permutations(root / "SYSU-MM01" / "exp" / "rand_perm_cam.mat")
    return evaluate_sysu_mm01(sysu_mm01.parse(root / "SYSU-MM01"), embed, draw="official", permutations=permutations)


def with_tasks(root: Path, embed: EmbedQueries) -> ProtocolScores:
    gallery = [r for r in orbench.parse(root / "ORBench") if r.split is Split.GALLERY]
    return evaluate_orbench(orbench.parse_tasks(root / "ORBench"), gallery, embed)


DIRECT: dict[str, Direct] = {
    "market1501": lambda root, e: evaluate_cross_camera(market1501.parse(root / "market1501"), e),
    "sysu-mm01": lambda root, e: evaluate_sysu_mm01(sysu_mm01.parse(root / "SYSU-MM01"), e),
    "sysu-mm01-official": official,
    "pku-sketch-50": lambda root, e: evaluate_fifty_persons(pku_sketch.parse(root / "PKU-Sketch"), e, seed=0),
    "pku-sketch": lambda root, e: evaluate_all_persons(pku_sketch.parse(root / "PKU-Sketch"), e),
    "cuhk-pedes": lambda root, e: evaluate_text_to_image(cuhk_pedes.parse(root / "CUHK-PEDES"), e),
    "tri-cuhk-pedes": lambda root, e: evaluate_tri_modal(tri_modal.parse_tri_cuhk_pedes(root / "CUHK-PEDES"), e),
    "orbench": with_tasks,
    "manifest-people": lambda root, e: evaluate_combinations(read_manifest(root / "people" / "manifest.csv"), e),
    "llcm": lambda root, e: evaluate_llcm(llcm.parse(root / "LLCM"), e),
    "regdb": lambda root, e: evaluate_regdb(regdb.parse_trials(root / "RegDB"), e),
    "market-sketch-1k": lambda root, e: evaluate_market_sketch_1k(market_sketch_1k.parse(root / "Market-Sketch-1K"), e),
    "icfg-pedes": lambda root, e: evaluate_text_to_image(icfg_pedes.parse(root / "ICFG-PEDES"), e),
    "rstpreid": lambda root, e: evaluate_text_to_image(rstpreid.parse(root / "RSTPReid"), e),
    "tri-icfg-pedes": lambda root, e: evaluate_tri_modal(tri_modal.parse_tri_icfg_pedes(root / "ICFG-PEDES"), e),
    "tri-rstpreid": lambda root, e: evaluate_tri_modal(tri_modal.parse_tri_rstpreid(root / "RSTPReid"), e),
    "msmt17": lambda root, e: evaluate_cross_camera(msmt17.parse(root / "MSMT17_V1"), e),
    "cuhk03-np-detected": lambda root, e: evaluate_cross_camera(cuhk03_np.parse_detected(root / "cuhk03"), e),
    "cuhk03-np-labeled": lambda root, e: evaluate_cross_camera(cuhk03_np.parse_labeled(root / "cuhk03"), e),
}
"""Every row, by the protocol called by hand."""


def options(weights: str, **changes: Any) -> SuiteOptions:
    """Return options for a run on this machine's processor."""
    return SuiteOptions(weights, device="cpu", **changes)


def write_tiny(path: Path, modalities: tuple[str, ...]) -> str:
    """Write a random model of these modalities and return its path."""
    config = ModelConfig.model_validate(
        {
            "encoder": {"kind": "plain", "width": 16, "depth": 1, "num_heads": 2},
            "image_size": (32, 16),
            "stem_width": 4,
            "word_width": 4,
            "modalities": modalities,
        }
    )
    about = {"note": "random", "reliability": {"sketch": 0.2, "text": 0.4}}  # so that late fusion has to heed it
    write_weights(path, export_weights(build_model(config, seed=0), config, about))
    return str(path)
