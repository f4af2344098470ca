"""Which nets a solver names, by Caffe's rules; bad solvers are in test_train.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from protoface.converters import ProtofaceError
from protoface.trainers.solver.solver_file import Solver, read_solver, test_nets, train_net

from .small_run import edit

test_nets.__test__ = False  # type: ignore[attr-defined]  # Caffe's word, not a test


def read() -> Solver:
    return read_solver("solver.prototxt")


def test_the_old_enum_for_the_type(folder: Path) -> None:
    edit("solver.prototxt", 'type: "Adam"', "solver_type: NESTEROV")
    assert read().type == "Nesterov"
    edit("solver.prototxt", "solver_type", 'type: "Adam" solver_type')
    with pytest.raises(ProtofaceError, match="both type and solver_type"):
        read()


def test_phases_and_stages(folder: Path) -> None:
    text = Path("net.prototxt").read_text()
    extra = 'layer { name: "e" type: "ReLU" bottom: "fc" top: "e" include { stage: "more" } }'
    Path("net.prototxt").write_text(text + extra)
    assert "e" not in [layer.name for layer in train_net(read(), "solver").net.layer]
    edit("solver.prototxt", "iter_size", 'train_state { stage: "more" } iter_size')
    assert "e" in [layer.name for layer in train_net(read(), "solver").net.layer]


def test_a_net_for_every_test_iter(folder: Path) -> None:
    Path("other.prototxt").write_text(Path("net.prototxt").read_text().replace('"small"', '"other"'))
    edit("solver.prototxt", "test_iter: 2", 'test_net: "other.prototxt" test_iter: 2 test_iter: 3')
    found = test_nets(read(), "solver")
    assert [(phase.net.name, phase.source) for phase in found] == [
        ("other", "other.prototxt"),
        ("small", "net.prototxt"),
    ]
    edit("solver.prototxt", "test_iter: 3", "")
    assert len(test_nets(read(), "solver")) == 1
    edit("solver.prototxt", "test_iter: 2", "")
    with pytest.raises(ProtofaceError, match="0 test_iter for 1 test nets"):
        test_nets(read(), "solver")


def test_a_net_inside_the_solver(folder: Path) -> None:
    net = Path("net.prototxt").read_text()
    edit("solver.prototxt", 'net: "net.prototxt"', f"net_param {{ {net} }}")
    assert train_net(read(), "solver").net.name == "small"


def test_no_phase_left(folder: Path) -> None:
    text = Path("net.prototxt").read_text()
    text = text.replace("layer {", "layer { exclude { phase: TEST }")
    Path("net.prototxt").write_text(text)
    with pytest.raises(ProtofaceError, match="net.prototxt: has no layers in phase TEST"):
        test_nets(read(), "solver")


def test_nothing_of_a_file_elsewhere_is_told(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A solver of somebody's may name any file of the user's as its net."""
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text("hunter2: 1")
    edit("solver.prototxt", 'net: "net.prototxt"', f'net: "{secret}"')
    with pytest.raises(ProtofaceError, match="secret: cannot be read as a net") as caught:
        train_net(read_solver("solver.prototxt"), "solver.prototxt")
    assert "hunter2" not in str(caught.value)
    Path("own.prototxt").write_text("hunter2: 1")
    edit("solver.prototxt", str(secret), "own.prototxt")
    with pytest.raises(ProtofaceError, match=r'own.prototxt: line 1: .*"hunter2"'):
        train_net(read_solver("solver.prototxt"), "solver.prototxt")


@pytest.mark.parametrize("field", ["base_lr", "gamma", "momentum", "weight_decay", "clip_gradients"])
def test_numbers_that_are_not_finite(folder: Path, field: str) -> None:
    Path("solver.prototxt").write_text(f'net: "net.prototxt"\n{field}: nan\n')
    with pytest.raises(
        ProtofaceError, match=f"solver.prototxt: line 2: {field} is not a finite number"
    ):
        read_solver("solver.prototxt")
