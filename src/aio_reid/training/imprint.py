"""An identity classifier that begins where the features are, in the place of nowhere.

With thousands of identities of a few pictures each, a classifier from nothing needs many passes before it says
anything of the features; the mean feature of a person's photos says it at once (weight imprinting: Qi, Brown and Lowe,
CVPR 2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from aio_reid.data.images import normalise
from aio_reid.data.tuples import TupleDataset
from aio_reid.models.heads import BNNeck, IdentityClassifier, SampledIdentityClassifier
from aio_reid.models.model import AIOModel
from aio_reid.progress import SILENT, Progress
from aio_reid.records import Modality
from aio_reid.training.objective import TrainingObjective

PHOTOS_EACH = 2
"""So many photos of a person are read, at most; reading every photo of thousands of people takes minutes."""
_BATCH = 64


def imprint_classifier(objective: TrainingObjective, dataset: TupleDataset, *, progress: Progress = SILENT) -> None:
    """Set the rows of the identity classifier to the mean features of the training people's photos.

    The statistics of the bottleneck become those of the photos; row c is u(mean of u(b(f))) over photos of c, as long
    as makes cosine 1 a logit of 1 / temperature, the scale of the binding loss.

    Args:
        objective: its model reads the photos, without augmentation and in eval mode; its mode is left as it was.
        dataset: the training people, C of them.
        progress: told about every photo.

    Raises:
        DataError: a photo cannot be read.
    """
    photos = _some_of_each(dataset.labels, dataset.num_identities)
    was_training = objective.training
    objective.eval()
    with torch.no_grad():
        features = _photo_features(objective.model, dataset, photos, progress)  # (N, D)
        labels = torch.tensor([dataset.labels[index] for index in photos], device=features.device)
        neck = objective.model.bottleneck
        _take_statistics(neck, features)
        units = functional.normalize(neck(features), dim=1)
        sums = units.new_zeros(dataset.num_identities, units.shape[1]).index_add(0, labels, units)  # (C, D)
        length = 1.0 / (objective.loss.temperature * math.sqrt(units.shape[1]))  # b(f) is about sqrt(D) long
        _weight_of(objective.classifier).copy_(functional.normalize(sums, dim=1) * length)
    objective.train(was_training)


def _some_of_each(labels: Sequence[int], num_identities: int) -> list[int]:
    taken = [0] * num_identities
    chosen = []
    for index, label in enumerate(labels):
        if taken[label] < PHOTOS_EACH:
            taken[label] += 1
            chosen.append(index)
    return chosen


def _photo_features(model: AIOModel, dataset: TupleDataset, photos: Sequence[int], progress: Progress) -> Tensor:
    """Return the features f (N, D) of plain photos, before the bottleneck."""
    device = next(model.parameters()).device
    features = []
    with progress.task("Reading people for the classifier", len(photos), "photos") as task:
        for first in range(0, len(photos), _BATCH):
            batch = photos[first : first + _BATCH]
            pixels = torch.stack([dataset.plain_photo(index) for index in batch]).to(device)
            tokens = model.tokenize(Modality.RGB, normalise(pixels, Modality.RGB))
            features.append(model.feature({Modality.RGB: tokens}).float())
            task.advance(len(batch))
    return torch.cat(features)


def _take_statistics(neck: BNNeck, features: Tensor) -> None:
    mean, variance = neck.norm.running_mean, neck.norm.running_var
    assert mean is not None and variance is not None  # a BatchNorm that tracks
    mean.copy_(features.mean(dim=0))
    variance.copy_(features.var(dim=0))


def _weight_of(classifier: IdentityClassifier | SampledIdentityClassifier) -> Tensor:
    return classifier.weight if isinstance(classifier, SampledIdentityClassifier) else classifier.linear.weight
