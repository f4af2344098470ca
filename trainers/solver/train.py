"""`caffe train` on PyTorch."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike
from protoface.converters.locking import LOCK, alone
from protoface.converters.stopping import Stop, stopping

from ..net.device import torch_dtype, training_device
from ..net.distributed import Ranks, ranks
from ..net.memory import keep_freed_memory
from .curves import draw_curves
from .snapshot import weights_beside
from .solver_file import Solver, read_solver
from .solver_trainer import StoppedError, Trainer, saved_seed
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

    SIGINT or SIGTERM ends it after the iteration at work with a snapshot, and raises Interrupted.
    Raises ProtofaceError for anything wrong with the files, if another process writes the same
    snapshots or log, and if the loss is not finite.
    """
    solver, source = read_solver(solver_path), os.fspath(solver_path)
    if weights is not None and snapshot is not None:
        raise ProtofaceError("give weights to start from or a snapshot to resume from, not both")
    if max_iter is not None:
        solver.max_iter = max_iter
    if log is not None and not os.fspath(log).endswith(".csv"):
        raise ProtofaceError(f"{log}: the log's name ends in .csv")
    path = Path(log or f"{solver.snapshot_prefix or Path(source).stem}_loss.csv")
    if compiled and graph is False:
        raise ProtofaceError("--compile is for CUDA graphs; leave --no-graph out")
    keep_freed_memory()
    place = training_device(device, solver, report)
    with ranks(place) as here, _alone(solver, path, here):
        shown = report if here.first else _silent
        chosen = here.agree(_seed(solver, seed, snapshot, shown))
        graphs = _graphs(graph, compiled, place, here, shown)
        kind = torch_dtype(dtype)
        trainer = Trainer(solver, source, chosen, place, kind, here, precision, graphs, compiled)
        _start_from(trainer, weights, snapshot, shown)
        return _run(trainer, path, shown)


@contextmanager
def _alone(solver: Solver, log: Path, here: Ranks) -> Iterator[None]:
    """Hold the snapshots' prefix and the log; where nothing was written, nothing stays.

    Raises ProtofaceError naming the process that trains with one of them.
    """
    if not here.first:
        yield
        return
    folder, prefix = os.path.split(solver.snapshot_prefix)
    places = [Path(folder), log.parent]
    new = [each for place in places for each in (place, *place.parents) if not each.exists()]
    try:
        with ExitStack() as stack:
            for path in {places[0] / f".{prefix}{LOCK}", places[1] / f".{log.name}{LOCK}"}:
                stack.enter_context(alone(path))
            yield
    finally:
        for made in new:
            if made.is_dir() and not any(made.iterdir()):
                made.rmdir()


def _graphs(
    graph: bool | None, compiled: bool, place: torch.device, here: Ranks, report: Callable[[str], None]
) -> bool:
    """Whether to train by CUDA graphs: as asked, else where one process trains on a GPU."""
    chosen = compiled or (place.type == "cuda" and here.world == 1) if graph is None else graph
    if chosen and place.type != "cuda":
        report("CUDA graphs need a GPU: on the CPU the same operations run one by one")
    return chosen


def _run(trainer: Trainer, path: Path, report: Callable[[str], None]) -> Trained:
    """The loop, the last snapshot and the last test. Source: Caffe, src/caffe/solver.cpp, Solve."""
    start, saved = trainer.iteration, list[Path]()
    try:
        with _log(trainer, path, report) as log:
            with stopping() as stop:
                _iterate(trainer, log, stop, saved)
                _save_last(trainer, start, saved)
                if stop:
                    report(_how_to_resume(trainer, saved))
            if _tests(trainer) and trainer.iteration:
                log.test(trainer.iteration, trainer.test())
    except ProtofaceError as error:
        kept = f"the last snapshot is {saved[-1]}" if saved else "this run has written no snapshot"
        raise ProtofaceError(f"{trainer.source}: {error}; {kept}") from error
    return _finished(trainer, path, saved[-1] if saved else None)


def _iterate(trainer: Trainer, log: TrainingLog | NoLog, stop: Stop, saved: list[Path]) -> None:
    """Up to max_iter, or to a signal that any process was sent. Source: Caffe, solver.cpp, Step."""
    solver, votes = trainer.solver, trainer.ranks.votes()
    while trainer.iteration < solver.max_iter:
        counted = votes(stop.signum or 0)
        if counted:
            stop.signum = counted
            break
        iteration, rate = trainer.iteration, trainer.rate()
        if _tests(trainer) and (iteration or solver.test_initialization):
            try:
                log.test(iteration, trainer.test(stop if trainer.ranks.world == 1 else False))
            except StoppedError:
                break
        log.loss(iteration, rate, trainer.step())
        if _due(trainer.iteration, solver.snapshot):
            log.flush()
            saved.append(trainer.snapshot())
    votes.close()
    log.flush()


def _save_last(trainer: Trainer, start: int, saved: list[Path]) -> None:
    """A snapshot of the end, or of where a signal ended it, unless there is one."""
    solver, ended = trainer.solver, trainer.iteration == trainer.solver.max_iter
    wanted = solver.snapshot_after_train if ended else trainer.iteration > start
    if wanted and not _due(trainer.iteration, solver.snapshot):
        saved.append(trainer.snapshot())


def _how_to_resume(trainer: Trainer, saved: list[Path]) -> str:
    if saved:
        return f"stopped after {trainer.iteration} iterations; resume with --snapshot {saved[-1]}"
    return f"stopped after {trainer.iteration} iterations, none of them in this run: start it again"


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
    weights = None if state is None else weights_beside(state)
    curves: Path | None = None
    tests = test_log(path) if test_log(path).exists() else None
    if trainer.ranks.first and trainer.iteration:
        curves = path.with_suffix(".png")
        factors = list(trainer.train.net.weights.values())
        draw_curves(path, curves, factors[0] if len(factors) == 1 else 1.0)
    return Trained(trainer.iteration, trainer.seed, weights, state, path, tests, curves)


def _silent(line: str) -> None:
    """Nothing: one process of several speaks for all."""
