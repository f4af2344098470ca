"""The memory order of tensors, and keeping memory that PyTorch frees."""

from __future__ import annotations

import ctypes
import platform

import torch
from torch import Tensor

# From glibc's malloc.h. 32 MB is the largest threshold that glibc accepts.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MMAP_THRESHOLD, TRIM_THRESHOLD = 32 << 20, 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep freed memory instead of returning it to the system; True if it took effect.

    Activations of some MB are freed and asked for again in every iteration. By default glibc returns
    each at once, and the system hands out zeroed pages anew: a third of a small net's training time.
    Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    kept = library.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD)
    return bool(kept and library.mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD))


def picture_format(device: torch.device) -> torch.memory_format:
    """The order of blobs with four axes, pictures and weights, that convolutions want on a device.

    oneDNN on a CPU wants channels_last. On a GPU PyTorch leaves depthwise convolutions in that order to
    cuDNN, whose kernels are for float16; its own, for float32, want N, C, H, W.
    """
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format


def laid_out(tensor: Tensor) -> Tensor:
    """A tensor in the order of `picture_format`; copied only if it is in another one."""
    if tensor.ndim != 4:
        return tensor
    return tensor.contiguous(memory_format=picture_format(tensor.device))
