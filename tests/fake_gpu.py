"""A cascade and a training step on a device that is not there: `python tests/fake_gpu.py`.

PyTorch's fake tensors have shapes, types and a device but no values. Here each operation is looked
at: one that takes or gives a tensor of the host, or asks for a value, is printed; on a GPU it would
wait, mix devices, or break a CUDA graph. The last line says how many operations there were.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("fakegpu")
GPU = torch.device("fakegpu:0")
sys.path.insert(0, str(Path(__file__).parent / "trainers" / "solver"))

from small_run import write_run  # noqa: E402

from protoface.cascade.device import device_cascade  # noqa: E402
from protoface.cascade.measure.step_times import load_model  # noqa: E402
from protoface.trainers.solver.solver_file import read_solver  # noqa: E402
from protoface.trainers.solver.solver_trainer import Trainer  # noqa: E402


class Watch(TorchDispatchMode):
    """Counts operations, and prints those that have to do with the host."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        self.count += 1
        tensors = [leaf for leaf in tree_leaves((args, kwargs, found)) if isinstance(leaf, Tensor)]
        if any(tensor.device.type == "cpu" for tensor in tensors) or "scalar_dense" in str(func):
            print(f"host: {func}")
        return found


def faked(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=GPU)


def move(module: nn.Module) -> None:
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(faked(parameter), parameter.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = faked(buffer)


def cascade(model: str) -> int:
    definition, nets, _ = load_model(model, [])
    program = device_cascade.DeviceCascade(definition, nets)
    device_cascade.sampler = lambda pictures, factor: device_cascade.Areas(pictures, factor).sample
    with FakeTensorMode(), torch.no_grad():
        move(program)
        pictures = torch.empty((3, 64, 80, 3), dtype=torch.uint8, device=GPU)
        with Watch() as watch:
            points = program(pictures)
    assert points.shape == (len(program.stages), 3, 5, 2)
    return watch.count


def training() -> int:
    os.chdir(tempfile.mkdtemp())
    write_run(Path.cwd())
    solver = read_solver("solver.prototxt")
    solver.clip_gradients = 1
    trainer = Trainer(solver, "solver", 3, torch.device("cpu"), graph=True)
    step = trainer.graph
    assert step is not None
    with FakeTensorMode():
        move(trainer.train.net)
        step.learned = [blob for blob in trainer.train.net.parameters() if blob.requires_grad]
        for blob in step.learned:
            blob.grad = faked(blob)
        trainer.train.net._blobs = {}  # kept from the CPU
        flat = {f.name: getattr(step.parameters, f.name) for f in dataclasses.fields(step.parameters)}
        tensors = {name: faked(value) for name, value in flat.items() if isinstance(value, Tensor)}
        step.parameters = dataclasses.replace(step.parameters, **tensors)
        step.history, step.result = faked(step.history), faked(step.result)
        step.rate, step.correction = faked(step.rate), faked(step.correction)
        step.rows = [[faked(rows) for rows in part] for part in step.rows]
        for batches in step.data:
            batches.device = GPU
            batches._tensors = tuple(map(faked, batches._tensors))
            batches._columns = dataclasses.replace(batches._columns, prepare=_prepare)
        with Watch() as watch:
            step.compute()
    return watch.count


def _prepare(pictures: Tensor) -> Tensor:
    """Crop and mirror as `image_data.transform`, whose mean is copied there in its first call."""
    from protoface.trainers.data.image_data import _crop

    flipped = torch.rand(len(pictures), 1, 1, 1, device=pictures.device) < 0.5
    cropped = _crop(pictures, 22, random=True)
    return torch.where(flipped, cropped.flip(2), cropped).permute(0, 3, 1, 2)


if __name__ == "__main__":
    print(f"operations: {cascade('accurate')} {training()}")
