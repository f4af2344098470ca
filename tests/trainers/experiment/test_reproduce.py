"""The original's schedule, and a run of it in small."""

from pathlib import Path

import pytest

from protoface.converters import ProtofaceError
from protoface.converters.prototxt import read_message
from protoface.prototxt import generate
from protoface.trainers.experiment.experiment import Plan, dataset, newest_state, write_level
from protoface.trainers.experiment.reproduce import original, reproduce
from protoface.trainers.solver.solver_file import Solver

from ..sets.celeba_folder import write_partition, write_set

# what is another machine's, another schedule's length or another place's
OWN = ("net", "test_iter", "test_interval", "display", "max_iter", "snapshot", "snapshot_prefix")


def plan(out: Path, shorten: float = 1.0) -> Plan:
    schedules = (original(shorten), original(shorten))
    return Plan("data", str(out), schedules, "faithful", 0.1, 0, "cuda")


def test_the_solver_is_the_original_s(tmp_path: Path) -> None:
    """Rate, policy, steps, momentum and decay as in prototxt/level_1/solver.prototxt."""
    written = read_message(write_level(plan(tmp_path), 0, 1000), Solver())
    published = generate.solver("level_1", "prototxt/level_1", 200_000)
    assert (written.max_iter, written.iter_size) == (100_000, 2)
    assert written.test_iter[0] * 128 >= 1000
    for solver in (written, published):
        for name in (*OWN, "iter_size", "random_seed"):
            solver.ClearField(name)
    assert written == published


def test_the_nets_are_the_original_s_but_for_their_folders(tmp_path: Path) -> None:
    write_level(plan(tmp_path), 1, 1000)
    for name in ("train_val", "deploy"):
        text = (tmp_path / "level_2" / f"{name}.prototxt").read_text()
        root = Path(__file__).parents[3] / "prototxt" / "level_2" / f"{name}.prototxt"
        expected = root.read_text().split("\n", 1)[1]  # its first line says how it was made
        assert text.replace(f"{tmp_path.as_posix()}/", "") == expected


def test_shortened_in_proportion() -> None:
    assert original().stepvalue == (80_000, 100_000)
    short = original(0.01)
    assert (short.iterations, short.stepvalue) == (1000, (800, 1000))
    assert original(1e-9).iterations == 5


@pytest.mark.parametrize("shorten", [0, -1, 1.5])
def test_refused_schedules(tmp_path: Path, shorten: float) -> None:
    with pytest.raises(ProtofaceError, match="above 0 and at most 1"):
        reproduce(tmp_path, tmp_path / "out", shorten=shorten)


def test_parts_as_prepare_splits_them(tmp_path: Path) -> None:
    points = write_set(tmp_path, 9)
    write_partition(tmp_path, {name: index % 3 for index, name in enumerate(points)})
    names = list(points)
    (tmp_path / "images" / names[2]).unlink()
    test = dataset(tmp_path, "test")
    assert [path.name for path in test.paths] == [names[5], names[8]]
    assert len(test.skipped) == 1
    assert (test.truth[0] == points[names[5]]).all()
    two = dataset(tmp_path, "train", at_most=2)
    assert [path.name for path in two.paths] == [names[0], names[3]]
    write_partition(tmp_path, dict.fromkeys(names, 0))
    with pytest.raises(ProtofaceError, match="the partition 'test' is empty"):
        dataset(tmp_path, "test")


def test_the_newest_snapshot(tmp_path: Path) -> None:
    assert newest_state(tmp_path) is None
    for iteration in (5, 1000, 200):
        (tmp_path / f"level_1_iter_{iteration}.solverstate").touch()
    assert newest_state(tmp_path) == tmp_path / "level_1_iter_1000.solverstate"


@pytest.mark.slow
def test_a_set_without_a_test_part(tmp_path: Path) -> None:
    points = write_set(tmp_path / "set", 4)
    write_partition(tmp_path / "set", dict.fromkeys(points, 0))
    with pytest.raises(ProtofaceError, match="test.txt: no pictures to train or test level_1"):
        reproduce(tmp_path / "set", tmp_path / "out", shorten=1e-9, say=str)
