"""The imprinted classifier against a naive loop, in a run, and in a run that was interrupted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import tiny
import torch
from torch.nn import functional

from aio_reid.data.images import normalise
from aio_reid.errors import ConfigError
from aio_reid.models.heads import IdentityClassifier, SampledIdentityClassifier
from aio_reid.records import Modality
from aio_reid.training import loop, run
from aio_reid.training.imprint import PHOTOS_EACH, imprint_classifier
from aio_reid.training.sources import load_sources
from aio_reid.training.state import read_log


@pytest.mark.parametrize("sampled", [1.0, 0.5])
def test_rows_are_the_mean_features_of_each_persons_photos(manifest: Path, sampled: float) -> None:
    config = tiny.tiny_config(manifest, loss={"imprint": True, "sampled_identities": sampled, "temperature": 0.1})
    dataset = run._dataset(config, load_sources(config.data, seed=config.seed))
    objective = run._objective(config, dataset.num_identities)
    objective.train()
    imprint_classifier(objective, dataset)
    assert objective.model.training and objective.model.bottleneck.training
    objective.eval()
    features, labels = [], []
    with torch.no_grad():
        for index, label in enumerate(dataset.labels):
            assert labels.count(label) < PHOTOS_EACH, "the tiny set has no more photos of a person than are read"
            pixels = normalise(dataset.plain_photo(index)[None], Modality.RGB)
            features.append(objective.model({Modality.RGB: pixels})[0])
            labels.append(label)
        found = torch.stack(features)
        norm = objective.model.bottleneck.norm
        torch.testing.assert_close(norm.running_mean, found.mean(dim=0), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(norm.running_var, found.var(dim=0), rtol=1e-4, atol=1e-6)
        for identity in range(dataset.num_identities):
            own = [
                functional.normalize(objective.model.bottleneck(f[None])[0], dim=0)
                for f, label in zip(features, labels, strict=True)
                if label == identity
            ]
            expected = functional.normalize(torch.stack(own).mean(dim=0), dim=0) / (0.1 * math.sqrt(32))
            torch.testing.assert_close(_rows(objective.classifier)[identity], expected, rtol=1e-4, atol=1e-5)


def test_a_run_begins_with_it_and_goes_on_without_doing_it_again(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_losses = {}
    for imprint in (False, True):
        config = tiny.tiny_config(manifest, loss={"imprint": imprint}, optim={"max_steps": 4})
        run.train(config, tmp_path / str(imprint))
        first_losses[imprint] = read_log(tmp_path / str(imprint))[0]["ce"]
    assert first_losses[False] == pytest.approx(math.log(6), abs=0.05)
    assert abs(first_losses[True] - first_losses[False]) > 0.01

    def interrupted(*_: object, **__: object) -> None:
        raise AssertionError("imprinted although the run had begun")

    half, steps, step = tmp_path / "half", iter(range(100)), loop._step

    def dying(*args: object) -> object:
        if next(steps) == 3:
            raise KeyboardInterrupt
        return step(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", dying)
    with pytest.raises(KeyboardInterrupt):
        run.train(config, half)
    monkeypatch.setattr(loop, "_step", step)
    monkeypatch.setattr(run, "imprint_classifier", interrupted)
    run.train(config, half, resume=True)
    assert [row["total"] for row in read_log(half)] == [row["total"] for row in read_log(tmp_path / "True")]


def test_it_needs_the_loss_that_it_is_for(manifest: Path) -> None:
    with pytest.raises(ConfigError, match="imprint begins the classifier of ce_weight, which is 0"):
        tiny.tiny_config(manifest, loss={"imprint": True, "ce_weight": 0.0})


def _rows(classifier: IdentityClassifier | SampledIdentityClassifier) -> torch.Tensor:
    return classifier.weight if isinstance(classifier, SampledIdentityClassifier) else classifier.linear.weight
