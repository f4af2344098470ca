"""TensorBoard's log, read by TensorBoard."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from protoface.converters import ProtofaceError
from protoface.trainers.solver.board import Board

from ...full_disk import limited


def values(folder: Path, name: str) -> list[tuple[int, float]]:
    reader = EventAccumulator(str(folder))
    reader.Reload()
    return [(event.step, event.value) for event in reader.Scalars(name)]


def test_tensorboard_reads_it(tmp_path: Path) -> None:
    board = Board(tmp_path / "board", 0)
    board.scalars({0: {"train/loss": 2.0, "train/lr": 0.5}, 1: {"train/loss": 1.0}})
    board.scalars({1: {"test/loss": 0.25}})
    assert values(tmp_path / "board", "train/loss") == [(0, 2.0), (1, 1.0)]
    assert values(tmp_path / "board", "train/lr") == [(0, 0.5)]
    assert values(tmp_path / "board", "test/loss") == [(1, 0.25)]


def test_a_run_that_goes_on_hides_what_was_after_its_start(tmp_path: Path) -> None:
    Board(tmp_path, 0).scalars({step: {"loss": float(step)} for step in range(6)})
    Board(tmp_path, 3).scalars({step: {"loss": 10.0 + step} for step in range(3, 5)})
    assert len(list(tmp_path.iterdir())) == 2
    assert values(tmp_path, "loss") == [(0, 0), (1, 1), (2, 2), (3, 13), (4, 14)]


def test_a_full_disk(tmp_path: Path) -> None:
    board = Board(tmp_path, 0)
    rows = {step: {"loss": 1.0} for step in range(100)}
    before = board.path.read_bytes()
    with limited(500), pytest.raises(ProtofaceError, match=r"tfevents.*: cannot be written: File too"):
        board.scalars(rows)
    assert board.path.read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(ProtofaceError, match="file/board: cannot be written: Not a directory"):
        Board(tmp_path / "file" / "board", 0)
