"""A training set of fewer identities: the other way, beside sampled classes, to a classifier of bearable size."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from aio_reid.records import Modality, Record, Split


def limit_identities(records: Iterable[Record], most: int | None, *, seed: int) -> list[Record]:
    """Return the records without those of training identities beyond `most`, which are drawn by the seed.

    Only persons with a photo count, since only they are trained on. None keeps all; other splits are never touched.

    Source: method.md 6.1, "use the id subset actually sampled".
    """
    records = list(records)
    known = sorted({r.person_id for r in records if r.split is Split.TRAIN and r.modality is Modality.RGB})
    if most is None or len(known) <= most:
        return records
    drawn = np.random.default_rng((seed, 0x5B5E7)).choice(len(known), most, replace=False)
    kept = {known[place] for place in drawn}
    return [r for r in records if r.split is not Split.TRAIN or r.person_id in kept]
