"""Typed, frozen, closed configuration: one YAML per run, parsed once, unknown keys refused with the valid ones
named.
"""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from aio_reid.data_config import DataConfig, Frozen, Positive, Share
from aio_reid.errors import ConfigError
from aio_reid.records import Modality

T = TypeVar("T", bound=BaseModel)
_TAGS = ("plain", "timm")
_NO_KEYS = (*_TAGS, "[key]")
"""What pydantic names in a place besides the keys: the kind of an encoder, and that a key itself is wrong."""


class PlainEncoder(Frozen):
    """A plain pre-norm ViT of our own blocks (timm's parameter names), random from a seed or read from a file."""

    kind: Literal["plain"]
    width: Positive = Field(description="D, channels of a token")
    depth: Positive = Field(description="number of blocks")
    num_heads: Positive
    mlp_ratio: float = Field(default=4.0, gt=0)
    pre_norm: bool = Field(default=True, description="LayerNorm before the first block, as CLIP has it")
    weights_file: Path | None = Field(
        default=None, description="safetensors written by `aio-reid pretrain`; None: random from the seed"
    )

    @model_validator(mode="after")
    def _check(self) -> PlainEncoder:
        if self.width % self.num_heads:
            raise ValueError(f"num_heads {self.num_heads} does not divide width {self.width}")
        return self


class TimmEncoder(Frozen):
    """Any timm VisionTransformer by name, pre-trained weights from the hub or from a local file."""

    kind: Literal["timm"]
    name: str = Field(description="timm model name, e.g. vit_base_patch16_clip_224.laion2b")
    pretrained: bool = Field(default=True, description="fetch the published weights; False: random from the seed")
    weights_file: Path | None = Field(
        default=None, description="local file in timm, OpenCLIP or Meta-Transformer key layout"
    )


class ModelConfig(Frozen):
    """Architecture (method.md sections 3 to 5)."""

    encoder: PlainEncoder | TimmEncoder = Field(discriminator="kind")
    image_size: tuple[Positive, Positive] = Field(description="height, width in pixels; multiples of a token's side")
    stem: Literal["ibn", "patch", "pyramid"] = Field(
        default="ibn",
        description="visual tokenizers: the paper's IBN stem, one linear 16x16 patch projection (an ablation), or a "
        "pyramid of convolutions with a summary for [CLS]",
    )
    stem_width: Positive = Field(default=64, description="channels of the IBN stems; even")
    pyramid_widths: tuple[Positive, ...] = Field(
        default=(32, 64, 128, 256), min_length=1, description="channels of each level of the pyramid; even"
    )
    modalities: tuple[Modality, ...] = Field(default=(Modality.RGB, Modality.INFRARED, Modality.SKETCH, Modality.TEXT))
    context_length: Annotated[int, Field(ge=8, le=77)] = Field(
        default=77, description="tokens of a sentence, start and end included"
    )
    word_width: Positive | None = Field(
        default=None, description="width of the word table before its projection to D; None: D"
    )
    word_table_file: Path | None = Field(
        default=None, description="CLIP file whose token table the words start from, e.g. ViT-L/14's (768 wide)"
    )
    feature_after_bottleneck: bool = Field(
        default=True, description="retrieve with the feature after (AGW) or before the BNNeck"
    )
    mirrored: bool = Field(
        default=False,
        description="retrieve with the mean of the vectors of a picture and of its mirror image: "
        "better, and twice the time",
    )

    @property
    def token_stride(self) -> int:
        """Pixels of a visual token along each side: 16, or 4 doubled by each further level of the pyramid."""
        return 4 << (len(self.pyramid_widths) - 1) if self.stem == "pyramid" else 16

    @property
    def token_grid(self) -> tuple[int, int]:
        """Rows and columns of visual tokens."""
        return self.image_size[0] // self.token_stride, self.image_size[1] // self.token_stride

    @model_validator(mode="after")
    def _check(self) -> ModelConfig:
        size, side = list(self.image_size), self.token_stride
        if any(pixels % side for pixels in size):
            fitting = [-(-pixels // side) * side for pixels in size]  # rounded up
            raise ValueError(f"image_size {size} (height, width): both must be multiples of {side}, e.g. {fitting}")
        odd = [channels for channels in (self.stem_width, *self.pyramid_widths) if channels % 2]
        if odd:
            raise ValueError(f"{odd[0]} channels must be even: half of the channels are instance-normalised")
        if Modality.RGB not in self.modalities or len(set(self.modalities)) != len(self.modalities):
            raise ValueError("modalities must contain rgb and name each modality once")
        return self


class LossConfig(Frozen):
    """L = ce_weight * CE + va_weight * VA + fb_weight * FB (method.md section 6) + tag_weight * tags."""

    ce_weight: float = Field(default=1.0, ge=0)
    va_weight: float = Field(default=1.0, ge=0)
    fb_weight: float = Field(default=1.0, ge=0)
    tag_weight: float = Field(
        default=0.0,
        ge=0,
        description="of telling from each feature what is said of the person: the attributes of the photos, else the "
        "attribute words of the sentences",
    )
    label_smoothing: Share = 0.1
    sampled_identities: Share = Field(
        default=1.0,
        description="below 1: each step classifies against the identities of the batch and this share of all others, "
        "drawn by (seed, step) (partial FC); 1: against all, by a dense classifier",
    )
    imprint: bool = Field(
        default=False,
        description="the classifier begins as the mean features of each identity's photos, not as noise: for many "
        "identities of few pictures, behind a model that knows something (start_from)",
    )
    binding: Literal["infonce", "sdm", "wrt"] = Field(
        default="infonce", description="equations (6)-(8), or a named alternative"
    )
    temperature: float = Field(default=0.05, gt=0, description="of infonce and sdm; the lineage of sdm uses 0.02")
    bind_rgb_pairs: bool = Field(default=False, description="infonce: also pull photos of one identity together")
    detach_rgb: bool = Field(default=False, description="infonce: stop the gradient at the RGB anchor")
    fused_every: Annotated[int, Field(ge=0)] = Field(default=1, description="steps between fused passes; 0: never")

    @model_validator(mode="after")
    def _check(self) -> LossConfig:
        if self.ce_weight == self.va_weight == self.fb_weight == self.tag_weight == 0:
            raise ValueError("ce_weight, va_weight, fb_weight and tag_weight are all 0: there is nothing to learn from")
        if self.imprint and self.ce_weight == 0:
            raise ValueError("imprint begins the classifier of ce_weight, which is 0: leave one of the two out")
        if self.binding != "infonce" and (self.bind_rgb_pairs or self.detach_rgb):
            raise ValueError(f"bind_rgb_pairs and detach_rgb belong to binding infonce, not to {self.binding}")
        if self.bind_rgb_pairs and self.detach_rgb:
            raise ValueError("bind_rgb_pairs pulls photos together, detach_rgb holds them still: leave one of them out")
        return self


class OptimConfig(Frozen):
    """AdamW, linear warm-up, cosine to zero (method.md section 7)."""

    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    word_table_rate: float = Field(
        default=1.0, gt=0, description="factor on the learning rate of the word table (0.1 when pre-trained)"
    )
    head_rate: float = Field(
        default=1.0, gt=0, description="factor on the learning rate of the heads: bottleneck, classifier, words"
    )
    classifier_rate: float = Field(
        default=1.0,
        gt=0,
        description="further factor for the identity classifier; below 1 it keeps what it begins with (loss.imprint): "
        "Adam moves every row at every step, also those of people who are not in the batch",
    )
    warmup_share: Share = 0.05
    clip_norm: float = Field(default=1.0, gt=0)
    micro_batches: Positive = Field(
        default=1,
        description="parts in which a process reads its share of the batch: less memory, two forward passes, the "
        "losses still of the whole batch; batch normalisation in the stems sees one part",
    )
    max_epochs: Positive = Field(description="stop after so many epochs")
    max_steps: Positive | None = Field(default=None, description="or after so many steps, whichever comes first")


class RunConfig(Frozen):
    """One training run: everything that its result depends on."""

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    trainable_encoder: bool = Field(default=False, description="True only to pre-train an encoder")
    model: ModelConfig
    data: DataConfig
    loss: LossConfig
    optim: OptimConfig
    precision: Literal["fp32", "bf16"] = "fp32"
    activation_checkpointing: bool = Field(
        default=False, description="recompute the encoder's blocks in the backward pass: less memory, more time"
    )
    compile: bool = Field(default=False, description="compile encoder blocks and visual tokenizers by torch.compile")
    start_from: Path | None = Field(
        default=None,
        description="run or weights whose trained parts are taken over, but the classifier (stage 2 from stage 1)",
    )
    checkpoint_every: Positive = Field(default=200, description="steps between checkpoints")
    validate_every: Positive = Field(default=1000, description="steps between validations")
    num_validation_identities: Positive = Field(default=200)

    @model_validator(mode="after")
    def _check(self) -> RunConfig:
        shares = {"partner_share": self.data.partner_share, "synthesised_share": self.data.synthesised_share}
        for number, source in enumerate(self.data.sources):
            shares[f"sources.{number}.synthesised_share"] = source.synthesised_share
        for name, of_modality in shares.items():
            unknown = [m.value for m in of_modality if m not in self.model.modalities]
            if unknown:
                known = ", ".join(m.value for m in self.model.modalities)
                raise ValueError(f"data.{name} of {unknown[0]!r}, which is not among model.modalities: {known}")
        return self


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> RunConfig:
    """Read a run's YAML; `overrides` are "section.key=value" with the value in YAML, a place in a list is its number
    from 0 ("data.sources.0.root=..."). Relative paths are relative to the working directory.

    Raises:
        ConfigError: file missing, not YAML, unknown key, wrong value; names the key and what is allowed.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"configuration {str(path)!r} does not exist; the shipped ones lie in configs/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"configuration {str(path)!r} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"configuration {str(path)!r} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"configuration {str(path)!r} must be a mapping of sections, got {type(content).__name__}")
    for override in overrides:
        _apply(content, override)
    return parse(RunConfig, content, str(path), tuple(override.partition("=")[0] for override in overrides))


def parse(kind: type[T], content: Any, origin: str, overridden: tuple[str, ...] = ()) -> T:
    """Validate `content` as `kind`; the keys in `overridden` come from --set, all others from `origin`.

    Raises:
        ConfigError: one line naming the origin, the first wrong key, the reason, the value and, for an unknown key, the
            valid ones.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in _NO_KEYS) or "(top)"
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            reason = f"unknown key; valid here: {', '.join(_valid_keys(kind, first['loc'][:-1]))}"
        elif not isinstance(first["input"], dict):  # a section's own message names what is wrong in it
            reason += f", got {reprlib.repr(first['input'])}"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        is_set = any(f"{where}.".startswith(f"{key}.") for key in overridden)
        raise ConfigError(f"{'--set ' if is_set else f'{origin}: '}{where}: {reason}{more}") from None


def _apply(content: dict[str, Any], override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator or not key:
        raise ConfigError(f"override {override!r} must look like section.key=value")
    *sections, last = key.split(".")
    node: Any = content
    for section in sections:
        node = node[_place(node, section, override)] if isinstance(node, list) else node.setdefault(section, {})
        if not isinstance(node, (dict, list)):
            raise ConfigError(f"override {override!r}: {section!r} is a value, not a section")
    try:
        node[_place(node, last, override) if isinstance(node, list) else last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"override {override!r}: the value is not YAML") from None


def _place(entries: list[Any], number: str, override: str) -> int:
    if not number.isdecimal() or int(number) >= len(entries):
        raise ConfigError(f"override {override!r}: {number!r} is no place in a list of {len(entries)}; count from 0")
    return int(number)


def _valid_keys(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the section at `location`; a union's tag ("plain", "timm") is itself part of the location."""
    current: Any = kind
    for part in location:
        if part in _TAGS:
            current = PlainEncoder if part == "plain" else TimmEncoder
        elif isinstance(part, int):
            current = get_args(current)[0]
        else:
            field = getattr(current, "model_fields", {}).get(part)
            current = field.annotation if field is not None else current
    return sorted(getattr(current, "model_fields", {}))
