"""CSV rows, also after a run that was killed; the picture of the curves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.trainers.solver.curves import draw_curves, read_curves, smoothed
from protoface.trainers.solver.training_log import TrainingLog, flat_scores


def log(path: Path, start: int, lines: list[str] | None = None) -> TrainingLog:
    solver = caffe_pb2.SolverParameter(max_iter=10, display=2, average_loss=2)
    shown: list[str] = [] if lines is None else lines
    return TrainingLog(path, solver, start, 64, shown.append)


def write(path: Path, start: int, stop: int, lines: list[str] | None = None) -> None:
    with log(path, start, lines) as record:
        for iteration in range(start, stop):
            record.loss(iteration, 0.5, torch.tensor(1 / 3 + iteration, dtype=torch.float64))
        record.test(stop, [{"loss": np.array(0.25)}])


def test_rows_with_17_digits(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", 0, 2)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines == ["iteration,lr,loss", "0,0.5,0.33333333333333331", "1,0.5,1.3333333333333333"]
    assert (tmp_path / "a.test.csv").read_text() == "iteration,loss\n2,0.25\n"


def test_going_on_drops_what_a_killed_run_left(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, 0, 6)
    whole = path.read_text()
    with path.open("a") as file:
        file.write("6,0.5,9\n7,0.")  # torn
    write(path, 4, 6)
    assert path.read_text() == whole
    assert (tmp_path / "a.test.csv").read_text() == "iteration,loss\n6,0.25\n"


def test_lines_every_display_iterations(tmp_path: Path) -> None:
    lines: list[str] = []
    write(tmp_path / "a.csv", 0, 5, lines)
    assert [line.split(",")[0] for line in lines] == [
        "iteration 5",
        "iteration 0",
        "iteration 2",
        "iteration 4",
    ]
    assert "loss 1.83333" in lines[2]  # the mean of two
    assert lines[2].endswith("pictures/s")


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_its_iteration(tmp_path: Path, loss: float) -> None:
    record = log(tmp_path / "a.csv", 0)
    record.loss(0, 0.5, torch.tensor(1.0))
    record.loss(1, 0.5, torch.tensor(loss))
    record.loss(2, 0.5, torch.tensor(loss))
    with pytest.raises(ProtofaceError, match=f"the loss is {loss} in iteration 1"):
        record.flush()
    with record:
        pass


def test_names_of_scores() -> None:
    scores = [{"loss": np.array(1.0)}, {"prob": np.array([[1.0], [2.0]])}]
    assert flat_scores(scores) == {"loss": 1, "net1/prob[0]": 1, "net1/prob[1]": 2}


def test_curves(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", 0, 9)
    draw_curves(tmp_path / "a.csv", tmp_path / "a.png", weight=100)
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture is not None
    assert picture.min() < 100
    columns = read_curves(tmp_path / "a.csv")
    np.testing.assert_array_equal(columns["iteration"], np.arange(9))


def test_smoothed_is_a_mean_of_the_last_ones() -> None:
    values = np.arange(1000.0)
    means = smoothed(values)
    assert means.shape == values.shape
    assert means[0] == 0
    assert means[500] == pytest.approx(values[496:501].mean())


def test_a_file_that_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("iteration,lr,loss\n1,2\n")
    with pytest.raises(ProtofaceError, match="a.csv: not a log of a training"):
        read_curves(tmp_path / "a.csv")
