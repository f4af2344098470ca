"""Device, type and precision, from the names that a user gives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.precision import allow_tf32

from .distributed import local_device

Solver = caffe_pb2.SolverParameter
DTYPES = {"float32": torch.float32, "float64": torch.float64}
#: float32 proper; products of float32 with TF32's mantissa; convolutions and products in bfloat16.
PRECISIONS = ("float32", "tf32", "bf16")
Context = Callable[[], AbstractContextManager[None]]


def torch_dtype(name: str) -> torch.dtype:
    """The type of a name. Raises ProtofaceError for another one than float32 and float64."""
    if name not in DTYPES:
        raise ProtofaceError(f"unknown dtype {name!r}; it is {' or '.join(DTYPES)}")
    return DTYPES[name]


def torch_device(name: str) -> torch.device:
    """The device of a name: cpu, cuda or cuda:N. Raises ProtofaceError if it is not there.

    A GPU is told to compute float32 proper from now on.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ProtofaceError(f"unknown device {name!r}; it is cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ProtofaceError(f"device {name!r}: PyTorch {torch.__version__} finds no CUDA GPU")
    if device.type not in ("cpu", "cuda"):
        raise ProtofaceError(f"device {name!r} is not supported; it is cpu or cuda")
    if device.type == "cuda":
        allow_tf32(False)
    return local_device(device)


def precision_context(precision: str, device: torch.device, dtype: torch.dtype) -> Context:
    """What a forward pass runs in for one of PRECISIONS; weights and solver stay in `dtype`.

    Raises ProtofaceError for another name, for TF32 without a GPU, and for less than float32 in a
    float64 run.
    """
    if precision not in PRECISIONS:
        raise ProtofaceError(f"unknown precision {precision!r}; it is {', '.join(PRECISIONS)}")
    if precision == "float32":
        return nullcontext
    if dtype != torch.float32:
        raise ProtofaceError(f"precision {precision} is for float32 training; leave --dtype out")
    if precision == "bf16":
        # no cache: a CUDA graph would keep the bfloat16 weights that it was recorded with
        return partial(torch.autocast, device.type, torch.bfloat16, cache_enabled=False)
    if device.type != "cuda":
        raise ProtofaceError("precision tf32 needs an NVIDIA GPU")
    allow_tf32(True)
    return nullcontext


def training_device(name: str | None, solver: Solver, report: Callable[[str], None]) -> torch.device:
    """The device asked for, or that of `solver_mode`; a GPU that is not there is reported."""
    if name is not None:
        return torch_device(name)
    if solver.solver_mode == Solver.CPU:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch_device(f"cuda:{solver.device_id}" if solver.device_id else "cuda")
    report("solver_mode is GPU, but there is no CUDA GPU: training on the CPU")
    return torch.device("cpu")


def use_threads(count: int | None) -> None:
    """Compute with `count` CPU threads from now on; None leaves PyTorch's choice (all cores)."""
    if count is not None:
        torch.set_num_threads(count)
