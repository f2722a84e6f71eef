"""Weights files of the three published layouts, made here from the original models, and what a file can be instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors.torch import save_file
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from aio_reid.errors import WeightsError
from aio_reid.models.encoder import FrozenEncoder, timm_encoder
from aio_reid.models.encoder_weights import read_encoder_weights, read_text_tokens

NAME = "vit_base_patch16_clip_224"
TINY: dict[str, Any] = {"depth": 2, "embed_dim": 64, "num_heads": 2, "img_size": 64}
State = dict[str, Tensor]


def scramble(module: nn.Module, seed: int = 0) -> nn.Module:
    """Make every parameter random, so that a swapped or forgotten one shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0.1, 0.2, generator=generator)
    return module.eval()


def make_clip(layer_scale: float | None = None) -> Any:
    vision = CLIPVisionCfg(
        layers=2, width=64, head_width=32, patch_size=16, image_size=64, ls_init_value=layer_scale, output_tokens=True
    )
    return scramble(CLIP(16, vision, CLIPTextCfg(context_length=8, vocab_size=50, width=24, heads=2, layers=1)))


def make_timm(**kwargs: Any) -> Any:
    return scramble(timm.create_model(NAME, pretrained=False, **{**TINY, **kwargs}))


def make_meta(depth: int = 12, width: int = 64) -> nn.Module:
    norm = nn.LayerNorm
    return scramble(nn.Sequential(*[Block(width, 2, qkv_bias=True, norm_layer=norm) for _ in range(depth)]))


def load(path: Path, **kwargs: Any) -> FrozenEncoder:
    return timm_encoder(NAME, pretrained=False, seed=0, weights_file=path, **{**TINY, **kwargs})


def image(seed: int = 0) -> Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


def embed(encoder: FrozenEncoder, patches: Tensor) -> Tensor:
    """Encode (B, D, H, W) patch features with the class token and positions that the file offered."""
    tokens = patches.flatten(2).transpose(1, 2)  # (B, H * W, D)
    start = encoder.start
    assert start.cls_token is not None
    assert start.positions is not None
    return encoder(torch.cat([start.cls_token.expand(len(tokens), -1, -1), tokens], dim=1) + start.positions)


WRITERS: dict[str, Callable[[State, Path], None]] = {
    ".safetensors": lambda state, path: save_file({n: t.contiguous() for n, t in state.items()}, path),
    ".pt": lambda state, path: torch.save(state, path),
    ".bin": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    ".pth": lambda state, path: torch.save(
        {"state_dict": {f"module.{n}": t for n, t in state.items()}, "epoch": 3}, path
    ),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_openclip_file_equals_the_original(suffix: str, tmp_path: Path) -> None:
    clip = make_clip()
    path = tmp_path / f"clip{suffix}"
    WRITERS[suffix](clip.state_dict(), path)
    encoder = load(path)
    pooled, tokens = clip.visual(image())
    got = embed(encoder, clip.visual.conv1(image()))
    torch.testing.assert_close(got[:, 1:], tokens, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(got[:, 0] @ clip.visual.proj, pooled, atol=1e-5, rtol=1e-5)
    assert encoder.start.grid == (4, 4)
    assert torch.equal(encoder.start.text_tokens, clip.token_embedding.weight)
    assert torch.equal(read_text_tokens(path), clip.token_embedding.weight)


def test_openclip_image_tower_alone(tmp_path: Path) -> None:
    clip = make_clip()
    torch.save(clip.visual.state_dict(), tmp_path / "visual.pt")
    encoder = load(tmp_path / "visual.pt")
    torch.testing.assert_close(
        embed(encoder, clip.visual.conv1(image()))[:, 1:], clip.visual(image())[1], atol=1e-5, rtol=1e-5
    )
    assert encoder.start.text_tokens is None
    with pytest.raises(WeightsError, match="holds no word embeddings"):
        read_text_tokens(tmp_path / "visual.pt")


def test_openclip_layer_scale(tmp_path: Path) -> None:
    clip = make_clip(layer_scale=0.1)
    torch.save(clip.state_dict(), tmp_path / "clip.pt")
    encoder = load(tmp_path / "clip.pt", init_values=0.1)
    torch.testing.assert_close(
        embed(encoder, clip.visual.conv1(image()))[:, 1:], clip.visual(image())[1], atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("suffix", WRITERS)
def test_timm_file_equals_the_original(suffix: str, tmp_path: Path) -> None:
    model = make_timm()  # with its classifier, as published
    path = tmp_path / f"timm{suffix}"
    WRITERS[suffix](model.state_dict(), path)
    got = embed(load(path), model.patch_embed.proj(image()))
    torch.testing.assert_close(got, model.forward_features(image()), atol=1e-5, rtol=1e-5)


def test_meta_transformer_file_equals_the_original(tmp_path: Path) -> None:
    blocks = make_meta()
    assert len(blocks.state_dict()) == 144
    torch.save(blocks.state_dict(), tmp_path / "meta.pth")
    encoder = load(tmp_path / "meta.pth", depth=12)
    tokens = torch.randn(2, 7, 64, generator=torch.Generator().manual_seed(0))
    expected = nn.functional.layer_norm(blocks(tokens), (64,))
    torch.testing.assert_close(encoder(tokens), expected, atol=1e-5, rtol=1e-5)
    assert encoder.trainable_names == {"norm.weight", "norm.bias"}
    assert encoder.start.cls_token is encoder.start.positions is None
    assert read_encoder_weights(tmp_path / "meta.pth").layout == "meta-transformer"


def test_the_same_weights_have_the_same_hash_in_every_layout(tmp_path: Path) -> None:
    clip = make_clip()
    torch.save(clip.state_dict(), tmp_path / "clip.pt")
    encoder = load(tmp_path / "clip.pt")
    canonical = read_encoder_weights(tmp_path / "clip.pt")
    save_file({n: t.contiguous() for n, t in canonical.tensors.items()}, tmp_path / "timm.safetensors")
    again = load(tmp_path / "timm.safetensors")
    assert again.hash() == encoder.hash()
    assert read_encoder_weights(tmp_path / "timm.safetensors").layout == "timm"


def test_half_precision_files_become_float32(tmp_path: Path) -> None:
    torch.save(make_clip().half().state_dict(), tmp_path / "clip.pt")
    encoder = load(tmp_path / "clip.pt")
    assert {t.dtype for t in encoder.state_dict().values()} == {torch.float32}
    assert encoder.start.text_tokens is not None
    assert encoder.start.text_tokens.dtype == torch.float32


def test_a_file_goes_before_the_hub(tmp_path: Path) -> None:
    torch.save(make_timm().state_dict(), tmp_path / "timm.pt")
    with_file = timm_encoder(NAME, pretrained=True, seed=0, weights_file=tmp_path / "timm.pt", **TINY)
    assert with_file.hash() == load(tmp_path / "timm.pt").hash()


def without(name: str) -> Callable[[State], State]:
    return lambda state: {n: t for n, t in state.items() if n != name}


def with_extra(state: State) -> State:
    return {**state, "blocks.0.attn.rope.freqs": torch.zeros(3)}


def with_wider_layer(state: State) -> State:
    return {**state, "blocks.1.mlp.fc1.weight": torch.zeros(512, 64)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("blocks.1.attn.qkv.bias"), r"\(missing: blocks.1.attn.qkv.bias\)"),
        (without("norm.weight"), r"\(missing: norm.weight\)"),
        (without("pos_embed"), r"\(missing: pos_embed\)"),
        (with_extra, r"\(unexpected: blocks.0.attn.rope.freqs\)"),
        (with_wider_layer, r"other shapes: blocks.1.mlp.fc1.weight \(512, 64\) instead of \(256, 64\)"),
    ],
)
def test_what_does_not_fit_is_named(change: Callable[[State], State], message: str, tmp_path: Path) -> None:
    torch.save(change(make_timm().state_dict()), tmp_path / "changed.pt")
    with pytest.raises(WeightsError, match=message) as caught:
        load(tmp_path / "changed.pt")
    assert "changed.pt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_of_another_depth_are_named_in_short(tmp_path: Path) -> None:
    torch.save(make_meta(depth=12).state_dict(), tmp_path / "deep.pth")
    with pytest.raises(WeightsError, match=r"unexpected: blocks.10.attn.proj.bias, .* and 116 more\)"):
        load(tmp_path / "deep.pth")
    torch.save(make_meta(depth=1).state_dict(), tmp_path / "shallow.pth")
    with pytest.raises(WeightsError, match=r"missing: blocks.1.attn.proj.bias, .* and 8 more\)"):
        load(tmp_path / "shallow.pth")


def test_positions_of_another_picture_size_are_refused(tmp_path: Path) -> None:
    torch.save(make_timm(img_size=96).state_dict(), tmp_path / "96.pt")
    with pytest.raises(WeightsError, match=r"other shapes: pos_embed \(1, 37, 64\) instead of \(1, 17, 64\)"):
        load(tmp_path / "96.pt")


def truncated(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


STATE = {"blocks.0.norm1.weight": torch.zeros(4000)}
FOREIGN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "nothing.pt": (lambda p: None, "no such weights file"),
    "folder.pt": (lambda p: p.mkdir(), "no such weights file"),
    "empty.pt": (lambda p: p.write_bytes(b""), "is empty; fetch it again"),
    "page.safetensors": (lambda p: p.write_text("\n <!DOCTYPE html><html>404</html>"), "is a web page"),
    "lfs.bin": (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "git lfs pull"),
    "text.pt": (lambda p: p.write_text("these are no weights at all"), "is no weights file, neither"),
    "noise.pth": (lambda p: p.write_bytes(bytes(range(256)) * 40), "is no weights file"),
    "pickle.pth": (lambda p: p.write_bytes(b"\x80\x02" + bytes(range(1, 256)) * 40), "damaged"),
    "zip.pt": (lambda p: p.write_bytes(b"PK\x03\x04" + bytes(range(1, 256)) * 40), "damaged"),
    "cut.pt": (lambda p: truncated(p, lambda q: torch.save(STATE, q)), "damaged"),
    "cut.bin": (
        lambda p: truncated(p, lambda q: torch.save(STATE, q, _use_new_zipfile_serialization=False)),
        "damaged",
    ),
    "cut.safetensors": (lambda p: truncated(p, lambda q: save_file(STATE, q)), "damaged"),
    "tiny.safetensors": (lambda p: p.write_bytes(b"\x10\0\0\0\0\0\0\0{"), "damaged"),
    "code.pt": (lambda p: torch.save(nn.Linear(2, 2), p), "its code is not run"),
    "script.pt": (lambda p: torch.jit.save(torch.jit.script(nn.Linear(2, 2)), p), "cannot be read as weights"),
    "list.pt": (lambda p: torch.save([torch.zeros(1)], p), "holds a list, not named tensors"),
    "none.pt": (lambda p: torch.save({}, p), "holds a dict, not named tensors"),
    "mixed.pt": (lambda p: torch.save({"a": torch.zeros(1), "lr": 0.1}, p), r"no tensors \(lr\)"),
    "resnet.pt": (
        lambda p: torch.save({"layer1.0.conv1.weight": torch.zeros(1)}, p),
        r"unknown key layout \(layer1.0.conv1.weight, \.\.\.\); known are timm, OpenCLIP and Meta-Transformer",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.filterwarnings("ignore:.*torch.jit", "ignore:.*TorchScript")
def test_what_is_no_weights_file_is_explained_in_one_line(name: str, tmp_path: Path) -> None:
    make, message = FOREIGN[name]
    make(tmp_path / name)
    with pytest.raises(WeightsError, match=message) as caught:
        load(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_code_in_a_weights_file_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "was-run",))

    torch.save({"blocks.0.norm1.weight": torch.zeros(1), "evil": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="its code is not run"):
        load(tmp_path / "evil.pt")
    assert not (tmp_path / "was-run").exists()
