"""Weights files of pre-trained encoders, in the layouts they are published in, read into one canonical layout.

Canonical are the names of timm's VisionTransformer, without what AIO replaces (patch embedding, pooling, classifier):
`cls_token` (1, 1, D), `reg_token` (1, R, D), `pos_embed` (1, P, D), `norm_pre.*`, `blocks.N.*`, `norm.*`.

| layout | known by | holds |
|---|---|---|
| timm | `blocks.0.norm1.weight` | everything canonical |
| openclip | `visual.class_embedding` or `class_embedding` | the same, and the words of the text tower |
| meta-transformer | `0.norm1.weight` | blocks alone: no norms, no class token, no positions |

Source: method.md section 4 (key map and the 144 tensors of Meta-Transformer-B16).
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from aio_reid.errors import WeightsError

Layout = Literal["timm", "openclip", "meta-transformer"]

WRAPPERS = ("state_dict", "model", "model_state_dict")
"""Keys under which training programs put the weights beside optimiser state and the like."""
TIMM_REPLACED = ("patch_embed.", "head.", "head_dist.", "fc_norm.", "attn_pool.", "pre_logits.")
OPENCLIP_REPLACED = ("conv1.", "proj")
TEXT_TOKEN_KEYS = (
    "token_embedding.weight",
    "text.token_embedding.weight",
    "text_model.embeddings.token_embedding.weight",
)
OPENCLIP_NAMES = (
    (r"^class_embedding$", "cls_token"),
    (r"^positional_embedding$", "pos_embed"),
    (r"^ln_pre\.", "norm_pre."),
    (r"^ln_post\.", "norm."),
    (r"^transformer\.resblocks\.(\d+)\.", r"blocks.\1."),
    (r"\.ln_([12])\.", r".norm\1."),
    (r"\.ls_([12])\.", r".ls\1."),
    (r"\.attn\.in_proj_", ".attn.qkv."),
    (r"\.attn\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
)


@dataclass(frozen=True)
class EncoderWeights:
    """An encoder's weights in the canonical layout (module docstring).

    Attributes:
        path: the file that they came from.
        layout: the layout they had there.
        tensors: canonical name to tensor, in the file's dtype, on the CPU.
        text_tokens: (vocabulary, width) float32 word embeddings of a CLIP file's text tower, else None.
    """

    path: Path
    layout: Layout
    tensors: dict[str, Tensor]
    text_tokens: Tensor | None = None

    @property
    def has_norms(self) -> bool:
        """Whether the pre-training's input and final norms, class token and positions come along."""
        return self.layout != "meta-transformer"


def read_encoder_weights(path: Path) -> EncoderWeights:
    """Read a weights file (safetensors, or torch's formats without running code in them) of any known layout.

    Raises:
        WeightsError: no such file, empty, damaged, a web page or git-lfs pointer in its place, or of an unknown layout.
    """
    state = read_state(path)
    if "blocks.0.norm1.weight" in state:
        return EncoderWeights(path, "timm", _without(state, TIMM_REPLACED))
    if "0.norm1.weight" in state:
        return EncoderWeights(path, "meta-transformer", {f"blocks.{name}": tensor for name, tensor in state.items()})
    visual = {name.removeprefix("visual."): tensor for name, tensor in state.items() if name.startswith("visual.")}
    if "class_embedding" in visual or "class_embedding" in state:
        tower = visual or state
        return EncoderWeights(path, "openclip", _from_openclip(tower), _find_text_tokens(state))
    some = ", ".join(sorted(state)[:3])
    raise WeightsError(
        f"{path}: unknown key layout ({some}, ...); known are timm, OpenCLIP and Meta-Transformer vision transformers"
    )


def read_text_tokens(path: Path) -> Tensor:
    """Read the word embeddings (vocabulary, width) float32 of a CLIP weights file.

    Raises:
        WeightsError: as `read_encoder_weights`, or the file holds no word embeddings.
    """
    tokens = _find_text_tokens(read_state(path))
    if tokens is None:
        raise WeightsError(f"{path}: holds no word embeddings; they are named one of: {', '.join(TEXT_TOKEN_KEYS)}")
    return tokens


def load_weights(model: nn.Module, weights: EncoderWeights) -> None:
    """Copy weights into a timm VisionTransformer, strictly: names and shapes must be just those of the model.

    From the Meta-Transformer layout the blocks alone are expected.

    Raises:
        WeightsError: naming missing, unexpected and wrongly shaped tensors; the model is then unchanged.
    """
    own = _without(model.state_dict(), TIMM_REPLACED)
    if not weights.has_norms:
        own = {name: tensor for name, tensor in own.items() if name.startswith("blocks.")}
    given = weights.tensors
    shapes = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own
        if name in given and given[name].shape != own[name].shape
    ]
    faults = {"missing": own.keys() - given.keys(), "unexpected": given.keys() - own.keys(), "other shapes": shapes}
    found = "; ".join(f"{kind}: {_shorten(names)}" for kind, names in faults.items() if names)
    if found:
        raise WeightsError(
            f"{weights.path} ({weights.layout} layout) does not fit this encoder ({found}); "
            "choose the encoder that it was made for"
        )
    model.load_state_dict(given, strict=False)


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors by its content, not its suffix; wrappers and a "module." prefix are taken off.

    Raises:
        WeightsError: in one line, whatever is wrong with the file.
    """
    head = _read_head(path)
    is_safetensors = head[8:9] == b"{"  # after the length of its JSON header
    if not is_safetensors and not head.startswith((b"PK", b"\x80")):  # torch writes a zip file, once wrote a pickle
        raise WeightsError(
            f"{path}: is no weights file, neither safetensors nor torch's; give a .safetensors or .pt file"
        )
    try:
        if is_safetensors:
            content: Any = load_file(path)
        else:
            # A zip file is mapped, so that the towers we do not take are never read.
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path}: is damaged or holds more than tensors, and its code is not run; save a plain state dict instead"
        ) from error
    except Exception as error:  # an unpickler on damaged bytes fails in every way there is
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise WeightsError(
            f"{path}: cannot be read as weights, it may be damaged ({reason}); fetch it again"
        ) from error
    return _unwrap(path, content)


def _read_head(path: Path) -> bytes:
    """Return the first bytes of a file, after ruling out what downloads leave instead of weights."""
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file; give a .safetensors, .bin, .pt or .pth file")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error
    if not head:
        raise WeightsError(f"{path}: is empty; fetch it again")
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{path}: is a git-lfs pointer, not the weights; run 'git lfs pull' where it was cloned")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise WeightsError(f"{path}: is a web page, not weights; fetch the file itself, not its page")
    return head


def _unwrap(path: Path, content: Any) -> dict[str, Tensor]:
    for key in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(
            f"{path}: holds a {type(content).__name__}, not named tensors; save a plain state dict instead"
        )
    strangers = [str(key) for key, value in content.items() if not isinstance(value, Tensor)]
    if strangers:
        raise WeightsError(
            f"{path}: entries that are no tensors ({_shorten(strangers)}); save a plain state dict instead"
        )
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}


def _from_openclip(tower: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename an OpenCLIP image tower's tensors; what has no counterpart keeps its name and is refused on loading."""
    renamed = {}
    for name, tensor in _without(tower, OPENCLIP_REPLACED).items():
        for pattern, replacement in OPENCLIP_NAMES:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    if "cls_token" in renamed:
        renamed["cls_token"] = renamed["cls_token"].reshape(1, 1, -1)  # (D,) to (1, 1, D)
    if "pos_embed" in renamed:
        renamed["pos_embed"] = renamed["pos_embed"][None]  # (P, D) to (1, P, D)
    return renamed


def _find_text_tokens(state: Mapping[str, Tensor]) -> Tensor | None:
    for key in TEXT_TOKEN_KEYS:
        if key in state:
            return state[key].detach().float().clone()
    return None


def _without(state: Mapping[str, Tensor], prefixes: tuple[str, ...]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.startswith(prefixes)}


def _shorten(names: Iterable[str], shown: int = 4) -> str:
    ordered = sorted(names)
    rest = f" and {len(ordered) - shown} more" if len(ordered) > shown else ""
    return ", ".join(ordered[:shown]) + rest
