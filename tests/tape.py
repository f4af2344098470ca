"""CUDA graphs on a CPU, a stand-in for what needs a GPU: operations are recorded and replayed.

Like a graph it runs operations again on the tensors that they had, and nothing of the program around
them: numbers of the host and branches are those of the recording. Unlike one it also runs them while
they are recorded.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Tape(TorchDispatchMode):
    """What was done while it was entered; `replay` does it again."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        self.steps.append((func, args, kwargs or {}, found))
        return found

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, kept in self.steps:
            storages = {leaf.untyped_storage().data_ptr() for leaf in tensors((args, kwargs))}
            found = func(*args, **kwargs)
            for before, after in zip(tensors(kept), tensors(found), strict=True):
                # what shares its memory with an input has been written there, or is a view of it
                if before.untyped_storage().data_ptr() not in storages:
                    before.copy_(after)


def tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


class Stream:
    def __init__(self, *_: Any) -> None: ...

    def wait_stream(self, other: Stream) -> None: ...


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `torch.cuda` record and replay on the CPU, with the CPU's random numbers."""
    for name, value in {
        "CUDAGraph": Tape,
        "graph": lambda tape: tape,
        "Stream": Stream,
        "current_stream": Stream,
        "stream": lambda _: nullcontext(),
        "device": lambda _: nullcontext(),
        "get_rng_state": lambda _: torch.get_rng_state(),
        "set_rng_state": lambda state, _: torch.set_rng_state(state),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
