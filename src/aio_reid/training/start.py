"""What a run takes over from an earlier one: stage 2 from stage 1, or stage 1 from a pre-training (method.md 7).

The classifier is always fresh: it belongs to the people that were trained on.
"""

from __future__ import annotations

from pathlib import Path

from aio_reid.data.attributes import ATTRIBUTE_CLASSES
from aio_reid.errors import TrainingError, WeightsError
from aio_reid.models.build import take_over
from aio_reid.models.checkpoint import read_weights
from aio_reid.training.objective import TrainingObjective
from aio_reid.training.state import CHECKPOINT, read_trained

WEIGHTS = "weights.safetensors"


def start_from(objective: TrainingObjective, source: Path, *, with_encoder: bool) -> list[str]:
    """Start from an earlier run, or from a weights file; return the names that were taken, as in the state dict.

    From weights come tokenizers, [CLS], positions, codes and bottleneck; from the folder of a run also the heads for
    attribute words and tags, where these are the same. The classifier stays as it is. The encoder must be the same
    one already.

    Args:
        objective: what is to be trained.
        source: the folder of a run, or a .safetensors file.
        with_encoder: the encoder is trained too; then it goes on from what the weights hold of it, if they do.

    Raises:
        TrainingError: the run has not finished, or its trained parts belong to another encoder.
        WeightsError: missing, damaged or foreign weights, or a part of another shape.
    """
    path = source / WEIGHTS if source.is_dir() else source
    if source.is_dir() and not path.exists():
        raise TrainingError(
            f"start_from {str(source)!r} holds no {WEIGHTS}: finish that run first (aio-reid train CONFIG --resume "
            f"--out {source}), or name another"
        )
    weights = read_weights(path)
    taken = take_over(objective.model, weights, with_encoder=with_encoder)
    own = objective.model.encoder.hash()
    if own != weights.encoder_hash:
        raise TrainingError(
            f"start_from {str(source)!r} belongs to encoder {weights.encoder_hash[:12]}, model.encoder is {own[:12]}: "
            "configure the encoder that those parts were trained with, or start_from: null"
        )
    names = [f"model.{name}" for name in taken]
    return names + (_take_heads(objective, source) if (source / CHECKPOINT).exists() else [])


def _take_heads(objective: TrainingObjective, run: Path) -> list[str]:
    about, trained = read_trained(run)
    stored = {"attribute_head.": about.get("attributes"), "tag_head.": about.get("tags", about.get("attributes"))}
    wanted = {"attribute_head.": list(ATTRIBUTE_CLASSES), "tag_head.": list(objective.tag_head.names)}
    same = tuple(head for head in wanted if stored[head] == wanted[head])  # else a head would name the wrong words
    heads = {name: tensor for name, tensor in trained.items() if name.startswith(same)}
    own = objective.state_dict()
    for name, tensor in heads.items():
        if name not in own or own[name].shape != tensor.shape:
            raise WeightsError(f"cannot start from {str(run / CHECKPOINT)!r}: {name} is {tuple(tensor.shape)} there")
    objective.load_state_dict(heads, strict=False)
    return sorted(heads)
