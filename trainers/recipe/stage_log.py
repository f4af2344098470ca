"""The log of a stage's training: a CSV file, lines of text and its progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from protoface.converters import ProtofaceError

from ..solver.progress import Progress
from ..solver.training_log import append_rows, drop_rows
from .task import Validated

HEADER = "iteration,lr,loss,validation"


class StageLog:
    """Rows in a CSV file: updates made, rate, mean loss since the last row, validation error.

    What is measured on the validation pictures is the task's own figure, missing in most rows. Going on
    after `start` updates, rows that a killed run left from there on are dropped. `pictures` are in one
    iteration.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        start: int,
        iterations: int,
        pictures: int,
        report: Callable[[str], None],
    ) -> None:
        self.path, self.name, self.iterations = path, name, iterations
        self.pictures, self.report = pictures, report
        drop_rows(path, start + 1, HEADER)
        self._progress = Progress(name, start, iterations, pictures)
        self._begun = (start, time.perf_counter())

    def __enter__(self) -> StageLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.close()

    def show(self, iteration: int, loss: Callable[[], float]) -> None:
        """Show how far it is; the loss is asked for only where it is shown."""
        if self._progress.due(iteration):
            self._progress.show(iteration, loss())

    def row(self, iteration: int, rate: float, loss: float, validation: Validated | None) -> None:
        """Write a row. Raises ProtofaceError for a loss that is not finite."""
        if not math.isfinite(loss):
            raise ProtofaceError(f"{self.name}: the loss is {loss} before iteration {iteration}")
        shown = "" if validation is None else f"{validation.value:.17g}"
        append_rows(self.path, [f"{iteration},{rate:.17g},{loss:.17g},{shown}"])
        self._progress.show(iteration, loss)
        if validation is None:
            return
        start, then = self._begun
        speed = (iteration - start) * self.pictures / (time.perf_counter() - then)
        self.report(
            f"{self.name}: iteration {iteration} of {self.iterations}, loss {loss:.4g}, "
            f"validation {validation.text}, {speed:.0f} pictures/s"
        )
