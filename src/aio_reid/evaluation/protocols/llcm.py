"""LLCM: near infrared pictures and photos in low light search each other (Zhang and Wang, CVPR 2023).

All test pictures of one modality are queries; the gallery of a trial holds one picture of the other modality for each
person and camera, drawn as `draws.draw_seeded` tells. A camera's number is shared by both sensors at its place, and
pictures of the query's person by its camera are ignored. Rank-k counts persons, mAP and mINP count pictures. Ten trials
are averaged.

From visible to infrared there are two rows. The first is this protocol. The second is what the published test scripts
compute: they transpose the distances together with the labels, so that the drawn infrared pictures search all photos.
The published numbers of that direction fit the second.
"""

from __future__ import annotations

from collections.abc import Sequence

from aio_reid.evaluation.draws import TRIALS, draw_seeded, list_folders
from aio_reid.evaluation.embed import SINGLE, EmbedQueries
from aio_reid.evaluation.labels import Labels, same_camera, same_person
from aio_reid.evaluation.ranking import BoolArray
from aio_reid.evaluation.scores import ProtocolScores, RetrievalScores, TaskScores
from aio_reid.evaluation.tasks import Embedded, embed_groups, rank_embedded, require_cameras, select_test
from aio_reid.evaluation.trials import average_trials
from aio_reid.records import Modality, Record

NAME = "llcm"
VERSION = "1"
IR_TO_VIS = "infrared to visible"
VIS_TO_IR = "visible to infrared"
VIS_TO_IR_AS_PUBLISHED = "visible to infrared, as the published code"


def evaluate_llcm(records: Sequence[Record], embed: EmbedQueries) -> ProtocolScores:
    """Rank both directions, from visible to infrared in both variants, ten trials each.

    Args:
        records: of any split; photos and infrared pictures of "query" and "gallery" are used, whichever of the two.
            Person and camera ids end in a number; a place has one camera id in both modalities.
        embed: see `EmbedQueries`.

    Raises:
        DataError: pictures of a modality are missing, an id does not end in a number, or no query has a true match.
    """
    photos, infrared = select_test(records, Modality.RGB), select_test(records, Modality.INFRARED)
    require_cameras([*photos, *infrared], NAME)
    vis, nir = embed_groups(embed, photos, infrared)
    vis_folders, nir_folders = list_folders(photos), list_folders(infrared)
    drawn_vis = [vis[draw_seeded(vis_folders, trial, shots=1)] for trial in range(TRIALS)]
    drawn_nir = [nir[draw_seeded(nir_folders, trial, shots=1)] for trial in range(TRIALS)]
    return ProtocolScores(
        NAME,
        VERSION,
        (
            _average(IR_TO_VIS, [(nir, gallery) for gallery in drawn_vis]),
            _average(VIS_TO_IR, [(vis, gallery) for gallery in drawn_nir]),
            _average(VIS_TO_IR_AS_PUBLISHED, [(query, vis) for query in drawn_nir]),
        ),
        left_out={},
        gallery="pictures",
    )


def junk_mask(query: Labels, gallery: Labels) -> BoolArray:
    """Return (Q, G) bool: the picture shows the query's person at the query's own place."""
    return same_person(query, gallery) & same_camera(query, gallery)


def _rank(task: str, query: Embedded, gallery: Embedded) -> RetrievalScores:
    def ignore(rows: slice) -> BoolArray:
        return junk_mask(query.labels[rows], gallery.labels)

    return rank_embedded(task, query, gallery, ignore, per_identity=True)


def _average(task: str, trials: Sequence[tuple[Embedded, Embedded]]) -> TaskScores:
    return average_trials(task, SINGLE, [_rank(task, query, gallery) for query, gallery in trials])
