"""How much a GPU is asked to do: `python tests/device_operations.py`.

When kernels are short their number is the time. Counted on the CPU: PyTorch's operations that compute
something (no views), each a kernel or more on a GPU, for one picture of 256 x 256 through a cascade and
for an iteration of level 1's training at batch 256; for the cascade also what torch.compile leaves of
them: its own kernels, and calls of libraries. On a GPU the numbers are others (one kernel cuts the
windows of AREA there, a convolution may take two).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch._inductor import metrics
from torch.utils._python_dispatch import TorchDispatchMode

sys.path.insert(0, str(Path(__file__).parent / "trainers" / "solver"))

from gpu_training import KINDS, plain_step, protoface_step, write_pictures

from protoface.cascade.device.device_cascade import DeviceCascade
from protoface.cascade.measure.step_times import load_model

CPU = torch.device("cpu")
NO_KERNELS = (
    "_reshape_alias _unsafe_view alias as_strided chunk detach empty empty_like expand flatten permute "
    "reshape select slice split squeeze t transpose unbind unsqueeze view"
)
LIBRARIES = ("conv", "addmm", "mm", "bmm", "linear")


class Counted(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if (name := func.overloadpacket.__name__) not in NO_KERNELS.split():
            self.names.append(name)
        return func(*args, **(kwargs or {}))


def cascade(model: str) -> str:
    definition, nets, _ = load_model(model, [])
    program = DeviceCascade(definition, nets)
    pictures = torch.zeros((1, 256, 256, 3), dtype=torch.uint8)
    metrics.reset()
    with torch.inference_mode():
        with Counted() as counted:
            program(pictures)
        torch.compile(program, fullgraph=True, dynamic=False)(pictures)
    libraries = sum(name.startswith(LIBRARIES) for name in counted.names)
    compiled = f"{metrics.generated_kernel_count} kernels and {libraries} calls of libraries"
    return f"{len(counted.names)} operations, compiled {compiled}"


def training(folder: Path, kind: str) -> str:
    plain = kind not in KINDS
    step = plain_step(folder, 256, 1, CPU) if plain else protoface_step(folder, 256, CPU, kind)
    step()
    with Counted() as counted:
        step()
    return f"{len(counted.names)} operations"


if __name__ == "__main__":
    for model in sys.argv[1:] or ["original", "fast", "accurate"]:
        print(f"{model}: {cascade(model)}")
    with tempfile.TemporaryDirectory() as name:
        write_pictures(Path(name), 300)
        for kind in ("plain loop", "protoface --no-graph", "protoface"):
            print(f"an iteration, {kind}: {training(Path(name), kind)}")
