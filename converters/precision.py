"""How exactly a GPU multiplies float32 numbers: by default PyTorch convolves in TF32."""

from __future__ import annotations


def allow_tf32(allowed: bool) -> None:
    """Let PyTorch's products of float32 drop to TF32's 10 bits of mantissa on a GPU, or not.

    For the whole process. Without a call convolutions may, matrix products may not.
    """
    import torch

    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
