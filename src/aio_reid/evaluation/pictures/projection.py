"""Vectors in two dimensions: by t-SNE where scikit-learn is installed, by their principal components elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aio_reid.errors import ConfigError, DataError

TSNE, PCA = "t-SNE", "PCA"
FEWEST_FOR_TSNE = 10


@dataclass(frozen=True, slots=True)
class Projection:
    """N points (N, 2) float64, and how they were found: the `method`, and in words what their places mean."""

    points: NDArray[np.float64]
    method: str
    meaning: str


def project(vectors: NDArray[np.float32], *, seed: int, method: str | None = None) -> Projection:
    """Place vectors in the plane.

    Args:
        vectors: (N, E) float32, N at least 2.
        seed: of t-SNE.
        method: "t-SNE", "PCA", or None: t-SNE if scikit-learn is installed and there are vectors enough for it.

    Raises:
        ConfigError: an unknown method, or t-SNE without scikit-learn.
        DataError: fewer than two vectors.
    """
    if method not in (None, TSNE, PCA):
        raise ConfigError(f"method is {method!r}; choose one of: {TSNE}, {PCA}")
    if len(vectors) < 2:
        raise DataError(f"{len(vectors)} vectors make no map; give at least 2")
    if method == PCA or (method is None and len(vectors) < FEWEST_FOR_TSNE):
        return _project_pca(vectors)
    try:
        from sklearn.manifold import TSNE as SklearnTSNE
    except ImportError:
        if method == TSNE:
            raise ConfigError("t-SNE needs scikit-learn; install aio-reid[map], or choose PCA") from None
        return _project_pca(vectors)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    tsne = SklearnTSNE(2, perplexity=perplexity, init="pca", random_state=seed)
    points: NDArray[np.float64] = tsne.fit_transform(vectors).astype(np.float64)  # (N, 2)
    meaning = (
        f"t-SNE, perplexity {perplexity:.0f}, seed {seed}: neighbours stay neighbours, but distances between groups "
        "and sizes of groups mean nothing"
    )
    return Projection(points, TSNE, meaning)


def _project_pca(vectors: NDArray[np.float32]) -> Projection:
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)  # (N, E)
    left, lengths, axes = np.linalg.svd(centred, full_matrices=False)  # (N, R), (R,), (R, E)
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])  # so that no machine mirrors the map
    points = np.zeros((len(vectors), 2))
    num_axes = min(2, len(lengths))
    points[:, :num_axes] = (left * lengths * signs)[:, :num_axes]
    total = float((lengths**2).sum())
    share = float((lengths[:2] ** 2).sum()) / total if total > 0 else 1.0
    meaning = (
        f"the first two principal components, which hold {100 * share:.0f} % of the variance (install aio-reid[map] "
        "for t-SNE)"
    )
    return Projection(points, PCA, meaning)
