"""Where to compute and in which type, from the words that a user gives."""

from __future__ import annotations

from collections.abc import Callable

import torch

from protoface.converters import ProtofaceError

from .distributed import local_device
from .solver_file import Solver

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def torch_dtype(name: str) -> torch.dtype:
    """The type of a name. Raises ProtofaceError for another one than float32 and float64."""
    if name not in DTYPES:
        raise ProtofaceError(f"unknown dtype {name!r}; it is {' or '.join(DTYPES)}")
    return DTYPES[name]


def torch_device(name: str) -> torch.device:
    """The device of a name: cpu, cuda or cuda:N. Raises ProtofaceError if it is not there."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ProtofaceError(f"unknown device {name!r}; it is cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ProtofaceError(f"device {name!r}: PyTorch {torch.__version__} finds no CUDA GPU")
    if device.type not in ("cpu", "cuda"):
        raise ProtofaceError(f"device {name!r} is not supported; it is cpu or cuda")
    return local_device(device)


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
