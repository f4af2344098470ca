"""Several GPUs or machines: one process each, started by `torchrun`, gradients averaged.

As Caffe's `-gpu 0,1`: every process takes whole batches of its own, the effective batch is their sum,
BatchNorm is not synchronised, and rank 0's statistics are the ones saved and tested.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process's number and how many there are; alone, 0 of 1."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes snapshots and logs, and tests."""
        return self.rank == 0

    def wrap(self, net: nn.Module) -> Callable[..., Tensor]:
        """The net as it is, or in DistributedDataParallel, with rank 0's weights everywhere."""
        if self.world == 1:
            return net
        # broadcast_buffers would overwrite every rank's BatchNorm statistics with rank 0's
        return DistributedDataParallel(net, broadcast_buffers=False)

    def local(self, model: Callable[..., Tensor], last: bool) -> AbstractContextManager[None]:
        """Gradients stay in this process until the last batch of an iteration, which averages them."""
        if isinstance(model, DistributedDataParallel) and not last:
            return model.no_sync()
        return nullcontext()

    def gather(self, value: T) -> list[T]:
        """Every rank's value, on every rank."""
        if self.world == 1:
            return [value]
        values: list[T | None] = [None] * self.world
        dist.all_gather_object(values, value)
        return values  # type: ignore[return-value]

    def agree(self, value: T) -> T:
        """Rank 0's value, on every rank."""
        return self.gather(value)[0]

    def votes(self) -> Votes:
        """What all ranks call together in every iteration, to end in the same one."""
        return Votes() if self.world == 1 else SharedVotes()


class Votes:
    """Whether to end: numbers above 0 are votes for it. Alone, one's own vote counts."""

    def __call__(self, vote: int) -> int:
        """The highest vote, the same on every rank; 0: go on."""
        return vote

    def close(self) -> None:
        """All ranks have ended."""


class SharedVotes(Votes):
    """Votes of several processes: given in one iteration, counted in the next.

    In between they travel beside the training, so that nobody waits; by gloo, which does not keep a
    GPU's work waiting either.
    """

    def __init__(self) -> None:
        self.group = dist.new_group(backend="gloo")
        self._vote = torch.zeros((), dtype=torch.int64)
        self._sent: dist.Work | None = None

    def __call__(self, vote: int) -> int:
        """See Votes."""
        self.close()
        counted = int(self._vote)
        self._vote.fill_(vote)
        self._sent = dist.all_reduce(self._vote, dist.ReduceOp.MAX, self.group, async_op=True)
        return counted

    def close(self) -> None:
        """See Votes."""
        if self._sent is not None:
            self._sent.wait()
            self._sent = None


@contextmanager
def ranks(device: torch.device) -> Iterator[Ranks]:
    """The ranks that `torchrun` started (it sets WORLD_SIZE), connected by NCCL on GPUs, or by gloo."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), world)
    finally:
        dist.destroy_process_group()


def local_device(device: torch.device) -> torch.device:
    """This process's own GPU out of those of its machine; a CPU is shared."""
    if device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
