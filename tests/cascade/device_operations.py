"""How much a GPU is asked to do for one picture: `python tests/cascade/device_operations.py MODEL...`.

At batch 1 kernels are so short that their number is the time. Counted on the CPU: PyTorch's operations
that compute something (no views), each a kernel or more of `torch-cuda-device` and `-graph`; and what
torch.compile leaves of them: its own kernels, and calls of libraries. On a GPU the numbers are others
(one kernel cuts the windows of AREA there, a convolution may take two).
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch._inductor import metrics
from torch.utils._python_dispatch import TorchDispatchMode

from protoface.cascade.bench import load_model
from protoface.cascade.device_cascade import DeviceCascade

VIEWS = (
    "_reshape_alias _unsafe_view alias as_strided chunk detach expand flatten permute reshape select "
    "slice split squeeze t transpose unbind unsqueeze view"
)
LIBRARIES = ("conv", "addmm", "mm", "bmm", "linear")


class Counted(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if (name := func.overloadpacket.__name__) not in VIEWS.split():
            self.names.append(name)
        return func(*args, **(kwargs or {}))


def main(models: list[str]) -> None:
    for model in models:
        definition, nets, _ = load_model(model, [])
        cascade = DeviceCascade(definition, nets)
        pictures = torch.zeros((1, 256, 256, 3), dtype=torch.uint8)
        metrics.reset()
        with torch.inference_mode():
            with Counted() as counted:
                cascade(pictures)
            torch.compile(cascade, fullgraph=True, dynamic=False)(pictures)
        libraries = sum(name.startswith(LIBRARIES) for name in counted.names)
        compiled = f"{metrics.generated_kernel_count} kernels and {libraries} calls of libraries"
        print(f"{model}: {len(counted.names)} operations, compiled {compiled}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["original", "fast"])
