"""The step for a CUDA graph is the exact solver's: here on the CPU, run or replayed from a tape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from protoface.converters import ProtofaceError
from protoface.trainers.data.batches import Batches
from protoface.trainers.net import memory
from protoface.trainers.net.distributed import Ranks
from protoface.trainers.solver.graph_step import merged
from protoface.trainers.solver.learning_rate import POLICIES
from protoface.trainers.solver.solver_file import read_solver
from protoface.trainers.solver.solver_trainer import Trainer
from protoface.trainers.solver.solvers import RULES

from ... import tape
from .small_run import edit

CPU = torch.device("cpu")
ITERATIONS = 8
FIELDS = "gamma: 0.9 power: 0.75 stepsize: 3"


def trainer(graph: bool, dtype: torch.dtype = torch.float32) -> Trainer:
    solver = read_solver("solver.prototxt")
    return Trainer(solver, "solver.prototxt", 3, CPU, dtype, graph=graph)


def losses(one: Trainer, count: int = ITERATIONS) -> torch.Tensor:
    torch.manual_seed(5)  # dropout and mirroring
    return torch.stack([one.step() for _ in range(count)])


def check_equal(dtype: torch.dtype = torch.float32) -> None:
    exact = trainer(False, dtype)
    expected = losses(exact)
    check_is(exact, expected, trainer(True, dtype))
    replayed = trainer(True, dtype)
    step = replayed.graph
    assert step is not None
    with pytest.MonkeyPatch.context() as patch:
        tape.stand_in(patch)
        step._run = step._recorded()
    check_is(exact, expected, replayed)


def check_is(exact: Trainer, expected: torch.Tensor, graph: Trainer) -> None:
    assert torch.equal(expected, losses(graph))
    assert torch.equal(exact.parameters.values, graph.parameters.values)
    assert torch.equal(exact.history, graph.history)
    assert exact.iteration == graph.iteration == ITERATIONS
    assert exact.train.data["data"].position == graph.train.data["data"].position


def set_solver(kind: str, extra: str = "") -> None:
    edit("solver.prototxt", 'type: "Adam"', f'type: "{kind}" {extra}')
    if kind in ("AdaGrad", "RMSProp"):
        edit("solver.prototxt", "momentum: 0.9", "")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", list(RULES))
def test_every_solver_to_the_last_bit(folder: Path, kind: str, dtype: torch.dtype) -> None:
    set_solver(kind)
    check_equal(dtype)


@pytest.mark.parametrize("policy", list(POLICIES))
def test_every_policy_to_the_last_bit(folder: Path, policy: str) -> None:
    edit("solver.prototxt", 'lr_policy: "multistep" gamma: 0.1', f'lr_policy: "{policy}" {FIELDS}')
    edit("solver.prototxt", "stepvalue: 12", "stepvalue: 4")
    check_equal()


def test_clipping_l1_and_one_batch_an_iteration(folder: Path) -> None:
    set_solver("SGD", 'clip_gradients: 0.5 regularization_type: "L1"')
    edit("solver.prototxt", "iter_size: 2", "iter_size: 1")
    check_equal()


class NoWaiting(TorchDispatchMode):
    """Refuses what makes the host wait for a value of the device, or a shape depend on one."""

    forbidden = ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "equal", "unique")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in self.forbidden, name
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", list(RULES))
def test_nothing_waits_for_the_device(folder: Path, kind: str) -> None:
    set_solver(kind, "clip_gradients: 0.5")
    step = trainer(True).graph
    assert step is not None
    with NoWaiting():
        step.compute()
        with pytest.raises(AssertionError, match="_local_scalar_dense"):
            float(step.result)


def test_a_graph_reads_the_rate_anew(folder: Path) -> None:
    """`compute` again with another rate on the device: what replaying a recorded graph does."""
    set_solver("SGD")
    edit("solver.prototxt", "momentum: 0.9 weight_decay: 0.0004", "momentum: 0")
    one = trainer(True)
    step = one.graph
    assert step is not None
    one.step()
    before = one.parameters.values.clone()
    step.rate.zero_()
    step.compute()
    still = one.parameters.lr_mult > 0  # BatchNorm's statistics move all the same
    assert torch.equal(one.parameters.values[still], before[still])
    assert not torch.equal(one.parameters.values[~still], before[~still])


def test_going_on_from_a_snapshot_to_the_last_bit(folder: Path) -> None:
    whole = trainer(True)
    for _ in range(10):
        whole.step()
    first = trainer(True)
    for _ in range(5):
        first.step()
    state, second = first.snapshot(), trainer(True)
    second.restore(state)
    for _ in range(5):
        second.step()
    assert torch.equal(whole.parameters.values, second.parameters.values)
    assert torch.equal(whole.history, second.history)


def test_data_that_is_not_on_the_device_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Batches, "on_device", False)  # as with a GPU whose memory is too small
    with pytest.raises(ProtofaceError, match=r"layer 'data': .* too large .*--no-graph"):
        trainer(True)


def test_several_processes_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ranks, "wrap", lambda self, net: net)
    solver = read_solver("solver.prototxt")
    with pytest.raises(ProtofaceError, match="several processes cannot train by CUDA graphs"):
        Trainer(solver, "solver.prototxt", 3, CPU, ranks=Ranks(0, 2), graph=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own
def test_merged_by_torch_compile(folder: Path) -> None:
    """In float64, where the order of sums hardly counts; PyTorch draws other random numbers there."""
    edit("net.prototxt", "dropout_ratio: 0.3", "dropout_ratio: 0")
    one, other = trainer(True, torch.float64), trainer(True, torch.float64)
    assert other.graph is not None
    other.graph.loss = merged(other.graph.loss, "net")
    torch.testing.assert_close(losses(other, 4), losses(one, 4), rtol=1e-9, atol=0)


def test_a_net_that_cannot_be_merged(folder: Path) -> None:
    def loss(tops: list[torch.Tensor]) -> torch.Tensor:
        return tops[0].sum() if tops[0].sum() > 0 else tops[0].mean()

    with pytest.raises(
        ProtofaceError, match=r"^net: torch.compile cannot merge this net \(.*--compile"
    ):
        merged(loss, "net")([torch.ones(2)])


def test_other_orders_in_memory_train_alike(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU; a snapshot goes on in either. Dropout would draw in the order of memory."""
    edit("net.prototxt", "dropout_ratio: 0.3", "dropout_ratio: 0")
    one = trainer(True, torch.float64)
    expected = losses(one, 4)
    with monkeypatch.context() as patch:
        patch.setattr(memory, "picture_format", lambda _: torch.contiguous_format)
        other = trainer(True, torch.float64)
        weight = next(blob for blob in other.train.net.parameters() if blob.ndim == 4)
        assert weight.is_contiguous()
        assert other.train.feed()[0].is_contiguous()
        other.train.data["data"].position = 0
        torch.testing.assert_close(losses(other, 4), expected, rtol=1e-9, atol=0)
        other.restore(one.snapshot())
    for key, array in one.parameters.arrays(one.history[0]).items():
        np.testing.assert_array_equal(other.parameters.arrays(other.history[0])[key], array)
