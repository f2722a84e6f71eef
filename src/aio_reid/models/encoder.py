"""The frozen multimodal encoder, shared by every modality (method.md section 4, equation 2).

Frozen means: no parameter wants a gradient, the module is always in eval mode, and the graph is kept, so that gradients
pass through it to whatever made the tokens.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from aio_reid.errors import WeightsError
from aio_reid.models.blocks import TransformerBlock, initialise_blocks
from aio_reid.models.encoder_weights import EncoderWeights, load_weights, read_encoder_weights

EXAMPLES = "vit_base_patch16_clip_224.laion2b, vit_tiny_patch16_224, vit_small_patch14_dinov2"


@dataclass(frozen=True)
class EncoderStart:
    """What the pre-training offers as first values of the trainable parts; a field is None where it had none.

    Attributes:
        cls_token: (1, 1, D) float32.
        positions: (1 + grid height * grid width, D) float32, row 0 belongs to the class token (zeros if it had none).
        grid: (height, width) of the patch grid behind `positions`, row-major.
        text_tokens: (vocabulary, width of its text tower) float32, the word embeddings of a CLIP file.
    """

    cls_token: Tensor | None = None
    positions: Tensor | None = None
    grid: tuple[int, int] | None = None
    text_tokens: Tensor | None = None


class FrozenEncoder(nn.Module):
    """Input norm, frozen blocks, final norm, over a token sequence of any length.

    Parts: `norm_pre` (None: identity), `blocks` each called as `block(x, attn_mask=mask)`, `norm` (None: the
    pre-training had none, and a **trainable** LayerNorm takes its place), `registers` (R, D): frozen extra tokens that
    the pre-training put beside the patches, appended inside and removed from the output. `trainable_names` are the
    names in the state dict that are not frozen: those of the trainable norm, or none.

    `activation_checkpointing` recomputes each block in the backward pass: less memory, a third more time.

    Source: method.md section 4, equation (2).
    """

    norm_pre: nn.Module
    norm: nn.Module
    registers: Tensor | None
    trainable_names: frozenset[str]

    def __init__(
        self,
        *,
        blocks: nn.ModuleList,
        width: int,
        name: str,
        norm_pre: nn.Module | None = None,
        norm: nn.Module | None = None,
        registers: Tensor | None = None,
        start: EncoderStart | None = None,
        activation_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.width = width
        self.name = name
        self.start = start or EncoderStart()
        self.activation_checkpointing = activation_checkpointing
        self.norm_pre = norm_pre or nn.Identity()
        self.blocks = blocks
        self.norm = norm or nn.LayerNorm(width)
        self.register_buffer("registers", None if registers is None else registers.detach().clone())
        self.trainable_names = frozenset() if norm else frozenset({"norm.weight", "norm.bias"})
        self.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> FrozenEncoder:
        """Stay in eval mode, whatever is asked: dropout and the like never act in a frozen encoder."""
        super().train(False)
        return self

    def requires_grad_(self, requires_grad: bool = True) -> FrozenEncoder:
        """Freeze (False) all but the trainable norm, or thaw everything (True), which pre-training alone does."""
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(requires_grad or name in self.trainable_names)
        return self

    def forward(self, tokens: Tensor, key_mask: Tensor | None = None, *, num_outputs: int | None = None) -> Tensor:
        """Encode token sequences.

        Args:
            tokens: (B, N, D) float, any N.
            key_mask: (B, N) bool, True for a real token, at least one in each row; None when all are real (faster).
            num_outputs: return only the outputs of the first so many tokens; our own blocks then save most of the last
                block, a seventh of the whole in a model of six.

        Returns:
            (B, N or num_outputs, D) in the order of `tokens`. Outputs at masked positions carry no meaning.
        """
        B, N, _ = tokens.shape
        x = tokens
        if self.registers is not None:
            x = torch.cat([x, self.registers.to(x.dtype).expand(B, -1, -1)], dim=1)  # (B, N + R, D)
        mask = None
        if key_mask is not None:
            mask = nn.functional.pad(key_mask, (0, x.shape[1] - N), value=True)[:, None, None, :]  # (B, 1, 1, N + R)
        x = self.norm_pre(x)
        for block in self.blocks:
            if num_outputs is not None and block is self.blocks[-1] and isinstance(block, TransformerBlock):
                x = block(x, attn_mask=mask, num_queries=num_outputs)
            elif self.activation_checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, attn_mask=mask, use_reentrant=False)
            else:
                x = block(x, attn_mask=mask)
        out: Tensor = self.norm(x[:, : num_outputs or N])  # (B, N or num_outputs, D)
        return out

    def frozen_state(self) -> dict[str, Tensor]:
        """Return every tensor that never changes, by name in the state dict, sorted; a trainable norm is left out."""
        return {name: tensor for name, tensor in sorted(self.state_dict().items()) if name not in self.trainable_names}

    def hash(self) -> str:
        """Return the `hash_tensors` of `frozen_state`."""
        return hash_tensors(self.frozen_state())


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 (64 hex digits) over names, shapes, dtypes and bytes of tensors, in order of name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(raw.numpy().data)
    return digest.hexdigest()


def plain_encoder(
    *,
    width: int,
    depth: int,
    num_heads: int,
    seed: int,
    mlp_ratio: float = 4.0,
    layer_norm_eps: float = 1e-5,
    pre_norm: bool = True,
) -> FrozenEncoder:
    """Build an encoder of our own blocks, random weights from `seed` alone; the global generator stays untouched.

    Under `torch.device("meta")` it is built without memory and values, for weights that are assigned afterwards.

    Raises:
        ValueError: `width` is no multiple of `num_heads`.
    """
    with torch.device("meta"):  # no memory and no random numbers are spent on values that are overwritten below
        blocks = nn.ModuleList(TransformerBlock(width, num_heads, mlp_ratio, layer_norm_eps) for _ in range(depth))
    if torch.get_default_device().type != "meta":
        blocks.to_empty(device="cpu")
        initialise_blocks(blocks, width, torch.Generator().manual_seed(seed))
    return FrozenEncoder(
        blocks=blocks,
        width=width,
        name=f"plain-{width}x{depth}",
        norm_pre=nn.LayerNorm(width, eps=layer_norm_eps) if pre_norm else None,
        norm=nn.LayerNorm(width, eps=layer_norm_eps),
    )


def timm_encoder(
    name: str,
    *,
    pretrained: bool,
    seed: int,
    weights_file: Path | None = None,
    has_norms: bool = True,
    **kwargs: Any,
) -> FrozenEncoder:
    """Build the encoder of a timm VisionTransformer.

    Args:
        name: timm's name, with or without the tag of its weights; "vit_base_patch16_clip_224.laion2b" is the paper's.
        pretrained: fetch the weights from the hub (once, then from its cache); without file and hub they are random.
        seed: of the random weights.
        weights_file: local weights in timm, OpenCLIP or Meta-Transformer layout, instead of the hub. The
            Meta-Transformer layout holds no norms: then the input norm is the identity and the final norm is trainable.
        has_norms: False: as from a file in the Meta-Transformer layout, for values that are assigned afterwards.
        kwargs: handed to timm, e.g. `depth=2, embed_dim=64, num_heads=2`.

    Raises:
        WeightsError: unknown name, not a plain VisionTransformer, hub out of reach, or a file that is foreign or
            damaged.
    """
    _check_timm_name(name)
    model = _create_timm(name, pretrained and weights_file is None, seed, kwargs)
    weights = None
    if weights_file is not None:
        weights = read_encoder_weights(weights_file)
        load_weights(model, weights)
    has_norms = has_norms and (weights is None or weights.has_norms)
    return FrozenEncoder(
        blocks=nn.ModuleList(model.blocks),
        width=model.embed_dim,
        name=name,
        norm_pre=_frozen_norm(model.norm_pre) if has_norms else None,
        norm=_frozen_norm(model.norm) if has_norms else None,
        registers=_registers(model) if has_norms else None,
        start=_start(model, weights) if pretrained or weights is not None else None,
    )


def _frozen_norm(norm: nn.Module) -> nn.Module | None:
    return None if isinstance(norm, nn.Identity) else norm


def _check_timm_name(name: str) -> None:
    import timm

    base, _, tag = name.partition(".")
    if not timm.is_model(base):
        known = timm.list_models()
        close = difflib.get_close_matches(base, known, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(close)}" if close else f"examples: {EXAMPLES}"
        raise WeightsError(f"timm has no encoder named {name!r}; {hint}")
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{base}.*")]
    if tag and tag not in tags:
        raise WeightsError(f"timm's {base} has no weights named {tag!r}; it has: {', '.join(tags) or 'none'}")


def _create_timm(name: str, pretrained: bool, seed: int, kwargs: dict[str, Any]) -> Any:
    import timm
    from timm.models.vision_transformer import VisionTransformer

    try:
        with _seeded(seed):
            model = timm.create_model(name, pretrained=pretrained, num_classes=0, **kwargs)
    except Exception as error:  # hub, proxy, disk and option errors come as many types; each becomes our one line
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 110, placeholder=" ...")
        if not pretrained:
            raise WeightsError(f"timm cannot build {name!r} with {kwargs}: {reason}") from error
        raise WeightsError(
            f"the weights of {name!r} could not be fetched ({reason}); download them elsewhere and give the local file "
            "(.safetensors, .bin, .pt or .pth) as the encoder's weights file"
        ) from error
    if type(model) is not VisionTransformer:  # subclasses add tokens or position schemes that AIO's sequence lacks
        kind = type(model).__name__
        raise WeightsError(f"{name!r} is a {kind}, not a plain VisionTransformer of timm; examples: {EXAMPLES}")
    return model


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw random weights from a seed of their own, and leave the global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _split_positions(model: Any) -> tuple[Tensor | None, Tensor | None]:
    """Return the prefix rows (class token first, then registers; None without) and patch rows of the position table."""
    if model.pos_embed is None:
        return None, None
    table = model.pos_embed.detach()[0]  # (prefix + grid, D) or (grid, D)
    prefix = 0 if model.no_embed_class else model.num_prefix_tokens
    return (table[:prefix] if prefix else None), table[prefix:]


def _registers(model: Any) -> Tensor | None:
    if model.reg_token is None:
        return None
    registers: Tensor = model.reg_token.detach()[0]  # (R, D)
    prefix_rows, _ = _split_positions(model)
    return registers if prefix_rows is None else registers + prefix_rows[-len(registers) :]


def _start(model: Any, weights: EncoderWeights | None) -> EncoderStart:
    text_tokens = weights.text_tokens if weights else None
    if weights is not None and "pos_embed" not in weights.tensors:
        return EncoderStart(text_tokens=text_tokens)
    prefix_rows, patch_rows = _split_positions(model)
    cls_token = model.cls_token.detach().clone() if model.cls_token is not None else None
    if patch_rows is None:
        return EncoderStart(cls_token=cls_token, text_tokens=text_tokens)
    has_cls_row = cls_token is not None and prefix_rows is not None
    cls_row = prefix_rows[:1] if has_cls_row and prefix_rows is not None else torch.zeros_like(patch_rows[:1])
    height, width = model.patch_embed.grid_size
    if math.prod((height, width)) != len(patch_rows):
        raise WeightsError(f"position table of {len(patch_rows)} rows does not fit the patch grid {height}x{width}")
    return EncoderStart(cls_token, torch.cat([cls_row, patch_rows]), (height, width), text_tokens)
