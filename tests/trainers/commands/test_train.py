"""`protoface train`: which options belong to it; what it computes is in `solver/test_train.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from protoface.cli import protoface, run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '--solver'"),
        (["solver.prototxt"], "Missing option '--solver'"),
        (["--recipe", "solver.prototxt", "--out", "out"], "No such option '--recipe'"),
        (["--solver", "solver.prototxt", "--out", "out"], "No such option '--out'"),
        (["--solver", "solver.prototxt", "--max-iter", "-1"], "-1 is not in the range x>=0"),
        (["--solver", "solver.prototxt", "--dtype", "half"], "'half' is not one of"),
        (["--solver", "net.prototxt"], "net.prototxt: "),
    ],
)
def test_wrong_arguments(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(protoface, ["train", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_the_command_trains(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--solver", "solver.prototxt", "--max-iter", "3", "--log", "log.csv", "--seed", "5"]
    assert run(protoface, ["train", *arguments]) == 0
    assert "3 iterations done; wrote out/net_iter_3.caffemodel" in capsys.readouterr().out
    assert len(Path("log.csv").read_text().splitlines()) == 4
