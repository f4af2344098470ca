"""Running a solver: its nets, data, weights and history, one iteration at a time."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from protoface.converters import ProtofaceError, caffe_pb2, read_weights
from protoface.converters.blobs import Array
from protoface.converters.files import PathLike
from protoface.converters.graph import Net
from protoface.converters.weights import weights_of, with_arrays

from ..data.batches import Batches, open_data
from ..net.device import precision_context
from ..net.distributed import Ranks
from ..net.parameters import flatten, share
from ..net.solver_net import SolverNet, matching_weights, solver_net
from .graph_step import GraphStep, merged
from .learning_rate import current_step, learning_rate
from .snapshot import State, read_state, snapshot_paths, write_snapshot
from .solver_file import PhaseNet, test_nets, train_net
from .solvers import apply_update, new_history

Solver = caffe_pb2.SolverParameter
ALONE = Ranks()


@dataclass(frozen=True)
class Phase:
    """A net on the device with the data that feeds it, in the order of its inputs."""

    net: SolverNet
    text: Net
    source: str
    data: dict[str, Batches]

    def feed(self, ranks: Ranks = ALONE) -> list[Tensor]:
        """The next batch of every input."""
        return [top for batches in self.data.values() for top in batches.next(ranks.rank, ranks.world)]


def open_phase(
    given: PhaseNet, seed: int, device: torch.device, dtype: torch.dtype, order: int = 0
) -> Phase:
    """Build a phase's net and read its data; `order` tells the test nets' orders of data apart."""
    data = open_data(given.net, given.source, seed + order, device, dtype)
    shapes = {name: batches.shapes for name, batches in data.items()}
    net = solver_net(given.net, given.source, shapes, seed)
    return Phase(net.to(device=device, dtype=dtype), given.net, given.source, data)


class Trainer:
    """A solver that is ready to take steps.

    `seed` fills the weights, shuffles the data and drives dropout. Sets PyTorch's own random state.
    `precision` is one of `device.PRECISIONS`; with `graph` an iteration is one CUDA graph, whose
    operations torch.compile merges if `compiled`. Raises ProtofaceError naming file, layer or line if
    anything is wrong with solver, nets or data.
    """

    def __init__(
        self,
        solver: Solver,
        source: str,
        seed: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        ranks: Ranks = ALONE,
        precision: str = "float32",
        graph: bool = False,
        compiled: bool = False,
    ) -> None:
        self.solver, self.source, self.seed = solver, source, seed
        self.device, self.ranks = device, ranks
        self.iteration = 0
        self.train = open_phase(train_net(solver, source), seed, device, dtype)
        self.parameters = flatten(self.train.net, dtype, device)
        self.history = new_history(solver, self.parameters)
        self.tests: list[Phase] = []
        if ranks.first:  # as in Caffe, where the root solver alone tests
            self.tests = [
                open_phase(given, seed, device, dtype, index + 1)
                for index, given in enumerate(test_nets(solver, source))
            ]
        for phase in self.tests:
            share(phase.net, self.parameters)
        self.model = ranks.wrap(self.train.net)
        self.precision = precision_context(precision, device, dtype)
        self.graph = self._graph(compiled) if graph else None
        torch.manual_seed(seed + ranks.rank)

    @property
    def pictures(self) -> int:
        """Pictures in one iteration, over all ranks."""
        batch = max((batches.batch_size for batches in self.train.data.values()), default=0)
        return batch * self.solver.iter_size * self.ranks.world

    def rate(self) -> float:
        """The learning rate of the iteration to come."""
        return learning_rate(self.solver, self.iteration)

    def step(self) -> Tensor:
        """One iteration: `iter_size` batches forward and backward, then one update of the weights.

        Returns the weighted loss, averaged over `iter_size`; it stays on the device, so that a GPU is
        not waited for.
        """
        if self.graph is not None:
            self.iteration += 1
            return self.graph(self.iteration - 1)
        self.parameters.gradient.zero_()
        losses = []
        for part in range(self.solver.iter_size):
            last = part == self.solver.iter_size - 1
            with self.ranks.local(self.model, last):
                loss = self._loss(self.train.feed(self.ranks))
                loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        with torch.no_grad():
            apply_update(self.solver, self.iteration, self.parameters, self.history)
        self.iteration += 1
        return losses[0] if len(losses) == 1 else torch.stack(losses).mean()

    def _loss(self, tops: list[Tensor]) -> Tensor:
        with self.precision():
            return self.model(*tops)

    def _graph(self, compiled: bool) -> GraphStep:
        if self.ranks.world > 1:
            raise ProtofaceError(
                f"{self.source}: several processes cannot train by CUDA graphs; use --no-graph"
            )
        learned = [blob for blob in self.train.net.parameters() if blob.requires_grad]
        loss = merged(self._loss, self.source) if compiled else self._loss
        return GraphStep(self.solver, self.train.data, loss, learned, self.parameters, self.history)

    def test(self, stop: object = False) -> list[dict[str, Array]]:
        """The mean of every output blob over `test_iter` batches, for every test net.

        Raises StoppedError if `stop`, which is for a process alone, comes true; then everything is as
        it was before the test.
        """
        before = {} if stop is False else self._extension()
        try:
            return [
                mean_outputs(phase, count, stop)
                for phase, count in zip(self.tests, self.solver.test_iter, strict=True)
            ]
        except StoppedError:
            self._restore_extension(before, self.source)
            raise

    def load_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Set blobs by their key `<layer>.<index>`; the others keep their values."""
        self.parameters.load(self.parameters.values, arrays)

    def load_weights(self, path: PathLike) -> list[str]:
        """Load a file's weights into the layers of the same names; returns the layers that it lacks."""
        graph = self.train.net.graph
        arrays, missing = matching_weights(read_weights(path), graph, os.fspath(path))
        self.parameters.load_weights(arrays, graph)
        return missing

    def weights(self) -> Net:
        """The training net with its weights as they are now; float64 ones as doubles."""
        arrays = self.parameters.arrays(self.parameters.values)
        return with_arrays(self.train.text, self.train.net.graph, arrays)

    def snapshot(self) -> Path:
        """Write weights and state under Caffe's names; returns the state's path. All ranks call it.

        Raises ProtofaceError if a weight is not finite, or a file cannot be written.
        """
        weights, path = snapshot_paths(self.solver, self.iteration)
        if not bool(self.parameters.values.isfinite().all()):
            raise ProtofaceError(
                f"{path}: not written: weights are not finite after iteration {self.iteration - 1}"
            )
        extension = self._extension()
        if self.ranks.first:
            rows = [self.parameters.arrays(row) for row in self.history]
            history = [array for row in rows for array in row.values()]
            step = current_step(self.solver, self.iteration)
            state = State(self.iteration, step, os.fspath(weights), history, extension)
            write_snapshot(weights, path, self.weights(), state)
        return path

    def restore(self, path: PathLike) -> None:
        """Resume from a `.solverstate`, Caffe's own included, and the weights that it names.

        Caffe keeps neither random state nor position: the latter is then reckoned from the iteration.
        Raises ProtofaceError if it belongs to another net, solver or number of processes.
        """
        source, state = os.fspath(path), read_state(path)
        if not Path(state.learned_net).is_file():
            raise ProtofaceError(
                f"{source}: its weights {state.learned_net!r} are missing; paths are relative to the "
                "working directory, as in Caffe"
            )
        net = read_weights(state.learned_net)
        self.load_arrays(weights_of(net, self.train.net.graph, state.learned_net))
        self._restore_history(state, source)
        self.iteration = state.iteration
        if state.extension is not None:
            self._restore_extension(state.extension, source)
        else:
            for batches in self.train.data.values():
                rows = batches.batch_size * self.solver.iter_size * self.ranks.world
                batches.position += state.iteration * rows

    def _restore_history(self, state: State, source: str) -> None:
        shapes = list(self.parameters.shapes.items()) * len(self.history)
        if len(state.history) != len(shapes):
            raise ProtofaceError(
                f"{source}: has a history of {len(state.history)} blobs, {self.solver.type} on this "
                f"net needs {len(shapes)}; it belongs to another net or solver"
            )
        for (key, shape), array in zip(shapes, state.history, strict=True):
            if array.shape != shape:
                raise ProtofaceError(
                    f"{source}: history of {key} is {list(array.shape)}, the net needs {list(shape)}; "
                    "it belongs to another net"
                )
        count = len(self.parameters.shapes)
        for row, flat in enumerate(self.history):
            part = state.history[row * count : (row + 1) * count]
            self.parameters.load(flat, dict(zip(self.parameters.shapes, part, strict=True)))

    def _extension(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "random": self.ranks.gather(_random_state(self.device)),
            "train": {name: batches.position for name, batches in self.train.data.items()},
            "tests": [
                {name: batches.position for name, batches in phase.data.items()} for phase in self.tests
            ],
        }

    def _restore_extension(self, extension: dict[str, Any], source: str) -> None:
        missing = {"seed", "random", "train", "tests"} - set(extension)
        if missing:
            raise ProtofaceError(f"{source}: protoface's part of it lacks {', '.join(sorted(missing))}")
        if extension["seed"] != self.seed:
            raise ProtofaceError(
                f"{source}: was trained with seed {extension['seed']}, not {self.seed}; "
                "leave --seed out"
            )
        if len(extension["random"]) != self.ranks.world:
            raise ProtofaceError(
                f"{source}: was trained by {len(extension['random'])} processes, not by "
                f"{self.ranks.world}; start as many"
            )
        positions = [extension["train"], *extension["tests"]]
        for phase, known in zip([self.train, *self.tests], positions, strict=False):
            for name, batches in phase.data.items():
                batches.position = known.get(name, 0)
        _set_random_state(extension["random"][self.ranks.rank], self.device)


class StoppedError(Exception):
    """A test was not finished."""


def mean_outputs(phase: Phase, iterations: int, stop: object = False) -> dict[str, Array]:
    """Every output blob of a net, averaged over `iterations` batches; no gradients.

    Raises StoppedError between two batches if `stop` comes true.
    """
    sums: dict[str, Tensor] = {}
    with torch.no_grad():
        for _ in range(iterations):
            if stop:
                raise StoppedError
            outputs, _ = phase.net.results(*phase.feed())
            for name, value in outputs.items():
                sums[name] = sums[name] + value if name in sums else value.clone()
    return {name: (total / iterations).cpu().numpy() for name, total in sums.items()}


def saved_seed(path: PathLike) -> int | None:
    """The seed of the run that wrote a `.solverstate`; None if Caffe wrote it."""
    extension = read_state(path).extension
    return None if extension is None else int(extension["seed"])


def _random_state(device: torch.device) -> dict[str, str]:
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return {name: base64.b64encode(bytes(state.numpy())).decode() for name, state in states.items()}


def _set_random_state(states: dict[str, str], device: torch.device) -> None:
    tensors = {
        name: torch.from_numpy(np.frombuffer(base64.b64decode(text), np.uint8).copy())
        for name, text in states.items()
    }
    torch.set_rng_state(tensors["cpu"])
    if device.type == "cuda" and "cuda" in tensors:
        torch.cuda.set_rng_state(tensors["cuda"], device)
