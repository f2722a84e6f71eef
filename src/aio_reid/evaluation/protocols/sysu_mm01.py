"""SYSU-MM01: infrared pictures search photos, among all cameras or indoors (Wu et al., ICCV 2017).

Queries are the infrared pictures of cameras 3 and 6. The gallery of a trial holds one (single shot) or ten (multi
shot) photos of each person by each of the cameras 1, 2, 4 and 5 (all search) or 1 and 2 (indoor search). Cameras 2 and
3 look at the same place: for a query of camera 3 every photo of camera 2, of any person, is ignored. Rank-k counts
persons, mAP and mINP count pictures. Ten trials are averaged.

Two ways to draw the galleries are in use, and agree in a twentieth of the photos: "official" reads the permutations
that the authors publish, "seeded-random" is what the PyTorch baseline and most later papers do. The name of the
protocol says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, DataError
from aio_reid.evaluation.draws import TRIALS, Folders, draw_seeded, id_number, list_folders
from aio_reid.evaluation.embed import SINGLE, EmbedQueries
from aio_reid.evaluation.ranking import BoolArray
from aio_reid.evaluation.scores import ProtocolScores, RetrievalScores
from aio_reid.evaluation.tasks import embed_groups, rank_embedded, select_test
from aio_reid.evaluation.trials import average_trials
from aio_reid.records import Modality, Record

NAME = "sysu-mm01"
VERSION = "1"
OFFICIAL, SEEDED_RANDOM = "official", "seeded-random"
QUERY_CAMERAS = (3, 6)
SEARCHES = {"all search": (1, 2, 4, 5), "indoor search": (1, 2)}
SHOTS = {"single shot": 1, "multi shot": 10}

Permutations = Mapping[int, Mapping[int, NDArray[np.int64]]]
"""Camera -> person -> (10, N) int64: a row a trial, the positions of the N photos in their folder, from 1."""


def evaluate_sysu_mm01(
    records: Sequence[Record],
    embed: EmbedQueries,
    *,
    draw: str = SEEDED_RANDOM,
    permutations: Permutations | None = None,
) -> ProtocolScores:
    """Rank photos for infrared pictures: all and indoor search, single and multi shot, ten trials each.

    Args:
        records: of any split; the photos and infrared pictures of "query" and "gallery" are used, whichever of the two.
            Camera ids end in the camera's number.
        embed: see `EmbedQueries`.
        draw: "official" or "seeded-random".
        permutations: the published permutations, for "official" only.

    Raises:
        ConfigError: an unknown draw, or permutations that are missing or not wanted.
        DataError: there are no queries or photos, an id does not end in a number, permutations do not fit the photos,
            or no query of a row has a true match.
    """
    _check_draw(draw, permutations)
    infrared = [r for r in select_test(records, Modality.INFRARED) if id_number(r.camera_id) in QUERY_CAMERAS]
    photos = select_test(records, Modality.RGB)
    query, gallery = embed_groups(embed, infrared, photos)
    query_cameras, gallery_cameras = _camera_numbers(infrared), _camera_numbers(photos)
    folders = list_folders(photos)

    def rank_trial(task: str, rows: NDArray[np.int64]) -> RetrievalScores:
        def ignore(of_query: slice) -> BoolArray:
            return camera_rule_mask(query_cameras[of_query], gallery_cameras[rows])

        return rank_embedded(task, query, gallery[rows], ignore, per_identity=True)

    tasks, left_out = [], {}
    for (search, cameras), (shot, shots) in product(SEARCHES.items(), SHOTS.items()):
        drawn = draw_galleries(folders, cameras=cameras, shots=shots, permutations=permutations)
        task = f"{search}, {shot}"
        if drawn[0].size:
            tasks.append(average_trials(task, SINGLE, [rank_trial(task, rows) for rows in drawn]))
        else:
            left_out[task] = f"there are no photos by the cameras {', '.join(map(str, cameras))}"
    return ProtocolScores(f"{NAME}/{draw}", VERSION, tuple(tasks), left_out)


def draw_galleries(
    folders: Folders, *, cameras: Sequence[int], shots: int, permutations: Permutations | None
) -> list[NDArray[np.int64]]:
    """Return the rows of the photos in the gallery of each trial, by ascending person and camera.

    Args:
        folders: see `list_folders`.
        cameras: that take part.
        shots: photos of each person by each camera.
        permutations: the published ones for the official draw; None draws seeded-random.

    Raises:
        DataError: permutations lack a folder or a trial, or name a photo that is not there.
    """
    if permutations is None:
        return [draw_seeded(folders, trial, shots=shots, cameras=cameras) for trial in range(TRIALS)]
    chosen = {key: rows for key, rows in folders.items() if key[1] in cameras}
    positions = {
        (person, camera): trials for camera, persons in permutations.items() for person, trials in persons.items()
    }
    drawn = [
        [
            rows[at]
            for key, rows in chosen.items()
            for at in _read_trial(key, positions.get(key), trial, len(rows))[:shots]
        ]
        for trial in range(TRIALS)
    ]
    return [np.array(rows, dtype=np.int64) for rows in drawn]


def camera_rule_mask(query_cameras: NDArray[np.int64], gallery_cameras: NDArray[np.int64]) -> BoolArray:
    """Return (Q, G) bool: the query is by camera 3 and the photo by camera 2, whoever it shows."""
    mask: NDArray[np.bool_] = (query_cameras == 3)[:, None] & (gallery_cameras == 2)[None, :]
    return mask


def _read_trial(
    key: tuple[int, int], trials: NDArray[np.int64] | None, trial: int, num_photos: int
) -> NDArray[np.int64]:
    """Return (N,) int64, the positions of the folder's photos in the order of one trial, from 0."""
    person, camera = key
    if trials is None or trials.ndim != 2 or len(trials) < TRIALS:
        shape = "none" if trials is None else str(trials.shape)
        raise DataError(
            f"permutations of person {person}, camera {camera}: {shape}, not ({TRIALS}, {num_photos}); "
            "give those of rand_perm_cam.mat"
        )
    positions: NDArray[np.int64] = trials[trial] - 1
    if sorted(positions) != list(range(num_photos)):
        raise DataError(
            f"permutations of person {person}, camera {camera} are of {len(positions)} photos, and {num_photos} are "
            "there; complete the data set, or draw seeded-random"
        )
    return positions


def _check_draw(draw: str, permutations: Permutations | None) -> None:
    if draw not in (OFFICIAL, SEEDED_RANDOM):
        raise ConfigError(f"draw is {draw!r}; choose one of: {OFFICIAL}, {SEEDED_RANDOM}")
    if (draw == OFFICIAL) != (permutations is not None):
        given = "none are given" if permutations is None else "they are given"
        raise ConfigError(
            f"draw is {draw!r}, but only {OFFICIAL!r} reads permutations, and {given}; correct one of both"
        )


def _camera_numbers(records: Sequence[Record]) -> NDArray[np.int64]:
    return np.array([id_number(record.camera_id) for record in records], dtype=np.int64)
