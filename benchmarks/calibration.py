"""What calibrated scores are worth on people that nothing was learnt from: neither the weights nor the calibration.

Synthetic people of a seed that no weights were trained on are drawn and embedded. A gallery is calibrated on one half
of them; everything is reported on the other half: single comparisons (AUROC, TPR at 1% FPR, reliability), searches of
which half are for people who are not in the gallery, and a mixed gallery of photos and infrared frames, ranked by raw
score and by calibrated odds.

    python benchmarks/calibration.py [--identities 600] [--seed 4711] [--out results/calibration.json]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from stored import store_result

from aio_reid.api import AIO
from aio_reid.datasets.manifest import read_manifest
from aio_reid.evaluation.embed import CachedEmbedder
from aio_reid.gallery.calibration.calibrate import Calibrated, Conditions, calibrate_labelled
from aio_reid.gallery.calibration.held_out import RankingReport, report_open_set, report_pair, report_ranking
from aio_reid.gallery.calibration.labelled import LabelledComparisons, choose_validation
from aio_reid.gallery.calibration.measures import Reliability
from aio_reid.gallery.calibration.pair import PairCalibration
from aio_reid.people.write import Splits, ViewCounts, write_people
from aio_reid.progress import console_progress
from aio_reid.records import Modality, Record, Split, subset_name

ROOT = Path(__file__).resolve().parents[1]
VIEWS = ViewCounts(photos=4, infrared=4, sketches=1, pencils=1, captions=1)
GALLERIES = (Modality.RGB, Modality.INFRARED)


def main(arguments: Sequence[str]) -> int:
    """Draw, embed, calibrate, report, write; return 0."""
    options = parse(arguments)
    started = time.perf_counter()
    model = AIO.load(options.weights, options.device)
    fusion = options.fusion or model.preferred_fusion
    progress = console_progress()
    embed = CachedEmbedder(model.embed_queries, reliability=model.reliability, progress=progress)
    with TemporaryDirectory() as scratch:
        ours, others = halves(draw(options.people or Path(scratch) / "people", options.identities, options.seed))
        conditions = Conditions(model.weights_hash, fusion, GALLERIES, 1 / (1 + 2 * len(people_of(ours))))
        done = calibrate_labelled(ours, model.model.modalities, embed, conditions, progress=progress)
        compared = LabelledComparisons(choose_validation(others, model.model.modalities), embed, fusion)
        pairs = [report(pair, compared) for pair in done.pairs]
        mixed = list(report_mixed(done, compared))
    result = {
        "num_people": {"calibrated_on": len(people_of(ours)), "reported_on": len(people_of(others))},
        "views": asdict(VIEWS),
        "fusion": fusion,
        "weights": {"name": Path(options.weights).name, "sha256": model.weights_hash},
        "pairs": pairs,
        "mixed": mixed,
        "left_out": [list(entry) for entry in done.left_out],
        "seconds": round(time.perf_counter() - started, 1),
        "seed": options.seed,
    }
    store_result(options.out, "calibration", result, seed=options.seed)
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure calibrated scores on unseen synthetic people.")
    parser.add_argument("--identities", type=int, default=600, help="half to calibrate on, half to report on")
    parser.add_argument("--seed", type=int, default=4711, help="not one of the people that the weights were made of")
    parser.add_argument("--people", type=Path, help="a folder to keep the people in; default: temporary files")
    parser.add_argument("--weights", default="aio-nano")
    parser.add_argument("--fusion", choices=("early", "late"), help="default: what the weights do better with")
    parser.add_argument("--device", help="default: a GPU where there is one")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "calibration.json")
    return parser.parse_args(arguments)


def draw(folder: Path, identities: int, seed: int) -> list[Record]:
    """Return the records of people who do not exist, all of the split "val"."""
    manifest = write_people(
        folder,
        identities=identities,
        seed=seed,
        views=VIEWS,
        splits=Splits("train", twin_share=0.0),
        progress=console_progress(),
    )
    return [replace(record, split=Split.VAL) for record in read_manifest(manifest)]


def halves(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return the records of every other person, and the rest."""
    first = set(people_of(records)[::2])
    ours = [record for record in records if record.person_id in first]
    return ours, [record for record in records if record.person_id not in first]


def people_of(records: Sequence[Record]) -> list[str]:
    """Return the ids of the people, sorted."""
    return sorted({record.person_id for record in records})


def report(pair: PairCalibration, compared: LabelledComparisons) -> dict[str, Any]:
    """Return one row of the result: a pairing on people that it was not calibrated on."""
    found = compared.compare(pair.pairing)
    single = report_pair(pair, found)
    open_set = report_open_set(pair, found, found.groups % 2 == 1)
    return {
        "query": subset_name(pair.pairing.query),
        "gallery": pair.pairing.gallery.value,
        "family": pair.score_map.family,
        "held_out_log_losses": {name: round(loss, 6) for name, loss in pair.quality.log_losses.items()},
        "num_matches": single.num_matches,
        "num_strangers": single.num_strangers,
        "auroc": single.auroc,
        "tpr_at_1_percent": single.tpr_at_1_percent,
        "calibration_error": single.curve.error,
        "reliability": plain(single.curve),
        "false_match_rates": [list(entry) for entry in single.false_match_rates],
        "open_set": {
            "num_present": open_set.num_present,
            "num_absent": open_set.num_absent,
            "auroc": open_set.auroc,
            "tpr_at_1_percent": open_set.tpr_at_1_percent,
            "limit": pair.rule.limit,
            "found": open_set.found,
            "mistaken": open_set.mistaken,
            "best_hit_error": open_set.best_hits.error,
            "best_hits": plain(open_set.best_hits),
        },
    }


def plain(curve: Reliability) -> list[list[float]]:
    """Return the bins that hold anything as [stated, observed, weight]."""
    bins = zip(curve.stated.tolist(), curve.observed.tolist(), curve.weight.tolist(), strict=True)
    return [[round(number, 5) for number in entry] for entry in bins if entry[2] > 0]


def report_mixed(done: Calibrated, compared: LabelledComparisons) -> Iterator[dict[str, Any]]:
    """Yield one row a combination of query modalities: photos and infrared frames in one gallery, ranked both ways."""
    by_query: dict[tuple[Modality, ...], list[PairCalibration]] = {}
    for pair in done.pairs:
        by_query.setdefault(pair.pairing.query, []).append(pair)
    for query, pairs in by_query.items():
        if len(pairs) != len(GALLERIES):
            continue
        parts = [compared.compare(pair.pairing) for pair in pairs]
        is_match = np.concatenate([part.is_match for part in parts])
        queries = np.concatenate([part.queries for part in parts])
        scores = np.concatenate([part.scores for part in parts])
        odds = np.concatenate([pair.score_map.log_ratio(part.scores) for pair, part in zip(pairs, parts, strict=True)])
        yield {
            "query": subset_name(query),
            "raw": ranking(report_ranking(scores, is_match, queries)),
            "calibrated": ranking(report_ranking(odds, is_match, queries)),
        }


def ranking(found: RankingReport) -> dict[str, float]:
    """Return a ranking's scores as plain data."""
    return {"num_queries": found.num_queries, "rank1": found.rank1, "mAP": found.mean_ap}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
