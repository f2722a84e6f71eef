"""From a configuration or a weights file to a model; the only place in models/ that knows config objects."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aio_reid.config import ModelConfig, PlainEncoder, TimmEncoder, parse
from aio_reid.errors import WeightsError
from aio_reid.models.bare import Uninitialised
from aio_reid.models.checkpoint import WeightsFile, assign_strictly, read_weights
from aio_reid.models.encoder import FrozenEncoder, hash_tensors, plain_encoder, timm_encoder
from aio_reid.models.encoder_weights import read_text_tokens
from aio_reid.models.heads import BNNeck
from aio_reid.models.kernels import keep_kernels
from aio_reid.models.model import AIOModel
from aio_reid.models.patch_tokenizer import PatchTokenizer
from aio_reid.models.pyramid import PyramidTokenizer
from aio_reid.models.sequence import SequenceEmbedding, resize_positions
from aio_reid.models.tokenizers import TextTokenizer, VisualTokenizer
from aio_reid.records import Modality

ENCODER = "encoder."


def build_model(config: ModelConfig, *, seed: int) -> AIOModel:
    """Build a model: the encoder as configured, trainable parts fresh from `seed`, positions and words from the
    pre-training.

    Raises:
        WeightsError: the encoder's weights cannot be had or do not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        encoder = build_encoder(config.encoder, seed=seed)
        model = _assemble(config, encoder)
    start = encoder.start
    model.sequence.start_from(start.cls_token, start.positions, start.grid)
    words = model.tokenizers[Modality.TEXT.value] if Modality.TEXT in model.modalities else None
    if isinstance(words, TextTokenizer):
        if config.word_table_file is not None:
            words.load_word_table(read_text_tokens(config.word_table_file))
        elif start.text_tokens is not None and start.text_tokens.shape[1] <= words.words.embedding_dim:
            words.load_word_table(start.text_tokens)
    return model


def build_encoder(config: PlainEncoder | TimmEncoder, *, seed: int) -> FrozenEncoder:
    """Build the frozen encoder alone.

    Raises:
        WeightsError: as `build_model`.
    """
    if isinstance(config, TimmEncoder):
        return timm_encoder(config.name, pretrained=config.pretrained, seed=seed, weights_file=config.weights_file)
    encoder = plain_encoder(
        width=config.width,
        depth=config.depth,
        num_heads=config.num_heads,
        mlp_ratio=config.mlp_ratio,
        pre_norm=config.pre_norm,
        seed=seed,
    )
    if config.weights_file is not None:
        tensors = read_weights(config.weights_file).tensors
        own = {name.removeprefix(ENCODER): t for name, t in tensors.items() if name.startswith(ENCODER)}
        assign_strictly(encoder, own, f"encoder file {str(config.weights_file)!r}")
        encoder.requires_grad_(False)
    return encoder


def load_model(path: Path) -> tuple[AIOModel, WeightsFile]:
    """Read a model from a weights file, in eval mode.

    Raises:
        WeightsError: missing, damaged, foreign, of another architecture, or made for another encoder.
    """
    weights = read_weights(path)
    config = parse(ModelConfig, weights.model, f"the header of {str(path)!r}")
    if weights.has_encoder and isinstance(config.encoder, PlainEncoder):
        # Built without memory or random numbers: every value is assigned from the file.
        with torch.device("meta"), Uninitialised():
            model = _assemble(config, build_encoder(config.encoder.model_copy(update={"weights_file": None}), seed=0))
        assign_strictly(model, weights.tensors, f"weights {str(path)!r}")
    elif weights.has_encoder and isinstance(config.encoder, TimmEncoder):
        with torch.random.fork_rng(devices=[]):
            model = _assemble(config, _timm_encoder_of(weights, config.encoder))
        assign_strictly(model, weights.tensors, f"weights {str(path)!r}")
    else:
        model = _build_around_encoder(path, config)
        external = {f"{ENCODER}{n}": t for n, t in model.encoder.frozen_state().items()}
        assign_strictly(model, {**external, **weights.tensors}, f"weights {str(path)!r}")
    found = model.encoder.hash()
    if found != weights.encoder_hash:
        raise WeightsError(
            f"weights {str(path)!r} belong to encoder {weights.encoder_hash[:12]}, this one is {found[:12]}; "
            "give the encoder file that they were trained with"
        )
    model.to(memory_format=torch.channels_last)
    return model.eval(), weights


def _build_around_encoder(path: Path, config: ModelConfig) -> AIOModel:
    """Return a model for the weights at `path`, which leave their frozen encoder outside.

    Raises:
        WeightsError: the encoder is not to be had; names both remedies.
    """
    try:
        return build_model(config.model_copy(update={"word_table_file": None}), seed=0)
    except WeightsError as error:
        raise WeightsError(
            f"weights {str(path)!r} hold no encoder, and the one that they need is not here: {error}; or, where it is: "
            "aio-reid export-weights WEIGHTS OUT --with-encoder"
        ) from None


def _timm_encoder_of(weights: WeightsFile, config: TimmEncoder) -> FrozenEncoder:
    """Return the encoder whose values are all in `weights`, still without them: nothing is fetched, no file is opened.

    Whether its final norm was trained, because the file that it once came from had none, shows in the encoder's hash:
    that is of what is frozen.
    """
    has_norms = True
    if config.weights_file is not None:
        own = {n.removeprefix(ENCODER): t for n, t in weights.tensors.items() if n.startswith(ENCODER)}
        has_norms = hash_tensors(own) == weights.encoder_hash
    return timm_encoder(config.name, pretrained=False, seed=0, has_norms=has_norms)


def export_weights(
    model: AIOModel,
    config: ModelConfig,
    about: dict[str, Any],
    *,
    dtype: torch.dtype = torch.float32,
    with_encoder: bool | None = None,
) -> WeightsFile:
    """Return what a weights file of this model holds.

    The encoder goes in unless it can be had again by its configuration: a timm encoder with published weights, or from
    a file, that was not trained on stays outside. `with_encoder` decides instead, where it is given.

    With `dtype` float16 the values are rounded to it, the encoder's hash is that of the rounded values, and the file
    is half
    as large.
    """
    has_encoder = _is_unique(model, config.encoder) if with_encoder is None else with_encoder
    outside = set() if has_encoder else {f"{ENCODER}{n}" for n in model.encoder.frozen_state()}
    tensors = {n: t for n, t in model.state_dict().items() if n not in outside}
    tensors = {n: t.to(dtype) if t.is_floating_point() else t for n, t in tensors.items()}
    encoder = copy.deepcopy(model.encoder).requires_grad_(False)
    if has_encoder:
        encoder.to(dtype).float()
    return WeightsFile(tensors, config.model_dump(mode="json"), encoder.hash(), has_encoder, about)


def _is_unique(model: AIOModel, config: PlainEncoder | TimmEncoder) -> bool:
    """Return whether the encoder exists nowhere else: plain, random, or trained here."""
    published = isinstance(config, TimmEncoder) and (config.pretrained or config.weights_file is not None)
    frozen = model.encoder.frozen_state()
    return not published or any(p.requires_grad for n, p in model.encoder.named_parameters() if n in frozen)


def take_over(model: AIOModel, weights: WeightsFile, *, with_encoder: bool = False) -> list[str]:
    """Start `model` from the trained parts of other weights (stage 2 from stage 1); return the names that were taken.

    A visual tokenizer that the other model lacks starts from its RGB tokenizer; positions of another picture size are
    resized.
    What is frozen in the encoder is taken only `with_encoder`, if the weights hold it; a final norm that is trained in
    it always is.

    Raises:
        WeightsError: a part has another shape.
    """
    frozen = set() if with_encoder else {f"{ENCODER}{n}" for n in model.encoder.frozen_state()}
    source = {n: t for n, t in weights.tensors.items() if n not in frozen}
    for modality in model.modalities:
        if modality.is_visual and f"tokenizers.{modality.value}.projection.weight" not in source:
            source.update(_copied_tokenizer(source, modality))
    grid = parse(ModelConfig, weights.model, "the weights to start from").token_grid
    name = "sequence.visual_positions"
    source[name] = resize_positions(source[name], grid, model.sequence.grid)
    wanted = model.state_dict()
    taken = {n: t for n, t in source.items() if n in wanted}
    for n, tensor in taken.items():
        if tensor.shape != wanted[n].shape:
            raise WeightsError(
                f"cannot start from these weights: {n} is {tuple(tensor.shape)}, needed {tuple(wanted[n].shape)}"
            )
    model.load_state_dict(taken, strict=False)
    return sorted(taken)


def _copied_tokenizer(source: dict[str, Tensor], modality: Modality) -> dict[str, Tensor]:
    rgb = f"tokenizers.{Modality.RGB.value}."
    return {f"tokenizers.{modality.value}.{n.removeprefix(rgb)}": t for n, t in source.items() if n.startswith(rgb)}


def _assemble(config: ModelConfig, encoder: FrozenEncoder) -> AIOModel:
    keep_kernels()  # before the first of them is made
    width = encoder.width
    return AIOModel(
        tokenizers={
            m: _visual_tokenizer(config, width) if m.is_visual else _text_tokenizer(config, width)
            for m in Modality
            if m in config.modalities
        },
        sequence=SequenceEmbedding(
            width,
            grid=config.token_grid,
            context_length=config.context_length,
            modalities=tuple(m for m in Modality if m in config.modalities),
        ),
        encoder=encoder,
        bottleneck=BNNeck(width),
        stride=config.token_stride,
        feature_after_bottleneck=config.feature_after_bottleneck,
        mirrored=config.mirrored,
    )


def _visual_tokenizer(config: ModelConfig, width: int) -> nn.Module:
    if config.stem == "pyramid":
        return PyramidTokenizer(width, widths=config.pyramid_widths)
    if config.stem == "patch":
        return PatchTokenizer(width)
    return VisualTokenizer(width, stem_width=config.stem_width)


def _text_tokenizer(config: ModelConfig, width: int) -> TextTokenizer:
    return TextTokenizer(width, word_width=config.word_width, summarised=config.stem == "pyramid")
