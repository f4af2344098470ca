"""Precisions: what is less than float32 is asked for by name, and never where it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from protoface.cli import protoface, run
from protoface.converters import ProtofaceError
from protoface.trainers.net.device import precision_context
from protoface.trainers.solver.solver_file import read_solver
from protoface.trainers.solver.solver_trainer import Trainer

from ..solver.small_run import edit

CPU = torch.device("cpu")


def first_losses(precision: str, graph: bool) -> tuple[torch.Tensor, Trainer]:
    solver = read_solver("solver.prototxt")
    trainer = Trainer(solver, "solver", 3, CPU, precision=precision, graph=graph)
    return torch.stack([trainer.step() for _ in range(3)]), trainer


@pytest.mark.parametrize("graph", [False, True])
def test_bfloat16_is_near_float32_and_keeps_its_weights(folder: Path, graph: bool) -> None:
    exact, _ = first_losses("float32", graph)
    less, trainer = first_losses("bf16", graph)
    assert not torch.equal(exact, less)
    torch.testing.assert_close(less, exact, rtol=0.02, atol=0)
    assert less.dtype == trainer.parameters.values.dtype == torch.float32


@pytest.mark.parametrize(
    ("precision", "dtype", "said"),
    [
        ("fp8", torch.float32, "unknown precision 'fp8'; it is float32, tf32, bf16"),
        ("tf32", torch.float32, "tf32 needs an NVIDIA GPU"),
        ("bf16", torch.float64, "precision bf16 is for float32 training"),
    ],
)
def test_what_is_not_there_is_refused(precision: str, dtype: torch.dtype, said: str) -> None:
    with pytest.raises(ProtofaceError, match=said):
        precision_context(precision, CPU, dtype)


def test_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit("solver.prototxt", "max_iter: 30", "max_iter: 2")
    train = ["train", "--solver", "solver.prototxt"]
    assert run(protoface, [*train, "--precision", "tf32"]) == 2
    assert "precision tf32 needs an NVIDIA GPU" in capsys.readouterr().err
    assert run(protoface, [*train, "--precision", "bf16", "--graph"]) == 0
    assert Path("out/net_iter_2.caffemodel").exists()
    assert "CUDA graphs need a GPU" in capsys.readouterr().out
