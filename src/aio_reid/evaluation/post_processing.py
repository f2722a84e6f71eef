"""What may be done to a ranking after embedding, for any modality: k-reciprocal re-ranking, and query expansion.

Neither belongs to a zero-shot protocol (method.md section 10): results carry its name in the name of the protocol.
"""

from __future__ import annotations

import numpy as np

from aio_reid.errors import ConfigError
from aio_reid.evaluation.query_expansion import expand_features
from aio_reid.evaluation.ranking import rank_distances, rank_features
from aio_reid.evaluation.rerank import rerank
from aio_reid.evaluation.scores import RetrievalScores
from aio_reid.evaluation.tasks import Asked, Rank


def rank_reranked(asked: Asked) -> RetrievalScores:
    """Rank by k-reciprocal re-ranking (Zhong et al., CVPR 2017), k1 20, k2 6, lambda 0.3; holds distances (Q, G)."""
    distances = rerank(asked.query_vectors, asked.gallery_vectors)  # (Q, G)
    return rank_distances(distances, asked.masks, gallery_persons=asked.gallery_persons)


def rank_expanded(asked: Asked) -> RetrievalScores:
    """Rank by features that were averaged with their nearest 5, weighed by cosine^3 (average query expansion)."""
    query, gallery = (
        features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        for features in expand_features(asked.query_vectors, asked.gallery_vectors)
    )
    return rank_features(query, gallery, asked.masks, gallery_persons=asked.gallery_persons)


POST_PROCESSING: dict[str, Rank] = {"re-ranking": rank_reranked, "query-expansion": rank_expanded}


def find_post_processing(name: str) -> Rank:
    """Return the way to rank of that name.

    Raises:
        ConfigError: there is none; the message lists those that there are.
    """
    if name not in POST_PROCESSING:
        raise ConfigError(f"unknown --post-processing {name!r}; choose one of: {', '.join(POST_PROCESSING)}")
    return POST_PROCESSING[name]
