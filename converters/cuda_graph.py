"""Work of a GPU recorded once and replayed as a whole: a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from .errors import ProtofaceError

T = TypeVar("T")
#: Runs before recording, as PyTorch advises: libraries choose their algorithms and take their memory.
WARM_UP = 3


def record(work: Callable[[], T], device: torch.device, what: str) -> tuple[Callable[[], None], T]:
    """What runs `work` again, and what `work` returned: tensors that each run overwrites.

    `work` is run WARM_UP times first. Numbers of the host are those of the recording for ever; only
    tensors of the device are read anew. Raises ProtofaceError naming `what` if it needs the host.
    """
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            work()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.device(device), torch.cuda.graph(graph):
            found = work()
    except RuntimeError as error:  # a layer that makes a tensor on the host, for one
        reason = str(error).splitlines()[0]
        raise ProtofaceError(f"{what} cannot be a CUDA graph: {reason}") from error
    return graph.replay, found
