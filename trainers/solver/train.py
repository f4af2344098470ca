"""`caffe train` on PyTorch."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike

from ..net.device import torch_dtype, training_device
from ..net.distributed import ranks
from ..net.memory import keep_freed_memory
from .curves import draw_curves
from .snapshot import snapshot_paths
from .solver_file import Solver, read_solver
from .solver_trainer import Trainer, saved_seed
from .training_log import NoLog, TrainingLog, test_log


@dataclass(frozen=True)
class Trained:
    """What a training has written: updates made, last weights and state (None: none written), logs."""

    iteration: int
    seed: int
    weights: Path | None
    state: Path | None
    log: Path
    test_log: Path | None
    curves: Path | None


def train(
    solver_path: PathLike,
    weights: PathLike | None = None,
    snapshot: PathLike | None = None,
    device: str | None = None,
    dtype: str = "float32",
    max_iter: int | None = None,
    log: PathLike | None = None,
    seed: int | None = None,
    report: Callable[[str], None] = print,
    precision: str = "float32",
    graph: bool | None = None,
    compiled: bool = False,
) -> Trained:
    """Train the net that a solver's prototxt names, from its fillers, `weights` or a `snapshot`.

    `device` is cpu or cuda (by default as `solver_mode` says), `dtype` float32 or float64; `max_iter`
    stands in for the solver's; `seed` for its random_seed (-1 there: one is drawn and reported). `log`
    is FILE.csv, by default `<snapshot_prefix>_loss.csv`; FILE.test.csv, FILE_tensorboard and FILE.png
    stand beside it. Under `torchrun` every process takes part. `report` shows a line of text.
    `precision` is one of `device.PRECISIONS`. `graph`: each iteration is one CUDA graph; by default
    where one process trains on a GPU. `compiled`: torch.compile merges its operations.

    Raises ProtofaceError for anything wrong with the files, and if the loss is not finite.
    """
    solver, source = read_solver(solver_path), os.fspath(solver_path)
    if weights is not None and snapshot is not None:
        raise ProtofaceError("give weights to start from or a snapshot to resume from, not both")
    if max_iter is not None:
        solver.max_iter = max_iter
    if log is not None and not os.fspath(log).endswith(".csv"):
        raise ProtofaceError(f"{log}: the log's name ends in .csv")
    path = Path(log or f"{solver.snapshot_prefix or Path(source).stem}_loss.csv")
    keep_freed_memory()
    place = training_device(device, solver, report)
    with ranks(place) as here:
        shown = report if here.first else _silent
        chosen = here.agree(_seed(solver, seed, snapshot, shown))
        if compiled and graph is False:
            raise ProtofaceError("--compile is for CUDA graphs; leave --no-graph out")
        if graph is None:
            graph = compiled or (place.type == "cuda" and here.world == 1)
        if graph and place.type != "cuda":
            shown("CUDA graphs need a GPU: on the CPU the same operations run one by one")
        kind = torch_dtype(dtype)
        trainer = Trainer(solver, source, chosen, place, kind, here, precision, graph, compiled)
        _start_from(trainer, weights, snapshot, shown)
        return _run(trainer, path, shown)


def _run(trainer: Trainer, path: Path, report: Callable[[str], None]) -> Trained:
    """The loop. Source: Caffe, src/caffe/solver.cpp, Solve and Step."""
    solver, start = trainer.solver, trainer.iteration
    saved: Path | None = None
    try:
        with _log(trainer, path, report) as log:
            while trainer.iteration < solver.max_iter:
                iteration, rate = trainer.iteration, trainer.rate()
                if _tests(trainer) and (iteration or solver.test_initialization):
                    log.test(iteration, trainer.test())
                log.loss(iteration, rate, trainer.step())
                if _due(trainer.iteration, solver.snapshot):
                    log.flush()
                    saved = trainer.snapshot()
            log.flush()
            if solver.snapshot_after_train and not _due(trainer.iteration, solver.snapshot):
                saved = trainer.snapshot()
            if _tests(trainer) and trainer.iteration > start:
                log.test(trainer.iteration, trainer.test())
    except ProtofaceError as error:
        kept = f"the last snapshot is {saved}" if saved else "this run has written no snapshot"
        raise ProtofaceError(f"{trainer.source}: {error}; {kept}") from error
    return _finished(trainer, path, saved)


def _log(trainer: Trainer, path: Path, report: Callable[[str], None]) -> TrainingLog | NoLog:
    if not trainer.ranks.first:
        return NoLog()
    return TrainingLog(path, trainer.solver, trainer.iteration, trainer.pictures, report)


def _due(iteration: int, interval: int) -> bool:
    return interval > 0 and iteration % interval == 0


def _tests(trainer: Trainer) -> bool:
    return bool(trainer.tests) and _due(trainer.iteration, trainer.solver.test_interval)


def _seed(
    solver: Solver, seed: int | None, snapshot: PathLike | None, report: Callable[[str], None]
) -> int:
    """The seed that was given, else that of the snapshot, else the solver's, else a new one."""
    known = saved_seed(snapshot) if seed is None and snapshot is not None else seed
    if known is None and solver.random_seed >= 0:
        known = solver.random_seed
    if known is None:
        known = secrets.randbits(31)
        report(f"seed {known} (drawn; the same run again: --seed {known})")
    if known < 0:
        raise ProtofaceError(f"seed {known} is below 0")
    return known


def _start_from(
    trainer: Trainer,
    weights: PathLike | None,
    snapshot: PathLike | None,
    report: Callable[[str], None],
) -> None:
    if snapshot is not None:
        trainer.restore(snapshot)
        report(f"resuming from {os.fspath(snapshot)}, iteration {trainer.iteration}")
        return
    # as Caffe: several files, separated by commas, each for the layers that it has
    given = os.fspath(weights).split(",") if weights is not None else list(trainer.solver.weights)
    for path in given:
        missing = trainer.load_weights(path)
        if missing:
            report(f"{path}: has no weights for {', '.join(missing)}: its fillers are used")


def _finished(trainer: Trainer, path: Path, state: Path | None) -> Trained:
    weights = snapshot_paths(trainer.solver, trainer.iteration)[0] if state else None
    curves: Path | None = None
    tests = test_log(path) if test_log(path).exists() else None
    if trainer.ranks.first and trainer.iteration:
        curves = path.with_suffix(".png")
        factors = list(trainer.train.net.weights.values())
        draw_curves(path, curves, factors[0] if len(factors) == 1 else 1.0)
    return Trained(trainer.iteration, trainer.seed, weights, state, path, tests, curves)


def _silent(line: str) -> None:
    """Nothing: one process of several speaks for all."""
