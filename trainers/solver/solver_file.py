"""The solver's file: which nets it trains and tests, and whether its fields make sense.

Source: Caffe, src/caffe/solver.cpp, InitTrainNet and InitTestNets.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protoface.converters import ProtofaceError, caffe_pb2, filter_net, read_net
from protoface.converters.files import PathLike
from protoface.converters.graph import TEST, TRAIN, Net
from protoface.converters.paths import discreet
from protoface.converters.prototxt import read_message
from protoface.converters.upgrade import upgrade

from .learning_rate import learning_rate
from .solvers import RULES

Solver = caffe_pb2.SolverParameter
TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")


@dataclass(frozen=True)
class PhaseNet:
    """A net, filtered to one phase, and the file it was read from (for errors)."""

    net: Net
    source: str


def read_solver(path: PathLike) -> Solver:
    """The solver in a prototxt file, with `type` instead of the older enum `solver_type`.

    Raises ProtofaceError naming the file for anything that Caffe would stop at: no net, an unknown
    type or policy, a field out of range.
    """
    source = os.fspath(path)
    solver = read_message(path, Solver())
    if solver.HasField("solver_type"):
        if solver.HasField("type"):
            raise ProtofaceError(f"{source}: has both type and solver_type; remove solver_type")
        solver.type = _TYPES[solver.solver_type]
        solver.ClearField("solver_type")
    check_solver(solver, source)
    return solver


def check_solver(solver: Solver, source: str) -> None:
    """Raise ProtofaceError naming `source` for a solver that cannot be run; see `read_solver`."""
    if solver.type not in RULES:
        known = ", ".join(RULES)
        raise ProtofaceError(f"{source}: unknown solver type {solver.type!r}; known: {known}")
    given = [name for name in TRAIN_FIELDS if solver.HasField(name)]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ProtofaceError(f"{source}: needs exactly one of {', '.join(TRAIN_FIELDS)}; has {found}")
    wrong = {
        "regularization_type must be L2 or L1": solver.regularization_type not in ("L1", "L2"),
        f"iter_size is {solver.iter_size}; it must be at least 1": solver.iter_size < 1,
        f"max_iter is {solver.max_iter}; it must not be negative": solver.max_iter < 0,
        "base_lr is missing": not solver.HasField("base_lr"),
        f"momentum is set, but Caffe's {solver.type} has none; remove it": solver.momentum != 0
        and solver.type in ("AdaGrad", "RMSProp"),
        f"rms_decay is {solver.rms_decay:g}; it must be at least 0 and below 1": not (
            0 <= solver.rms_decay < 1
        ),
        "snapshot_prefix is missing; snapshots need it": not solver.snapshot_prefix
        and (solver.snapshot > 0 or solver.snapshot_after_train),
    }
    wrong["snapshot_diff is not supported: gradients are not written; remove it"] = solver.snapshot_diff
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise ProtofaceError(f"{source}: {message}")
    try:
        learning_rate(solver, 0)
    except ProtofaceError as error:
        raise ProtofaceError(f"{source}: {error}") from error


def train_net(solver: Solver, source: str) -> PhaseNet:
    """The net to train: the layers of phase TRAIN under the solver's `train_state`."""
    for name in ("net_param", "train_net_param"):
        if solver.HasField(name):
            return _filtered(getattr(solver, name), source, TRAIN, solver.train_state)
    path = solver.train_net or solver.net
    return _filtered(_read(path, source), path, TRAIN, solver.train_state)


def test_nets(solver: Solver, source: str) -> list[PhaseNet]:
    """The nets to test, one for every `test_iter`, in Caffe's order.

    `test_net_param`, then `test_net`, then the training file's TEST phase for what is left.
    """
    given = [(net, source) for net in solver.test_net_param]
    given += [(_read(path, source), path) for path in solver.test_net]
    left = len(solver.test_iter) - len(given)
    if solver.HasField("net_param"):
        given += [(solver.net_param, source)] * left
    elif solver.HasField("net"):
        given += [(_read(solver.net, source), solver.net) for _ in range(left)]
    if len(given) != len(solver.test_iter):
        raise ProtofaceError(
            f"{source}: {len(solver.test_iter)} test_iter for {len(given)} test nets; "
            "give each net its own"
        )
    if given and solver.test_interval < 1:
        raise ProtofaceError(f"{source}: has test_iter but no test_interval")
    states: Sequence[caffe_pb2.NetState] = solver.test_state
    if states and len(states) != len(given):
        raise ProtofaceError(f"{source}: {len(states)} test_state for {len(given)} test nets")
    return [
        _filtered(net, name, TEST, states[index] if states else caffe_pb2.NetState())
        for index, (net, name) in enumerate(given)
    ]


def _read(path: str, source: str) -> Net:
    """A net that the solver in `source` names; as in Caffe relative to the working directory."""
    with discreet(path, [os.curdir, Path(source).parent], "a net"):
        return read_net(path)


def _filtered(net: Net, source: str, phase: caffe_pb2.Phase, state: caffe_pb2.NetState) -> PhaseNet:
    copy = Net()
    copy.CopyFrom(net)
    kept = filter_net(upgrade(copy, source), phase, state.level, state.stage)
    if not kept.layer:
        name = "TRAIN" if phase == TRAIN else "TEST"
        raise ProtofaceError(f"{source}: has no layers in phase {name}")
    return PhaseNet(kept, source)


_TYPES = {
    Solver.SGD: "SGD",
    Solver.NESTEROV: "Nesterov",
    Solver.ADAGRAD: "AdaGrad",
    Solver.RMSPROP: "RMSProp",
    Solver.ADADELTA: "AdaDelta",
    Solver.ADAM: "Adam",
}
