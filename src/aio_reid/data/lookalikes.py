"""Batches of people who look alike: what tells them apart is then more than the colour of a coat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """Who looks alike, by what is said of them (`data.tags`).

    Attributes:
        tags: (C, A) bool, the tags of each identity.
        group: how many that look alike stand together in a batch, at least 2.
    """

    tags: NDArray[np.bool_]
    group: int

    def arranged(self, identities: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the identities in an order in which each `group` that follow one another are described alike.

        They are sorted as words are in a dictionary, by one attribute after the other in an order that is drawn anew at
        each call, so that alike means something else in each epoch; then the groups are shuffled. Whoever is left
        over by the last group keeps the end.

        Source: the idea that neighbours make the batches from which generalisation is learned is that of graph sampling
        (Liao and Shao, CVPR 2022), there by features, here by words, which are known before the first step.
        """
        order = rng.permutation(self.tags.shape[1])
        ranked = identities[np.lexsort(self.tags[identities][:, order].T)]
        whole = len(ranked) // self.group * self.group
        groups = rng.permutation(ranked[:whole].reshape(-1, self.group))  # (groups, group)
        return np.concatenate([groups.reshape(-1), ranked[whole:]])
