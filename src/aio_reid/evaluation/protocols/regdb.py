"""RegDB: visible and thermal pictures search each other (Nguyen et al., Sensors 2017; trials of Ye et al., IJCAI 2018).

All test pictures of one modality rank all of the other, without a camera rule; rank-k counts pictures. The ten trials
are ten published halves of the persons, each with a model that was trained on its other half; their mean is reported.
"""

from __future__ import annotations

from collections.abc import Sequence

from aio_reid.errors import DataError
from aio_reid.evaluation.embed import SINGLE, EmbedQueries
from aio_reid.evaluation.scores import ProtocolScores, RetrievalScores
from aio_reid.evaluation.tasks import embed_groups, rank_embedded, select_test
from aio_reid.evaluation.trials import average_trials
from aio_reid.records import Modality, Record

NAME = "regdb"
VERSION = "1"
DIRECTIONS = ("visible to thermal", "thermal to visible")


def evaluate_regdb(trials: Sequence[Sequence[Record]], embed: EmbedQueries | Sequence[EmbedQueries]) -> ProtocolScores:
    """Rank thermal for visible pictures and the other way round, in every trial.

    Args:
        trials: of each trial the records, of any split; photos and infrared pictures of "query" and "gallery" are used,
            whichever of the two. Person ids are compared within a trial only.
        embed: see `EmbedQueries`; one for all trials, or the model of each.

    Raises:
        DataError: there are no trials, another number of embedders, or a trial lacks pictures of a modality or true
            matches.
    """
    embedders = [embed] * len(trials) if callable(embed) else list(embed)
    if not trials or len(embedders) != len(trials):
        raise DataError(f"{len(embedders)} embedders for {len(trials)} trials; give one for all, or one for each")
    scores = [_rank_trial(records, embedder) for records, embedder in zip(trials, embedders, strict=True)]
    rows = tuple(
        average_trials(task, SINGLE, of_task)
        for task, of_task in zip(DIRECTIONS, zip(*scores, strict=True), strict=True)
    )
    return ProtocolScores(NAME, VERSION, rows, left_out={}, gallery="pictures")


def _rank_trial(records: Sequence[Record], embed: EmbedQueries) -> tuple[RetrievalScores, RetrievalScores]:
    photos, infrared = select_test(records, Modality.RGB), select_test(records, Modality.INFRARED)
    visible, thermal = embed_groups(embed, photos, infrared)
    return rank_embedded(DIRECTIONS[0], visible, thermal), rank_embedded(DIRECTIONS[1], thermal, visible)
