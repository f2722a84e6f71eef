"""The linear patch projection: each token is one linear function of its own 16 x 16 pixels."""

from __future__ import annotations

import torch

from aio_reid.models.patch_tokenizer import PatchTokenizer


def test_tokens_are_a_matrix_times_the_patches_row_by_row() -> None:
    torch.manual_seed(0)
    tokenizer, pixels = PatchTokenizer(8), torch.randn(2, 3, 32, 48)
    tokens = tokenizer(pixels)
    assert tokens.values.shape == (2, 6, 8) and tokens.valid is None
    weight = tokenizer.projection.weight.reshape(8, -1)  # (D, 3 * 16 * 16)
    for n in range(6):
        top, left = 16 * (n // 3), 16 * (n % 3)
        patch = pixels[:, :, top : top + 16, left : left + 16].reshape(2, -1)
        torch.testing.assert_close(tokens.values[:, n], patch @ weight.T, rtol=1e-4, atol=1e-4)
