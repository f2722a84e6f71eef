"""The frozen encoder: frozen, differentiable, masked, of any length, hashed; and timm's models as one."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from aio_reid.errors import WeightsError
from aio_reid.models.encoder import FrozenEncoder, plain_encoder, timm_encoder

TINY: dict[str, Any] = {"depth": 2, "embed_dim": 32, "num_heads": 2}
TIMM_MODELS: dict[str, dict[str, Any]] = {
    "vit_base_patch16_clip_224": {"img_size": 64},  # input norm, the paper's
    "vit_tiny_patch16_224": {"img_size": (96, 32)},  # no input norm, grid 6x2
    "vit_small_patch14_dinov2": {"img_size": 56},  # layer scale
    "vit_small_patch14_reg4_dinov2": {"img_size": 56},  # registers without positions
    "vit_base_patch16_224": {"img_size": 64, "qk_norm": True, "reg_tokens": 2},  # registers with positions
    "vit_base_patch16_siglip_224": {"img_size": 64},  # no class token, attention pooling
    "deit3_small_patch16_224": {"img_size": 64},  # positions for patches alone
}


def tiny(**changes: Any) -> FrozenEncoder:
    return plain_encoder(**{"width": 32, "depth": 2, "num_heads": 4, "seed": 0, **changes})


def random_tokens(N: int = 9, B: int = 3, D: int = 32, seed: int = 1) -> Tensor:
    return torch.randn(B, N, D, generator=torch.Generator().manual_seed(seed))


def scrambled_timm(name: str, **kwargs: Any) -> nn.Module:
    """A timm model whose every parameter is random, so that a swapped or forgotten one shows."""
    model = timm.create_model(name, pretrained=False, num_classes=0, **{**TINY, **kwargs}).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.1, 0.2, generator=generator)
    return model


def encode_like_timm(encoder: FrozenEncoder, model: Any, image: Tensor) -> Tensor:
    """What AIO does: its tokens, class token first where there is one, positions added, through the encoder."""
    tokens = model.patch_embed(image)  # (B, grid, D)
    start = encoder.start
    assert start.positions is not None
    if start.cls_token is None:
        return encoder(tokens + start.positions[1:])
    tokens = torch.cat([start.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
    return encoder(tokens + start.positions)


@pytest.mark.parametrize("N", [1, 7, 300])
def test_reads_any_length(N: int) -> None:
    assert tiny()(random_tokens(N)).shape == (3, N, 32)


def test_gradients_pass_and_weights_never_change() -> None:
    encoder = tiny()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    tokens = random_tokens().requires_grad_()
    encoder.train()
    loss = encoder(tokens)[:, 0].square().mean()
    optimiser = torch.optim.AdamW([tokens, *(p for p in encoder.parameters() if p.requires_grad)], lr=0.1)
    loss.backward()
    optimiser.step()
    assert tokens.grad is not None
    assert (tokens.grad.abs().amax(dim=2) > 0).all()
    assert all(p.grad is None for p in encoder.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())


def test_stays_in_eval_mode_inside_a_training_model() -> None:
    encoder = FrozenEncoder(blocks=nn.ModuleList([timm_block(drop=0.5)]), width=32, name="dropping")
    outer = nn.Sequential(encoder)
    outer.train()
    assert outer.training
    assert not any(module.training for module in encoder.modules())
    tokens = random_tokens()
    assert torch.equal(encoder(tokens), encoder(tokens))


def timm_block(drop: float) -> nn.Module:
    from timm.models.vision_transformer import Block

    return Block(32, 4, proj_drop=drop, attn_drop=drop)


def test_masked_keys_change_nothing() -> None:
    encoder, tokens = tiny(), random_tokens()
    mask = torch.ones(3, 9, dtype=torch.bool)
    mask[1, 5:] = False
    spoilt = tokens.clone()
    spoilt[1, 5:] = 50.0
    torch.testing.assert_close(encoder(tokens, mask)[mask], encoder(spoilt, mask)[mask])
    torch.testing.assert_close(encoder(spoilt, mask)[1:2, :5], encoder(tokens[1:2, :5]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(encoder(tokens, torch.ones_like(mask)), encoder(tokens), atol=1e-5, rtol=1e-5)


def test_tokens_are_a_set_for_the_encoder() -> None:
    encoder, tokens = tiny(), random_tokens()
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(encoder(tokens[:, order]), encoder(tokens)[:, order], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_recomputing_activations_changes_no_number(masked: bool) -> None:
    encoder = tiny()
    mask = torch.tensor([[True] * 9, [True] * 4 + [False] * 5, [True] * 9]) if masked else None
    results = []
    for recompute in (False, True):
        encoder.activation_checkpointing = recompute
        tokens = random_tokens().requires_grad_()
        out = encoder(tokens, mask)
        out.square().sum().backward()
        assert tokens.grad is not None
        results.append((out.detach(), tokens.grad))
    torch.testing.assert_close(results[0], results[1])


def test_weights_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    expected_next = torch.rand(1)
    torch.manual_seed(1)
    first = tiny(seed=5).hash()
    assert torch.equal(torch.rand(1), expected_next)
    assert first == tiny(seed=5).hash()
    assert first != tiny(seed=6).hash()


def test_can_be_built_without_memory() -> None:
    with torch.device("meta"):
        encoder = tiny()
    assert all(tensor.is_meta for tensor in encoder.state_dict().values())
    encoder.load_state_dict(tiny(seed=4).state_dict(), strict=True, assign=True)
    assert encoder.hash() == tiny(seed=4).hash()


def test_residual_stream_keeps_its_scale_at_any_depth() -> None:
    tokens = random_tokens(N=50, D=64)
    for depth in (1, 12):
        encoder = plain_encoder(width=64, depth=depth, num_heads=4, seed=0, pre_norm=False)
        encoder.norm = nn.Identity()
        assert 0.5 < encoder(tokens).std().item() < 4.0


def test_hash_sees_every_value_shape_name_and_type() -> None:
    encoder = tiny()
    hashes = {encoder.hash()}
    for index in range(len(list(encoder.parameters()))):
        changed = copy.deepcopy(encoder)
        with torch.no_grad():
            list(changed.parameters())[index].view(-1)[-1] += 1e-3
        hashes.add(changed.hash())
    hashes.add(copy.deepcopy(encoder).half().hash())
    hashes.add(copy.deepcopy(encoder).bfloat16().hash())
    assert len(hashes) == len(list(encoder.parameters())) + 3
    assert copy.deepcopy(encoder).requires_grad_(True).hash() == encoder.hash()
    assert all(len(h) == 64 for h in hashes)


def test_a_missing_final_norm_is_trainable_and_outside_the_hash() -> None:
    parts = tiny()
    encoder = FrozenEncoder(blocks=parts.blocks, width=32, name="no norm")
    before = encoder.hash()
    encoder.requires_grad_(True).requires_grad_(False)
    assert {n for n, p in encoder.named_parameters() if p.requires_grad} == {"norm.weight", "norm.bias"}
    assert encoder.trainable_names == {"norm.weight", "norm.bias"}
    with torch.no_grad():
        encoder.norm.weight.mul_(2.0)
    assert encoder.hash() == before
    assert encoder.frozen_state().keys() == {n for n in parts.state_dict() if n.startswith("blocks.")}


def test_hash_does_not_depend_on_whose_blocks_hold_the_weights() -> None:
    theirs = timm_encoder("vit_base_patch16_clip_224", pretrained=False, seed=2, **TINY)
    ours = plain_encoder(width=32, depth=2, num_heads=2, seed=0)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert ours.hash() == theirs.hash()
    torch.testing.assert_close(ours(random_tokens()), theirs(random_tokens()), atol=1e-5, rtol=1e-5)


def test_random_timm_weights_come_from_the_seed_alone() -> None:
    state = torch.random.get_rng_state()
    hashes = [timm_encoder("vit_tiny_patch16_224", pretrained=False, seed=s, **TINY).hash() for s in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_random_weights_offer_no_start() -> None:
    start = timm_encoder("vit_tiny_patch16_224", pretrained=False, seed=0, **TINY).start
    assert start.cls_token is start.positions is start.grid is start.text_tokens is None


@pytest.mark.parametrize("name", TIMM_MODELS)
def test_equals_timm_on_the_same_tokens(name: str, tmp_path: Path) -> None:
    kwargs = TIMM_MODELS[name]
    model: Any = scrambled_timm(name, **kwargs)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    encoder = timm_encoder(name, pretrained=False, seed=0, weights_file=tmp_path / "weights.pth", **TINY, **kwargs)
    height, width = model.patch_embed.img_size
    image = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    expected = model.forward_features(image)  # (B, prefix + grid, D), registers between class token and patches
    registers = model.num_reg_tokens
    expected = torch.cat(
        [expected[:, : model.num_prefix_tokens - registers], expected[:, model.num_prefix_tokens :]], 1
    )
    torch.testing.assert_close(encode_like_timm(encoder, model, image), expected, atol=1e-5, rtol=1e-5)
    assert encoder.start.grid == model.patch_embed.grid_size
    assert not any(p.requires_grad for p in encoder.parameters())


def test_registers_count_as_frozen() -> None:
    encoder = timm_encoder("vit_small_patch14_reg4_dinov2", pretrained=False, seed=0, **TINY)
    assert "registers" in encoder.frozen_state()
    mask = torch.ones(3, 9, dtype=torch.bool)
    torch.testing.assert_close(encoder(random_tokens(), mask), encoder(random_tokens()), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vit_tiny_patch16_223", "did you mean vit_tiny_patch16_224"),
        ("qqq", "examples: vit_base_patch16_clip_224.laion2b"),
        ("vit_base_patch16_clip_224.laion3b", r"no weights named 'laion3b'; it has: .*laion2b"),
        ("resnet18", "'resnet18' is a ResNet, not a plain VisionTransformer of timm; examples: vit_base"),
        ("deit_tiny_distilled_patch16_224", "VisionTransformerDistilled, not a plain VisionTransformer"),
    ],
)
def test_a_wrong_name_is_explained(name: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as caught:
        timm_encoder(name, pretrained=False, seed=0)
    assert "\n" not in str(caught.value)


def test_a_wrong_option_is_explained() -> None:
    with pytest.raises(WeightsError, match=r"cannot build 'vit_tiny_patch16_224' with \{'heads': 2\}"):
        timm_encoder("vit_tiny_patch16_224", pretrained=False, seed=0, heads=2)


def test_no_hub_names_the_local_file_as_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"could not be fetched .* give the local file") as caught:
        timm_encoder("vit_tiny_patch16_224", pretrained=True, seed=0, **TINY)
    assert "\n" not in str(caught.value)
