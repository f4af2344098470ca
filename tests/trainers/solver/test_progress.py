"""The progress of a training: a bar in a terminal, lines by the clock elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from protoface.trainers.solver import progress as module
from protoface.trainers.solver.progress import FIRST, MOST, REDRAW, Progress


class Clock:
    now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_at_sensible_times(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Soon the first one, then ever less often, at last every 30 s."""
    progress, times = Progress("", 0, 10_000, 64), []
    for second in range(200):
        clock.now = 100.0 + second
        progress.show(second, 0.5)
        if capsys.readouterr().err:
            times.append(second)
    assert times == [1, 3, 7, 15, 31, 61, 91, 121, 151, 181]
    assert (FIRST, MOST) == (1, 30)


def test_a_line_says_how_far_how_good_how_fast_how_long(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress("level_1", 1000, 4600, 50)
    clock.now += 2
    progress.show(1020, 0.123456)
    clock.now += 2
    progress.show(1060, 0.1)
    assert capsys.readouterr().err.splitlines() == [
        "level_1: iteration 1020 of 4600, loss 0.12346, 500 pictures/s, 05:58 left",
        "level_1: iteration 1060 of 4600, loss 0.1, 1000 pictures/s, 03:56 left",
    ]


def test_nothing_is_fetched_that_is_not_shown(clock: Clock) -> None:
    progress = Progress("", 0, 10, 1)
    assert not progress.due(1)
    clock.now += FIRST
    assert progress.due(1)


def test_a_bar_in_a_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = Progress("", 0, 10, 8)
    assert progress.watched
    clock.now += REDRAW
    progress.show(4, 0.25)
    assert "4/10" in terminal.getvalue()
    assert "loss 0.25, 160 pictures/s" in terminal.getvalue()
    progress.show(10, 0.125)  # the end is shown at any time
    progress.close()
    assert "10/10" in terminal.getvalue().splitlines()[-1]
