"""The log of a training: two CSV files, a TensorBoard log and its progress."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from protoface.converters import ProtofaceError
from protoface.converters.appending import append
from protoface.converters.blobs import Array
from protoface.converters.files import write_text

from .board import Board
from .progress import Progress
from .solver_file import Solver

HEADER = "iteration,lr,loss"
FLUSH_SECONDS = 0.5  # losses are fetched from the device this often: a GPU is not waited for in between


def test_log(path: Path) -> Path:
    """`FILE.test.csv` of `FILE.csv`."""
    return path.with_name(f"{path.stem}.test.csv")


class TrainingLog:
    """Rows of losses, at first on the device, then in `FILE.csv`, TensorBoard and the bar.

    Going on from iteration `start`, rows from there on, which a killed run may have left, are dropped.
    `pictures` is the number of pictures in an iteration; `report` shows a line of text.
    """

    def __init__(
        self,
        path: Path,
        solver: Solver,
        start: int,
        pictures: int,
        report: Callable[[str], None],
    ) -> None:
        self.path, self.solver, self.pictures, self.report = path, solver, pictures, report
        self._waiting: list[tuple[int, float, Tensor]] = []
        self._recent: deque[float] = deque(maxlen=max(1, solver.average_loss))
        self._flushed = time.perf_counter()
        self._displayed = (start, self._flushed)
        drop_rows(path, start, HEADER)
        drop_rows(test_log(path), start, None)
        # what an earlier run left from `start` on is hidden, as it is dropped from the CSV files
        self._board = Board(path.with_name(f"{path.stem}_tensorboard"), start)
        self._progress = Progress("", start, solver.max_iter, pictures)

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._progress.close()

    def loss(self, iteration: int, rate: float, loss: Tensor) -> None:
        """One row; written within half a second. See `flush` for what it raises."""
        self._waiting.append((iteration, rate, loss))
        if time.perf_counter() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Raises ProtofaceError naming the iteration whose loss is not finite."""
        if not self._waiting:
            return
        losses = torch.stack([loss for _, _, loss in self._waiting]).tolist()
        rows = [
            (iteration, rate, loss)
            for (iteration, rate, _), loss in zip(self._waiting, losses, strict=True)
        ]
        self._waiting.clear()
        append_rows(
            self.path, [f"{iteration},{rate:.17g},{loss:.17g}" for iteration, rate, loss in rows]
        )
        self._board.scalars(
            {number: {"train/loss": loss, "train/lr": rate} for number, rate, loss in rows}
        )
        for iteration, rate, loss in rows:
            self._recent.append(loss)
            if not math.isfinite(loss):
                raise ProtofaceError(f"the loss is {loss} in iteration {iteration}")
            if self.solver.display and iteration % self.solver.display == 0:
                self._display(iteration, rate)
        self._progress.show(rows[-1][0] + 1, self._mean())
        self._flushed = time.perf_counter()

    def test(self, iteration: int, scores: Sequence[Mapping[str, Array]]) -> None:
        """The test nets' outputs after `iteration` updates: one row, one column a number."""
        named = flat_scores(scores)
        path = test_log(self.path)
        if not path.exists():
            write_text(path, ",".join(["iteration", *named]) + "\n")
        append_rows(path, [",".join([str(iteration), *(f"{value:.17g}" for value in named.values())])])
        self._board.scalars({iteration: {f"test/{name}": value for name, value in named.items()}})
        self.report(f"iteration {iteration}, test: {_shown(iteration, named)}")

    def _display(self, iteration: int, rate: float) -> None:
        """A line every `display` iterations, where there is no terminal to show a bar."""
        before, then = self._displayed
        now = time.perf_counter()
        speed = (iteration + 1 - before) * self.pictures / max(now - then, 1e-9)
        if not self._progress.watched:
            loss = f"loss {self._mean():.6g}"
            self.report(f"iteration {iteration}, {loss}, lr {rate:.6g}, {speed:.0f} pictures/s")
        self._displayed = (iteration + 1, now)

    def _mean(self) -> float:
        return sum(self._recent) / len(self._recent)


class NoLog:
    """The log of all ranks but the first: it ignores everything."""

    def __enter__(self) -> NoLog:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def loss(self, iteration: int, rate: float, loss: Tensor) -> None:
        """See TrainingLog."""

    def flush(self) -> None:
        """See TrainingLog."""

    def test(self, iteration: int, scores: Sequence[Mapping[str, Array]]) -> None:
        """See TrainingLog."""


def flat_scores(scores: Sequence[Mapping[str, Array]]) -> dict[str, float]:
    """Outputs as name -> number: `loss`; `prob[3]` where a blob has several; `net1/loss` of net 1."""
    named: dict[str, float] = {}
    for index, outputs in enumerate(scores):
        for blob, values in outputs.items():
            name = f"net{index}/{blob}" if index else blob
            flat = [float(value) for value in values.ravel()]
            single = len(flat) == 1
            named.update({name if single else f"{name}[{i}]": value for i, value in enumerate(flat)})
    return named


def _shown(iteration: int, named: Mapping[str, float]) -> str:
    """The outputs of a test as text.

    Before the first update a BatchNorm divides by almost 0, as it has no statistics; several of them
    overflow. Caffe then prints nan, which looks like a failed training.
    """
    if not iteration and not all(map(math.isfinite, named.values())):
        return "no figures yet, since BatchNorm has no statistics before the first iteration"
    return ", ".join(f"{name} = {value:.6g}" for name, value in named.items())


def append_rows(path: Path, lines: Sequence[str]) -> None:
    """Add lines to a file, all or none of them. Raises ProtofaceError naming it."""
    append(path, "".join(f"{line}\n" for line in lines).encode())


def drop_rows(path: Path, start: int, header: str | None) -> None:
    """Keep the header and the rows before `start`; a torn last line goes, too.

    Without a `header` to begin with, a file that would keep no row is removed.
    """
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    kept = []
    for line in lines[1:]:
        iteration, comma, _ = line.partition(",")
        if line.endswith("\n") and comma and iteration.isdigit() and int(iteration) < start:
            kept.append(line)
    if header is not None:
        write_text(path, "".join([header + "\n", *kept]))
    elif kept:
        write_text(path, "".join([lines[0], *kept]))
    else:
        path.unlink(missing_ok=True)
