"""TF32 is off or on for both kinds of product; what it changes needs a GPU."""

import pytest
import torch

from protoface.converters.precision import allow_tf32


@pytest.mark.parametrize("allowed", [True, False])
def test_both_kinds_of_product(allowed):
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        allow_tf32(allowed)
        assert torch.backends.cuda.matmul.allow_tf32 is allowed
        assert torch.backends.cudnn.allow_tf32 is allowed
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
