"""The committed files are what the generator writes; the solvers are the original's."""

import os

import numpy as np
import pytest

from protoface.converters import caffe_pb2
from protoface.converters.prototxt import read_message
from protoface.prototxt.generate import Size
from protoface.prototxt.generate import __main__ as command
from protoface.prototxt.generate.level_files import head

from .generator import FILES, LEVELS, PROTOTXT, run


@pytest.mark.parametrize("level", LEVELS)
def test_committed_files_are_what_the_generator_writes(tmp_path, level, monkeypatch):
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    run("--out", tmp_path)
    assert sorted(os.listdir(tmp_path / level)) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / level / name).read_text() == (PROTOTXT / level / name).read_text(), (
            "run `python -m protoface.prototxt.generate`"
        )


@pytest.mark.parametrize(("level", "iterations"), [("level_1", 200_000), ("level_2", 120_000)])
def test_solvers(level, iterations):
    solver = read_message(PROTOTXT / level / "solver.prototxt", caffe_pb2.SolverParameter())
    assert (solver.type, solver.lr_policy, list(solver.stepvalue)) == (
        "Adam",
        "multistep",
        [80_000, 100_000],
    )
    values = (solver.base_lr, solver.momentum, solver.weight_decay, solver.gamma)
    assert values == tuple(map(np.float32, (0.001, 0.9, 0.0004, 0.1)))
    assert (solver.max_iter, list(solver.test_iter), solver.test_interval) == (iterations, [160], 1250)
    net = PROTOTXT.parent / solver.net
    assert net == PROTOTXT / level / "train_val.prototxt"
    assert net.is_file()


WRITTEN = [
    path
    for folder in (PROTOTXT, PROTOTXT.parent / "trainers" / "recipes")
    for path in sorted(folder.rglob("*.prototxt"))
    if "written by: python -m" in path.read_text()
]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: "/".join(path.parts[-4:]))
def test_the_command_in_the_first_line_writes_the_file(tmp_path, path, monkeypatch):
    """The files of the recipes too; a default `--out` is prototxt/."""
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    name, line = path.read_text().partition("\n")[0].split(", written by: ")
    words = line.removeprefix("python -m protoface.prototxt.generate").split()
    run("--out", tmp_path, *words)
    assert (tmp_path / name.removeprefix("# ") / path.name).read_bytes() == path.read_bytes()


def test_the_first_line_names_what_differs_from_the_default():
    assert head("a", Size()) == "# a, written by: python -m protoface.prototxt.generate\n"
    line = head("a", Size(24, 1.5, 68, "small", patches=True), " --deploy a")
    options = "--size 24 --width 1.5 --points 68 --net small --patches --deploy a"
    assert line == f"# a, written by: python -m protoface.prototxt.generate {options}\n"
